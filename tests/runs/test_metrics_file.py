"""metrics.csv: every row, whole, in the order of the generator iterations."""

import math
from pathlib import Path

import pytest

from gan_lightning.runs.metrics_file import read_metrics, series, write_metrics

EARLIER = Path(__file__).parent / "earlier_layout" / "metrics.csv"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "metrics.csv"


def test_rows_stand_in_order_with_seconds_first_and_empty_cells_where_nothing_was_logged(path: Path) -> None:
    write_metrics(path, {20: {"a": 3.0, "z": -1.5, "seconds": 2.5}, 10: {"z": -1.0, "seconds": 1.25}})
    assert path.read_text().splitlines() == ["step,seconds,a,z", "10,1.25,,-1.0", "20,2.5,3.0,-1.5"]
    assert list(path.parent.iterdir()) == [path]


def test_rows_come_back_as_they_were_written_to_the_last_digit(path: Path) -> None:
    rows = {1: {"a": 0.1 + 0.2, "b": math.inf}, 2: {"a": 1e-30, "seconds": 0.001}}
    write_metrics(path, rows)
    assert read_metrics(path) == rows


def test_file_of_the_earlier_layout_has_rows_without_seconds() -> None:
    rows = read_metrics(EARLIER)
    assert list(rows) == [2]
    assert "seconds" not in rows[2]
    assert rows[2]["score/digits_score"] == pytest.approx(1.186, abs=1e-3)


def test_missing_file_has_no_rows(path: Path) -> None:
    assert read_metrics(path) == {}


def test_series_is_one_column_in_order_without_gaps_and_without_what_is_not_finite() -> None:
    rows = {30: {"a": 3.0}, 10: {"a": 1.0, "b": 5.0}, 20: {"b": 6.0}, 40: {"a": math.nan}, 50: {"a": math.inf}}
    assert series(rows, "a") == ([10, 30], [1.0, 3.0])
