"""What writes metrics.csv: a row an iteration, with the seconds of training, across starts."""

from pathlib import Path

import pytest

from gan_lightning.runs import metrics_logger
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.metrics_logger import MetricsLogger


class Clock:
    """Shows a second more whenever somebody looks."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "metrics.csv"


def test_row_has_the_seconds_at_which_it_was_first_logged_to(path: Path) -> None:
    logger = MetricsLogger(path, resumed_step=0, clock=Clock())
    logger.log_metrics({"train/critic_loss": -1.0}, step=10)
    logger.log_metrics({"train/critic_loss": -1.5}, step=20)
    logger.log_metrics({"score/digits_score": 3.0}, step=20)
    logger.save()
    assert read_metrics(path) == {
        10: {"seconds": 1.0, "train/critic_loss": -1.0},
        20: {"seconds": 2.0, "train/critic_loss": -1.5, "score/digits_score": 3.0},
    }


def test_what_has_no_step_has_no_row(path: Path) -> None:
    logger = MetricsLogger(path, resumed_step=0, clock=Clock())
    logger.log_metrics({"a": 1.0})
    assert logger.rows == {}


def test_rows_after_the_resumed_step_are_dropped(path: Path) -> None:
    logger = MetricsLogger(path, resumed_step=0, clock=Clock())
    for step in (10, 20, 30):
        logger.log_metrics({"a": float(step)}, step=step)
    logger.save()
    resumed = MetricsLogger(path, resumed_step=20, clock=Clock(100.0))
    resumed.log_metrics({"a": -30.0}, step=30)
    resumed.save()
    rows = read_metrics(path)
    assert {step: row["a"] for step, row in rows.items()} == {10: 10.0, 20: 20.0, 30: -30.0}
    assert [row["seconds"] for row in rows.values()] == [1.0, 2.0, 101.0]


def test_run_that_starts_again_from_nothing_keeps_no_row(path: Path) -> None:
    first = MetricsLogger(path, resumed_step=0, clock=Clock())
    first.log_metrics({"a": 1.0}, step=10)
    first.save()
    assert MetricsLogger(path, resumed_step=0, clock=Clock()).rows == {}


def test_file_is_not_written_anew_at_every_row(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(metrics_logger.time, "monotonic", lambda: now)
    logger = MetricsLogger(path, resumed_step=0, clock=Clock())
    written = []
    for step, now in enumerate((100.0, 100.5, 101.0, 102.5)):  # noqa: B007 - what the clock shows
        logger.log_metrics({"a": 1.0}, step=step)
        written.append(len(read_metrics(path)))
    assert written == [1, 1, 1, 4]
