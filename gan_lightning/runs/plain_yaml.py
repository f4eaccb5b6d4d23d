"""Settings as unknown hands may have written them: plain YAML, of bounded size, in which nothing stands for more."""

from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from gan_lightning.own_files import read_own

LARGEST = 2**20
"""Bytes of a file of settings; those of a run are some thousands."""

LONGEST = 10_000
"""Characters of a value: a number of more takes YAML a long time."""

DEEPEST = 20
"""Groups within groups."""


def read_plain_yaml(path: Path) -> dict[str, Any]:
    """A file's settings: groups of them, lists, texts, numbers, ``true``, ``false`` and ``null``.

    Aliases are refused, as a few lines of them stand for gigabytes, and so are interpolations, which could run code.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: in one line that names the file, if it holds anything else, is too large, or is no plain file.
    """
    content = read_own(path, largest=LARGEST)
    try:
        text = content.decode()
        _check_events(text)
        settings: Any = OmegaConf.to_container(OmegaConf.create(text))
        if not isinstance(settings, dict):
            raise ValueError("it holds no settings")
    except Exception as error:  # a broken file raises nearly anything
        raise ValueError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    return {str(key): value for key, value in settings.items()}


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise ValueError("it has an anchor or an alias, and a run's settings have none")
        if isinstance(event, yaml.ScalarEvent) and "${" in event.value:  # which an escape may have spelt
            raise ValueError("it has an interpolation, ${…}, and a run's settings have none")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > LONGEST:
            raise ValueError(f"one of its values has more than {LONGEST:,} characters")
        if getattr(event, "tag", None) is not None:
            raise ValueError(f"it has a tag, {event.tag}, and a run's settings have none")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise ValueError(f"its groups lie within each other more than {DEEPEST} deep")
