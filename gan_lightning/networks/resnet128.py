"""The residual networks of 128x128: arXiv:1704.00028, Figure 4.

Source: ``wgan_imagenet128.py`` in the first author's public repository igul222/nn, which a co-author names as the net.
"""

from functools import partial

from torch import Tensor, nn

from gan_lightning.networks.layers import GLOROT, HE, Conv, Linear
from gan_lightning.networks.norms import BatchNorm, MakeNorm, Norm, make_norm
from gan_lightning.networks.residual import Residual, activated, mean_pool, plain_block, upsample
from gan_lightning.networks.sizes import require_resolution, scaled
from gan_lightning.ranges import Few, ImageShape


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 128, 128)`` in [-1, 1], with batch norm.

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 128, 128)``.
        filters: channels of the 64x64 map, before ``width_scale``.
        bn_chunks: equal parts of a training batch that batch norm takes the statistics of.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        image_shape: ImageShape,
        filters: int,
        bn_chunks: Few = 1,
        width_scale: float = 1.0,
    ) -> None:
        super().__init__()
        require_resolution(image_shape, 128)
        width = scaled("filters", filters, width_scale)
        norm = partial(BatchNorm, chunks=bn_chunks)
        self.layers = nn.Sequential(
            Linear(latent_dim, 16 * 8 * width),
            nn.Unflatten(1, (8 * width, 4, 4)),
            up_block(8 * width, 8 * width, norm=norm),
            up_block(8 * width, 4 * width, norm=norm),
            up_block(4 * width, 2 * width, norm=norm),
            up_block(2 * width, width, norm=norm),
            *activated(norm, width, upsample(), Conv(width, image_shape[0], kernel=5, gain=GLOROT / 2)),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 128, 128)``; labels are ignored."""
        return self.layers(latent)


class Critic(nn.Module):
    """Images ``(B, C, 128, 128)`` to unbounded scores ``(B,)``.

    Args:
        image_shape: ``(C, 128, 128)``.
        filters: channels of the 64x64 map, before ``width_scale``.
        norm: in every block: ``batch``, ``layer`` or ``none``.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, *, image_shape: ImageShape, filters: int, norm: Norm, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 128)
        width = scaled("filters", filters, width_scale)
        make = partial(make_norm, norm)
        self.layers = nn.Sequential(
            Conv(image_shape[0], width, kernel=5, stride=2),
            down_block(width, 2 * width, norm=make),
            down_block(2 * width, 4 * width, norm=make),
            down_block(4 * width, 8 * width, norm=make),
            plain_block(8 * width, norm=make),
            plain_block(8 * width, norm=make),
        )
        self.score = Linear(8 * width, 1)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; labels are ignored."""
        return self.score(self.layers(images).mean((2, 3))).squeeze(1)


def up_block(in_channels: int, out_channels: int, *, norm: MakeNorm) -> Residual:
    """``(B, C, n, n)`` to ``(B, C', 2n, 2n)``; what is upsampled starts with half the usual weights."""
    return Residual(
        *activated(norm, in_channels, upsample(), Conv(in_channels, out_channels, kernel=3, gain=HE / 2)),
        *activated(norm, out_channels, Conv(out_channels, out_channels, kernel=3)),
        shortcut=nn.Sequential(Conv(in_channels, out_channels, kernel=1, gain=GLOROT / 2), upsample()),
    )


def down_block(in_channels: int, out_channels: int, *, norm: MakeNorm) -> Residual:
    """``(B, C, 2n, 2n)`` to ``(B, C', n, n)``, by a second convolution of stride 2 where others pool."""
    return Residual(
        *activated(norm, in_channels, Conv(in_channels, in_channels, kernel=3)),
        *activated(norm, in_channels, Conv(in_channels, out_channels, kernel=3, stride=2)),
        shortcut=nn.Sequential(mean_pool(), Conv(in_channels, out_channels, kernel=1, gain=GLOROT)),
    )
