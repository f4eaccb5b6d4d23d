"""What the user typed: the overrides of every run, and keys that nobody knows."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from difflib import get_close_matches
from itertools import islice, product
from math import prod
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, QuotedString, ValueType
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.resources import project_folder
from gan_lightning.runs.identity import key_of
from gan_lightning.runs.intervals import Interval, interval_of
from gan_lightning.runs.settings import Settings, flatten

MOST_RUNS = 100_000
"""Of a sweep."""


OURS = {
    "hydra.sweep.subdir": "a run's directory is named by its overrides",
    "hydra.sweeper.params": "what is swept is typed as it is, KEY=VALUE,VALUE, or stands in a file of sweeps/",
    "hydra.callbacks": "they look at what is typed, and count what has become of a sweep",
}
"""Settings of Hydra's that are not to be typed, and why."""


class Mistake(SystemExit):
    """What the user asked for is not possible: ends the program with one line and exit code 2.

    A ``SystemExit``, since Hydra and its callbacks hold back every ``Exception``.
    """


class OverridesCheck(Callback):
    """Refuses what is typed and would not do what it says, before anything starts."""

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Look at the overrides of a single run.

        Raises:
            Mistake: as :func:`check_interpolations`, :func:`check_added_keys`, :func:`check_parts` and
                :func:`check_single` have it.
        """
        overrides = typed_overrides(config.hydra)
        check_interpolations(config.hydra)
        check_parts(overrides)
        check_single(config, overrides)
        check_added_keys(config, overrides)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Look at the overrides of a sweep, all of whose runs have the same keys.

        Raises:
            Mistake: as :func:`check_added_keys` and :func:`check_parts` have it.
        """
        for overrides in sweep_overrides(config):
            check_parts(overrides)
            check_added_keys(config, overrides)
            break


def typed_overrides(hydra: Any) -> list[str]:
    """The overrides of one run as they were typed: what they interpolate may be known on the run's machine alone."""
    typed: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    return typed


def check_interpolations(hydra: DictConfig) -> None:
    """Look whether what a single run's overrides interpolate is there; its directory is named by them.

    Raises:
        Mistake: naming the first whose is not.
    """
    for place, line in enumerate(typed_overrides(hydra)):
        try:
            _ = hydra.overrides.task[place]
        except OmegaConfBaseException as error:
            raise Mistake(f"{line} is not possible: {str(error).splitlines()[0]}") from error


def check_options(arguments: Sequence[str]) -> None:
    """Look whether every config group is given the name of an option; Hydra itself would end in a traceback.

    Args:
        arguments: of the command line, Hydra's own flags among them.

    Raises:
        Mistake: for a number, a list or an interpolation in the place of a name, and for a setting of Hydra's that is
            not to be typed.
    """
    for argument in arguments:
        key = key_of(argument.lstrip("~"))
        for ours, reason in OURS.items():
            if f"{key}.".startswith(f"{ours}."):
                raise Mistake(f"{argument} is not possible: {reason}")
    groups = {folder.name: folder for folder in project_folder("conf").iterdir() if folder.is_dir()}
    lines = [argument for argument in arguments if key_of(argument) in groups and "=" in argument]
    for line, override in zip(lines, _parsed(lines), strict=True):
        if override.value_type == ValueType.GLOB_CHOICE_SWEEP:
            continue  # they are options, whichever they are
        values = list(override.sweep_string_iterator()) if override.is_sweep_override() else [override.value()]
        for value in values:
            is_name = re.fullmatch(r"[\w/]+", str(value)) and isinstance(value, (str, QuotedString))
            if not (isinstance(value, dict) or is_name):
                allowed = sorted(path.stem for path in groups[key_of(line)].glob("*.yaml"))
                raise Mistake(f"{line} is not possible: the name of an option is needed; allowed: {', '.join(allowed)}")


def check_parts(overrides: list[str]) -> None:
    """Compare what is typed of a method with what else is typed.

    Raises:
        Mistake: for an objective beside a method, which has one of its own.
    """
    typed = {override.key_or_group: line for line, override in zip(overrides, _parsed(overrides), strict=True)}
    if "method" in typed and "objective" in typed:
        raise Mistake(
            f"{typed['objective']} beside {typed['method']} is not possible: a method has its objective; allowed: one "
            "of the two"
        )


def check_single(config: DictConfig, overrides: list[str]) -> None:
    """Look whether a single run is one of a study, and which.

    Raises:
        Mistake: for a study's name without the axes that the study sweeps.
    """
    typed = {override.key_or_group: override.value() for override in _parsed(overrides)}
    swept = [str(axis) for axis in config.hydra.sweeper.params or {} if axis not in typed]
    if "sweeps" in typed and swept:
        raise Mistake(
            f"+sweeps={typed['sweeps']} without -m is not possible: it sweeps {', '.join(swept)}; python train.py -m … "
            "trains all its runs, and one of them is trained where these are set"
        )


def sweep_overrides(config: DictConfig) -> Iterator[list[str]]:
    """The task overrides of every run of a sweep, as Hydra's basic sweeper makes them.

    Of a search, whose runs nobody knows beforehand, there is one for each combination of lists, in the middle of every
    interval.

    Raises:
        Mistake: as :func:`swept_lines`, and if they are more than anybody has time for.
    """
    lists, axes = swept_lines(config)
    choices = lists | {key: [f"{key}={interval.middle}"] for key, interval in axes.items()}
    if prod(map(len, choices.values())) > MOST_RUNS:
        raise Mistake(f"more than {MOST_RUNS:,} runs are not possible in one sweep: {' '.join(choices)}")
    return (list(overrides) for overrides in product(*choices.values()))


