"""Paired comparison: one architecture trained under two methods, and on how many of them each succeeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gan_lightning.report.methods import by_method
from gan_lightning.report.paper import Outcomes
from gan_lightning.report.runs import Run, counted_score


@dataclass(frozen=True)
class Pair:
    """One architecture with its run under each method; None where there is no run."""

    seed: int
    baseline: Run | None
    penalised: Run | None

    @property
    def runs(self) -> list[Run]:
        """The one or two runs that are there."""
        return [run for run in (self.baseline, self.penalised) if run]

    @property
    def complete(self) -> bool:
        """Whether both runs have ended."""
        return len(self.runs) == 2 and all(run.ended for run in self.runs)


@dataclass(frozen=True)
class Comparison:
    """The counted scores of the complete pairs, in one order for both methods."""

    baseline: list[float]
    penalised: list[float]

    @property
    def ahead(self) -> int:
        """Number of architectures on which the penalised method scores higher."""
        return sum(penalised > baseline for baseline, penalised in zip(self.baseline, self.penalised, strict=True))

    @property
    def behind(self) -> int:
        """Number of architectures on which it scores lower."""
        return sum(penalised < baseline for baseline, penalised in zip(self.baseline, self.penalised, strict=True))


def pair_up(runs: Sequence[Run], *, score: str, baseline: str, penalised: str) -> list[Pair]:
    """Pairs of runs with one seed, in the order of their seeds, complete or not.

    Raises:
        ValueError: if a method has two runs of one seed, or the two runs of a seed have different architectures.
    """
    methods = {method.name: method.runs for method in by_method(runs, score=score)}
    firsts, seconds = methods.get(baseline, {}), methods.get(penalised, {})
    return [Pair(seed, firsts.get(seed), seconds.get(seed)) for seed in sorted({*firsts, *seconds})]


def compare(pairs: Iterable[Pair], score: str) -> Comparison:
    """The scores that count, of complete pairs."""
    runs = [(pair.baseline, pair.penalised) for pair in pairs if pair.baseline and pair.penalised]
    return Comparison(
        baseline=[counted_score(baseline, score) for baseline, _ in runs],
        penalised=[counted_score(penalised, score) for _, penalised in runs],
    )


def outcomes(comparison: Comparison, threshold: float) -> Outcomes:
    """One row: on how many architectures one, both or neither exceeds `threshold`."""
    successes = [
        (baseline > threshold, penalised > threshold)
        for baseline, penalised in zip(comparison.baseline, comparison.penalised, strict=True)
    ]
    cases = (True, False), (False, True), (True, True), (False, False)
    return Outcomes(threshold, *(successes.count(case) for case in cases))
