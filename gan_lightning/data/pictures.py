"""Picture files: finding them, decoding them, cutting them to squares."""

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gan_lightning.data.base import held_out_order
from gan_lightning.data.cache import Block, Blocks
from gan_lightning.data.files import read_data, said

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
FORMATS = ("BMP", "JPEG", "PNG", "WEBP")
"""What is decoded, whatever a file is called: Pillow knows many others, some of which run programs."""

MOST_PICTURE_BYTES = 2**28
"""Of a file: as many as all the pixels that Pillow decodes have where nothing is packed."""

MOST_READS = 2**20
"""So often is a file asked for more: a large one by a few thousand chunks, or by a byte after the other where zeros or
empty chunks fill it."""

MOST_PASSES = 100
"""Of a JPEG file over its picture: usual are 1 to 10. A few bytes make one that takes as long as any."""

# Pictures of so many pixels that Pillow warns of them are refused as those are that it refuses by itself.
warnings.simplefilter("error", Image.DecompressionBombWarning)
BLOCK_SIZE = 1024

T = TypeVar("T")


def find_pictures(root: Path) -> list[Path]:
    """All pictures under a folder, at any depth, in the order of their paths; hidden files are left out.

    Links to folders are followed, into each folder once.
    """
    found: list[Path] = []
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        place = os.stat(folder)
        if (place.st_dev, place.st_ino) in seen:
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        folders.sort()  # so that of several ways to a folder it is always the same
        found += [Path(folder, name) for name in names if name.lower().endswith(SUFFIXES) and name[0] != "."]
    return sorted(found)


def hold_out(items: Sequence[T], fraction: float) -> tuple[list[T], list[T]]:
    """Training and held-out items, by a permutation that is the same in every run; at least one is held out."""
    train, held_out = held_out_order(len(items), fraction)
    return [items[i] for i in train.tolist()], [items[i] for i in held_out.tolist()]


def picture_blocks(
    items: Sequence[T], read: Callable[[Sequence[T]], np.ndarray], labels: Sequence[int] | None = None
) -> Blocks:
    """Many pictures in blocks.

    Args:
        items: files, say, in the order they are to come.
        read: makes ``(n, C, H, W)`` uint8 of ``n`` items.
        labels: one an item.
    """

    def block(part: slice) -> Block:
        return read(items[part]), None if labels is None else np.array(labels[part], dtype=np.int64)

    starts = range(0, len(items), BLOCK_SIZE)
    return Blocks([partial(block, slice(start, start + BLOCK_SIZE)) for start in starts], len(items))


def decode(items: Iterable[T], picture: Callable[[T], Image.Image]) -> np.ndarray:
    """Pictures of one size as uint8 ``(n, C, H, W)``, decoded on all cores.

    Args:
        items: what is decoded.
        picture: makes a picture of one of them.
    """
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(lambda item: to_rows(picture(item)), items)))


def open_picture(source: Path | bytes, channels: int, *, name: str = "") -> Image.Image:
    """A picture, upright, as RGB (3 channels) or grey (1); what is transparent becomes white.

    Args:
        source: the file, or its content.
        channels: 3 or 1.
        name: of the picture where it is no file.

    Raises:
        ValueError: naming the picture, if it is not a whole one of 8 bits a channel.
    """
    try:
        content = source if isinstance(source, bytes) else read_data(source, largest=MOST_PICTURE_BYTES)
        with Image.open(_Content(content), formats=FORMATS) as picture:
            if picture.mode.startswith(("I", "F")):
                raise ValueError(f"mode {picture.mode}, not 8 bits a channel")
            upright = ImageOps.exif_transpose(picture)
        if upright.has_transparency_data:
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright.convert("RGBA"))
        return upright.convert("L" if channels == 1 else "RGB")
    except UnidentifiedImageError as error:
        raise ValueError(f"{name or source} is not a readable picture (none of {', '.join(FORMATS)})") from error
    except Exception as error:  # a broken picture raises nearly anything
        raise ValueError(
            f"{name or source} is not a readable picture ({type(error).__name__}: {said(error)})"
        ) from error


class _Content(BytesIO):
    """What a picture's file holds, for a decoder that asks for more in bounded time.

    Raises:
        ValueError: if it is larger than a picture, or a JPEG file of many passes.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads = 0
        if len(content) > MOST_PICTURE_BYTES:
            raise ValueError(f"{len(content):,} bytes, and no picture has more than {MOST_PICTURE_BYTES:,}")
        if content.startswith(b"\xff\xd8") and passes_of(content) > MOST_PASSES:
            raise ValueError(f"more than {MOST_PASSES} passes over the picture")

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes.

        Raises:
            ValueError: if they are not the first million of pieces.
        """
        self.reads += 1
        if self.reads > MOST_READS:
            raise ValueError(f"it is in more than {MOST_READS:,} pieces")
        return super().read(size)


def passes_of(content: bytes) -> int:
    """How many passes over its picture a JPEG file makes, :data:`MOST_PASSES` and one at most; ITU-T T.81, annex B.

    What its segments hold, such as a small picture of their own, and what comes behind its end do not count.
    """
    place, passes = 2, 0
    while passes <= MOST_PASSES:
        place = content.find(b"\xff", place)
        if place < 0 or content[place + 1 : place + 2] in (b"", b"\xd9"):  # the end
            break
        marker = content[place + 1]
        if marker == 0xFF:  # fills up
            place += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # such have no length
            place += 2
        else:
            passes += marker == 0xDA
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return passes


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
