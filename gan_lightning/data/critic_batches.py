"""Batches of anybody's loader as an iteration of Algorithm 1 takes them."""

from collections.abc import Iterable, Iterator, Sized
from typing import Any

import torch
from torch import Tensor

from gan_lightning.data.base import Batch


class CriticBatches:
    """Several batches of a loader in one: real samples for the critic steps of one generator iteration.

    What is left when the loader ends, fewer batches than ``n_critic`` or a batch smaller than the first, is not used;
    ``len`` counts the loader's last batch as one of full size.

    Args:
        loader: of batches ``(B, *)``, or of samples and more, such as ``[samples, labels]``.
        n_critic: critic steps of a generator iteration, positive. Source: arXiv:1704.00028, Algorithm 1, has 5.
        labels: whether the second part of its batches, ``(B,)``, are labels that the networks are given.

    Raises:
        ValueError: if ``n_critic`` is not positive, or more than there are batches; when a batch is not as described.
    """

    def __init__(self, loader: Iterable[Any], *, n_critic: int, labels: bool = False) -> None:
        if n_critic < 1:
            raise ValueError(f"n_critic={n_critic} is not possible: at least 1 critic step is needed")
        self.loader, self.n_critic, self.labels = loader, n_critic, labels
        if isinstance(loader, Sized) and len(loader) < n_critic:
            raise self._too_few(len(loader))

    def __iter__(self) -> Iterator[Batch]:
        gathered: list[tuple[Tensor, Tensor | None]] = []
        size: int | None = None
        is_enough = False
        for batch in self.loader:
            samples, labels = self._parts(batch)
            size = len(samples) if size is None else size
            if len(samples) == size:
                gathered.append((samples, labels))
            if len(gathered) == self.n_critic:
                all_samples, all_labels = zip(*gathered, strict=True)
                yield torch.stack(all_samples), torch.stack(all_labels) if self.labels else None
                gathered, is_enough = [], True
        if not is_enough:
            raise self._too_few(len(gathered))

    def _too_few(self, count: int) -> ValueError:
        return ValueError(
            f"n_critic={self.n_critic} is not possible: the loader has {count} batches of one size, and each generator "
            f"iteration takes {self.n_critic}"
        )

    def __len__(self) -> int:
        return len(self.loader) // self.n_critic  # pyright: ignore[reportArgumentType] - as of the loader

    def _parts(self, batch: Any) -> tuple[Tensor, Tensor | None]:
        parts = [batch] if isinstance(batch, Tensor) else list(batch)
        if not parts or not all(isinstance(part, Tensor) for part in parts[: 1 + self.labels]):
            raise ValueError(
                f"a batch of {type(batch).__name__} is not possible: a tensor, or a list of them, is needed"
            )
        if self.labels and len(parts) < 2:
            raise ValueError("labels=True is not possible: the loader's batches have no second part")
        return parts[0], parts[1] if self.labels else None
