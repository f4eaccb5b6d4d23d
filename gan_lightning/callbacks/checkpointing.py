"""The state to go on from after a kill or at a signal, and the time that training took."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, cast

import lightning as L

from gan_lightning.callbacks.measures import check_finite, is_due
from gan_lightning.module import AdversarialModule
from gan_lightning.parallel import largest
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.interruption import Interrupted, note_signal, received_signal


class Checkpointing(L.Callback):
    """Writes ``last.ckpt`` at intervals and at the end, keeps the one before, and notes how far the run has come.

    Where a signal has asked one of the run's processes for a stop, it is written there and then, and training ends.
    It stands last among the callbacks: what the others did in this iteration is in the checkpoint.

    Args:
        directory: where to.
        every: generator iterations between checkpoints.
    """

    def __init__(self, directory: RunDirectory, *, every: int) -> None:
        self.directory, self.every = directory, every
        self.seconds_before = 0.0
        self.started = time.monotonic()
        self.seconds_kept = 0.0

    @property
    def seconds(self) -> float:
        """Wall time of the training so far, earlier starts included."""
        return self.seconds_before + time.monotonic() - self.started

    def state_dict(self) -> dict[str, Any]:
        """The time until now, and what ``result.json`` says, which can be written anew from it."""
        self.seconds_kept, result = self.seconds, self.directory.result
        return {"seconds": self.seconds_kept} | ({} if result is None else {"result": asdict(result)})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seconds_before = self.seconds_kept = state_dict["seconds"]

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any, **__: Any) -> None:
        number = largest(received_signal() or 0)
        if number:
            note_signal(number)
        if not number and not is_due(trainer, self.every):
            return
        check_finite(trainer, cast(AdversarialModule, pl_module))
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.save()
        self._save(trainer)
        if trainer.is_global_zero:
            self.directory.record(generator_step=trainer.global_step, seconds=round(self.seconds_kept, 3))
        if number and trainer.global_step < trainer.max_steps:
            raise Interrupted(f"interrupted by {signal.Signals(number).name}")

    def _save(self, trainer: L.Trainer) -> None:
        """Write the checkpoint; where it cannot be written, the earlier ones stay as they are."""
        last, previous = self.directory.last, self.directory.previous
        has_moved = trainer.is_global_zero and last.exists()
        if has_moved:
            os.replace(last, previous)
        try:
            trainer.save_checkpoint(last)
        except OSError:
            if has_moved and not last.exists():
                os.replace(previous, last)
            raise


class IterationEnd(L.Callback):
    """Notes when an iteration ended, as the host sees it.

    It stands first among the callbacks: what the others do in this iteration takes time as well.

    Args:
        clock: seconds of training so far.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.seconds = clock, 0.0

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        self.seconds = self.clock()
