"""``metrics.csv``: one row per logged step, written whole and atomically."""

import csv
import time
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from gan_lightning.metrics_rows import read_metrics
from gan_lightning.run_directory import atomic

SECONDS_BETWEEN_WRITES = 2.0


class MetricsFile(Logger):
    """A logger that keeps every row and survives a kill: what a checkpoint knows of is on disk.

    Every row says after how many ``seconds`` of the run it was written, earlier starts included.

    Args:
        path: of the CSV file; rows of an earlier start are kept up to ``resumed_step``.
        resumed_step: generator iteration that the run goes on from.
    """

    def __init__(self, path: Path, *, resumed_step: int) -> None:
        super().__init__()
        self.path = path
        self.rows = {step: row for step, row in read_metrics(path).items() if step <= resumed_step}
        self._written, self._started = 0.0, time.monotonic()
        self._seconds_before = max((row.get("seconds", 0.0) for row in self.rows.values()), default=0.0)

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
            seconds = round(self._seconds_before + time.monotonic() - self._started, 3)
            self.rows.setdefault(step, {}).update(metrics, seconds=seconds)
            if time.monotonic() - self._written > SECONDS_BETWEEN_WRITES:
                self.save()

    @rank_zero_only
    def save(self) -> None:
        names = sorted({name for row in self.rows.values() for name in row})
        with atomic(self.path) as temporary, open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, ["step", *names])
            writer.writeheader()
            writer.writerows({"step": step, **row} for step, row in sorted(self.rows.items()))
        self._written = time.monotonic()
