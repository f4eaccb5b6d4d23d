"""LSUN bedrooms (arXiv:1506.03365), from the LMDB files they are published in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from gan_lightning.data.base import Split
from gan_lightning.data.cache import Blocks, cached_splits, listing
from gan_lightning.data.files import printable
from gan_lightning.data.images import ImageData
from gan_lightning.data.lmdb_reader import FILE, contents_of, keys_of
from gan_lightning.data.pictures import centre_square, decode, hold_out, open_picture, picture_blocks
from gan_lightning.data.roots import named_root
from gan_lightning.ranges import Share

FOLDER = "bedroom_train_lmdb"


@dataclass(kw_only=True, eq=False, repr=False)
class LSUNBedrooms(ImageData):
    """The 3,033,042 training photographs, cut to centred squares, resized, and cached; without labels.

    The 300 official validation images are too few for a critic's loss and stay unused.

    Args:
        root: a folder that holds ``bedroom_train_lmdb``.
        held_out: share of the photographs that is not trained on, the same ones in every run.

    Raises:
        ValueError: if ``held_out`` is out of range.
    """

    root: str | None = None
    held_out: Share = 0.0033

    def __post_init__(self) -> None:
        super().__post_init__()
        self.title = "LSUN bedrooms"

    def load(self) -> tuple[Split, Split]:
        remedy = f"name a folder that holds {FOLDER}/{FILE}"
        if not self.root:
            raise ValueError(f"data=lsun_bedrooms needs data.root=DIR: {remedy}")
        folder = named_root(self.root, remedy) / FOLDER
        if not (folder / FILE).is_file():
            raise FileNotFoundError(f"data.root={self.root} does not hold {FOLDER}/{FILE}, an unpacked {FOLDER}.zip")
        description = {
            "set": self.title,
            "root": str(folder.resolve()),
            "files": listing([folder / FILE]),
            "held_out": self.held_out,
        }
        return cached_splits(description, partial(self._blocks, folder), row_shape=self.image_shape)

    def _blocks(self, folder: Path) -> tuple[Blocks, Blocks]:
        keys = keys_of(folder)
        if len(keys) < 2:
            raise ValueError(f"{folder} holds {len(keys)} photographs: one to train on and one to hold out are needed")
        train, held_out = hold_out(keys, self.held_out)
        read = partial(self._read, folder)
        return picture_blocks(sorted(train), read), picture_blocks(sorted(held_out), read)  # in the file's own order

    def _read(self, folder: Path, keys: Sequence[bytes]) -> np.ndarray:
        picture = partial(self._picture, folder)
        return np.concatenate([decode(entries, picture) for entries in contents_of(folder, keys)])

    def _picture(self, folder: Path, entry: tuple[bytes, bytes]) -> Image.Image:
        key, content = entry
        channels, resolution, _ = self.image_shape
        picture = open_picture(content, channels, name=f"{folder}, key {printable(key.decode(errors='replace'))},")
        return centre_square(picture, resolution)
