"""Scores at equal compute: what each run had reached within so many seconds of training."""

import math
from collections.abc import Mapping, Sequence
from statistics import median

from gan_lightning.report.comparisons import Comparison
from gan_lightning.report.methods import Method
from gan_lightning.report.runs import Point, Run

Curves = Mapping[tuple[str, int], Sequence[Point]]
"""Scores on the way, by method and seed."""


def timed(method: Method, curves: Curves) -> list[tuple[Run, Sequence[Point]]]:
    """The ended runs of a method that can be followed in time: with a curve, or without a score to follow."""
    pairs = [(run, curves.get((method.name, seed), ())) for seed, run in method.ended.items()]
    return [(run, points) for run, points in pairs if points or run.status != "finished"]


def score_within(run: Run, points: Sequence[Point], seconds: float, *, floor: float) -> float:
    """The score last taken within `seconds` of training, the floor before the first.

    A finished run keeps its last score for ever; one that diverged or failed falls to the floor when it ends.
    """
    taken = [point.score for point in points if point.seconds <= seconds]
    has_fallen = run.status != "finished" and run.seconds <= seconds
    if not taken or has_fallen or not math.isfinite(taken[-1]):
        return floor
    return taken[-1]


def scores_within(method: Method, curves: Curves, seconds: float) -> list[float]:
    """`score_within` of every run of a method that can be followed in time."""
    return [score_within(run, points, seconds, floor=method.scale.floor) for run, points in timed(method, curves)]


def compare_in_equal_seconds(method: Method, baseline: Method, curves: Curves) -> Comparison:
    """Two methods, the longer run of each architecture cut off when the shorter was scored last.

    What counts of the longer one is the score that it was last given by then. Architectures are left out on which not
    both finished and can be followed in time.
    """
    seeds: list[int] = []
    counted: list[tuple[float, float]] = []
    for seed in (seed for seed in method.ended if seed in baseline.ended):
        one, other = baseline.ended[seed], method.ended[seed]
        ours, theirs = curves.get((baseline.name, seed)), curves.get((method.name, seed))
        if one.status == other.status == "finished" and ours and theirs:
            end = min(ours[-1].seconds, theirs[-1].seconds)
            floor = method.scale.floor
            counted.append((score_within(one, ours, end, floor=floor), score_within(other, theirs, end, floor=floor)))
            seeds.append(seed)
    return Comparison(seeds, [score for score, _ in counted], [score for _, score in counted])


def budgets(methods: Sequence[Method]) -> list[float]:
    """The median seconds of the fastest and the slowest method and their geometric mean, rounded up to two digits."""
    medians = [seconds for method in methods if (seconds := method.seconds)]
    if not medians:
        return []
    fastest, slowest = min(medians), max(medians)
    return sorted({round_up(seconds) for seconds in (fastest, math.sqrt(fastest * slowest), slowest)})


def round_up(seconds: float) -> float:
    """The next number of two digits: 14.2 becomes 15, 231 becomes 240."""
    unit = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return round(math.ceil(round(seconds / unit, 6)) * unit, 6)


def last_second(method: Method, curves: Curves) -> float | None:
    """Median of the seconds at which the finished runs of a method were scored last; from there on it stands still."""
    ends = [points[-1].seconds for run, points in timed(method, curves) if run.status == "finished"]
    return median(ends) if ends else None
