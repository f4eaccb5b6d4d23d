"""Several runs of a sweep side by side on one machine: which GPU and which cores each gets."""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gan_lightning.runs.interruption import watch_signals
from gan_lightning.runs.settings import Settings


@dataclass(frozen=True)
class Slots:
    """Places for runs on a machine.

    Attributes:
        gpus: of each slot, its GPUs by the names that CUDA_VISIBLE_DEVICES has; none on a CPU.
        cores: of each slot, the cores it may use.
        shares: of each slot, how many of these it counts on, where slots share them.
    """

    gpus: tuple[tuple[str, ...], ...]
    cores: tuple[tuple[int, ...], ...]
    shares: tuple[int, ...]

    @property
    def count(self) -> int:
        return len(self.gpus)

    def take(self, folder: Path) -> int:
        """Keep this process, one of several that work off the runs of a sweep, to a slot that is free, for its life.

        Args:
            folder: where these processes see what the others have taken.

        Returns:
            The number of the slot.
        """
        slot = _slot_of_this_process(folder, self.count)
        if self.gpus[slot]:
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(self.gpus[slot])
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, self.cores[slot])
        os.environ["SLURM_CPUS_PER_TASK"] = str(self.shares[slot])  # as SLURM tells a task, which may see more
        return slot


@cache
def _slot_of_this_process(folder: Path, count: int) -> int:
    """The first whose file nobody has locked; the first of all where more processes than slots ask."""
    for slot in range(count):
        descriptor = os.open(folder / f"slot {slot}", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return slot  # the descriptor stays open, and the file locked, until this process ends
        except BlockingIOError:
            os.close(descriptor)
    return 0


def make_slots(
    trainer: Settings, *, gpus: list[str], cores: list[int], number: int, runs_per_device: int | None
) -> Slots:
    """As many slots as a machine has place for, each with cores of its own where all that are seen may be used.

    Args:
        trainer: the settings of the runs.
        gpus: those that runs may use, none where they are trained on a CPU.
        cores: that are seen.
        number: how many of them may be used; other jobs may use the others, and nobody knows which.
        runs_per_device: runs side by side on a GPU, or on the whole CPU; ``None`` for one a GPU, and for one a core, or
            one for every ``trainer.threads`` of them.

    Raises:
        ValueError: if that is not positive, if a run of several GPUs is to share them, or if there is no slot at all.
    """
    devices = trainer["devices"]
    if runs_per_device is not None and runs_per_device < 1:
        raise ValueError(f"hydra.launcher.runs_per_device={runs_per_device} is not possible: at least 1 is needed")
    places: list[tuple[str, ...]]
    if gpus:
        if len(gpus) < devices:
            raise ValueError(f"trainer.devices={devices} is not possible: {len(gpus)} GPUs are found")
        groups = [tuple(gpus[first : first + devices]) for first in range(0, len(gpus) - devices + 1, devices)]
        places = [group for _ in range(runs_per_device or 1) for group in groups]
    else:
        threads = devices * (trainer["threads"] or 1)
        places = [()] * (runs_per_device or max(1, number // threads))
    count = len(places)
    if count > number or number < len(cores):
        return Slots(tuple(places), (tuple(cores),) * count, (max(1, number // count),) * count)
    own = [tuple(cores[i * number // count : (i + 1) * number // count]) for i in range(count)]
    return Slots(tuple(places), tuple(own), tuple(map(len, own)))


@dataclass(frozen=True)
class InSlot:
    """A sweep's task, done within the slot of the process that does it.

    Attributes:
        task: given the composed config of a run.
        slots: of the machine.
        folder: where the processes see which slots are taken.
    """

    task: Callable[[Any], Any]
    slots: Slots
    folder: Path

    def __call__(self, config: Any) -> Any:
        self.slots.take(self.folder)
        watch_signals()
        self._note(os.getpid()).touch()
        return self.task(config)

    def has_begun(self, process: int) -> bool:
        """Whether a process does tasks of the sweep, and watches signals."""
        return self._note(process).exists()

    def _note(self, process: int) -> Path:
        return self.folder / f"process {process}"
