"""The DCGAN family of Table 1: arXiv:1704.00028, section 5.1 and appendix B.

Read from the generator's side. Images of size S are made by ``n = log2(S / 4)`` resampling layers (5x5, stride 2) from
a 4x4 map, and a map of size m has ``F * S / (2m)`` channels: 4F, 2F, F at 4, 8 and 16 for the paper's 32x32. The
remaining ``depth - n - 1`` weight layers are 3x3 convolutions that change neither size nor width. The critic mirrors
it. A net of fewer than ``n + 1`` layers starts from a larger map instead: depth counts weight layers at any size.
"""

from math import log2
from typing import Annotated

from torch import Tensor, nn

from gan_lightning.networks.layers import Conv, Deconv, Linear, Nonlinearity, draw_weights, make_nonlinearity
from gan_lightning.networks.norms import Norm, make_norm
from gan_lightning.networks.sizes import scaled, square_size
from gan_lightning.ranges import Few, ImageShape, checked, needed, one_of

Depth = Annotated[Few, needed("a whole number of at least 2 is needed, and of 1000 at most", holds=lambda n: n >= 2)]
Layout = Annotated[str, one_of("middle", "even")]


@checked
def plan(size: int, *, depth: Depth | None, extra_layout: Layout) -> list[tuple[int, int]]:
    """Map sizes of a net from small to large, each with its number of extra layers.

    Args:
        size: image height and width, a power of two from 16 on.
        depth: weight layers from input to output, at least 2; ``None`` for the plain DCGAN of that size.
        extra_layout: where the extra layers go: ``middle`` (all at 8x8) or ``even`` (an equal share on every map, the
            remainder at 8x8).

    Returns:
        For 32x32 at depth 8: ``[(4, 0), (8, 4), (16, 0)]`` in the ``middle``, ``[(4, 1), (8, 2), (16, 1)]`` ``even``.

    Raises:
        ValueError: if an argument is out of its range.
    """
    if size < 16 or size & (size - 1):
        raise ValueError(f"data.resolution={size} does not fit arch=dcgan: a power of two from 16 on is needed")
    stages = int(log2(size // 4))
    depth = stages + 1 if depth is None else depth
    maps = [size >> stage for stage in range(min(stages, depth - 1), 0, -1)]
    extra = depth - len(maps) - 1
    share = extra // len(maps) if extra_layout == "even" else 0
    counts = dict.fromkeys(maps, share)
    if extra:
        counts[8] += extra - share * len(maps)
    return list(counts.items())


def activation(norm: str, nonlinearity: str, channels: int) -> list[nn.Module]:
    """What follows a hidden weight layer of so many channels: its norm, then its nonlinearity."""
    return [make_norm(norm, channels), make_nonlinearity(nonlinearity)]


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, S, S)`` in [-1, 1].

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, S, S)``, S a power of two from 16 on.
        filters: F, the channels of the largest map, before ``width_scale``.
        depth: weight layers; ``None`` for the plain DCGAN of that size.
        norm: on every layer but the last: ``batch``, ``layer`` or ``none``.
        nonlinearity: ``relu``, ``leaky_relu``, ``softplus``, ``tanh`` or ``elu``.
        extra_layout: ``middle`` or ``even``.
        width_scale: factor on ``filters``.
        initial_std: standard deviation of all initial weights; ``None`` for each layer's own.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        image_shape: ImageShape,
        filters: int,
        depth: Depth | None,
        norm: Norm,
        nonlinearity: Nonlinearity,
        extra_layout: Layout = "middle",
        width_scale: float = 1.0,
        initial_std: float | None = None,
    ) -> None:
        super().__init__()
        size = square_size(image_shape)
        stages = plan(size, depth=depth, extra_layout=extra_layout)
        base_filters = scaled("filters", filters, width_scale)
        first, _ = stages[0]
        channels = base_filters * size // (2 * first)

        layers: list[nn.Module] = [Linear(latent_dim, channels * first**2), nn.Unflatten(1, (channels, first, first))]
        layers += activation(norm, nonlinearity, channels)
        for map_size, extra in stages:
            for _ in range(extra):
                layers += [Conv(channels, channels, kernel=3), *activation(norm, nonlinearity, channels)]
            if map_size < size // 2:
                layers += [Deconv(channels, channels // 2), *activation(norm, nonlinearity, channels // 2)]
                channels //= 2
        self.layers = nn.Sequential(*layers, Deconv(channels, image_shape[0]), nn.Tanh())
        if initial_std is not None:
            draw_weights(self, std=initial_std)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, S, S)``; the family is unconditional and ignores labels."""
        return self.layers(latent)


class Critic(nn.Module):
    """Images ``(B, C, S, S)`` to unbounded scores ``(B,)``; the arguments are the generator's.

    The norm is on every layer but the first and the last.
    """

    def __init__(
        self,
        *,
        image_shape: ImageShape,
        filters: int,
        depth: Depth | None,
        norm: Norm,
        nonlinearity: Nonlinearity,
        extra_layout: Layout = "middle",
        width_scale: float = 1.0,
        initial_std: float | None = None,
    ) -> None:
        super().__init__()
        size = square_size(image_shape)
        stages = plan(size, depth=depth, extra_layout=extra_layout)
        channels = scaled("filters", filters, width_scale)

        layers: list[nn.Module] = [Conv(image_shape[0], channels, kernel=5, stride=2), make_nonlinearity(nonlinearity)]
        for map_size, extra in reversed(stages):
            if map_size < size // 2:
                layers += [
                    Conv(channels, 2 * channels, kernel=5, stride=2),
                    *activation(norm, nonlinearity, 2 * channels),
                ]
                channels *= 2
            for _ in range(extra):
                layers += [Conv(channels, channels, kernel=3), *activation(norm, nonlinearity, channels)]
        last, _ = stages[0]
        self.layers = nn.Sequential(*layers, nn.Flatten(), Linear(channels * last**2, 1))
        if initial_std is not None:
            draw_weights(self, std=initial_std)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; the family is unconditional and ignores labels."""
        return self.layers(images).squeeze(1)
