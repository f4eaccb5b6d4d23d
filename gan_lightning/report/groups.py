"""The runs of a study by the values of some of their settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from gan_lightning.report.by_axis import in_order
from gan_lightning.report.runs import Run, find_twins, label_of, place
from gan_lightning.report.study import Study
from gan_lightning.runs.plain_yaml import read_plain_yaml

CHOICES = "choices."
ABSENT = "none"


@dataclass
class Axis:
    """One thing in which the groups of a study differ.

    Args:
        key: dotted key of the runs' `config.yaml`, such as ``constraint.bound``; ``choices.GROUP`` for the option of a
            config group.
        label: what it is called in print; by default the last part of the key.
        names: what values are called in print. Where there is none, a method is called as its runs call it, and
            anything else by its value.
    """

    key: str
    label: str = ""
    names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.label = self.label or self.key.rpartition(".")[2].replace("_", " ")

    @property
    def swept(self) -> str:
        """What a study that sweeps this axis calls it."""
        return self.key.removeprefix(CHOICES)

    def name_of(self, value: str, runs: Iterable[Run]) -> str:
        """What a value is called in print."""
        given = {as_text(known): name for known, name in self.names.items()}
        return given.get(value) or (label_of(value, runs) if self.swept == "method" else value)


@dataclass(frozen=True)
class Group:
    """The runs that share a value on every axis.

    Attributes:
        values, labels: on each axis, as compared and as printed.
        runs: by seed.
        planned: how many runs the study plans; 0 where it does not say.
    """

    values: tuple[str, ...]
    labels: tuple[str, ...]
    runs: tuple[Run, ...]
    planned: int

    @property
    def name(self) -> str:
        """All labels in one."""
        return ", ".join(self.labels)

    @cached_property
    def finished(self) -> tuple[Run, ...]:
        """The runs that came to their end."""
        return tuple(run for run in self.runs if run.status == "finished")

    @cached_property
    def ended(self) -> tuple[Run, ...]:
        """The runs that nothing more is to come from."""
        return tuple(run for run in self.runs if run.ended)

    def count(self, status: str) -> int:
        """Number of runs of a status."""
        return sum(run.status == status for run in self.runs)


def with_settings(runs: Iterable[Run], keys: Sequence[str]) -> tuple[list[Run], list[str]]:
    """The runs with their values of dotted keys, and a line for each run of which they cannot be known.

    A setting that a run does not have, such as the bound of a critic that is not clipped, is "none".

    Raises:
        ValueError: if no run has one of the settings.
    """
    known, left_out = with_read(runs, lambda run: read_settings(run, keys))
    there = {key for run in known for key in run.settings}
    for key in keys:
        if known and key not in there:
            raise ValueError(f"report.axes: key={key} is not possible: no run has that setting")
    return of_keys(known, keys), left_out


def with_read(runs: Iterable[Run], read: Callable[[Run], Mapping[str, str]]) -> tuple[list[Run], list[str]]:
    """The runs with what is read of their settings, unless it is known, and a line for each of which it cannot be."""
    known, left_out = [], []
    for run in runs:
        try:
            known.append(replace(run, settings=run.settings or read(run)))
        except (OSError, ValueError) as error:
            left_out.append(f"{run.directory.name}: {' '.join(str(error).split())}")
    return known, left_out


def of_keys(runs: Iterable[Run], keys: Sequence[str]) -> list[Run]:
    """The runs with their settings of these keys alone; one that a run does not have is "none"."""
    return [replace(run, settings={key: run.settings.get(key, ABSENT) for key in keys}) for run in runs]


def read_settings(run: Run, keys: Sequence[str]) -> dict[str, str]:
    """Those of the dotted keys that the run's `config.yaml` has, with their values as text.

    Of a run that was refused before it had one, ``method``, ``seed`` and the ``choices`` alone are known.

    Raises:
        ValueError: if the file cannot be read, or if the run has none and another key is asked for.
    """
    try:
        settings = read_plain_yaml(run.directory / "config.yaml")
    except FileNotFoundError:
        settings = told_by_result(run)
        if not all(reached(settings, key) for key in keys):
            reason = run.error or "no error is recorded"
            raise ValueError(f"{run.status} without a config.yaml: {reason}") from None
    return {key: as_text(value) for key in keys for value in reached(settings, key)}


def told_by_result(run: Run) -> dict[str, Any]:
    """The settings that a run's result has: all that is known of one that was refused before it had others."""
    return {"method": run.method, "seed": run.seed, "choices": run.choices or {}}


