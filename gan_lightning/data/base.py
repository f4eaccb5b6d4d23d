"""What every data set has in common: which real images form iteration t, and where they live."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

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


@dataclass(frozen=True)
class Split:
    """A set of images as uint8 rows ``(N, C, H, W)``, in memory or memory-mapped, with labels ``(N,)`` or ``None``."""

    images: Tensor | np.ndarray
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    @property
    def is_small(self) -> bool:
        return self.images.nbytes <= RESIDENT_BYTES

    def to(self, device: torch.device) -> "Split":
        """The same set as tensors on ``device``."""
        labels = None if self.labels is None else self.labels.to(device)
        return Split(torch.as_tensor(self.images).to(device), labels)

    def rows(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """Images and labels of a ``(B,)`` selection; both are where the set is."""
        labels = None if self.labels is None else self.labels[indices]
        if isinstance(self.images, Tensor):
            return self.images[indices], labels
        return torch.from_numpy(self.images[indices.numpy()]), labels


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
    """

    def __init__(
        self,
        split: Split,
        *,
        batch_size: int,
        n_critic: int,
        seed: int,
        first_step: Callable[[], int] = lambda: 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.split, self.batch_size, self.n_critic, self.seed = split, batch_size, n_critic, seed
        self.first_step = first_step
        share = batch_size // world_size
        self.share = slice(rank * share, (rank + 1) * share)
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)

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
            self._epoch, self._order = epoch, self._move(order)
        return self._order[place * self.batch_size :][self.share]

    def _move(self, order: Tensor) -> Tensor:
        images = self.split.images
        return order.to(images.device) if isinstance(images, Tensor) else order


class ImageData(L.LightningDataModule, ABC):
    """Real images for training and held-out ones for the critic's validation loss.

    Args:
        image_shape: ``(C, H, W)`` of every image.
        batch_size: global critic batch, shared out over the processes.
        n_critic: critic updates per generator update, each on a batch of its own.
        seed: of the shuffling.
        workers: processes that read ahead where a set is too large to live on the device.
    """

    def __init__(
        self, *, image_shape: tuple[int, int, int], batch_size: int, n_critic: int, seed: int, workers: int = 2
    ) -> None:
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.batch_size, self.n_critic, self.seed, self.workers = batch_size, n_critic, seed, workers
        self._splits: tuple[Split, Split] | None = None

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
            if len(self._splits[0]) < self.batch_size:
                raise ValueError(
                    f"data.batch_size={self.batch_size} is larger than the training set of {len(self._splits[0])} images"
                )
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
        split = self.splits[0]
        iterations = Iterations(
            split.to(trainer.strategy.root_device) if split.is_small else split,
            batch_size=self.batch_size,
            n_critic=self.n_critic,
            seed=self.seed,
            first_step=lambda: trainer.global_step,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        )
        if split.is_small:
            return iterations
        # The workers get copies of the set's description: they cannot ask the trainer.
        iterations.first_step = lambda step=trainer.global_step: step
        return DataLoader(iterations, batch_size=None, num_workers=self.workers, pin_memory=torch.cuda.is_available())

    def held_out_batches(self) -> Iterator[Batch]:
        """This rank's share of the held-out set, a global batch at a time, as float32 in [-1, 1] on the device."""
        trainer, held_out = self._attached(), self.splits[1]
        share = self.batch_size // trainer.world_size
        for start in range(0, len(held_out) - self.batch_size + 1, self.batch_size):
            first = start + trainer.global_rank * share
            images, labels = held_out.rows(torch.arange(first, first + share))
            device = trainer.strategy.root_device
            yield to_float(images.to(device)), None if labels is None else labels.to(device)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Scale on the device: what crosses the bus is uint8."""
        images, labels = batch
        return to_float(images), labels

    def _attached(self) -> L.Trainer:
        if self.trainer is None:
            raise RuntimeError("the data module is not attached to a trainer yet")
        return self.trainer


def to_float(images: Tensor) -> Tensor:
    """Pixels 0 … 255 as float32 in [-1, 1], 2(x/255 - 0.5). Source: released code, ``gan_cifar.py``."""
    return images.float() / 127.5 - 1
