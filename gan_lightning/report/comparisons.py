"""One method against another, architecture by architecture."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gan_lightning.report.inference import holm, median_interval, sign_test
from gan_lightning.report.methods import Method
from gan_lightning.report.paper import Outcomes


@dataclass(frozen=True)
class Comparison:
    """The counted scores of two methods on the architectures on which both have ended, in the order of `seeds`."""

    seeds: list[int]
    baseline: list[float]
    other: list[float]

    @property
    def differences(self) -> list[float]:
        """By how much the other method is above the baseline."""
        return [other - baseline for baseline, other in zip(self.baseline, self.other, strict=True)]

    @property
    def ahead(self) -> int:
        """Number of architectures on which the other method scores higher."""
        return sum(difference > 0 for difference in self.differences)

    @property
    def behind(self) -> int:
        """Number of architectures on which it scores lower."""
        return sum(difference < 0 for difference in self.differences)

    @property
    def level(self) -> int:
        """Number of architectures on which both count the same, such as two failures."""
        return len(self.seeds) - self.ahead - self.behind

    def rescued(self, failure_below: float) -> tuple[int, int]:
        """On how many of the architectures that the baseline fails on the other does not, and how many they are."""
        others = [other for baseline, other in zip(self.baseline, self.other, strict=True) if baseline < failure_below]
        return sum(other >= failure_below for other in others), len(others)

    @property
    def p(self) -> float:
        """Exact two-sided sign test."""
        return sign_test(self.ahead, self.behind)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Interval of the median difference, of 95 % or more; None for fewer than six architectures."""
        return median_interval(self.differences)


def in_words(comparison: Comparison, other: str, baseline: str) -> str:
    """Wins, losses and ties of the other method, without a full stop."""
    return (
        f"{other} is ahead on {comparison.ahead} of {len(comparison.seeds)} architectures, behind on "
        f"{comparison.behind}, level on {comparison.level} (exact two-sided sign test against {baseline}: "
        f"p = {comparison.p:.2g})"
    )


def compare(method: Method, baseline: Method) -> Comparison:
    """A method against the baseline; empty where no architecture has ended under both."""
    seeds = [seed for seed in method.scores if seed in baseline.scores]
    return Comparison(seeds, [baseline.scores[seed] for seed in seeds], [method.scores[seed] for seed in seeds])


def compare_all(
    methods: Iterable[Method], baseline: Method, *, by: Callable[[Method, Method], Comparison] = compare
) -> dict[str, Comparison]:
    """Every other method against the baseline, by name; those that share no architecture to compare are left out."""
    compared = {method.name: by(method, baseline) for method in methods if method is not baseline}
    return {name: comparison for name, comparison in compared.items() if comparison.seeds}


def adjusted_p(comparisons: Mapping[str, Comparison]) -> dict[str, float]:
    """The p values of comparisons, adjusted for their number."""
    return dict(zip(comparisons, holm([comparison.p for comparison in comparisons.values()]), strict=True))


def outcomes(comparison: Comparison, threshold: float) -> Outcomes:
    """One row: on how many architectures one, both or neither exceeds `threshold`."""
    pairs = zip(comparison.baseline, comparison.other, strict=True)
    successes = [(baseline > threshold, other > threshold) for baseline, other in pairs]
    cases = (True, False), (False, True), (True, True), (False, False)
    return Outcomes(threshold, *(successes.count(case) for case in cases))
