"""Seconds as a function of what is to be done: so many for an operation, and so many for a call whatever it does."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.optimize import nnls

from gan_lightning.planning.operations import Cost


@dataclass(frozen=True)
class Fit:
    """Seconds of a generator iteration as ``per_operation * operations + per_call * calls``, neither negative."""

    per_operation: float
    per_call: float

    def seconds(self, cost: Cost) -> float:
        return self.per_operation * cost.operations + self.per_call * cost.calls


def fit_seconds(costs: Sequence[Cost], seconds: Sequence[float]) -> Fit:
    """The fit of the least squared relative errors.

    Args:
        costs, seconds: of as many iterations, at least one.
    """
    rows = np.array([[cost.operations, cost.calls] for cost in costs], dtype=float)
    scale = np.maximum(rows.max(axis=0), 1.0)
    relative = rows / scale / np.array(seconds)[:, None]
    (per_operation, per_call), _ = nnls(relative, np.ones(len(costs)))
    return Fit(per_operation / scale[0], per_call / scale[1])


def left_out_errors(costs: Sequence[Cost], seconds: Sequence[float]) -> list[float]:
    """Of each iteration, how far a fit to the others is off, relative to what was measured; at least two are needed."""
    errors = []
    for index in range(len(costs)):
        others = fit_seconds(*_without(index, costs, seconds))
        errors.append(others.seconds(costs[index]) / seconds[index] - 1)
    return errors


def total_with_interval(
    costs: Sequence[Cost], seconds: Sequence[float], planned: Sequence[tuple[Cost, int]]
) -> tuple[float, float]:
    """Predicted seconds of many iterations, and two standard errors of that by the jackknife.

    Args:
        costs, seconds: that were measured, at least two.
        planned: costs of iterations, and how many of each.
    """

    def total(fit: Fit) -> float:
        return sum(number * fit.seconds(cost) for cost, number in planned)

    whole, n = total(fit_seconds(costs, seconds)), len(costs)
    parts = np.array([total(fit_seconds(*_without(index, costs, seconds))) for index in range(n)])
    error = sqrt((n - 1) / n * float(((parts - parts.mean()) ** 2).sum()))
    return whole, 2 * error


def _without(index: int, costs: Sequence[Cost], seconds: Sequence[float]) -> tuple[list[Cost], list[float]]:
    kept = [place for place in range(len(costs)) if place != index]
    return [costs[place] for place in kept], [seconds[place] for place in kept]
