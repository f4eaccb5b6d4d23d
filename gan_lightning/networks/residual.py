"""What residual networks are made of: branches beside shortcuts, and blocks that act before they convolve."""

from torch import Tensor, nn

from gan_lightning.networks.layers import GLOROT, Conv
from gan_lightning.networks.norms import ConditionalBatchNorm, MakeNorm


class Chain(nn.Sequential):
    """Layers one after the other; residual blocks and conditional norms are told the labels, the others are not."""

    def forward(self, input: Tensor, labels: Tensor | None = None) -> Tensor:
        for layer in self:
            is_told = isinstance(layer, ConditionalBatchNorm | Residual)
            input = layer(input, labels) if is_told else layer(input)
        return input


class Residual(nn.Module):
    """The sum of a branch and its shortcut.

    Args:
        *branch: its layers; none of them may change its input in place, which the shortcut reads as well.
        shortcut: a layer, ``nn.Identity()`` where the branch changes neither size nor width.
    """

    def __init__(self, *branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut = Chain(*branch), shortcut

    def forward(self, input: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.shortcut(input) + self.branch(input, labels)


def activated(norm: MakeNorm, channels: int, *layers: nn.Module) -> list[nn.Module]:
    """Layers on so many channels behind their norm and a ReLU: half the branch of a pre-activation block."""
    return [norm(channels), nn.ReLU(), *layers]


def upsample() -> nn.Module:
    """Nearest neighbour, ``(B, C, n, n)`` to ``(B, C, 2n, 2n)``."""
    return nn.Upsample(scale_factor=2)


def mean_pool() -> nn.Module:
    """The mean of each 2x2, ``(B, C, 2n, 2n)`` to ``(B, C, n, n)``."""
    return nn.AvgPool2d(2)


def up_block(in_channels: int, out_channels: int, *, norm: MakeNorm, bias: bool = True) -> Residual:
    """``(B, C, n, n)`` to ``(B, C', 2n, 2n)``, upsampled before the first 3x3 convolution; ``bias`` is that one's.

    Source: released code, ``gan_cifar_resnet.py`` and ``gan_64x64.py``. The shortcut's convolution stands before its
    upsampling here: they commute, and it costs a quarter.
    """
    return Residual(
        *activated(norm, in_channels, upsample(), Conv(in_channels, out_channels, kernel=3, bias=bias)),
        *activated(norm, out_channels, Conv(out_channels, out_channels, kernel=3)),
        shortcut=nn.Sequential(Conv(in_channels, out_channels, kernel=1, gain=GLOROT), upsample()),
    )


def down_block(in_channels: int, out_channels: int, *, norm: MakeNorm, bias: bool = True) -> Residual:
    """``(B, C, 2n, 2n)`` to ``(B, C', n, n)``, pooled after the second 3x3 convolution; ``bias`` is the first's.

    Source: released code, ``gan_cifar_resnet.py`` and ``gan_64x64.py``.
    """
    return Residual(
        *activated(norm, in_channels, Conv(in_channels, in_channels, kernel=3, bias=bias)),
        *activated(norm, in_channels, Conv(in_channels, out_channels, kernel=3), mean_pool()),
        shortcut=nn.Sequential(mean_pool(), Conv(in_channels, out_channels, kernel=1, gain=GLOROT)),
    )


def plain_block(channels: int, *, norm: MakeNorm) -> Residual:
    """Two 3x3 convolutions that change neither size nor width, ``(B, C, n, n)`` to the same."""
    return Residual(
        *activated(norm, channels, Conv(channels, channels, kernel=3)),
        *activated(norm, channels, Conv(channels, channels, kernel=3)),
        shortcut=nn.Identity(),
    )
