"""Images read once and kept as one uint8 array, to be mapped into memory from then on."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from filelock import FileLock

from gan_lightning.atomic import atomic_folder
from gan_lightning.data.base import MappedRows, Split, bytes_of

Block = tuple[np.ndarray, np.ndarray | None]
"""Images ``(n, C, H, W)`` uint8 and labels ``(n,)`` int64, or ``None``."""

LAYOUT = 2
"""Of the cached files; raise it with any change, so that what an earlier version wrote is made anew."""


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/gan_lightning``, else ``~/.cache/gan_lightning``; may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_lightning"


def listing(files: Iterable[Path]) -> str:
    """A digest of paths, sizes and times of change: equal as long as nobody touched the files."""
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        digest.update(repr((str(file.resolve()), status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()


def cached_splits(
    description: Mapping[str, object],
    train: Iterable[Block],
    held_out: Iterable[Block],
    *,
    image_shape: tuple[int, int, int],
) -> tuple[Split, Split]:
    """Both splits from the cache, made from the blocks if this is the first time.

    The cache holds ``images.npy`` (all training images, then the held-out ones), ``labels.npy`` where there are
    labels, and ``description.json`` with the number of images in either split and the SHA-256 of their pixels.

    Args:
        description: everything the pixels depend on; serialisable as JSON.
        train, held_out: read only if the cache has nothing of this description.
        image_shape: ``(C, H, W)`` of every image.

    Raises:
        ValueError: if the cached files are broken.
    """
    described = {**description, "image_shape": image_shape, "layout": LAYOUT}
    key = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache_folder() / "images" / key
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):  # another process of the sweep may be reading the same pictures
            if not folder.is_dir():
                _make(folder, described, (train, held_out), image_shape)
    return _open(folder)


def _make(
    folder: Path, description: Mapping[str, object], parts: Sequence[Iterable[Block]], image_shape: tuple[int, int, int]
) -> None:
    with atomic_folder(folder) as unfinished:
        labels: list[np.ndarray] = []
        with (unfinished / "images.npy").open("wb") as file:
            _write_header(file, 0, image_shape)
            lengths, digests = zip(*[_append(file, part, labels) for part in parts], strict=True)
            file.seek(0)
            _write_header(file, sum(lengths), image_shape)
        if labels:
            np.save(unfinished / "labels.npy", np.concatenate(labels))
        content = {**description, "images": lengths, "sha256": digests}
        (unfinished / "description.json").write_text(json.dumps(content, indent=1) + "\n")


def _write_header(file: BinaryIO, length: int, image_shape: tuple[int, int, int]) -> None:
    """NumPy's header, which takes the same room for every length."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (length, *image_shape)}
    np.lib.format.write_array_header_1_0(file, header)


def _append(file: BinaryIO, blocks: Iterable[Block], all_labels: list[np.ndarray]) -> tuple[int, str]:
    """Write a split; the number of its images and the SHA-256 of their pixels."""
    number, digest = 0, hashlib.sha256()
    for images, labels in blocks:
        pixels = bytes_of(images)
        file.write(pixels)
        digest.update(pixels)
        number += len(images)
        if labels is not None:
            all_labels.append(labels)
    return number, digest.hexdigest()


def _open(folder: Path) -> tuple[Split, Split]:
    try:
        description = json.loads((folder / "description.json").read_text())
        (train, held_out), digests = description["images"], description["sha256"]
        labels = torch.from_numpy(np.load(folder / "labels.npy")) if (folder / "labels.npy").is_file() else None
        first, second = (
            Split(MappedRows(folder / "images.npy", *part, digest), None if labels is None else labels[slice(*part)])
            for part, digest in zip([(0, train), (train, train + held_out)], digests, strict=True)
        )
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"the cached images in {folder} are broken: delete that folder ({error})") from error
    return first, second
