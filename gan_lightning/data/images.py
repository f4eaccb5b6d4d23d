"""Real images: bytes where they are kept, floats in [-1, 1] where networks see them."""

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from gan_lightning.atomic import atomic_file
from gan_lightning.data.base import SHOWN_SIDE, RealData
from gan_lightning.images import DEQUANTISED_SCALE, SCALE, to_uint8
from gan_lightning.randomness import RandomStreams
from gan_lightning.ranges import Channels, Side

SHOWN_PIXELS = 48
"""Small images are enlarged to about this size."""


@dataclass(kw_only=True, eq=False, repr=False)
class ImageData(RealData):
    """Images of one shape: splits hold uint8 ``(N, C, H, W)``, networks see float32 in [-1, 1].

    Args:
        image_shape: ``(C, H, W)`` of every image.
        resolution, channels: what a user sets in the configuration, where ``image_shape`` follows from them.
        dequantise: whether a pixel's byte becomes a number that is uniform on the interval it stands for, drawn anew at
            every use.
        flip: whether a batch is mirrored left to right or not, by the toss of one coin.

    Raises:
        ValueError: if ``image_shape`` is out of range or contradicts ``resolution`` or ``channels``, or if a switch is
            neither true nor false.
    """

    image_shape: tuple[Channels, Side, Side]
    resolution: Side | None = None
    channels: Channels | None = None
    dequantise: bool = False
    flip: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        channels, height, width = self.image_shape
        self.image_shape = (channels, height, width)  # a list, if it comes from the configuration
        if self.channels not in (None, channels) or self.resolution not in (None, height) or height != width:
            raise ValueError(
                f"{self._shape_in_words()} is not [channels, resolution, resolution]: "
                "set data.channels and data.resolution, it follows"
            )

    def to_real(self, rows: Tensor, streams: RandomStreams) -> Tensor:
        real = dequantised(rows, streams.uniform("dequantise", *rows.shape)) if self.dequantise else to_float(rows)
        return torch.where(streams.uniform("flip") < 0.5, real.flip(-1), real) if self.flip else real

    def to_rows(self, samples: Tensor) -> Tensor:
        return to_uint8(samples, scale=DEQUANTISED_SCALE if self.dequantise else SCALE)

    def show(self, samples: Tensor, path: Path) -> Path:
        """A grid of generated images ``(100, C, H, W)`` in [-1, 1], as PNG."""
        file = path.with_name(f"{path.name}.png")
        save_grid(sample_grid(self.to_rows(samples)), file)
        return file

    def require_shape(self, *allowed: tuple[int, int, int]) -> None:
        """Refuse a shape that a published set does not have.

        Raises:
            ValueError: if ``image_shape`` is not one of those allowed.
        """
        if self.image_shape not in allowed:
            shapes = " or ".join("x".join(map(str, shape)) for shape in allowed)
            raise ValueError(f"{self._shape_in_words()}: {type(self).__name__} is {shapes} (channels, height, width)")

    def _shape_in_words(self) -> str:
        return f"data.image_shape={list(self.image_shape)}"


def to_float(images: Tensor) -> Tensor:
    """Pixels 0 … 255 as float32 in [-1, 1], 2(x/255 - 0.5). Source: released code, ``gan_cifar.py``."""
    return images.float() / 127.5 - 1


def dequantised(images: Tensor, noise: Tensor) -> Tensor:
    """Pixels 0 … 255 as float32 in [-1, 1), 2(x/256 - 0.5) + noise/128. Source: released code, ``gan_cifar_resnet.py``.

    Args:
        images: uint8.
        noise: uniform on [0, 1), of the same shape.
    """
    steps = 2**16  # a grid on which the sums are exact: rounding up would give a pixel its neighbour's interval
    return (images + (noise * steps).floor() / steps) / 128 - 1


def sample_grid(images: Tensor) -> Tensor:
    """A grid of 100 images, uint8 ``(100, 1 or 3, H, W)``: uint8 ``(3, H, W)`` on the CPU."""
    factor = max(1, SHOWN_PIXELS // images.shape[-1])
    enlarged = images.repeat_interleave(factor, -1).repeat_interleave(factor, -2)
    return make_grid(enlarged, nrow=SHOWN_SIDE, padding=factor, pad_value=255).cpu()


def save_grid(grid: Tensor, path: Path) -> None:
    """Write a uint8 ``(3, H, W)`` grid as PNG, atomically."""
    with atomic_file(path) as temporary:
        to_picture(grid).save(temporary, format="PNG")


def to_picture(image: Tensor) -> Image.Image:
    """A uint8 ``(1, H, W)`` or ``(3, H, W)`` image on the CPU as a picture."""
    return Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy())