def reached(settings: Mapping[str, Any], key: str) -> list[Any]:
    """The value at a dotted key as a list of one; empty where there is none."""
    value: Any = settings
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return []
        value = value[part]
    return [value]


def as_text(value: Any) -> str:
    """A value as it is compared and printed: 0.10 and 1e-1 are one, and so are ``True`` and ``true``."""
    if isinstance(value, list):
        return f"[{','.join(map(as_text, value))}]"
    if value is None or value in ("null", "None"):
        return ABSENT
    if isinstance(value, bool) or value in ("True", "False"):
        return str(value).lower()
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else repr(number)


def grouped(study: Study, axes: Sequence[Axis], runs: Sequence[Run], *, distinct: bool = True) -> list[Group]:
    """The groups that are planned or have runs, in the order of the plan; what nobody planned comes last.

    Args:
        study: of the runs.
        axes: in which groups differ.
        runs: with their settings on these axes.
        distinct: whether a group has a run of a seed once.

    Raises:
        ValueError: if a group has two runs that nothing in the study tells apart, and may not.
    """
    values = [axis_values(study, axis, runs) for axis in axes]
    found = {tuple(run.settings[axis.key] for axis in axes) for run in runs}
    planned = set(product(*(planned_values(study, axis) for axis in axes)))
    others = [axis for axis in study.plan if axis not in {axis.swept for axis in axes}]
    each = prod(len(study.plan[axis]) for axis in others)
    groups = []
    for key in sorted(found | planned, key=lambda key: [place(v, order) for v, order in zip(key, values, strict=True)]):
        members = [run for run in runs if all(run.settings[axis.key] == v for axis, v in zip(axes, key, strict=True))]
        members.sort(key=lambda run: run.seed)
        labels = tuple(axis.name_of(value, runs) for axis, value in zip(axes, key, strict=True))
        groups.append(Group(key, labels, tuple(members), each if key in planned else 0))
    if distinct and set(others) <= {"seed"}:
        check_distinct(groups)
    return groups


def planned_values(study: Study, axis: Axis) -> list[str]:
    """The values of an axis that a study sweeps, in its order; empty where it does not."""
    return [as_text(value) for value in study.plan.get(axis.swept, ())]


def axis_values(study: Study, axis: Axis, runs: Iterable[Run]) -> list[str]:
    """The values of an axis in their order: those that are planned, then others that runs have, ascending."""
    found = {run.settings[axis.key] for run in runs}
    return list(dict.fromkeys([*planned_values(study, axis), *sorted(found, key=in_order)]))


def check_distinct(groups: Iterable[Group]) -> None:
    """Refuse a group in which a seed has two runs: they differ in something that is no axis.

    Raises:
        ValueError: naming both.
    """
    for group in groups:
        if twins := find_twins(group.runs, lambda run: run.seed):
            one, other = twins
            raise ValueError(
                f"two runs of {group.name} with seed {one.seed}: {one.directory} and {other.directory}; name what "
                "they differ in as an axis, or remove one"
            )


def missing_runs(groups: Iterable[Group]) -> list[str]:
    """What keeps a study incomplete, a line a group."""
    lines = []
    for group in groups:
        absent, unfinished = group.planned - len(group.runs), group.count("running")
        if absent > 0:
            lines.append(f"{group.name}: {absent} of {group.planned} without a result")
        if unfinished:
            lines.append(f"{group.name}: {unfinished} running or interrupted")
    return lines
