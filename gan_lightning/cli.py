"""The command line: ``python train.py`` and ``gan-train``."""

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.resources import project_folder
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.identity import LENGTH, follows_length, key_of, replaced_parts, run_name, same_places
from gan_lightning.runs.overrides import Mistake
from gan_lightning.runs.result import read_result
from gan_lightning.runs.settings import Settings, resolve
from gan_lightning.runs.words import nothing_to_do

log = logging.getLogger(__name__)

OmegaConf.register_new_resolver("project_root", lambda: str(project_folder("sweeps").parent), replace=True)
OmegaConf.register_new_resolver("run_name", lambda overrides, _root_: name_of(overrides, _root_), replace=True)


def job(config: DictConfig) -> str:
    """One run, alone or in a sweep: skipped if it has ended, resumed if it was cut off.

    Returns:
        ``finished``, ``diverged`` or ``failed``. In a sweep a mistake is a failed run; alone it is raised.

    Raises:
        Mistake: if the run cannot start.
    """
    directory = RunDirectory(Path(HydraConfig.get().runtime.output_dir))
    alone = HydraConfig.get().mode == RunMode.RUN
    directory.refusal.unlink(missing_ok=True)
    replaced = replaced_parts(list(HydraConfig.get().overrides.task))
    options = chosen_options(HydraConfig.get().runtime.choices)
    names = {
        "method": " ".join([config.method, *replaced]),
        "label": ", ".join([config.label, *replaced]),
        "choices": options,
    }
    try:
        check_method(config, options)
        status = start(config, directory, names)
    except (ValueError, OSError, OmegaConfBaseException) as error:
        if alone:
            raise Mistake(one_line(error)) from error
        log.error("refused: %s: %s", directory.path.name, one_line(error))
        directory.refuse(config, names, one_line(error))
        return "failed"
    if alone and status == "failed":
        raise SystemExit(1)
    return status


def check_method(config: DictConfig, options: Mapping[str, str]) -> None:
    """Refuse a method whose file does not say its name: its runs would be taken for another's.

    Raises:
        ValueError: naming the file.
    """
    chosen = options.get("method", config.method)
    if chosen != config.method:
        raise ValueError(f"conf/method/{chosen}.yaml must say method: {chosen}, and a label; it leaves {config.method}")


def start(config: DictConfig, directory: RunDirectory, names: Settings) -> str:
    """Train unless there is nothing left to do; what was read is looked at again where it lies in another place.

    Args:
        config: as composed.
        directory: of the run.
        names: its ``method`` and ``label``, with the parts of the method that were replaced, and its ``choices``.
    """
    settings = resolve(config) | names
    if directory.has_ended(settings) and same_places(settings, directory.settings):
        result = read_result(directory.result_file)
        log.info("%s", nothing_to_do(result, settings, directory.path))
        return result.status
    with directory.claimed():
        from gan_lightning.runs.run import run  # torch and Lightning take seconds: only now are they needed

        return run(settings, directory)


def name_of(overrides: list[str], config: DictConfig) -> str:
    """The name of a run's directory.

    Args:
        overrides: of the run.
        config: composed from them.
    """
    has_length = any(key_of(override) == LENGTH for override in overrides)
    return run_name(list(overrides), with_length=has_length and bool(follows_length(config)))


def chosen_options(choices: Mapping[str, str | None]) -> dict[str, str]:
    """The option of each of the project's config groups.

    Args:
        choices: as Hydra has them, its own groups and groups without an option among them.
    """
    return {group: option for group, option in choices.items() if option and not group.startswith("hydra/")}


def one_line(error: BaseException) -> str:
    """An error's message without its line breaks, and without Hydra's search path."""
    text = str(error).split("Config search path:")[0].split("Set the environment variable")[0]
    text = text.split(", set env var HYDRA_FULL_ERROR")[0]
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    options = [line for line in lines if re.fullmatch(r"[\w/]+", line)]
    sentence = " ".join(line for line in lines if line not in options)
    return f"{sentence} {', '.join(options)}".strip()


@contextmanager
def mistakes_in_one_line(*errors: type[Exception]) -> Iterator[None]:
    """Within it a mistake, or one of ``errors``, ends the program with one line and exit code 2."""
    try:
        yield
    except (Mistake, *errors) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None


def main() -> None:
    """Parse the command line, compose the config and run."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands errors over instead of printing them
    with mistakes_in_one_line(HydraException, OmegaConfBaseException, FileNotFoundError):
        hydra.main(version_base="1.3", config_path=str(project_folder("conf")), config_name="train")(job)()
