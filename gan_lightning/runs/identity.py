"""What makes two runs the same, and the name of the directory that they share.

Two runs are the same if they agree in every setting but these: how long they are (a longer one goes on where a shorter
one ended), on what they are trained, which dashboard shows them, and where things lie on a machine. What was read from
there is compared by content. Where another setting follows the run length, such as a decay of the rate to 0 at the end,
a longer run is not the same run.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.runs.result import Result
from gan_lightning.runs.settings import Settings, flatten

LENGTH = "generator_steps"

PLACES = ("data.root", "data.verify", "data.workers", "metrics.weights")
"""Where this machine has its data and weights, and how it reads them."""

FREE = (LENGTH, "label", "choices", "overrides", "trainer", "logger", "rates", *PLACES)
"""Settings, and groups of them, in which two starts of one run may differ; of a study's ``rates`` one alone is used.

One setting can be chosen by several options: what counts is the setting, not their names in ``choices``.
"""

UNNAMED = (*FREE, "study", "sweeps", "hydra")
"""Overrides that do not tell one run of a study from another."""

LONGEST_NAME = 150
"""Characters of a directory's name, before the digest that tells longer ones apart."""


def differences(settings: Settings, earlier: Settings) -> list[str]:
    """Keys in which two runs differ so that the one cannot go on with the other's directory, as ``key: old -> new``."""
    old, new = _flat_identity(earlier), _flat_identity(settings)
    return [
        f"{key}: {old.get(key)} -> {new.get(key)}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def same_places(settings: Settings, earlier: Settings) -> bool:
    """Whether two runs read from the same places, so that what they read need not be compared."""
    old, new = flatten(earlier), flatten(settings)
    return all(old.get(key) == new.get(key) for key in PLACES)


def check_content(earlier: Result, *, data: str, weights: str | None) -> None:
    """Compare what a run read at an earlier start with what it reads now.

    Args:
        earlier: the result of that start; what it does not know is not compared.
        data: provenance of the data.
        weights: checksum of the scorer's weights, ``None`` where there are none.

    Raises:
        ValueError: if they differ, naming both.
    """
    protocol = (earlier.scores or {}).get("protocol", {})
    for key, old, new in (("data", earlier.data, data), ("metrics.weights", protocol.get("weights_sha256"), weights)):
        if None not in (old, new) and old != new:
            raise ValueError(
                f"{key} is not what this run has read so far: {old} -> {new}; give the other content a run of its own, "
                "with study=NAME"
            )


def follows_length(config: DictConfig) -> list[str]:
    """Keys of a composed config whose values follow ``generator_steps``, by whatever interpolation.

    They are those that change when the config is resolved with another length. Settings that do not make a run what
    it is are left out.
    """
    try:
        one, other = (_resolved_at(config, steps) for steps in (1000, 3001))
    except OmegaConfBaseException:
        return []  # what is wrong is said where settings are resolved
    return [key for key in one if one[key] != other.get(key)]


def without_places(config: DictConfig) -> DictConfig:
    """A copy of a composed config that does not say where things lie on a machine."""
    config = config.copy()
    OmegaConf.set_readonly(config, False)
    for place in PLACES:
        group, _, key = place.partition(".")
        if key in (config.get(group) or {}):
            config[group][key] = None
    return config


def run_name(overrides: list[str], *, with_length: bool = False) -> str:
    """A stable directory name for a run: its overrides, sorted, in characters that every file system takes.

    Args:
        overrides: as on the command line.
        with_length: whether run length tells this run from others, since something follows it.
    """
    unnamed = [key for key in UNNAMED if not (with_length and key == LENGTH)]
    name = ",".join(sorted(o for o in overrides if not is_within(key_of(o), unnamed))) or "defaults"
    safe = re.sub(r"[^\w.,=+-]+", "-", name, flags=re.ASCII)
    if safe == name and len(safe) <= LONGEST_NAME:
        return name
    return f"{safe[:LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def replaced_parts(overrides: list[str]) -> list[str]:
    """The overrides that put another part into a method, so that its name alone would say something untrue.

    Args:
        overrides: of a run, as on the command line.

    Returns:
        Those of ``constraint`` and ``optimizer``.
    """
    chosen = {key_of(override): override for override in overrides}
    return [chosen[part] for part in ("constraint", "optimizer") if part in chosen]


def names_of(config: DictConfig, overrides: list[str], choices: Mapping[str, str | None]) -> dict[str, Any]:
    """What a run is called: ``method`` and ``label``, with the parts of the method that were replaced, ``choices``, and
    the ``overrides`` that were typed.

    Args:
        config: as composed.
        overrides: of the run, as on the command line.
        choices: of config groups as Hydra has them, its own groups and groups without an option among them.
    """
    replaced = replaced_parts(overrides)
    return {
        "method": " ".join([str(config.get("method")), *replaced]),
        "label": ", ".join([str(config.get("label")), *replaced]),
        "choices": {
            group: str(option) for group, option in choices.items() if option and not group.startswith("hydra/")
        },
        "overrides": [override for override in overrides if not is_within(key_of(override), UNNAMED)],
    }


def key_of(override: str) -> str:
    """The key or group of an override, dotted: ``hydra.launcher`` of ``hydra/launcher=joblib``."""
    return re.split("[=@]", override.lstrip("+"), maxsplit=1)[0].replace("/", ".")


def is_within(key: str, names: Iterable[str]) -> bool:
    """Whether a dotted key is one of these names, or in a group of one."""
    return any(key == name or key.startswith(f"{name}.") for name in names)


def _flat_identity(settings: Settings) -> Settings:
    return {key: value for key, value in flatten(settings).items() if not is_within(key, FREE)}


def _resolved_at(config: DictConfig, steps: int) -> Settings:
    config = without_places(config)
    config[LENGTH] = steps
    own = [key for key in config if key not in ("hydra", "report")]
    resolved: dict[str, Any] = {str(key): _plain(config[key]) for key in own if not OmegaConf.is_missing(config, key)}
    return _flat_identity(resolved)


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
