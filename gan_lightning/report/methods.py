"""The runs of a study by method: one run an architecture each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median, quantiles

from gan_lightning.report.runs import Run, Scale, axes, label_of, place, spans

CRITIC_NORM = "critic.normalised"


@dataclass(frozen=True)
class Method:
    """A method and its runs by seed, ended or not; `scale` says what each counts."""

    name: str
    label: str
    runs: dict[int, Run]
    scale: Scale

    @cached_property
    def ended(self) -> dict[int, Run]:
        """The runs that nothing more is to come from, by seed."""
        return {seed: run for seed, run in self.runs.items() if run.ended}

    @cached_property
    def scores(self) -> dict[int, float]:
        """What each ended run counts, by seed."""
        return {seed: self.scale.count(run) for seed, run in self.ended.items()}

    @property
    def factors(self) -> list[float]:
        """The factors on the recipe's rates that the runs were trained with; one, in a sound study."""
        return sorted({run.learning_rate_scale for run in self.runs.values() if run.learning_rate_scale is not None})

    @property
    def seconds(self) -> float | None:
        """Median seconds of the finished runs, None where there are none."""
        finished = [run.seconds for run in self.runs.values() if run.status == "finished"]
        return median(finished) if finished else None

    def count(self, status: str) -> int:
        """Number of runs of a status."""
        return sum(run.status == status for run in self.runs.values())


def by_method(runs: Iterable[Run], *, scale: Scale, order: Sequence[str] = ()) -> list[Method]:
    """The methods that have runs, those of `order` first and in it, the others by name.

    Raises:
        ValueError: if a method has two runs of one seed, or a seed has different architectures.
    """
    found = sorted(runs, key=lambda run: run.seed)
    names = sorted({run.method for run in found}, key=lambda name: (place(name, order), name))
    methods = []
    for name in names:
        by_seed: dict[int, Run] = {}
        for run in (run for run in found if run.method == name):
            other = by_seed.setdefault(run.seed, run)
            if other is not run:
                raise ValueError(
                    f"two runs of {name} with seed {run.seed}, learning_rate_scale {other.learning_rate_scale} and "
                    f"{run.learning_rate_scale}: {other.directory} and {run.directory}; remove one"
                )
        methods.append(Method(name, label_of(name, found), by_seed, scale))
    check_architectures(found)
    return methods


def check_architectures(runs: Sequence[Run]) -> None:
    """Refuse a seed that stands for different architectures.

    Only whether the critic is normalised may differ, for a method that never has it: its constraint names no norm.

    Raises:
        ValueError: naming the seed and a run of each kind.
    """
    normalised = {run.method for run in runs if axes(run).get(CRITIC_NORM) == "yes"}
    first: dict[int, Run] = {}
    for run in (run for run in runs if run.architecture):
        other = first.setdefault(run.seed, run)
        free = set() if {run.method, other.method} <= normalised else {CRITIC_NORM}
        ours, theirs = ({k: v for k, v in axes(r).items() if k not in free} for r in (run, other))
        if ours != theirs:
            raise ValueError(
                f"seed {run.seed} has a different architecture under each method, {other.method} in "
                f"{other.directory} and {run.method} in {run.directory}: not comparable"
            )


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile, interpolated between the values."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    lower, middle, upper = quantiles(values, n=4, method="inclusive")
    return lower, middle, upper


def missing(methods: Iterable[Method], *, expected: Collection[int], planned: Iterable[str]) -> list[str]:
    """What keeps a study incomplete, a line a method: seeds without a run, and seeds whose run has not ended."""
    lines, there = [], {method.name: method for method in methods}
    for name in dict.fromkeys([*planned, *there]):
        runs = there[name].runs if name in there else {}
        absent = sorted(set(expected) - set(runs))
        unfinished = sorted(seed for seed, run in runs.items() if not run.ended)
        if absent:
            lines.append(f"{name}: {len(absent)} without a result (seeds {spans(absent)})")
        if unfinished:
            lines.append(f"{name}: {len(unfinished)} running or interrupted (seeds {spans(unfinished)})")
    return lines


def failures(runs: Iterable[Run], scale: Scale) -> list[str]:
    """One line that names the failed runs by method and seed, and says what they count; none where none failed."""
    seeds: dict[str, list[int]] = defaultdict(list)
    for run in runs:
        if run.status == "failed":
            seeds[run.method].append(run.seed)
    named = [f"{name} {len(found)} (seeds {spans(sorted(set(found)))})" for name, found in sorted(seeds.items())]
    if not named:
        return []
    return [f"Failed by an error, counted as {scale.floor}: {', '.join(named)}; starting the study again mends them"]
