"""Norms of the original experiments, eps 1e-5: batch norm on batch statistics, plain or conditional, and layer norm."""

from collections.abc import Callable
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.ranges import Few, checked, one_of

Norm = Annotated[str, one_of("batch", "layer", "none")]

MakeNorm = Callable[[int], nn.Module]
"""Makes the norm of so many channels."""


class BatchNorm(nn.BatchNorm2d):
    """Batch norm over all axes but the channels', of ``(B, C)`` or ``(B, C, *)``; batch statistics always.

    Source: released code, which never reads its running statistics.

    Args:
        channels: C.
        chunks: equal parts of the batch that have statistics of their own while the layer is in training mode, as where
            the released code shares a batch between devices; in evaluation mode the batch is one.
        affine: whether there is a scale and an offset for each channel.

    Raises:
        ValueError: if ``chunks`` is not positive; in the forward pass, if it does not divide the batch.
    """

    @checked
    def __init__(self, channels: int, *, chunks: Few = 1, affine: bool = True) -> None:
        super().__init__(channels, affine=affine, track_running_stats=False)
        self.chunks = chunks

    def forward(self, input: Tensor) -> Tensor:
        if self.chunks == 1 or not self.training:
            return self._normalised(input)
        if len(input) % self.chunks:
            raise ValueError(f"bn_chunks={self.chunks} is not possible: it must divide the batch, here {len(input)}")
        return torch.cat([self._normalised(part) for part in input.chunk(self.chunks)])

    def _normalised(self, input: Tensor) -> Tensor:
        return F.batch_norm(input, None, None, self.weight, self.bias, training=True, eps=self.eps)


class ConditionalBatchNorm(nn.Module):
    """Batch norm of ``(B, C, H, W)`` whose scale and offset are looked up by label ``(B,)``.

    Source: released code, ``gan_cifar_resnet.py``.

    Args:
        channels: C.
        classes: how many labels there are.
        chunks: as of ``BatchNorm``.

    Raises:
        ValueError: as ``BatchNorm``; in the forward pass, if there are no labels.
    """

    def __init__(self, channels: int, *, classes: int, chunks: int = 1) -> None:
        super().__init__()
        self.normalise = BatchNorm(channels, chunks=chunks, affine=False)
        self.scale = nn.Parameter(torch.ones(classes, channels))
        self.offset = nn.Parameter(torch.zeros(classes, channels))

    def forward(self, maps: Tensor, labels: Tensor | None) -> Tensor:
        if labels is None:
            raise ValueError("labels are needed: this network is conditional")
        return self.normalise(maps) * self.scale[labels][..., None, None] + self.offset[labels][..., None, None]


@checked
def make_norm(norm: Norm, channels: int) -> nn.Module:
    """A norm over ``(B, channels)`` or ``(B, channels, H, W)`` with one scale and one offset a channel, eps 1e-5.

    Args:
        norm: ``batch`` (batch statistics always, as in the released code), ``layer`` (over C, H and W of a sample)
            or ``none``.
        channels: C.

    Raises:
        ValueError: for another name.
    """
    match norm:
        case "batch":
            return BatchNorm(channels)
        case "layer":
            return nn.GroupNorm(1, channels)
        case _:
            return nn.Identity()
