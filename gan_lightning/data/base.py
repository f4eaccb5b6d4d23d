"""What every set of real data has in common: which rows form iteration t, where they live, what they are known by."""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gan_lightning.randomness import RandomStreams, seeded_generator
from gan_lightning.ranges import Count, Few, Seed, Workers, check_fields
from gan_lightning.runs.interruption import ignore_signals

RESIDENT_BYTES = 2**30
"""Sets up to this size live as tensors on the device of training; larger ones stream from a memory map."""

SHOWN_SIDE = 10
"""What is shown of a generator are so many rows of so many samples."""

Batch = tuple[Tensor, Tensor | None]
"""Real samples and their labels: ``(n_critic, B, *)`` and ``(n_critic, B)`` or ``None``."""


class MappedRows:
    """Rows ``start … stop - 1`` of a ``.npy`` file ``(N, *)``, read where they are asked for.

    Another process gets the path and maps the file itself; a pickled ``numpy.memmap`` would carry every row.

    Args:
        path: of the file.
        start, stop: which rows.
        digest: SHA-256 of these rows, where somebody has read them before.
    """

    def __init__(self, path: Path, start: int, stop: int, digest: str | None = None) -> None:
        self._arguments = path, start, stop, digest
        self._rows: np.ndarray = np.load(path, mmap_mode="r")[start:stop]
        self.shape, self.nbytes = self._rows.shape, self._rows.nbytes

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, indices: Tensor) -> Tensor:
        return torch.from_numpy(self._rows[indices.numpy()])

    def __reduce__(self) -> tuple[type, tuple[Path, int, int, str | None]]:
        return MappedRows, self._arguments

    def read(self) -> Tensor:
        """All rows, in memory."""
        return torch.from_numpy(np.array(self._rows))

    def digest(self) -> str:
        """SHA-256 of the rows' bytes."""
        return self._arguments[-1] or sha256_of(self._rows)


