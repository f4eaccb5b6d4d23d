"""Columns of metrics.csv: by run, filtered, and joined over runs."""

import math
from pathlib import Path

import pytest

from gan_lightning.report.series import (
    Trace,
    filtered,
    gap_between,
    joined,
    read_series,
    trace_of,
    write_series,
)


def trace(values: list[float], every: int = 10) -> Trace:
    steps = [every * (place + 1) for place in range(len(values))]
    return Trace(steps, [step / 10 for step in steps], values)


def test_trace_leaves_out_what_is_not_finite_and_negates_what_is_asked() -> None:
    rows = {10: {"seconds": 1.0, "a": 2.0}, 20: {"seconds": 2.0}, 30: {"a": math.nan}, 40: {"a": -3.0}}
    found = trace_of(rows, "a", negate=True)
    assert (found.steps, found.values) == ([10, 40], [-2.0, 3.0])
    assert found.seconds[0] == 1.0
    assert math.isnan(found.seconds[1])


def test_early_late_and_unrest_are_of_tenths() -> None:
    found = trace([float(value) for value in range(20)])
    assert (found.early, found.late, found.unrest) == (0.5, 18.5, 0.5)
    assert found.settling == pytest.approx((18.5 - 16.5) / 18.5)


def test_short_trace_has_its_ends_for_tenths() -> None:
    found = trace([1.0, 2.0, 4.0])
    assert (found.early, found.late, found.unrest) == (1.0, 4.0, 0.0)
    assert found.settling == 0.5
    assert math.isnan(trace([1.0]).settling) and math.isnan(trace([]).settling)


@pytest.mark.parametrize(
    ("values", "reached"),
    [
        ([1.0, 3.0, 5.0, 2.0], (20, 2.0)),
        ([5.0, 4.0, 3.0, 2.0], (30, 3.0)),  # falling
        ([3.0], (10, 1.0)),
        ([1.0, 2.0], None),
        ([], None),
    ],
)
def test_level_is_reached_from_either_side(values: list[float], reached: tuple[int, float] | None) -> None:
    assert trace(values).reached(3.0) == reached


def test_median_filter_drops_a_spike_and_keeps_the_ends() -> None:
    assert filtered(trace([1.0, 2.0, 90.0, 4.0, 5.0]), 3).values == [1.0, 2.0, 4.0, 5.0, 5.0]
    assert filtered(trace([9.0, 1.0, 2.0, 3.0, 7.0]), 5).values == [9.0, 2.0, 3.0, 3.0, 7.0]


def test_median_filter_of_one_value_changes_nothing() -> None:
    assert filtered(trace([3.0, 1.0]), 1) == trace([3.0, 1.0])
    assert filtered(trace([]), 3) == trace([])


def test_gap_takes_the_mean_of_what_was_logged_since_the_second_was() -> None:
    training, held_out = trace([1.0, 3.0, 5.0, 9.0]), trace([1.0, 2.0], every=20)
    gap = gap_between(training, held_out)
    assert (gap.steps, gap.seconds, gap.values) == ([20, 40], [2.0, 4.0], [1.0, 5.0])


def test_gap_of_two_curves_of_one_grid_is_their_difference() -> None:
    assert gap_between(trace([5.0, 7.0]), trace([1.0, 9.0])).values == [4.0, -2.0]


def test_gap_is_left_out_where_the_first_was_not_logged() -> None:
    assert gap_between(Trace([30], [3.0], [5.0]), trace([1.0, 1.0, 1.0])).steps == [30]


def test_band_is_from_the_lowest_to_the_highest_run_with_the_median_between() -> None:
    band = joined([trace([1.0, 5.0]), trace([2.0, 1.0]), trace([9.0, 3.0]), trace([])])
    assert (band.steps, band.low, band.middle, band.high) == ([10, 20], [1.0, 1.0], [2.0, 3.0], [9.0, 5.0])


def test_band_goes_on_with_the_runs_that_come_so_far() -> None:
    assert joined([trace([1.0]), trace([3.0, 4.0])]).middle == [2.0, 4.0]


def test_band_leaves_out_the_row_that_one_run_alone_has() -> None:
    resumed = Trace([10, 15, 20], [1.0, 1.5, 2.0], [1.0, 7.0, 1.0])
    assert joined([resumed, trace([3.0, 3.0])]).steps == [10, 20]


def test_seconds_of_a_band_are_the_median_of_the_runs() -> None:
    fast, slow = Trace([10], [1.0], [0.0]), Trace([10], [5.0], [0.0])
    assert joined([fast, slow]).seconds == [3.0]


def test_series_come_back_as_they_were_written(tmp_path: Path) -> None:
    logged = {"b=1,a=2": {10: {"seconds": 1.5, "x": -0.25}, 20: {"seconds": 3.0}}, "c": {10: {"y": 1e-07}}}
    write_series(tmp_path / "new" / "series.csv", logged)
    assert read_series(tmp_path / "new" / "series.csv") == logged
    assert read_series(tmp_path / "none.csv") == {}
