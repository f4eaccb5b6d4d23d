"""CIFAR-10 (Krizhevsky 2009): 50,000 training images and, held out, the 10,000 test images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torchvision.datasets

from gan_lightning.data.array_pickle import image_rows, load_arrays
from gan_lightning.data.base import Split
from gan_lightning.data.images import ImageData
from gan_lightning.data.published import Published

IMAGE_SHAPE = (3, 32, 32)
TRAIN, TEST = (
    dict(files) for files in (torchvision.datasets.CIFAR10.train_list, torchvision.datasets.CIFAR10.test_list)
)
FILES = Published(
    name="CIFAR-10",
    folder=torchvision.datasets.CIFAR10.base_folder,
    checksums={**TRAIN, **TEST},
    download=lambda root: torchvision.datasets.CIFAR10(root, download=True),
)


@dataclass(kw_only=True, eq=False, repr=False)
class CIFAR10(ImageData):
    """CIFAR-10 with its labels.

    Args:
        root: a folder that holds ``cifar-10-batches-py``; ``None`` for the default folder, with download.
        verify: insist on the published files.
    """

    root: str | None = None
    verify: bool = True

    def load(self) -> tuple[Split, Split]:
        self.require_shape(IMAGE_SHAPE)
        folder = FILES.locate(self.root, verify=self.verify)
        return _read(folder, list(TRAIN)), _read(folder, list(TEST))


def _read(folder: Path, names: list[str]) -> Split:
    parts = [image_rows(folder / name, load_arrays(folder / name), IMAGE_SHAPE) for name in names]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Split(torch.from_numpy(images), torch.from_numpy(labels))
