"""Samples of a generator, for whoever shows, scores or keeps them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy

import torch
from torch import Tensor, nn

from gan_lightning.randomness import seeded_generator

BLOCK = 100
"""Samples that are made at a time, which is what batch norm sees. Source: the released code scores in blocks of 100."""


class Sampler:
    """Makes samples in blocks of ``BLOCK``: a function of the generator, a seed, a purpose, a number and a label.

    So a sample does not depend on how many others are asked for or by how many processes they are made. While it is
    sampled the generator is in eval mode and without gradients; afterwards its modes and the global random states are
    as they were.

    Args:
        generator: maps latents ``(B, latent_dim)``, standard normal, to samples ``(B, *)``; where there are classes,
            latents and labels ``(B,)``.
        latent_dim: size of the latents.
        device: where the generator is.
        classes: how many classes a conditional generator knows; ``None`` for an unconditional one.
        then: what becomes of the generator's output; nothing by default.
        truncation: the largest entry of a latent, either sign; ``None`` for any. Source: arXiv:1809.11096, section 3.1.
    """

    def __init__(
        self,
        generator: nn.Module,
        *,
        latent_dim: int,
        device: torch.device,
        classes: int | None = None,
        then: Callable[[Tensor], Tensor] = lambda samples: samples,
        truncation: float | None = None,
    ) -> None:
        self.generator, self.latent_dim, self.device, self.classes = generator, latent_dim, device, classes
        self.then, self.truncation = then, truncation

    def followed_by(self, then: Callable[[Tensor], Tensor]) -> "Sampler":
        """The sampler of the same samples in another form, such as that in which real ones are stored."""
        changed = copy(self)
        changed.then = then
        return changed

    def truncated(self, truncation: float) -> "Sampler":
        """The sampler of latents from a normal distribution cut off on both sides: typical samples, less varied.

        Where others draw again what lies beyond, here every entry takes the place in the narrower distribution that it
        had in the whole one: distributed alike, and a seed's samples change little by little.

        Raises:
            ValueError: if the truncation is not positive.
        """
        if not truncation > 0:
            raise ValueError(f"truncation={truncation} is not possible: a number above 0 is needed")
        changed = copy(self)
        changed.truncation = truncation
        return changed

    def samples(self, count: int, *, seed: int, purpose: str, labels: Tensor | None = None) -> Tensor:
        """Samples 0 to ``count - 1``, all of them in this process.

        Args:
            count: how many, positive.
            seed, purpose: of the latents and of the labels.
            labels: whole numbers ``(count,)`` below ``classes``; ``None`` for uniform draws if there are classes.

        Returns:
            ``(count, *)`` on the generator's device.

        Raises:
            ValueError: as in :meth:`blocks`.
        """
        return torch.cat([block for _, block in self.blocks(count, seed=seed, purpose=purpose, labels=labels)])

    def blocks(
        self,
        count: int,
        *,
        seed: int,
        purpose: str,
        labels: Tensor | None = None,
        rank: int = 0,
        processes: int = 1,
    ) -> Iterator[tuple[int, Tensor]]:
        """One process's share of samples 0 to ``count - 1``, block by block.

        A count that is no multiple of ``BLOCK`` is cut from whole blocks. Every process has at least one block: where
        there are more processes than blocks, some blocks are made twice.

        Args:
            count, seed, purpose, labels: as in :meth:`samples`.
            rank, processes: which share, as ``parallel.rank_and_processes`` says.

        Returns:
            The number of a block's first sample, and the samples ``(BLOCK, *)``, fewer at the end.

        Raises:
            ValueError: if the count is not positive, or if the labels do not fit it or the classes.
        """
        if count < 1:
            raise ValueError(f"{count} samples are not possible: at least 1 is needed")
        self._check_labels(labels, count)
        blocks = -(-count // BLOCK)
        return (
            (block * BLOCK, self._block(block, seed=seed, purpose=purpose, labels=labels)[: count - block * BLOCK])
            for block in range(rank % blocks, blocks, processes)
        )

    def latents(self, block: int, *, seed: int, purpose: str) -> Tensor:
        """The latents of a block, ``(BLOCK, latent_dim)``, on the CPU."""
        latents = torch.randn(BLOCK, self.latent_dim, generator=seeded_generator(seed, purpose, block))
        return latents if self.truncation is None else truncated_normal(latents, self.truncation)

    def of_latents(self, latents: Tensor, *, labels: Tensor | None = None) -> Tensor:
        """Samples ``(N, *)`` of given latents ``(N, latent_dim)``, in whole blocks.

        Args:
            latents: as many as a multiple of ``BLOCK``.
            labels: whole numbers ``(N,)`` below ``classes``, needed if there are classes.

        Raises:
            ValueError: if the latents are no whole blocks, or if the labels do not fit them or the classes.
        """
        if len(latents) % BLOCK or not len(latents):
            raise ValueError(f"{len(latents)} latents are not possible: a multiple of {BLOCK} is needed")
        if labels is None and self.classes is not None:
            raise ValueError(f"latents without labels are not possible: the generator knows {self.classes} classes")
        self._check_labels(labels, len(latents))
        inputs = [latents] if labels is None else [latents, labels]
        return torch.cat([self._made(*block) for block in zip(*(i.split(BLOCK) for i in inputs), strict=True)])

    def _block(self, block: int, *, seed: int, purpose: str, labels: Tensor | None) -> Tensor:
        latents = self.latents(block, seed=seed, purpose=purpose)
        if self.classes is None:
            return self._made(latents)
        stream = seeded_generator(seed, purpose, "labels", block)
        drawn = torch.randint(self.classes, (BLOCK,), generator=stream)
        given = drawn[:0] if labels is None else labels[block * BLOCK :][:BLOCK].cpu()
        return self._made(latents, torch.cat([given, drawn[len(given) :]]))

    def _made(self, *inputs: Tensor) -> Tensor:
        forked = [self.device] if self.device.type == "cuda" else []
        with torch.no_grad(), torch.random.fork_rng(devices=forked), measured(self.generator, alone=True):
            return self.then(self.generator(*(values.to(self.device) for values in inputs)))

    def _check_labels(self, labels: Tensor | None, count: int) -> None:
        if labels is None:
            return
        if self.classes is None:
            raise ValueError("labels are not possible: the generator is unconditional")
        if labels.shape != (count,) or not 0 <= labels.min() <= labels.max() < self.classes:
            given = f"labels {tuple(labels.shape)} such as {labels.flatten()[:5].tolist()}"
            raise ValueError(f"{given} are not possible: {count} numbers from 0 to {self.classes - 1} are needed")


def truncated_normal(latents: Tensor, truncation: float) -> Tensor:
    """Standard normal numbers as those of a normal distribution cut off at ± ``truncation``, at the same quantiles."""
    normal = torch.special.ndtr
    low, high = (normal(torch.tensor(side * truncation, dtype=torch.double)) for side in (-1, 1))
    return torch.special.ndtri(low + (high - low) * normal(latents.double())).clamp(-truncation, truncation).float()


@contextmanager
def measured(network: nn.Module, *, alone: bool = False) -> Iterator[None]:
    """Within it, the network is in eval mode, so that what its forward pass keeps stays as training left it.

    Afterwards each of its parts is in its own mode again.

    Args:
        network: to be measured.
        alone: whether this process measures without the others of its run. If it does not, batch norm that they share
            (it keeps nothing) goes on to see all of a batch.
    """
    modes = [(part, part.training) for part in network.modules()]
    network.eval()
    for part, training in modes:
        if isinstance(part, nn.SyncBatchNorm) and not alone:
            part.training = training
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
