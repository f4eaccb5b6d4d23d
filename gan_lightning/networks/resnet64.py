"""The residual networks that the released ``gan_64x64.py`` trains unless told otherwise; not in arXiv:1704.00028."""

from functools import partial

from torch import Tensor, nn

from gan_lightning.networks.layers import GLOROT, Conv, Linear
from gan_lightning.networks.norms import Norm, make_norm
from gan_lightning.networks.residual import down_block, up_block
from gan_lightning.networks.sizes import require_resolution, scaled
from gan_lightning.ranges import ImageShape


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 64, 64)`` in [-1, 1].

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 64, 64)``.
        filters: channels of the 64x64 map, before ``width_scale``.
        norm: before every ReLU: ``batch``, ``layer`` or ``none``.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self, *, latent_dim: int, image_shape: ImageShape, filters: int, norm: Norm, width_scale: float = 1.0
    ) -> None:
        super().__init__()
        require_resolution(image_shape, 64)
        width = scaled("filters", filters, width_scale)
        up = partial(up_block, norm=partial(make_norm, norm), bias=False)
        self.layers = nn.Sequential(
            Linear(latent_dim, 16 * 8 * width),
            nn.Unflatten(1, (8 * width, 4, 4)),
            up(8 * width, 8 * width),
            up(8 * width, 4 * width),
            up(4 * width, 2 * width),
            up(2 * width, width),
            make_norm(norm, width),
            nn.ReLU(),
            Conv(width, image_shape[0], kernel=3),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 64, 64)``; labels are ignored."""
        return self.layers(latent)


class Critic(nn.Module):
    """Images ``(B, C, 64, 64)`` to unbounded scores ``(B,)``; the arguments are the generator's."""

    def __init__(self, *, image_shape: ImageShape, filters: int, norm: Norm, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 64)
        width = scaled("filters", filters, width_scale)
        down = partial(down_block, norm=partial(make_norm, norm), bias=False)
        self.layers = nn.Sequential(
            Conv(image_shape[0], width, kernel=3, gain=GLOROT),
            down(width, 2 * width),
            down(2 * width, 4 * width),
            down(4 * width, 8 * width),
            down(8 * width, 8 * width),
            nn.Flatten(),
            Linear(16 * 8 * width, 1),
        )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; labels are ignored."""
        return self.layers(images).squeeze(1)
