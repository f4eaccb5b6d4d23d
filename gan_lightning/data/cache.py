"""Samples read once and kept as one uint8 array, to be mapped into memory from then on."""

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import prod
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from gan_lightning.atomic import atomic_file
from gan_lightning.data.base import MappedRows, Split, bytes_of, sha256_of
from gan_lightning.plain_files import require_plain

log = logging.getLogger(__name__)

Block = tuple[np.ndarray, np.ndarray | None]
"""Samples ``(n, *)`` uint8 and labels ``(n,)`` int64, or ``None``."""

LAYOUT = 4
"""Of the cached files; raise it with any change, so that what an earlier version wrote is made anew."""

ROWS, LABELS, PROGRESS, DESCRIPTION = "rows.npy", "labels.npy", "progress.json", "description.json"
SECONDS_BETWEEN_LINES = 30


@dataclass(frozen=True)
class Blocks:
    """A split in blocks, each of which is read when it is its turn.

    Args:
        reads: one function a block; in another process they give the same blocks again, so that it can go on where
            this one was cut off.
        rows: how many samples there are in all blocks, or about how many.
    """

    reads: Sequence[Callable[[], Block]]
    rows: int


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/gan_lightning``, else ``~/.cache/gan_lightning``; may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan_lightning"


def listing(files: Iterable[Path]) -> str:
    """A digest of paths, sizes and times of change: equal as long as nobody touched the files.

    Raises:
        ValueError: naming one that is a pipe, say, and no plain file.
    """
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        require_plain(file, status.st_mode)
        digest.update(repr((str(file.resolve()), status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()


def cached_splits(
    description: Mapping[str, object],
    blocks: Callable[[], tuple[Blocks, Blocks]],
    *,
    row_shape: tuple[int, ...],
) -> tuple[Split, Split]:
    """Both splits from the cache, made from their blocks if this is the first time.

    The cache holds ``rows.npy`` (all training samples, then the held-out ones), ``labels.npy`` where there are labels,
    and ``description.json`` with the number of samples in either split, whether they have labels, and the SHA-256 of
    their bytes. While they are being made they lie beside it in a folder ``*.part``; a process that is killed leaves
    it, and the next goes on.

    Args:
        description: everything that the samples depend on, serialisable as JSON; ``set`` is their name in messages.
        blocks: of training and held-out samples; asked only if the cache has nothing of this description.
        row_shape: of every sample, as in ``(C, H, W)``.

    Raises:
        ValueError: if the cached files are broken, or what ``blocks`` raise.
        OSError: if there is not enough room.
    """
    described = {**description, "row_shape": row_shape, "layout": LAYOUT}
    key = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache_folder() / "sets" / key
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):  # another process of the sweep may be reading the same samples
            if not folder.is_dir():
                _make(folder, described, blocks(), row_shape)
    return _open(folder, row_shape)


def _make(
    folder: Path, description: Mapping[str, object], splits: tuple[Blocks, Blocks], row_shape: tuple[int, ...]
) -> None:
    part = folder.with_suffix(".part")
    part.mkdir(exist_ok=True)
    train, held_out = splits
    lengths = _pack(
        part, [*train.reads, *held_out.reads], str(description["set"]), train.rows + held_out.rows, row_shape
    )
    number = sum(lengths[: len(train.reads)])
    rows = np.load(part / ROWS, mmap_mode="r")
    digests = [sha256_of(rows[:number]), sha256_of(rows[number:])]
    labelled = (part / LABELS).is_file()
    content = {**description, "rows": [number, len(rows) - number], "labelled": labelled, "sha256": digests}
    (part / DESCRIPTION).write_text(json.dumps(content, indent=1) + "\n")
    part.rename(folder)
    (folder / PROGRESS).unlink()


def _pack(
    part: Path, reads: Sequence[Callable[[], Block]], name: str, expected: int, row_shape: tuple[int, ...]
) -> list[int]:
    """Write the blocks that are not there yet; the lengths of all."""
    progress = part / PROGRESS
    lengths = _packed_lengths(part) if progress.is_file() else []
    _check_room(part, (expected - sum(lengths)) * prod(row_shape))
    tell = _Progress(name, expected, begun_at=sum(lengths))
    try:
        for read in reads[len(lengths) :]:
            rows, labels = read()
            _write(part / ROWS, rows, first=sum(lengths))
            if labels is not None:
                _write(part / LABELS, labels, first=sum(lengths))
            lengths.append(len(rows))
            with atomic_file(progress) as temporary:
                temporary.write_text(json.dumps(lengths))
            tell(sum(lengths))
    except ValueError:  # whoever mends what cannot be read makes another set of it
        shutil.rmtree(part)
        raise
    return lengths


def _packed_lengths(part: Path) -> list[int]:
    """The lengths of the blocks that are written down already.

    Raises:
        ValueError: naming the folder, if a file in it is broken.
    """
    try:
        lengths = json.loads((part / PROGRESS).read_text())
        if not all(type(length) is int and length >= 0 for length in lengths):
            raise ValueError("it does not hold lengths")
        for name in (ROWS, LABELS) if (part / LABELS).is_file() else (ROWS,):
            if lengths and not _holds(part / name, sum(lengths)):
                raise ValueError(f"{name} is cut short")
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"the packing in {part} cannot go on ({error}): move that folder away, and it begins anew"
        ) from error
    return lengths


def _holds(path: Path, number: int) -> bool:
    """Whether a ``.npy`` file has so many rows, whatever its header says, which is written before them."""
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return path.stat().st_size - file.tell() >= number * prod(shape[1:]) * dtype.itemsize


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"the packed samples need {needed / 1e9:,.1f} GB in {folder.parent}, where {free / 1e9:,.1f} GB are free: "
            "make room there, or name another place by the environment variable XDG_CACHE_HOME"
        )