def is_search(config: DictConfig) -> bool:
    """Whether a sweep searches intervals; its sweeper then says how many trials there are."""
    return "n_trials" in config.hydra.sweeper


def swept_lines(config: DictConfig) -> tuple[dict[str, list[str]], dict[str, Interval]]:
    """By key, the overrides that are swept or typed, and the intervals that are searched.

    Raises:
        Mistake: for values that nobody can count, in a sweep that is no search, or an interval that is none.
    """
    lines = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    choices: dict[str, list[str]] = {}
    axes: dict[str, Interval] = {}
    for override in _parsed([*lines, *typed_overrides(config.hydra)]):
        key = override.get_key_element()
        choices.pop(key, None)
        axes.pop(key, None)
        value = override.value()
        if isinstance(value, IntervalSweep):
            if not is_search(config):
                raise Mistake(
                    f"{override.input_line} cannot be swept: an interval is searched, by hydra/sweeper=search"
                )
            try:
                axes[key] = interval_of(value)
            except ValueError as error:
                raise Mistake(f"{override.input_line} cannot be searched: {error}") from error
        elif override.is_sweep_override():
            try:
                values = list(islice(override.sweep_string_iterator(), MOST_RUNS + 1))
            except HydraException as error:  # which Hydra would hold back, in a callback
                raise Mistake(f"{override.input_line} cannot be swept: {error}") from error
            choices[key] = [f"{key}={value}" for value in values]
        else:
            choices[key] = [f"{key}={override.get_value_element_as_str()}"]
    return choices, axes


def composing() -> AbstractContextManager[None]:
    """Within it Hydra composes what it does for ``python train.py``, where that has not been started."""
    return initialize_config_dir(str(project_folder("conf")), version_base="1.3", job_name="train")


def composed_sweep(overrides: Sequence[str]) -> DictConfig:
    """What Hydra composes for ``python train.py -m`` with these overrides; it must have been initialised."""
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    return hydra.compose_config("train", list(overrides), run_mode=RunMode.MULTIRUN, from_shell=False)


def composed(config: DictConfig, overrides: list[str]) -> DictConfig:
    """What Hydra composes for one run, its own part included.

    Args:
        config: of the command, as Hydra's callbacks get it.
        overrides: of the run.

    Raises:
        Mistake: if it cannot be composed.
    """
    try:
        return compose(config.hydra.job.config_name, overrides, return_hydra_config=True)
    except HydraException as error:
        raise Mistake(str(error)) from error


def own_part(config: DictConfig) -> DictConfig:
    """The project's own part of what Hydra composes."""
    with open_dict(config):
        return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def check_added_keys(config: DictConfig, overrides: list[str]) -> None:
    """Compare the keys of a run with those that the config files have.

    Args:
        config: of the command, as Hydra's callbacks get it.
        overrides: of one run.

    Raises:
        Mistake: if an override adds a key that nothing would read.
    """
    added = _added_values(config, overrides)
    if not added:
        return
    full = composed(config, overrides)
    added = _added_values(full, overrides)  # a group that is swept is known to the run alone
    files = _keys(composed(config, [line for line in overrides if line not in added]))
    targets = {key for key, value in files.items() if key.endswith("._target_") and value is not None}
    for key in _keys(full).keys() - files.keys():
        parents = [key[:place] for place, letter in enumerate(key) if letter == "."]
        if not targets & {f"{parent}._target_" for parent in parents}:
            near = ", ".join(_near(key, list(files))) or "none, python train.py --cfg job shows them all"
            line = next((line for line in added if key.startswith(line.lstrip("+").partition("=")[0])), f"+{key}")
            raise Mistake(f"{line} is not possible: no config file has the key {key}; keys near it: {near}")


def _added_values(config: DictConfig, overrides: list[str]) -> list[str]:
    groups = config.hydra.runtime.choices
    return [
        line
        for line, override in zip(overrides, _parsed(overrides), strict=True)
        if (override.is_add() or override.is_force_add())
        and (override.key_or_group not in groups or isinstance(override.value(), dict))
        and override.key_or_group.split(".")[0] != "hydra"
    ]


def _parsed(overrides: list[str]) -> list[Override]:
    """The overrides as Hydra reads them; ``glob`` knows the options of a group as soon as Hydra has been started."""
    hydra = GlobalHydra.instance()
    return OverridesParser.create(hydra.config_loader() if hydra.is_initialized() else None).parse_overrides(overrides)


def _keys(config: DictConfig) -> Settings:
    """Dotted keys of a run's own settings with their values as they are written."""
    plain: Any = OmegaConf.to_container(config, resolve=False)
    return flatten({key: value for key, value in plain.items() if key != "hydra"})


def _near(key: str, known: list[str]) -> list[str]:
    """Up to three known keys, or groups of them, that are spelt alike; else those of the same group."""
    names = dict.fromkeys(name for one in known for name in (one.split(".")[0], one))
    siblings = [name for name in known if "." in key and name.startswith(f"{key.rpartition('.')[0]}.")]
    return get_close_matches(key, names, n=3, cutoff=0.7) or siblings[:5]
