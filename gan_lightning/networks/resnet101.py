"""The 101-layer residual networks of Figure 2: arXiv:1704.00028, section 5.2, as in the released ``gan_64x64.py``."""

from functools import partial

from torch import Tensor, nn

from gan_lightning.networks.layers import GLOROT, Conv, Deconv, Linear, Scale, WithoutFirst
from gan_lightning.networks.norms import MakeNorm, Norm, make_norm
from gan_lightning.networks.residual import Residual
from gan_lightning.networks.sizes import require_resolution, scaled
from gan_lightning.ranges import ImageShape


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 64, 64)`` in [-1, 1], by 33 blocks of three weight layers.

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 64, 64)``.
        filters: channels of the 64x64 map, before ``width_scale``; a map half as large has twice as many.
        norm: at the end of every block: ``batch``, ``layer`` or ``none``.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self, *, latent_dim: int, image_shape: ImageShape, filters: int, norm: Norm, width_scale: float = 1.0
    ) -> None:
        super().__init__()
        require_resolution(image_shape, 64)
        width = _even_width(filters, width_scale)
        make = partial(make_norm, norm)
        layers: list[nn.Module] = [Linear(latent_dim, 16 * 16 * width), nn.Unflatten(1, (16 * width, 4, 4))]
        for channels in (16 * width, 8 * width, 4 * width, 2 * width):
            layers += [plain_block(channels, norm=make) for _ in range(6)]
            layers += [up_block(channels, channels // 2, norm=make)]
        layers += [plain_block(width, norm=make) for _ in range(5)]
        self.layers = nn.Sequential(
            *layers, Conv(width, image_shape[0], kernel=1, gain=GLOROT), Scale(1 / 5), nn.Tanh()
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 64, 64)``; labels are ignored."""
        return self.layers(latent)


class Critic(nn.Module):
    """Images ``(B, C, 64, 64)`` to unbounded scores ``(B,)``; the arguments are the generator's, which it mirrors."""

    def __init__(self, *, image_shape: ImageShape, filters: int, norm: Norm, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 64)
        width = _even_width(filters, width_scale)
        make = partial(make_norm, norm)
        layers: list[nn.Module] = [Conv(image_shape[0], width, kernel=1, gain=GLOROT)]
        layers += [plain_block(width, norm=make) for _ in range(5)]
        for channels in (width, 2 * width, 4 * width, 8 * width):
            layers += [down_block(channels, 2 * channels, norm=make)]
            layers += [plain_block(2 * channels, norm=make) for _ in range(6)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), Linear(16 * 16 * width, 1), Scale(1 / 5))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; labels are ignored."""
        return self.layers(images).squeeze(1)


def bottleneck(
    in_channels: int, middle: Conv | Deconv, out_channels: int, *, norm: MakeNorm, shortcut: nn.Module
) -> Residual:
    """1x1, 3x3 and 1x1 convolutions, each behind a ReLU; the branch is normalised at its end and counts 0.3 times.

    Args:
        in_channels: of the block.
        middle: the 3x3 layer, from half of the block's channels to half of those it returns.
        out_channels: of the block.
        norm: of the branch.
        shortcut: beside it.
    """
    return Residual(
        nn.ReLU(),
        Conv(in_channels, in_channels // 2, kernel=1),
        nn.ReLU(),
        middle,
        nn.ReLU(),
        Conv(out_channels // 2, out_channels, kernel=1, bias=False),
        norm(out_channels),
        Scale(0.3),
        shortcut=shortcut,
    )


def plain_block(channels: int, *, norm: MakeNorm) -> Residual:
    """``(B, C, n, n)`` to the same."""
    middle = Conv(channels // 2, channels // 2, kernel=3)
    return bottleneck(channels, middle, channels, norm=norm, shortcut=nn.Identity())


def down_block(in_channels: int, out_channels: int, *, norm: MakeNorm) -> Residual:
    """``(B, C, 2n, 2n)`` to ``(B, C', n, n)``."""
    middle = Conv(in_channels // 2, out_channels // 2, kernel=3, stride=2)
    shortcut = nn.Sequential(WithoutFirst(), Conv(in_channels, out_channels, kernel=1, stride=2, gain=GLOROT))
    return bottleneck(in_channels, middle, out_channels, norm=norm, shortcut=shortcut)


def up_block(in_channels: int, out_channels: int, *, norm: MakeNorm) -> Residual:
    """``(B, C, n, n)`` to ``(B, C', 2n, 2n)``; the shortcut is a sub-pixel convolution."""
    middle = Deconv(in_channels // 2, out_channels // 2, kernel=3)
    shortcut = nn.Sequential(Conv(in_channels, 4 * out_channels, kernel=1, gain=GLOROT), nn.PixelShuffle(2))
    return bottleneck(in_channels, middle, out_channels, norm=norm, shortcut=shortcut)


def _even_width(filters: int, width_scale: float) -> int:
    width = scaled("filters", filters, width_scale)
    if width % 2:
        raise ValueError(f"filters={filters} times width_scale={width_scale} must be even, got {width}")
    return width
