"""Figure 2's variations on the DCGAN of 64x64, arXiv:1704.00028, section 5.2, as in the released ``gan_64x64.py``.

The DCGAN itself, without norms or with tanh, is the DCGAN family's.
"""

from functools import partial

from torch import Tensor, nn

from gan_lightning.networks.layers import Conv, Deconv, Gate, HeLinear, Linear
from gan_lightning.networks.norms import Norm, make_norm
from gan_lightning.networks.sizes import require_resolution, scaled
from gan_lightning.ranges import ImageShape


class ConstantFiltersGenerator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 64, 64)`` in [-1, 1]: as many channels on every map, no norm.

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 64, 64)``.
        filters: channels of every map, before ``width_scale``.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, *, latent_dim: int, image_shape: ImageShape, filters: int, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 64)
        width = scaled("filters", filters, width_scale)
        layers: list[nn.Module] = [Linear(latent_dim, 16 * width), nn.ReLU(), nn.Unflatten(1, (width, 4, 4))]
        for _ in range(3):
            layers += [Deconv(width, width), nn.ReLU()]
        self.layers = nn.Sequential(*layers, Deconv(width, image_shape[0]), nn.Tanh())

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 64, 64)``; labels are ignored."""
        return self.layers(latent)


class PerceptronGenerator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 64, 64)`` in [-1, 1], by four hidden ReLU layers; no norm.

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 64, 64)``.
        width: units of a hidden layer, before ``width_scale``.
        width_scale: factor on ``width``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, *, latent_dim: int, image_shape: ImageShape, width: int, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 64)
        units = scaled("width", width, width_scale)
        layers: list[nn.Module] = [HeLinear(latent_dim, units), nn.ReLU()]
        for _ in range(3):
            layers += [HeLinear(units, units), nn.ReLU()]
        pixels = image_shape[0] * 64 * 64
        self.layers = nn.Sequential(*layers, Linear(units, pixels), nn.Tanh(), nn.Unflatten(1, tuple(image_shape)))

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 64, 64)``; labels are ignored."""
        return self.layers(latent)


class GatedGenerator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 64, 64)`` in [-1, 1], a gate in the place of every nonlinearity.

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 64, 64)``.
        filters: channels of the 32x32 map behind its gate, before ``width_scale``.
        norm: on the doubled channels before every gate: ``batch``, ``layer`` or ``none``.
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
        gated = partial(_gated, norm)
        layers = [Linear(latent_dim, 16 * 16 * width), nn.Unflatten(1, (16 * width, 4, 4)), *gated(16 * width)]
        for channels in (8 * width, 4 * width, 2 * width):
            layers += [Deconv(channels, channels), *gated(channels)]
        self.layers = nn.Sequential(*layers, Deconv(width, image_shape[0]), nn.Tanh())

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 64, 64)``; labels are ignored."""
        return self.layers(latent)


class GatedCritic(nn.Module):
    """Images ``(B, C, 64, 64)`` to unbounded scores ``(B,)``; the arguments are the gated generator's.

    The norm is before every gate but the first.
    """

    def __init__(self, *, image_shape: ImageShape, filters: int, norm: Norm, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 64)
        width = scaled("filters", filters, width_scale)
        layers: list[nn.Module] = [Conv(image_shape[0], 2 * width, kernel=5, stride=2), Gate()]
        for channels in (width, 2 * width, 4 * width):
            layers += [Conv(channels, 4 * channels, kernel=5, stride=2), *_gated(norm, 4 * channels)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), Linear(16 * 8 * width, 1))

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; labels are ignored."""
        return self.layers(images).squeeze(1)


def _gated(norm: Norm, channels: int) -> list[nn.Module]:
    """What follows a layer of so many channels, half of which are left: its norm, then the gate."""
    return [make_norm(norm, channels), Gate()]
