"""LSUN bedrooms (arXiv:1506.03365), from the LMDB files they are published in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lmdb
import numpy as np
from PIL import Image

from gan_lightning.data.base import Split
from gan_lightning.data.cache import Blocks, cached_splits, listing
from gan_lightning.data.images import ImageData
from gan_lightning.data.pictures import centre_square, decode, hold_out, open_picture, picture_blocks
from gan_lightning.data.roots import named_root

FOLDER, FILE = "bedroom_train_lmdb", "data.mdb"


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
    held_out: float = 0.0033

    def __post_init__(self) -> None:
        super().__post_init__()
        self.title = "LSUN bedrooms"
        if not 0 < self.held_out < 1:
            raise ValueError(f"data.held_out={self.held_out} must lie between 0 and 1")

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
        with _opened(folder) as photographs:
            keys = [bytes(key) for key in photographs.cursor().iternext(values=False)]
        if len(keys) < 2:
            raise ValueError(f"{folder} holds {len(keys)} photographs: one to train on and one to hold out are needed")
        train, held_out = hold_out(keys, self.held_out)
        read = partial(self._read, folder)
        return picture_blocks(sorted(train), read), picture_blocks(sorted(held_out), read)  # in the file's own order

    def _read(self, folder: Path, keys: Sequence[bytes]) -> np.ndarray:
        with _opened(folder) as photographs:
            contents = [bytes(photographs.get(key) or b"") for key in keys]
        return decode(zip(keys, contents, strict=True), partial(self._picture, folder))

    def _picture(self, folder: Path, entry: tuple[bytes, bytes]) -> Image.Image:
        key, content = entry
        channels, resolution, _ = self.image_shape
        picture = open_picture(content, channels, name=f"{folder}, key {key.decode(errors='replace')},")
        return centre_square(picture, resolution)


@contextmanager
def _opened(folder: Path) -> Iterator[lmdb.Transaction]:
    """An LMDB file for reading.

    Raises:
        ValueError: naming the file, if it is none or is cut short, on which LMDB would end the process.
    """
    file = folder / FILE
    try:
        with lmdb.open(str(folder), readonly=True, lock=False) as environment:
            whole = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
            if file.stat().st_size < whole:
                raise ValueError(f"{file} is cut short, {file.stat().st_size:,} of {whole:,} bytes: download it again")
            with environment.begin() as transaction:
                yield transaction
    except lmdb.Error as error:
        raise ValueError(f"{file} cannot be read as an LMDB file ({error})") from error
