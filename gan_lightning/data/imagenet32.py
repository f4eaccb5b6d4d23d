"""ImageNet at 32x32, of which there are two public sets; scores on the two are not comparable."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from gan_lightning.data.array_pickle import image_rows, load_arrays
from gan_lightning.data.base import Split
from gan_lightning.data.cache import Block, cached_splits, listing
from gan_lightning.data.images import ImageData
from gan_lightning.data.pictures import find_pictures, hold_out, open_picture, picture_blocks, to_rows
from gan_lightning.data.roots import named_root

IMAGE_SHAPE = (3, 32, 32)
VAN_DEN_OORD = "ImageNet 32x32 of van den Oord et al. (arXiv:1601.06759)"
CHRABASZCZ = "ImageNet 32x32 of Chrabaszcz et al. (arXiv:1707.08819)"
UNKNOWN = "ImageNet 32x32 of unknown making"

TRAIN_BATCHES = [f"train_data_batch_{i}" for i in range(1, 11)]
VALIDATION_BATCHES = ["val_data"]
LAYOUTS = (
    "train_32x32/*.png and valid_32x32/*.png, or train/CLASS/* and val/CLASS/*, "
    "or train_data_batch_1 … _10 and val_data (also .npz)"
)
HELD_OUT = 0.1
"""Share held out where only one of the two folders of pictures is there."""

Source = tuple[str, list[Path], Iterable[Block], Iterable[Block]]
"""Which set it is, its files, training and held-out blocks."""


@dataclass(kw_only=True, eq=False, repr=False)
class ImageNet32(ImageData):
    """ImageNet 32x32 in any of the public layouts; labels where the layout has them. ``title`` says which set.

    Args:
        root: the folder that holds it.
    """

    root: str | None = None

    def load(self) -> tuple[Split, Split]:
        self.require_shape(IMAGE_SHAPE)
        if not self.root:
            raise ValueError(f"data=imagenet32 needs data.root=DIR, a folder that holds {LAYOUTS}")
        root = named_root(self.root, f"name a folder that holds {LAYOUTS}")
        source = _find_batches(root) or _find_pictures(root)
        if source is None:
            raise FileNotFoundError(f"data.root={self.root} does not hold {LAYOUTS}")
        self.title, files, train, held_out = source
        description = {"set": self.title, "root": str(root.resolve()), "files": listing(files)}
        return cached_splits(description, train, held_out, image_shape=IMAGE_SHAPE)


def _find_batches(root: Path) -> Source | None:
    train, validation = _batch_files(root, TRAIN_BATCHES), _batch_files(root, VALIDATION_BATCHES)
    if not train and not validation:
        return None
    if not train or not validation:
        missing = VALIDATION_BATCHES[0] if train else TRAIN_BATCHES[0]
        raise FileNotFoundError(f"data.root={root} lacks {missing}")
    return CHRABASZCZ, train + validation, map(_read_batch, train), map(_read_batch, validation)


def _batch_files(root: Path, names: Sequence[str]) -> list[Path]:
    """The files of these names, with or without ``.npz``, in the root or one folder below it."""
    folders = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    for folder, suffix in ((folder, suffix) for folder in folders for suffix in ("", ".npz")):
        files = [folder / f"{name}{suffix}" for name in names]
        there = [file.is_file() for file in files]
        if any(there) and not all(there):
            raise FileNotFoundError(f"{files[there.index(False)]} is missing")
        if all(there):
            return files
    return []


def _read_batch(path: Path) -> Block:
    images, labels = image_rows(path, _load_npz(path) if path.suffix == ".npz" else load_arrays(path), IMAGE_SHAPE)
    return images, labels - 1  # the files count classes from 1


def _load_npz(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {"data": arrays["data"], "labels": arrays["labels"]}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} is not a whole npz file of data and labels ({error})") from error


def _find_pictures(root: Path) -> Source | None:
    train, validation = _pictures_of(root, "train_32x32", "train"), _pictures_of(root, "valid_32x32", "valid", "val")
    if not train and not validation:
        return None
    files, classes = train + validation, _classes(root, train + validation)
    if not train or not validation:
        train, validation = hold_out(files, HELD_OUT)
    name = VAN_DEN_OORD if any((root / folder).is_dir() for folder in ("train_32x32", "valid_32x32")) else UNKNOWN
    return name, files, _blocks(train, classes), _blocks(validation, classes)


def _pictures_of(root: Path, *folders: str) -> list[Path]:
    return next((pictures for folder in folders if (pictures := find_pictures(root / folder))), [])


def _classes(root: Path, files: Sequence[Path]) -> dict[str, int] | None:
    """A number for every CLASS of SPLIT/CLASS/picture, in the order of their names, if all files lie so."""
    if any(len(file.relative_to(root).parts) != 3 for file in files):
        return None
    return {name: number for number, name in enumerate(sorted({file.parent.name for file in files}))}


def _blocks(files: Sequence[Path], classes: dict[str, int] | None) -> Iterator[Block]:
    return picture_blocks(
        files, _read_picture, None if classes is None else [classes[file.parent.name] for file in files]
    )


def _read_picture(path: Path) -> np.ndarray:
    picture = open_picture(path, 3)
    if picture.size != IMAGE_SHAPE[1:]:
        raise ValueError(f"{path} is {picture.width}x{picture.height}, not 32x32: data=image_folder resizes pictures")
    return to_rows(picture)
