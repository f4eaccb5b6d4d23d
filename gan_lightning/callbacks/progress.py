"""Progress in generator iterations: a bar on a terminal, plain lines in a file."""

import logging
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import lightning as L
from torch import Tensor
from tqdm import tqdm

from gan_lightning.callbacks.scoring import Scoring

log = logging.getLogger(__name__)

SECONDS_BETWEEN_BARS = 0.5
SECONDS_BETWEEN_LINES = 20.0


class Progress(L.Callback):
    """Shows the iteration, the losses, the latest score and the time left.

    Args:
        name: of the run, at the head of every plain line.
        scoring: where the latest score is found, if the run is scored.
    """

    def __init__(self, name: str, *, scoring: Scoring | None) -> None:
        self.name, self.scoring = name, scoring
        self.bar: tqdm | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.first_step, self.started = trainer.global_step, time.monotonic()
        self.shown = self.started
        if trainer.is_global_zero and sys.stderr.isatty():
            self.bar = tqdm(total=trainer.max_steps, initial=trainer.global_step, unit="it", dynamic_ncols=True)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if not trainer.is_global_zero:
            return
        pause = SECONDS_BETWEEN_BARS if self.bar is not None else SECONDS_BETWEEN_LINES
        if time.monotonic() - self.shown < pause and trainer.global_step != trainer.max_steps:
            return
        self.shown = time.monotonic()
        if self.bar is not None:
            self.bar.set_postfix_str(self._numbers(outputs), refresh=False)
            self.bar.update(trainer.global_step - self.bar.n)
        else:
            self._write_line(trainer, outputs)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._close()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        self._close()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _write_line(self, trainer: L.Trainer, outputs: Mapping[str, Tensor]) -> None:
        step, total = trainer.global_step, trainer.max_steps
        rate = (step - self.first_step) / (time.monotonic() - self.started)
        left = timedelta(seconds=round((total - step) / rate))
        log.info(
            "%s: iteration %d/%d, %s, %.1f it/s, %s left", self.name, step, total, self._numbers(outputs), rate, left
        )

    def _numbers(self, outputs: Mapping[str, Tensor]) -> str:
        shown = {"critic": "critic_loss", "generator": "generator_loss", "Wasserstein": "wasserstein_estimate"}
        parts = [
            f"{label} {float(outputs[f'train/{name}']):.3g}"
            for label, name in shown.items()
            if f"train/{name}" in outputs
        ]
        if self.scoring is not None and self.scoring.final:
            monitor = self.scoring.watched.monitor
            parts.append(f"{monitor.replace('_', ' ')} {self.scoring.final[monitor]:.2f}")
        return ", ".join(parts)