@dataclass(frozen=True)
class Split:
    """A set of samples, one a row ``(N, *)``, in memory or memory-mapped, with labels ``(N,)`` or ``None``."""

    samples: Tensor | MappedRows
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def is_small(self) -> bool:
        return self.samples.nbytes <= RESIDENT_BYTES

    @property
    def device(self) -> torch.device:
        return self.samples.device if isinstance(self.samples, Tensor) else torch.device("cpu")

    def to(self, device: torch.device) -> "Split":
        """The same set as tensors on ``device``."""
        samples = self.samples if isinstance(self.samples, Tensor) else self.samples.read()
        return Split(samples.to(device), None if self.labels is None else self.labels.to(device))

    def rows(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """Samples and labels of a ``(B,)`` selection on the set's own device."""
        return self.samples[indices], None if self.labels is None else self.labels[indices]

    def digests(self) -> list[str]:
        """SHA-256 of the samples' bytes and, where there are labels, of theirs; nothing but content counts."""
        samples = self.samples
        first = sha256_of(samples.numpy(force=True)) if isinstance(samples, Tensor) else samples.digest()
        return [first] if self.labels is None else [first, sha256_of(self.labels.numpy(force=True))]


def sha256_of(array: np.ndarray) -> str:
    """SHA-256 of an array's bytes."""
    return hashlib.sha256(bytes_of(array)).hexdigest()


def bytes_of(array: np.ndarray) -> memoryview:
    """An array's bytes in their order, without a copy if it is contiguous."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


class Iterations(IterableDataset):
    """The real batches of generator iterations ``first_step()``, ``first_step() + 1``, … without end.

    Which images form iteration t is a function of (seed, t): the set is shuffled anew in every epoch, and what is
    left over at an epoch's end is dropped. A rank takes its contiguous share of every global batch.

    Args:
        split: where the rows come from.
        batch_size: global critic batch.
        n_critic: batches an iteration.
        seed: of the shuffling.
        first_step: asked when the iteration starts, so that a resumed run goes on with the batch it would have had.
        rank, world_size: which share of a batch is read.

    Raises:
        ValueError: if the processes cannot share a batch equally.
    """

    def __init__(
        self,
        split: Split,
        *,
        batch_size: int,
        n_critic: int,
        seed: int,
        first_step: Callable[[], int] = int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if batch_size % world_size:
            raise ValueError(
                f"data.batch_size={batch_size} cannot be shared out over {world_size} processes: it must be a multiple"
            )
        self.split, self.batch_size, self.n_critic, self.seed = split, batch_size, n_critic, seed
        self.first_step = first_step
        share = batch_size // world_size
        self.share = slice(rank * share, (rank + 1) * share)
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)

    def __getstate__(self) -> dict[str, Any]:
        """A worker process cannot ask the trainer for its step: it is sent the answer."""
        return {**self.__dict__, "first_step": partial(int, self.first_step())}

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        offset, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in count(self.first_step() + offset, stride):
            yield self.batch(step)

    def batch(self, step: int) -> Batch:
        """This rank's share of iteration ``step``: ``(n_critic, B, *)`` as stored, and labels."""
        indices = torch.stack([self._indices(step * self.n_critic + j) for j in range(self.n_critic)])
        samples, labels = self.split.rows(indices.flatten())
        shape = indices.shape
        return samples.unflatten(0, shape), None if labels is None else labels.unflatten(0, shape)

    def _indices(self, batch: int) -> Tensor:
        epoch, place = divmod(batch, len(self.split) // self.batch_size)
        if epoch != self._epoch:
            order = torch.randperm(len(self.split), generator=seeded_generator(self.seed, "data", epoch))
            self._epoch, self._order = epoch, order.to(self.split.device)
        return self._order[place * self.batch_size :][self.share]


@dataclass(kw_only=True, eq=False, repr=False)
class RealData(L.LightningDataModule, ABC):
    """Real samples, one a row, for training, and held-out ones for the critic's validation loss.

    A kind of data says how rows are loaded; if networks see them otherwise than they are stored, ``to_real``; and if
    there is a way to look at samples, ``show``.

    Args:
        batch_size: global critic batch, shared out over the processes.
        n_critic: critic updates per generator update, each on a batch of its own; the algorithm's, not the set's.
        seed: of the shuffling.
        held_out_samples: how many of the held-out samples the critic's validation loss is taken over at most, the same
            ones every time, evenly spread; ``None``: all.
        workers: processes that read ahead where a set is too large to live on the device.

    Attributes:
        title: what the set is called; final once it is loaded.
        shown: how many samples are handed to ``show``.

    Raises:
        ValueError: if a number is out of range.
    """

    batch_size: Count
    n_critic: Few
    seed: Seed
    held_out_samples: Count | None = 1000
    workers: Workers = 2
    shown: ClassVar[int] = SHOWN_SIDE**2

    def __post_init__(self) -> None:
        super().__init__()
        self.title = type(self).__name__
        check_fields(self, "data")

    @abstractmethod
    def load(self) -> tuple[Split, Split]:
        """Training and held-out samples; called once.

        Raises:
            ValueError, FileNotFoundError: in one line, with the remedy, where the data are missing or broken.
        """

    def to_real(self, rows: Tensor, streams: RandomStreams) -> Tensor:
        """What the networks see of stored rows; here the rows themselves.

        Args:
            rows: ``(B, *)`` of one critic batch, this process's share, on the device of training.
            streams: what may be drawn for them: a function of ``seed`` and of the generator iteration, or of the
                held-out batch, which every process draws for the global batch.
        """
        return rows

    def to_rows(self, samples: Tensor) -> Tensor:
        """Generated samples ``(B, *)`` as they would be stored, to compare with :meth:`reference`; here themselves."""
        return samples

    def real_samples(self) -> Tensor:
        """Held-out samples ``(shown, *)``, evenly spread, as the networks see them: what shown ones are beside."""
        trainer, held_out = self._attached(), self.splits[1]
        chosen = torch.arange(self.shown) * len(held_out) // self.shown
        rows = held_out.rows(chosen.to(held_out.device))[0]
        return self.to_real(rows.to(trainer.strategy.root_device), self._streams("shown"))

    def show(self, samples: Tensor, path: Path) -> Path | None:
        """Write samples down for people to look at, without reading the set; here there is no way to, and nothing is.

        What it needs to know of the set is in ``state_dict``, which goes with every checkpoint.

        Args:
            samples: ``(shown, *)``, generated, on any device; ``SHOWN_SIDE`` to a row where they interpolate.
            path: of the file to write, atomically and for the first time or not, without its suffix.

        Returns:
            The file, a PNG if dashboards are to show it as well; ``None`` if there is no way to show samples.
        """
        return None

    @cached_property
    def splits(self) -> tuple[Split, Split]:
        """Training and held-out samples, loaded once.

        Raises:
            ValueError: if a batch is larger than the training set.
        """
        train, held_out = self.load()
        if len(train) < self.batch_size:
            raise ValueError(f"data.batch_size={self.batch_size} exceeds the training set of {len(train)} samples")
        return train, held_out

    def prepare(self) -> None:
        """Load everything once before any long work starts, so that what is missing is said at once."""
        _ = self.splits

    @cached_property
    def classes(self) -> int | None:
        """How many classes the labels count, from 0 to the largest there is; ``None`` without labels. Loads the set."""
        labels = [split.labels for split in self.splits if split.labels is not None]
        return int(torch.cat(labels).max()) + 1 if labels else None

    @cached_property
    def provenance(self) -> str:
        """What was read, in words: title, a sample's shape, and a digest of all samples and labels. Loads the set.

        A function of content alone: the same on every machine, wherever the files lie and however they were checked.
        """
        train, held_out = self.splits
        shape = "x".join(map(str, train.samples.shape[1:]))
        digest = hashlib.sha256(repr((train.digests(), held_out.digests())).encode()).hexdigest()
        return f"{self.title} {shape}, sha256 {digest[:16]}"

    def reference(self, block_size: int = 100) -> Iterator[Tensor]:
        """The training samples as stored, in blocks ``(B, *)`` on the CPU, to compare generated ones with."""
        train = self.splits[0]
        for start in range(0, len(train), block_size):
            yield train.rows(torch.arange(start, min(start + block_size, len(train))))[0].cpu()

    def train_dataloader(self) -> Iterations | DataLoader:
        trainer = self._attached()
        split, device = self.splits[0], trainer.strategy.root_device
        iterations = Iterations(
            split.to(device) if split.is_small else split,
            batch_size=self.batch_size,
            n_critic=self.n_critic,
            seed=self.seed,
            first_step=lambda: trainer.global_step,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        )
        if split.is_small:
            return iterations
        workers = min(self.workers, len(available_cores()))
        return DataLoader(
            iterations,
            batch_size=None,
            num_workers=workers,
            pin_memory=device.type == "cuda",
            worker_init_fn=_leave_signals_to_parent,
        )

    def held_out_batches(self) -> Iterator[Batch]:
        """This rank's share of the held-out samples, a global batch ``(B, *)`` at a time, as the networks see them.

        Fewer than a batch come as one batch; otherwise what is left over at the end is dropped.
        """
        trainer, held_out = self._attached(), self.splits[1]
        number = min(len(held_out), self.held_out_samples or len(held_out))
        chosen = torch.arange(number) * len(held_out) // max(number, 1)
        share = max(min(self.batch_size, number) // trainer.world_size, 1)
        size, device = share * trainer.world_size, trainer.strategy.root_device
        for index, start in enumerate(range(0, number - size + 1, size)):
            first = start + trainer.global_rank * share
            samples, labels = held_out.rows(chosen[first : first + share])
            real = self.to_real(samples.to(device), self._streams("held out", index))
            yield real, None if labels is None else labels.to(device)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Bytes become floats on the device: what crosses the bus is what is stored.

        Lightning transfers a batch when its iteration begins, however far ahead it was read: ``global_step`` is its.
        """
        samples, labels = batch
        streams = self._streams("train", self._attached().global_step)
        return torch.stack([self.to_real(rows, streams) for rows in samples]), labels

    def _streams(self, *purpose: str | int) -> RandomStreams:
        trainer = self._attached()
        ranks = {"rank": trainer.global_rank, "world_size": trainer.world_size}
        return RandomStreams(self.seed, "real", *purpose, **ranks, device=trainer.strategy.root_device)

    def _attached(self) -> L.Trainer:
        if self.trainer is None:
            raise RuntimeError("the data module is not attached to a trainer yet")
        return self.trainer


def _leave_signals_to_parent(worker: int) -> None:
    """A signal to all processes of a run is a request to it: a worker reads on until its parent stops."""
    ignore_signals()


def available_cores() -> list[int]:
    """Cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def held_out_order(length: int, fraction: float) -> tuple[Tensor, Tensor]:
    """Which of ``length`` samples to train on and which to hold out, at least one, in an order as in every run."""
    order = torch.randperm(length, generator=seeded_generator(0, "held out"))
    number = max(1, round(fraction * length))
    return order[number:], order[:number]
