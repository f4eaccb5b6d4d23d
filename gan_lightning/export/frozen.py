"""Batch norm without a batch: statistics taken over many latents, so that a sample is a function of its own latent."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from tqdm import tqdm

from gan_lightning.sampling import BLOCK, Sampler

LATENTS = 10_000
"""That statistics are taken over, in blocks as samples are made."""

COMPARED = 1_000
"""Samples, of other latents, by which frozen statistics are compared with those of the batch."""

MEASURED, BESIDE = "frozen statistics", "frozen statistics, compared"


class FrozenBatchNorm(nn.Module):
    """Batch norm of ``(B, C)`` or ``(B, C, *)`` by given statistics ``(C,)``, with the scale and offset of another."""

    def __init__(self, norm: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", mean)
        self.register_buffer("variance", variance)

    def forward(self, input: Tensor) -> Tensor:
        return F.batch_norm(input, self.mean, self.variance, self.weight, self.bias, training=False, eps=self.eps)


@dataclass(frozen=True)
class Frozen:
    """A generator with frozen statistics, and what that changes.

    Attributes:
        generator: a copy.
        variance: which was taken: ``within blocks``, the mean of the blocks' variances, or ``over all``, which has that
            of the blocks' means as well.
        mean_difference, largest_difference: of its samples from those of the statistics of a block, in their units.
    """

    generator: nn.Module
    variance: str
    mean_difference: float
    largest_difference: float


def by_batch(network: nn.Module) -> dict[str, _BatchNorm]:
    """The layers of a network that take the statistics of the batch also where it is not trained, by name."""
    return {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, _BatchNorm) and layer.running_mean is None
    }


def freeze(sampler: Sampler, *, seed: int) -> Frozen:
    """Take statistics of every batch norm over `LATENTS`, and of the two variances that which comes nearer.

    Args:
        sampler: of a generator with such layers, on the CPU.
        seed: of the latents.
    """
    generator = sampler.generator
    means, within, over_all = statistics_of(sampler, seed=seed)
    blocks = [sample for _, sample in sampler.blocks(COMPARED, seed=seed, purpose=BESIDE)]
    found = []
    for words, variances in (("within blocks", within), ("over all", over_all)):
        copy = deepcopy(generator)
        for name, norm in by_batch(copy).items():
            parent, _, child = name.rpartition(".")
            setattr(copy.get_submodule(parent), child, FrozenBatchNorm(norm, means[name], variances[name]))
        other = of_generator(copy, sampler).blocks(COMPARED, seed=seed, purpose=BESIDE)
        gaps = torch.stack([(one - two).abs() for one, (_, two) in zip(blocks, other, strict=True)])
        found.append(Frozen(copy.eval(), words, gaps.mean().item(), gaps.max().item()))
    return min(found, key=lambda each: each.mean_difference)


def statistics_of(sampler: Sampler, *, seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
    """Of what goes into every batch norm: means, the mean of the blocks' variances, and variances over all blocks."""
    taken: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def take(name: str, input: Tensor) -> None:
        values = input.detach().double().transpose(0, 1).flatten(1)
        taken.setdefault(name, []).append((values.mean(1), values.var(1, correction=0)))

    def taking(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: take(name, inputs[0])

    hooks = [norm.register_forward_pre_hook(taking(name)) for name, norm in by_batch(sampler.generator).items()]
    try:
        blocks = sampler.blocks(LATENTS, seed=seed, purpose=MEASURED)
        for _ in tqdm(blocks, total=LATENTS // BLOCK, unit="block", disable=None):
            pass
    finally:
        for hook in hooks:
            hook.remove()
    means, within, over_all = {}, {}, {}
    for name, blocks in taken.items():
        block_means, block_variances = (torch.stack(values) for values in zip(*blocks, strict=True))
        means[name] = block_means.mean(0).float()
        within[name] = block_variances.mean(0).float()
        over_all[name] = (block_variances.mean(0) + block_means.var(0, correction=0)).float()
    return means, within, over_all


def of_generator(generator: nn.Module, sampler: Sampler) -> Sampler:
    """A sampler like another, of another generator, on the CPU."""
    return Sampler(generator, latent_dim=sampler.latent_dim, device=torch.device("cpu"), classes=sampler.classes)
