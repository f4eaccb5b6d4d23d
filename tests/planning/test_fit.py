"""Seconds fitted to operations and calls: known answers."""

import pytest

from gan_lightning.planning.fit import Fit, fit_seconds, left_out_errors, total_with_interval
from gan_lightning.planning.operations import Cost

COSTS = [Cost(10**9, 100), Cost(10**10, 150), Cost(10**11, 400), Cost(5 * 10**11, 1000)]
TRUE = Fit(per_operation=2e-11, per_call=1e-5)
SECONDS = [TRUE.seconds(cost) for cost in COSTS]


def test_seconds_that_follow_the_model_are_fitted_exactly() -> None:
    fit = fit_seconds(COSTS, SECONDS)
    assert fit.per_operation == pytest.approx(TRUE.per_operation, rel=1e-9)
    assert fit.per_call == pytest.approx(TRUE.per_call, rel=1e-9)
    assert left_out_errors(COSTS, SECONDS) == pytest.approx([0.0] * 4, abs=1e-9)


def test_neither_an_operation_nor_a_call_takes_less_than_no_time() -> None:
    fit = fit_seconds([Cost(10**9, 100), Cost(10**10, 100)], [1.0, 0.5])
    assert fit.per_operation == 0 and fit.per_call > 0


def test_errors_count_relative_to_what_was_measured() -> None:
    """A run of milliseconds weighs as much as one of seconds: with calls alone, the best factor is that of shares."""
    costs = [Cost(0, 1), Cost(0, 1000)]
    fit = fit_seconds(costs, [0.001, 2.0])
    assert fit.seconds(costs[0]) == pytest.approx(0.001, rel=0.5)


def test_total_is_the_sum_over_the_planned_iterations_and_has_no_interval_where_the_model_is_true() -> None:
    planned = [(Cost(2 * 10**10, 200), 1000), (Cost(10**11, 300), 10)]
    total, half = total_with_interval(COSTS, SECONDS, planned)
    assert total == pytest.approx(1000 * (0.4 + 0.002) + 10 * (2.0 + 0.003))
    assert half == pytest.approx(0.0, abs=1e-6 * total)


def test_error_is_twice_the_jackknifes() -> None:
    """Of one kind of iteration, measured with scatter: twice the standard error of the mean, nearly."""
    costs, seconds = [Cost(0, 100)] * 4, [0.9, 1.0, 1.1, 1.0]
    total, half = total_with_interval(costs, seconds, [(costs[0], 1)])
    assert total == pytest.approx(1.0, rel=0.02)
    # Standard error of the mean of four with standard deviation 0.0816 is 0.0408.
    assert half == pytest.approx(2 * 0.0408, rel=0.1)
