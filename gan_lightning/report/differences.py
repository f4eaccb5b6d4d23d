"""What the runs of a directory differ in: the axes by which they are compared where no study names any."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gan_lightning.report.groups import ABSENT, CHOICES, Axis, as_text, told_by_result, with_read
from gan_lightning.report.runs import Run, label_of
from gan_lightning.runs.identity import FREE, LENGTH, is_within
from gan_lightning.runs.plain_yaml import read_plain_yaml
from gan_lightning.runs.settings import CODE, flatten

FIRST = ("experiment", "method", "objective", "constraint", "arch", "data")
"""Config groups by whose options runs are told apart before any other."""

NO_AXIS = (
    *(name for name in FREE if name != "choices"),
    *("study", "seed", "every", "metrics", "report", f"{CHOICES}logger", f"{CHOICES}trainer"),
)
"""Settings, and groups of them, that make no other method of a run: seeds repeat it, and scores are told apart by how
they were taken."""

Known = Mapping[str, str]
"""A run's settings as text, by dotted key."""


def with_all_settings(runs: Iterable[Run]) -> tuple[list[Run], list[str]]:
    """The runs with all of their settings, and a line for each whose ``config.yaml`` is broken.

    Of a run without that file, such as one that was refused, those are known that its result has.
    """
    known, left_out = with_read(runs, all_settings)
    return [replace(run, settings={**run.settings, "seed": str(run.seed)}) for run in known], left_out


def all_settings(run: Run) -> Known:
    """A run's settings, the options of config groups among them, but not what was drawn by its seed.

    Raises:
        ValueError: if its ``config.yaml`` is broken, or another's.
    """
    try:
        known = flatten(read_plain_yaml(run.directory / "config.yaml"))
        if LENGTH not in known:
            raise ValueError(f"config.yaml is not the config of a run: it has no {LENGTH}")
    except FileNotFoundError:
        further = {"learning_rate_scale": run.learning_rate_scale, "n_critic": run.n_critic}
        known = flatten(told_by_result(run) | further)
    drawn = {f"arch.{axis}" for axis in run.architecture or {}}
    return {key: as_text(value) for key, value in known.items() if key not in drawn and not is_seed(key, value, run)}


def is_seed(key: str, value: object, run: Run) -> bool:
    """Whether a setting is the run's seed, by that name or handed on."""
    return key.rpartition(".")[2] == "seed" and value == run.seed


def found_axes(runs: Sequence[Run]) -> list[Axis]:
    """What runs differ in: the options of config groups first, then what still tells apart runs that agree in those.

    So a constraint's bound is an axis where it was swept, and none where it came with the constraint.

    Args:
        runs: with all of their settings; those of which not all are known tell nothing, unless there are no others.
    """
    keys: list[str] = []
    whole = [run for run in runs if LENGTH in run.settings] or list(runs)
    groups = [whole]
    for key in candidates(whole):
        parts = [parted(group, key) for group in groups]
        if any(len(part) > 1 for part in parts):
            keys.append(key)
            groups = [group for part in parts for group in part]
    return [named_axis(key, runs) for key in keys or ["method"]]


def candidates(runs: Iterable[Run]) -> list[str]:
    """The keys that may be axes, in the order in which they are looked at."""
    every = dict.fromkeys(key for run in runs for key in run.settings if not is_within(key, NO_AXIS))
    chosen = [CHOICES + group for group in FIRST if CHOICES + group in every]
    others = [key for key in every if key.startswith(CHOICES) and key not in chosen]
    return [*chosen, *others, *(key for key in every if not key.startswith(CHOICES))]


def differing(settings: Sequence[Known]) -> list[str]:
    """The settings in which runs differ, options of config groups first; one that a run lacks is another value.

    Seeds are not among them, nor what the table of runs has a column for anyway, nor which code an option names; and a
    run of which not all settings are known tells nothing.
    """
    whole = [known for known in settings if LENGTH in known]
    every = dict.fromkeys(key for known in whole for key in known)
    elsewhere = (*NO_AXIS, f"{CHOICES}method", "method", "n_critic")
    kept = [key for key in every if not is_within(key, elsewhere) and key.rpartition(".")[2] not in CODE]
    found = [key for key in kept if len({known.get(key) for known in whole}) > 1]
    return sorted(found, key=lambda key: not key.startswith(CHOICES))


def parted(runs: Iterable[Run], key: str) -> list[list[Run]]:
    """The runs by their value of a key."""
    parts: dict[str, list[Run]] = {}
    for run in runs:
        parts.setdefault(run.settings.get(key, ABSENT), []).append(run)
    return list(parts.values())


def asked_axes(names: Iterable[str], runs: Sequence[Run]) -> list[Axis]:
    """The axes of these names: dotted keys of settings, or config groups.

    Raises:
        ValueError: for one that no run has, naming what they differ in.
    """
    known = {key for run in runs for key in run.settings}
    axes = []
    for name in names:
        key = CHOICES + name if CHOICES + name in known else name
        if key not in known:
            there = ", ".join(axis.key.removeprefix(CHOICES) for axis in found_axes(runs))
            raise ValueError(f"--by {name} is not possible: no run has that setting; these runs differ in {there}")
        axes.append(named_axis(key, runs))
    return axes


def named_axis(key: str, runs: Sequence[Run]) -> Axis:
    """An axis; an option is called as its runs are where they all are called alike, and no others are."""
    axis = Axis(key)
    if axis.swept not in ("method", "objective", "experiment"):
        return axis
    labels: dict[str, set[str]] = {}
    for run in runs:
        labels.setdefault(run.settings.get(key, ABSENT), set()).add(label_of(run.method, [run]))
    given = [next(iter(names)) for names in labels.values() if len(names) == 1]
    axis.names = {
        value: next(iter(names))
        for value, names in labels.items()
        if len(names) == 1 and given.count(next(iter(names))) == 1
    }
    return axis
