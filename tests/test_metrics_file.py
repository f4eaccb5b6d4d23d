"""metrics.csv: every row, whole, in the order of the generator iterations."""

import math
from pathlib import Path

import pytest

from gan_lightning import metrics_file
from gan_lightning.metrics_file import MetricsFile
from gan_lightning.metrics_rows import read_metrics, series


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "metrics.csv"


def test_rows_are_written_by_step_with_empty_cells_where_nothing_was_logged(path: Path) -> None:
    logger = MetricsFile(path, resumed_step=0)
    logger.log_metrics({"train/critic_loss": -1.5}, step=20)
    logger.log_metrics({"train/critic_loss": -1.0}, step=10)
    logger.log_metrics({"score/digits_score": 3.0}, step=20)
    logger.save()
    assert path.read_text().splitlines() == ["step,score/digits_score,train/critic_loss", "10,,-1.0", "20,3.0,-1.5"]
    assert list(path.parent.iterdir()) == [path]


def test_rows_come_back_as_they_were_logged_to_the_last_digit(path: Path) -> None:
    logger = MetricsFile(path, resumed_step=0)
    logger.log_metrics({"a": 0.1 + 0.2, "b": math.inf}, step=1)
    logger.log_metrics({"a": 1e-30}, step=2)
    logger.save()
    assert read_metrics(path) == {1: {"a": 0.1 + 0.2, "b": math.inf}, 2: {"a": 1e-30}}


def test_rows_after_the_resumed_step_are_dropped(path: Path) -> None:
    logger = MetricsFile(path, resumed_step=0)
    for step in (10, 20, 30):
        logger.log_metrics({"a": float(step)}, step=step)
    logger.save()
    resumed = MetricsFile(path, resumed_step=20)
    resumed.log_metrics({"a": -30.0}, step=30)
    resumed.save()
    assert read_metrics(path) == {10: {"a": 10.0}, 20: {"a": 20.0}, 30: {"a": -30.0}}


def test_run_that_starts_again_from_nothing_keeps_no_row(path: Path) -> None:
    first = MetricsFile(path, resumed_step=0)
    first.log_metrics({"a": 1.0}, step=10)
    first.save()
    assert MetricsFile(path, resumed_step=0).rows == {}


def test_file_is_not_written_anew_at_every_row(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(metrics_file.time, "monotonic", lambda: now)
    logger = MetricsFile(path, resumed_step=0)
    written = []
    for step, now in enumerate((100.0, 100.5, 101.0, 102.5)):  # noqa: B007 - what the clock shows
        logger.log_metrics({"a": 1.0}, step=step)
        written.append(len(read_metrics(path)))
    assert written == [1, 1, 1, 4]


def test_missing_file_has_no_rows(path: Path) -> None:
    assert read_metrics(path) == {}


def test_series_is_one_column_in_order_without_gaps_and_without_what_is_not_finite() -> None:
    rows = {30: {"a": 3.0}, 10: {"a": 1.0, "b": 5.0}, 20: {"b": 6.0}, 40: {"a": math.nan}, 50: {"a": math.inf}}
    assert series(rows, "a") == ([10, 30], [1.0, 3.0])
