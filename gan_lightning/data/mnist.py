"""MNIST and Fashion-MNIST: 60,000 training images, all or some of which are trained on, and 10,000 test images."""

import os
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar, Literal

import numpy as np
import torch
import torchvision.datasets
from torch import Tensor
from torch.nn.functional import pad

from gan_lightning.data.base import Split
from gan_lightning.data.files import MOST_BYTES, open_data
from gan_lightning.data.images import ImageData
from gan_lightning.data.published import Published
from gan_lightning.randomness import seeded_generator
from gan_lightning.ranges import Count, needed

FILE_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

VALIDATION = 10_000
"""The last training images, which are no training images in the split of 50,000, 10,000 and 10,000."""


HeldOutSet = Annotated[Literal["test", "validation"], needed("test or validation is needed")]


@dataclass(kw_only=True, eq=False, repr=False)
class IdxImages(ImageData):
    """A published set in MNIST's files: 28x28 or padded with zeros to 32x32, with labels; a set names its files.

    Args:
        root: a folder that holds the files' folder; ``None`` for the default folder, with download.
        verify: insist on the published files.
        held_out_set: ``test`` for the test images, or ``validation`` for the last 10,000 training images, which are not
            trained on then; the test images stay unused.
        subset: so many of the training images, drawn at random but the same ones in every run; ``None`` for all.

    Raises:
        ValueError: if ``held_out_set`` or ``subset`` is out of range.
    """

    # MD5 is that of the unpacked files; torchvision knows the packed ones only.
    files: ClassVar[Published]

    root: str | None = None
    verify: bool = True
    held_out_set: HeldOutSet = "test"
    subset: Count | None = None

    def load(self) -> tuple[Split, Split]:
        self.require_shape((1, 28, 28), (1, 32, 32))
        folder = self.files.locate(self.root, verify=self.verify)
        train_images, train_labels, test_images, test_labels = (folder / name for name in FILE_NAMES)
        border = (self.image_shape[2] - 28) // 2
        train = _read(train_images, train_labels, border)
        if self.held_out_set == "validation":
            train, held_out = _parted(train, max(len(train) - VALIDATION, 0))
        else:
            held_out = _read(test_images, test_labels, border)
        return self._drawn(train), held_out

    def _drawn(self, train: Split) -> Split:
        if self.subset is None:
            return train
        if self.subset > len(train):
            raise ValueError(f"data.subset={self.subset} is not possible: there are {len(train)} training images")
        order = torch.randperm(len(train), generator=seeded_generator(0, "subset"))
        return Split(*train.rows(order[: self.subset]))


class MNIST(IdxImages):
    """Handwritten digits (LeCun, Cortes and Burges)."""

    files = Published(
        name="MNIST",
        folder="MNIST/raw",
        checksums={
            FILE_NAMES[0]: "6bbc9ace898e44ae57da46a324031adb",
            FILE_NAMES[1]: "a25bea736e30d166cdddb491f175f624",
            FILE_NAMES[2]: "2646ac647ad5339dbf082846283269ea",
            FILE_NAMES[3]: "27ae3e4e09519cfbb04c329615203637",
        },
        download=lambda root: torchvision.datasets.MNIST(root, download=True),
    )


class FashionMNIST(IdxImages):
    """Pictures of clothes (arXiv:1708.07747)."""

    files = Published(
        name="Fashion-MNIST",
        folder="FashionMNIST/raw",
        checksums={
            FILE_NAMES[0]: "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            FILE_NAMES[1]: "9018921c3c673c538a1fc5bad174d6f9",
            FILE_NAMES[2]: "8181f5470baa50b63fa0f6fddb340f0a",
            FILE_NAMES[3]: "15d484375f8d13e6eb1aabb0c3f46965",
        },
        download=lambda root: torchvision.datasets.FashionMNIST(root, download=True),
    )


def _read(images_file: Path, labels_file: Path, border: int) -> Split:
    images, labels = read_idx(images_file), read_idx(labels_file)
    if images.shape != (len(labels), 28, 28) or labels.dim() != 1:
        raise ValueError(f"{images_file} holds {tuple(images.shape)}, {labels_file.name} {tuple(labels.shape)}")
    return Split(pad(images[:, None], [border] * 4), labels.long())


def _parted(split: Split, place: int) -> tuple[Split, Split]:
    rows = torch.arange(len(split))
    return Split(*split.rows(rows[:place])), Split(*split.rows(rows[place:]))


def read_idx(path: Path) -> Tensor:
    """An array of bytes in the format of MNIST's authors: two zeros, type, rank, big-endian shape, values.

    Raises:
        ValueError: naming the file, if it is broken.
    """
    with open_data(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            shape = _idx_shape(file, size)
            values = np.frombuffer(bytearray(file.read(prod(shape))), np.uint8).reshape(shape)
        except (struct.error, ValueError) as error:
            raise ValueError(f"{path} is not a whole idx file of bytes ({error})") from error
    return torch.from_numpy(values)


def _idx_shape(file: BinaryIO, size: int) -> tuple[int, ...]:
    """The shape that an idx file of ``size`` bytes announces, once these are as many as it needs.

    Raises:
        struct.error, ValueError: if they are not, or are no bytes.
    """
    start = file.read(4)
    zeros, kind, rank = struct.unpack(">HBB", start)
    if (zeros, kind) != (0, 8):
        raise ValueError(f"it starts with {start.hex()}")
    shape = struct.unpack(f">{rank}I", file.read(4 * rank))
    if not 1 <= rank <= 3 or prod(shape) != size - 4 - 4 * rank or size > MOST_BYTES:
        raise ValueError(f"{size:,} bytes for an array {shape[:3]} of rank {rank}")
    return shape