def _write(path: Path, rows: np.ndarray, *, first: int) -> None:
    """Make rows the last ones of a ``.npy`` file, from row ``first`` on, so that they survive a failure of power."""
    header = {
        "descr": np.lib.format.dtype_to_descr(rows.dtype),
        "fortran_order": False,
        "shape": (first + len(rows), *rows.shape[1:]),
    }
    with path.open("r+b" if first else "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)  # takes the same room for every length
        file.seek(first * prod(rows.shape[1:]) * rows.itemsize, os.SEEK_CUR)
        file.truncate()
        file.write(bytes_of(rows))
        file.flush()
        os.fsync(file.fileno())


class _Progress:
    """Says now and then how far the packing of a set has come, and at once if it was begun earlier."""

    def __init__(self, name: str, expected: int, *, begun_at: int) -> None:
        self.name, self.expected, self.begun_at = name, expected, begun_at
        self.started = time.monotonic()
        self.due = self.started + SECONDS_BETWEEN_LINES
        if begun_at:
            log.info("packing %s: going on at %s of about %s samples", name, f"{begun_at:,}", f"{expected:,}")

    def __call__(self, number: int) -> None:
        now = time.monotonic()
        if now < self.due:
            return
        self.due = now + SECONDS_BETWEEN_LINES
        left = (now - self.started) * max(self.expected - number, 0) / max(number - self.begun_at, 1)
        log.info(
            "packing %s: %s of about %s samples, %s to go",
            *(self.name, f"{number:,}", f"{self.expected:,}", timedelta(seconds=round(left))),
        )


def _open(folder: Path, row_shape: tuple[int, ...]) -> tuple[Split, Split]:
    try:
        description = json.loads((folder / DESCRIPTION).read_text())
        (train, held_out), digests = description["rows"], description["sha256"]
        _check_array(np.load(folder / ROWS, mmap_mode="r"), (train + held_out, *row_shape), np.uint8)
        labels = np.load(folder / LABELS) if description["labelled"] else None
        if labels is not None:
            _check_array(labels, (train + held_out,), np.int64)
        first, second = (
            Split(
                MappedRows(folder / ROWS, *part, digest),
                None if labels is None else torch.from_numpy(labels[slice(*part)]),
            )
            for part, digest in zip([(0, train), (train, train + held_out)], digests, strict=True)
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise ValueError(
            f"the cached samples in {folder} are broken ({error}): move that folder away, and they are made anew"
        ) from error
    return first, second


def _check_array(array: np.ndarray, shape: tuple[int, ...], dtype: type) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"an array is {array.dtype} {array.shape}, and described as {np.dtype(dtype)} {shape}")
