"""Axes that a sweep searches: intervals, their bounds and how their values are written."""

import math
from dataclasses import dataclass

from hydra.core.override_parser.types import IntervalSweep

DIGITS = 4
"""Significant digits of a value: an override that can be read, and typed again."""

Value = float | int


@dataclass(frozen=True)
class Interval:
    """The values of an axis.

    Attributes:
        low, high: the bounds, both allowed.
        log: whether it is searched by orders of magnitude.
        whole: whether its values are whole numbers.
    """

    low: Value
    high: Value
    log: bool
    whole: bool

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"from {self.low} to {self.high} is not possible: two numbers are needed, the lower first")
        if self.log and self.low <= 0:
            raise ValueError(f"log from {self.low} is not possible: numbers above 0 have orders of magnitude")

    @property
    def middle(self) -> Value:
        """The value halfway: the geometric mean where it is searched by orders of magnitude."""
        return self.rounded(math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2)

    def rounded(self, value: float) -> Value:
        """The nearest value that is searched: a whole number, or one of few digits, within the bounds."""
        near = round(value) if self.whole else float(f"{value:.{DIGITS}g}")
        return min(max(near, self.low), self.high)

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return False
        return self.low <= value <= self.high and (not self.whole or float(value).is_integer())


def interval_of(sweep: IntervalSweep) -> Interval:
    """What Hydra reads of ``interval(0.1,10)``, ``tag(log, interval(0.1,10))`` or ``int(interval(1,8))``.

    Raises:
        ValueError: if that is no interval, or has another tag than ``log``.
    """
    assert sweep.start is not None and sweep.end is not None
    unknown = sorted(sweep.tags - {"log"})
    if unknown:
        raise ValueError(f"tag {unknown[0]} is not known; allowed: log")
    return Interval(sweep.start, sweep.end, log="log" in sweep.tags, whole=isinstance(sweep.start, int))
