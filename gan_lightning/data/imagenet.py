"""ImageNet at 32x32 or 64x64, of which there are two public sets; scores on the two are not comparable."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
from PIL import Image

from gan_lightning.data.array_pickle import image_rows, load_arrays
from gan_lightning.data.base import Split
from gan_lightning.data.cache import Block, Blocks, cached_splits, listing
from gan_lightning.data.files import MOST_BYTES, most_unpacked, open_data, said
from gan_lightning.data.images import ImageData
from gan_lightning.data.pictures import decode, find_pictures, hold_out, open_picture, picture_blocks
from gan_lightning.data.roots import named_root
from gan_lightning.plain_files import require_size

VAN_DEN_OORD = "ImageNet {0}x{0} of van den Oord et al. (arXiv:1601.06759)"
CHRABASZCZ = "ImageNet {0}x{0} of Chrabaszcz et al. (arXiv:1707.08819)"
UNKNOWN = "ImageNet {0}x{0} of unknown making"

TRAIN_BATCHES = [f"train_data_batch_{i}" for i in range(1, 11)]
VALIDATION_BATCHES = ["val_data"]
LAYOUTS = (
    "train_{0}x{0}/*.png and valid_{0}x{0}/*.png, or train/CLASS/* and val/CLASS/*, "
    "or train_data_batch_1 … _10 and val_data (also .npz)"
)
MOST_CONTENTS_BYTES = 2**20
"""Of the table of contents of an npz file, which NumPy fills with a few names."""

HELD_OUT = 0.1
"""Share held out where only one of the two folders of pictures is there."""

Source = tuple[str, list[Path], Blocks, Blocks]
"""Which set it is, its files, training and held-out blocks."""


@dataclass(kw_only=True, eq=False, repr=False)
class ImageNet(ImageData):
    """ImageNet, shrunk, in any of the public layouts; labels where the layout has them. ``title`` says which set.

    Args:
        root: the folder that holds it.
        name: what the user calls it where the layout does not tell which set it is.
    """

    root: str | None = None
    name: str | None = None

    def load(self) -> tuple[Split, Split]:
        self.require_shape((3, 32, 32), (3, 64, 64))
        size = self.image_shape[2]
        layouts = LAYOUTS.format(size)
        if not self.root:
            raise ValueError(f"data=imagenet{size} needs data.root=DIR, a folder that holds {layouts}")
        root = named_root(self.root, f"name a folder that holds {layouts}")
        source = _find_batches(root, size) or _find_pictures(root, size)
        if source is None:
            raise FileNotFoundError(f"data.root={self.root} does not hold {layouts}")
        title, files, train, held_out = source
        self.title = self.name if self.name and title == UNKNOWN.format(size) else title
        description = {"set": title, "root": str(root.resolve()), "files": listing(files)}
        return cached_splits(description, lambda: (train, held_out), row_shape=self.image_shape)


def _find_batches(root: Path, size: int) -> Source | None:
    train, validation = _batch_files(root, TRAIN_BATCHES), _batch_files(root, VALIDATION_BATCHES)
    if not train and not validation:
        return None
    if not train or not validation:
        missing = VALIDATION_BATCHES[0] if train else TRAIN_BATCHES[0]
        raise FileNotFoundError(f"data.root={root} lacks {missing}")
    return CHRABASZCZ.format(size), train + validation, _batches(train, size), _batches(validation, size)


def _batch_files(root: Path, names: Sequence[str]) -> list[Path]:
    """The files of these names, with or without ``.npz``, in the root or folders below it: 64x64 comes in two parts."""
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    for suffix in ("", ".npz"):
        places = [[file for folder in folders if (file := folder / f"{name}{suffix}").is_file()] for name in names]
        if all(places):
            return [files[0] for files in places]
        if any(places):
            raise FileNotFoundError(f"{root / names[places.index([])]}{suffix} is missing")
    return []


def _batches(files: Sequence[Path], size: int) -> Blocks:
    sizes = [file.stat().st_size for file in files]
    for file, file_size in zip(files, sizes, strict=True):
        require_size(file, file_size, MOST_BYTES)
    about = sum(sizes) // (3 * size**2)
    return Blocks([partial(_read_batch, file, size) for file in files], about)


def _read_batch(path: Path, size: int) -> Block:
    content = _load_npz(path) if path.suffix == ".npz" else load_arrays(path)
    images, labels = image_rows(path, content, (3, size, size))
    if len(labels) and labels.min() < 1:
        raise ValueError(f"{path} has a class {labels.min()}: the published files count classes from 1")
    return images, labels - 1


def _load_npz(path: Path) -> dict[str, Any]:
    try:
        with _Pieces(open_data(path).detach()) as file, ZipFile(file) as archive:
            most = min(most_unpacked(path.stat().st_size), MOST_BYTES)
            return {name: _array(archive, f"{name}.npy", most) for name in ("data", "labels")}
    except Exception as error:  # a broken archive raises nearly anything
        raise ValueError(f"{path} is not a whole npz file of data and labels ({said(error)})") from error


class _Pieces(BufferedReader):
    """A zip file that is read in pieces; asked for at once is its table of contents alone."""

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes.

        Raises:
            ValueError: if they are more than such a table has.
        """
        if size is not None and size > MOST_CONTENTS_BYTES:
            raise ValueError(f"its table of contents has {size:,} bytes")
        return super().read(size)


def _array(archive: ZipFile, name: str, most: int) -> np.ndarray:
    """An array of an npz file, none of whose members may unpack to more than ``most`` bytes."""
    member = archive.getinfo(name)
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{name} is packed as NumPy does not pack")
    if member.file_size > most:
        raise ValueError(f"{name} unpacks to {member.file_size:,} bytes: from this file no more than {most:,}")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _find_pictures(root: Path, size: int) -> Source | None:
    own = f"train_{size}x{size}", f"valid_{size}x{size}"
    train, validation = _pictures_of(root, own[0], "train"), _pictures_of(root, own[1], "valid", "val")
    if not train and not validation:
        return None
    files, classes = train + validation, _classes(root, train + validation)
    if not train or not validation:
        train, validation = hold_out(files, HELD_OUT)
    name = VAN_DEN_OORD if any((root / folder).is_dir() for folder in own) else UNKNOWN
    return name.format(size), files, _blocks(train, classes, size), _blocks(validation, classes, size)


def _pictures_of(root: Path, *folders: str) -> list[Path]:
    return next((pictures for folder in folders if (pictures := find_pictures(root / folder))), [])


def _classes(root: Path, files: Sequence[Path]) -> dict[str, int] | None:
    """A number for every CLASS of SPLIT/CLASS/picture, in the order of their names, if all files lie so."""
    if any(len(file.relative_to(root).parts) != 3 for file in files):
        return None
    return {name: number for number, name in enumerate(sorted({file.parent.name for file in files}))}


def _blocks(files: Sequence[Path], classes: dict[str, int] | None, size: int) -> Blocks:
    labels = None if classes is None else [classes[file.parent.name] for file in files]
    return picture_blocks(files, partial(decode, picture=partial(_picture, size=size)), labels)


def _picture(path: Path, size: int) -> Image.Image:
    picture = open_picture(path, 3)
    if picture.size != (size, size):
        raise ValueError(
            f"{path} is {picture.width}x{picture.height}, not {size}x{size}: data=image_folder resizes pictures"
        )
    return picture
