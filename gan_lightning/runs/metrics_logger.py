"""What writes ``metrics.csv`` while a run is trained."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.runs.metrics_file import read_metrics, write_metrics

SECONDS_BETWEEN_WRITES = 2.0


class MetricsLogger(Logger):
    """A logger that keeps every row and survives a kill: what a checkpoint knows of is on disk.

    A row's ``seconds`` are what the clock shows when the row is begun.

    Args:
        path: of the CSV file; rows of an earlier start are kept up to ``resumed_step``.
        resumed_step: generator iteration that the run goes on from.
        clock: seconds of training up to the end of the present iteration, before anything was measured in it; earlier
            starts, and what was measured before, included.
    """

    def __init__(self, path: Path, *, resumed_step: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self.path, self.clock = path, clock
        self.rows = {step: row for step, row in read_metrics(path).items() if step <= resumed_step}
        self._written = 0.0

    @property
    def name(self) -> str:
        return "metrics"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Nothing: ``config.yaml`` has them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        if step is not None:
            self.rows.setdefault(step, {"seconds": round(self.clock(), 3)}).update(metrics)
            if time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
                self.save()

    @rank_zero_only
    def save(self) -> None:
        write_metrics(self.path, self.rows)
        self._written = time.monotonic()
