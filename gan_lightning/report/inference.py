"""Intervals and tests that assume no distribution of scores."""

from collections.abc import Sequence

from scipy.stats import binom, binomtest, kruskal

from gan_lightning.report.markdown import percent


def wilson_interval(successes: int, total: int) -> tuple[float, float]:
    """95 % confidence interval of a success rate, by Wilson's score method."""
    interval = binomtest(successes, total).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def share(successes: int, total: int) -> str:
    """A rate as a percentage with its Wilson interval: ``57 [25, 84]``."""
    low, high = wilson_interval(successes, total)
    return f"{percent(successes / total)} [{percent(low)}, {percent(high)}]"


def sign_test(ahead: int, behind: int) -> float:
    """Exact two-sided sign test: how likely a split at least so uneven is if either side is ahead by chance.

    Pairs that are level carry no sign and are left out; with no others, the answer is 1.
    """
    return float(binomtest(ahead, ahead + behind).pvalue) if ahead + behind else 1.0


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Confidence interval of a median, of 95 % or more: the two order statistics that the sign test does not reject.

    Exact for any distribution; None for fewer than six values, which no two of them bound with that confidence.
    """
    ordered, total = sorted(values), len(values)
    rank = int(binom.ppf(0.025, total, 0.5)) if total else 0  # the rank, counted from either end, of its limits
    if rank == 0:
        return None
    return ordered[rank - 1], ordered[total - rank]


def holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for their number by Holm's step-down method, in their own order."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def rank_test(groups: Sequence[Sequence[float]]) -> float | None:
    """Kruskal-Wallis test of whether groups differ in location: its p value, None with fewer than two groups."""
    filled = [group for group in groups if group]
    if len(filled) < 2:
        return None
    if len({value for group in filled for value in group}) == 1:
        return 1.0
    return float(kruskal(*filled).pvalue)
