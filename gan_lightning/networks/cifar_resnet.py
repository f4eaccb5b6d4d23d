"""The residual networks of CIFAR-10: arXiv:1704.00028, Table 3 and appendix F, as in ``gan_cifar_resnet.py``."""

from functools import partial
from typing import Annotated, Literal

from torch import Tensor, nn

from gan_lightning.networks.layers import GLOROT, Conv, Linear
from gan_lightning.networks.norms import BatchNorm, ConditionalBatchNorm, MakeNorm, make_norm
from gan_lightning.networks.residual import (
    Chain,
    Residual,
    activated,
    down_block,
    mean_pool,
    plain_block,
    up_block,
    upsample,
)
from gan_lightning.networks.sizes import require_resolution, scaled
from gan_lightning.ranges import Few, ImageShape, checked, needed


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 32, 32)`` in [-1, 1].

    Labels reach it through the conditional batch norms of its blocks and in no other way.

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 32, 32)``.
        filters: channels of every map, before ``width_scale``.
        classes: of the labels; ``None`` for plain batch norm.
        bn_chunks: equal parts of a training batch that batch norm takes the statistics of.
        upsampled_conv: which convolution of a block the upsampling precedes: 1, or 2.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    @checked
    def __init__(
        self,
        *,
        latent_dim: int,
        image_shape: ImageShape,
        filters: int,
        classes: int | None = None,
        bn_chunks: Few = 1,
        upsampled_conv: Annotated[Literal[1, 2], needed("1 or 2 is needed")] = 1,
        width_scale: float = 1.0,
    ) -> None:
        super().__init__()
        require_resolution(image_shape, 32)
        width = scaled("filters", filters, width_scale)
        norm: MakeNorm = partial(BatchNorm, chunks=bn_chunks)
        if classes is not None:
            norm = partial(ConditionalBatchNorm, classes=classes, chunks=bn_chunks)
        blocks = [
            up_block(width, width, norm=norm) if upsampled_conv == 1 else late_up_block(width, norm=norm)
            for _ in range(3)
        ]
        self.layers = Chain(
            Linear(latent_dim, 16 * width),
            nn.Unflatten(1, (width, 4, 4)),
            *blocks,
            BatchNorm(width, chunks=bn_chunks),
            nn.ReLU(),
            Conv(width, image_shape[0], kernel=3, gain=GLOROT),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 32, 32)``; labels ``(B,)`` are needed if there are classes, else ignored."""
        return self.layers(latent, labels)


class Critic(nn.Module):
    """Images ``(B, C, 32, 32)`` to unbounded scores ``(B,)``, and to class scores ``(B, classes)`` if it has classes.

    It has no norm and takes no labels.

    Args:
        image_shape, filters, width_scale: the generator's.
        classes: of the class scores; ``None`` for none.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self, *, image_shape: ImageShape, filters: int, classes: int | None = None, width_scale: float = 1.0
    ) -> None:
        super().__init__()
        require_resolution(image_shape, 32)
        width = scaled("filters", filters, width_scale)
        norm = partial(make_norm, "none")
        self.layers = nn.Sequential(
            first_down_block(image_shape[0], width),
            down_block(width, width, norm=norm),
            plain_block(width, norm=norm),
            plain_block(width, norm=norm),
            nn.ReLU(),
        )
        self.score = Linear(width, 1)
        self.class_scores = None if classes is None else Linear(width, classes)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Scores ``(B,)``, or scores and class scores ``(B, classes)``; labels are ignored."""
        features = self.layers(images).mean((2, 3))
        scores = self.score(features).squeeze(1)
        return scores if self.class_scores is None else (scores, self.class_scores(features))


def late_up_block(channels: int, *, norm: MakeNorm) -> Residual:
    """``up_block`` as appendix F has it in words: upsampled before the second convolution."""
    return Residual(
        *activated(norm, channels, Conv(channels, channels, kernel=3)),
        *activated(norm, channels, upsample(), Conv(channels, channels, kernel=3)),
        shortcut=nn.Sequential(Conv(channels, channels, kernel=1, gain=GLOROT), upsample()),
    )


def first_down_block(in_channels: int, out_channels: int) -> Residual:
    """The critic's first block, ``(B, C, 2n, 2n)`` to ``(B, C', n, n)``.

    No ReLU before its first convolution, which would discard half of the pixels' range; the shortcut pools first.
    """
    return Residual(
        Conv(in_channels, out_channels, kernel=3),
        nn.ReLU(),
        Conv(out_channels, out_channels, kernel=3),
        mean_pool(),
        shortcut=nn.Sequential(mean_pool(), Conv(in_channels, out_channels, kernel=1, gain=GLOROT)),
    )
