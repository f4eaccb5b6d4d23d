"""What every data set has in common: which real images form iteration t, and where they live."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gan_lightning.randomness import seeded_generator

RESIDENT_BYTES = 2**30
"""Sets up to this size live as uint8 tensors on the device of training; larger ones stream from a memory map."""

Batch = tuple[Tensor, Tensor | None]
"""Real images and their labels: ``(n_critic, B, C, H, W)`` and ``(n_critic, B)`` or ``None``."""


class MappedImages:
    """Rows ``start … stop - 1`` of a ``.npy`` file of uint8 ``(N, C, H, W)``, read where they are asked for.

    Another process gets the path and maps the file itself; a pickled ``numpy.memmap`` would carry every pixel.
    """

    def __init__(self, path: Path, start: int, stop: int) -> None:
        self._place = path, start, stop
        self._rows: np.ndarray = np.load(path, mmap_mode="r")[start:stop]
        self.nbytes = self._rows.nbytes

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, indices: Tensor) -> Tensor:
        return torch.from_numpy(self._rows[indices.numpy()])

    def __reduce__(self) -> tuple[type, tuple[Path, int, int]]:
        return MappedImages, self._place

    def read(self) -> Tensor:
        """All rows, in memory."""
        return torch.from_numpy(np.array(self._rows))


@dataclass(frozen=True)
class Split:
    """A set of images as uint8 rows ``(N, C, H, W)``, in memory or memory-mapped, with labels ``(N,)`` or ``None``."""

    images: Tensor | MappedImages
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def is_small(self) -> bool:
        return self.images.nbytes <= RESIDENT_BYTES

    @property
    def device(self) -> torch.device:
        return self.images.device if isinstance(self.images, Tensor) else torch.device("cpu")

    def to(self, device: torch.device) -> "Split":
        """The same set as tensors on ``device``."""
        images = self.images if isinstance(self.images, Tensor) else self.images.read()
        return Split(images.to(device), None if self.labels is None else self.labels.to(device))

    def rows(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """Images and labels of a ``(B,)`` selection on the set's own device."""
        return self.images[indices], None if self.labels is None else self.labels[indices]


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
        """This rank's share of iteration ``step``: uint8 ``(n_critic, B, C, H, W)`` and labels."""
        indices = torch.stack([self._indices(step * self.n_critic + j) for j in range(self.n_critic)])
        images, labels = self.split.rows(indices.flatten())
        shape = indices.shape
        return images.unflatten(0, shape), None if labels is None else labels.unflatten(0, shape)

    def _indices(self, batch: int) -> Tensor:
        epoch, place = divmod(batch, len(self.split) // self.batch_size)
        if epoch != self._epoch:
            order = torch.randperm(len(self.split), generator=seeded_generator(self.seed, "data", epoch))
            self._epoch, self._order = epoch, order.to(self.split.device)
        return self._order[place * self.batch_size :][self.share]


@dataclass(kw_only=True, eq=False, repr=False)
class ImageData(L.LightningDataModule, ABC):
    """Real images for training and held-out ones for the critic's validation loss.

    Args:
        image_shape: ``(C, H, W)`` of every image.
        batch_size: global critic batch, shared out over the processes.
        n_critic: critic updates per generator update, each on a batch of its own.
        seed: of the shuffling.
        resolution, channels: what a user sets in the configuration, where ``image_shape`` follows from them.
        workers: processes that read ahead where a set is too large to live on the device.

    Attributes:
        provenance: what a score against these images is relative to, in words; final once they are loaded.

    Raises:
        ValueError: if a number is out of range or ``image_shape`` contradicts ``resolution`` or ``channels``.
    """

    image_shape: tuple[int, int, int]
    batch_size: int
    n_critic: int
    seed: int
    resolution: int | None = None
    channels: int | None = None
    workers: int = 2

    def __post_init__(self) -> None:
        super().__init__()
        self._splits: tuple[Split, Split] | None = None
        channels, height, width = self.image_shape
        self.image_shape = (channels, height, width)  # a list, if it comes from the configuration
        self.provenance = f"{type(self).__name__} {channels}x{height}x{width}"
        for name, least in {"batch_size": 1, "n_critic": 1, "workers": 0}.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"data.{name}={value} must be a whole number, {least} or more")
        if channels not in (1, 3) or not isinstance(height, int) or height < 1:
            raise ValueError(f"{self._shape_in_words()}: channels are 1 or 3, the resolution a whole number above 0")
        if self.channels not in (None, channels) or self.resolution not in (None, height) or height != width:
            raise ValueError(
                f"{self._shape_in_words()} is not [channels, resolution, resolution]: "
                "set data.channels and data.resolution, it follows"
            )

    @abstractmethod
    def load(self) -> tuple[Split, Split]:
        """Training and held-out images.

        Raises:
            ValueError, FileNotFoundError: in one line, with the remedy, where the data are missing or broken.
        """

    @property
    def splits(self) -> tuple[Split, Split]:
        """Training and held-out images, loaded once.

        Raises:
            ValueError: if a batch is larger than the training set.
        """
        if self._splits is None:
            self._splits = self.load()
            images = len(self._splits[0])
            if images < self.batch_size:
                raise ValueError(f"data.batch_size={self.batch_size} exceeds the training set of {images} images")
        return self._splits

    def prepare(self) -> None:
        """Load everything once before any long work starts, so that what is missing is said at once."""
        _ = self.splits

    def reference(self, block_size: int = 100) -> Iterator[Tensor]:
        """The training images in blocks of uint8 ``(B, C, H, W)``, to compare samples with."""
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
        workers = min(self.workers, available_cores())
        return DataLoader(iterations, batch_size=None, num_workers=workers, pin_memory=device.type == "cuda")

    def held_out_batches(self) -> Iterator[Batch]:
        """This rank's share of the held-out set, a global batch at a time, as float32 in [-1, 1] on the device.

        A set smaller than a batch comes as one batch; otherwise what is left over at the end is dropped.
        """
        trainer, held_out = self._attached(), self.splits[1]
        share = max(min(self.batch_size, len(held_out)) // trainer.world_size, 1)
        size = share * trainer.world_size
        for start in range(0, len(held_out) - size + 1, size):
            first = start + trainer.global_rank * share
            images, labels = held_out.rows(torch.arange(first, first + share))
            device = trainer.strategy.root_device
            yield to_float(images.to(device)), None if labels is None else labels.to(device)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Scale on the device: what crosses the bus is uint8."""
        images, labels = batch
        return to_float(images), labels

    def require_shape(self, *allowed: tuple[int, int, int]) -> None:
        """Refuse a shape that a published set does not have.

        Raises:
            ValueError: if ``image_shape`` is not one of those allowed.
        """
        if self.image_shape not in allowed:
            shapes = " or ".join("x".join(map(str, shape)) for shape in allowed)
            raise ValueError(f"{self._shape_in_words()}: {type(self).__name__} is {shapes} (channels, height, width)")

    def _shape_in_words(self) -> str:
        return f"data.image_shape={list(self.image_shape)}"

    def _attached(self) -> L.Trainer:
        if self.trainer is None:
            raise RuntimeError("the data module is not attached to a trainer yet")
        return self.trainer


def to_float(images: Tensor) -> Tensor:
    """Pixels 0 … 255 as float32 in [-1, 1], 2(x/255 - 0.5). Source: released code, ``gan_cifar.py``."""
    return images.float() / 127.5 - 1


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
