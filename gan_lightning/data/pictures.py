"""Picture files: finding them, decoding them, cutting them to squares."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps
from tqdm import tqdm

from gan_lightning.data.cache import Block
from gan_lightning.randomness import seeded_generator

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
BLOCK_SIZE = 1024

T = TypeVar("T")


def find_pictures(root: Path) -> list[Path]:
    """All pictures under a folder, at any depth, in the order of their paths; hidden files are left out."""
    return sorted(
        Path(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    )


def hold_out(items: Sequence[T], fraction: float) -> tuple[list[T], list[T]]:
    """Training and held-out items, by a permutation that is the same in every run; at least one is held out."""
    order = torch.randperm(len(items), generator=seeded_generator(0, "held out")).tolist()
    shuffled, number = [items[i] for i in order], max(1, round(fraction * len(items)))
    return shuffled[number:], shuffled[:number]


def picture_blocks(
    files: Sequence[Path], read: Callable[[Path], np.ndarray], labels: Sequence[int] | None = None
) -> Iterator[Block]:
    """Decode many pictures on all cores, with a progress bar on a terminal if it takes more than a second.

    Args:
        files: in the order they are to come.
        read: makes ``(C, H, W)`` uint8 of a file.
        labels: one a file.
    """
    progress = tqdm(total=len(files), desc="reading pictures", unit="", delay=1, disable=None)
    with ThreadPoolExecutor() as pool, progress:
        for start in range(0, len(files), BLOCK_SIZE):
            part = slice(start, start + BLOCK_SIZE)
            images = np.stack(list(pool.map(read, files[part])))
            yield images, None if labels is None else np.array(labels[part], dtype=np.int64)
            progress.update(len(images))


def open_picture(path: Path, channels: int) -> Image.Image:
    """A picture, upright, as RGB (3 channels) or grey (1); what is transparent becomes white.

    Raises:
        ValueError: naming the file, if it is not a whole picture of 8 bits a channel.
    """
    try:
        with Image.open(path) as picture:
            if picture.mode.startswith(("I", "F")):
                raise ValueError(f"mode {picture.mode}, not 8 bits a channel")
            upright = ImageOps.exif_transpose(picture)
        if upright.has_transparency_data:
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright.convert("RGBA"))
        return upright.convert("L" if channels == 1 else "RGB")
    except Exception as error:  # a broken picture raises nearly anything
        raise ValueError(f"{path} is not a readable picture ({type(error).__name__}: {error})") from error


def centre_square(picture: Image.Image, resolution: int) -> Image.Image:
    """The largest centred square, resized with antialiasing (Lanczos)."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    box = (left, top, left + side, top + side)
    return picture.resize((resolution, resolution), Image.Resampling.LANCZOS, box=box)


def to_rows(picture: Image.Image) -> np.ndarray:
    """A picture as uint8 ``(C, H, W)``."""
    pixels = np.asarray(picture)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
