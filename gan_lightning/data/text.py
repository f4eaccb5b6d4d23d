"""Text: lines of a fixed number of symbols, one-hot where networks see them."""

import bz2
import gzip
import logging
import lzma
import re
import tarfile
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import inf
from pathlib import Path
from typing import IO, Annotated, Any, cast

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field
from torch import Tensor
from torch.nn.functional import one_hot

from gan_lightning.atomic import atomic_file
from gan_lightning.data.base import RealData, Split, bytes_of, held_out_order
from gan_lightning.data.cache import Block, Blocks, cached_splits, listing
from gan_lightning.data.files import Packed, Unpacked, open_data, said
from gan_lightning.data.roots import named_file, named_root
from gan_lightning.randomness import RandomStreams
from gan_lightning.ranges import Count, Share, needed

log = logging.getLogger(__name__)

FILLING, NEWLINE, RETURN = b"`\n\r"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
PIECE_BYTES = 2**20
"""Text is cut to lines in pieces of this size."""

MOST_PIECE_ROWS_BYTES = 2**25
"""They are smaller where empty lines, each of which becomes a row, would take more than this."""

MOST_ROWS_BYTES = 2**32
"""Rows are held in memory before they are packed. The largest set that is meant is One Billion Word, a text of 4 GB
whose 30 million lines need 1 GB at 32 symbols and fit at up to 141."""

BLOCK_ROWS = 2**20
"""So many rows are brought into their order at a time."""

MOST_ARCHIVE_BYTES, MOST_MEMBERS, MOST_HEADER_BYTES = 2**33, 2**12, 2**20
"""Of an unpacked archive of the benchmark, which has 4 GB; of its members, about 150; of what says a member's name."""

RELEASE = "1-billion-word-language-modeling-benchmark-r13output"
TRAINING = "training-monolingual.tokenized.shuffled"
SHARD = re.compile(r"news\.en-000(\d\d)-of-00100")

open_xz = partial(lzma.open, format=lzma.FORMAT_XZ)  # it would take zeros without end for an older format
PACKERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": open_xz}
"""By a packed file's first bytes."""


Vocabulary = Annotated[int, Field(ge=2, le=256), needed("a whole number of at least 2 is needed, and of 256 at most")]
Lines = Annotated[int, Field(ge=2, le=10**9), needed("a whole number of at least 2 is needed, and of 10**9 at most")]


@dataclass(kw_only=True, eq=False, repr=False)
class TextData(RealData):
    """Lines of text: splits hold numbers of symbols, uint8 ``(N, length)``, networks see one-hot float32.

    A symbol is a byte. Lines are cut off at ``length`` and filled up to it with back-ticks. Symbol 0 stands for every
    byte that is none of the others, which are numbered by how frequent they are in the training lines.
    Source: released code, ``language_helpers.py``.

    Args:
        root: the file or folder that holds the text.
        length: symbols of a line.
        vocabulary: most symbols, symbol 0 included; networks see ``(B, length, vocabulary)`` in any case.
        lines: how many of the text's first lines are taken; ``None`` for all.
        held_out: share of them that is not trained on, the same ones in every run.

    Attributes:
        symbols: the bytes that symbols 1, 2, … stand for; known once the set or a checkpoint is loaded.

    Raises:
        ValueError: if a number is out of range, or the lines need more memory than any set that is meant.
    """

    root: str | None = None
    length: Count = 32
    vocabulary: Vocabulary = 256
    lines: Lines | None = None
    held_out: Share = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.symbols: list[int] = []
        size = (self.lines or 0) * self.length
        if size > MOST_ROWS_BYTES:
            raise ValueError(
                f"data.lines={self.lines} of data.length={self.length} need {size:,} bytes: no more than "
                f"{MOST_ROWS_BYTES:,} are held in memory"
            )

    @abstractmethod
    def find(self) -> list[Path]:
        """The files that hold the text.

        Raises:
            ValueError, FileNotFoundError: in one line, with the remedy, if there are none.
        """

    @abstractmethod
    def read(self, files: list[Path]) -> Iterable[np.ndarray]:
        """The lines of the files in their order, ``lines`` of them or more, as bytes in rows ``(n, length)``.

        Raises:
            ValueError: naming the file, if one is broken or no text.
        """

    def load(self) -> tuple[Split, Split]:
        files = self.find()
        description = {
            "set": type(self).__name__,
            "files": listing(files),
            **{name: getattr(self, name) for name in ("length", "lines", "held_out")},
        }
        splits = cached_splits(description, partial(self._blocks, files), row_shape=(self.length,))
        train, held_out = (split.rows(torch.arange(len(split)))[0] for split in splits)
        self.symbols = most_frequent(train, self.vocabulary - 1)
        self.title += f", {len(train):,} lines of {len(self.symbols)} symbols"
        return Split(self._numbered(train)), Split(self._numbered(held_out))

    def _blocks(self, files: list[Path]) -> tuple[Blocks, Blocks]:
        log.info("reading %s: %s", self.title, files[0] if len(files) == 1 else files[0].parent)
        pieces = _first(self.lines or inf, self.read(files))
        rows = _joined(pieces, self.length, room=MOST_ROWS_BYTES, name=files[0])[: self.lines]
        if len(rows) < (self.lines or 2):
            raise ValueError(
                f"data.root={self.root} holds {len(rows)} lines, and {self.lines or 2} are needed: name a larger text, "
                "or set data.lines=null for all lines there are"
            )
        train, held_out = held_out_order(len(rows), self.held_out)
        return _block(rows, train), _block(rows, held_out)

    def _numbered(self, lines: Tensor) -> Tensor:
        numbers = bytearray(256)
        for number, symbol in enumerate(self.symbols, start=1):
            numbers[symbol] = number
        translated = bytearray(bytes_of(lines.numpy())).translate(numbers)
        return torch.frombuffer(translated, dtype=torch.uint8).view_as(lines)

    def to_real(self, rows: Tensor, streams: RandomStreams) -> Tensor:
        return one_hot(rows.long(), self.vocabulary).float()

    def text(self, rows: Tensor) -> list[str]:
        """The lines that numbers of symbols ``(N, length)`` stand for; a symbol that stands for no byte is shown as �.

        Raises:
            RuntimeError: if neither the set nor a checkpoint has been loaded, which know the symbols.
        """
        if not self.symbols:
            raise RuntimeError("the text's symbols are not known yet: load the set, or a checkpoint")
        spelled = [UNKNOWN.encode()] * 256
        spelled[1 : len(self.symbols) + 1] = [bytes([symbol]) for symbol in self.symbols]
        return [b"".join(spelled[number] for number in row).decode(errors="replace") for row in rows.tolist()]

    def to_rows(self, samples: Tensor) -> Tensor:
        """The likeliest symbols ``(B, length)`` of generated lines ``(B, length, vocabulary)``."""
        return samples.argmax(-1)

    def show(self, samples: Tensor, path: Path) -> Path:
        """The likeliest symbols of generated lines ``(100, length, vocabulary)``, a line each."""
        file = path.with_name(f"{path.name}.txt")
        with atomic_file(file) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in self.text(self.to_rows(samples))), encoding="utf-8")
        return file

    def state_dict(self) -> dict[str, Any]:
        return {"symbols": self.symbols}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.symbols = state_dict["symbols"]


@dataclass(kw_only=True, eq=False, repr=False)
class TextFile(TextData):
    """Any text file, packed with xz or gzip or not.

    Args:
        name: what the user calls the text.
    """

    name: str | None = None

    def find(self) -> list[Path]:
        if not self.root:
            raise ValueError("data=text_file needs data.root=FILE, a text file, or one that ends in .xz or .gz")
        self.title = self.name or "text_file"
        return [named_file(self.root, "name a text file, or one that ends in .xz or .gz")]

    def read(self, files: list[Path]) -> Iterable[np.ndarray]:
        return chain.from_iterable(rows_of_file(file, self.length) for file in files)


class BillionWord(TextData):
    """The One Billion Word benchmark (arXiv:1312.3005): its training shards, 1 to 99, in order.

    ``root`` is the published archive, or the folder that it unpacks to.
    """

    def find(self) -> list[Path]:
        remedy = f"name {RELEASE}.tar.gz, or the folder that it unpacks to"
        if not self.root:
            raise ValueError(f"data=billion_word needs data.root=FILE or DIR: {remedy}")
        self.title = "Billion Word"
        if Path(self.root).expanduser().is_file():
            return [named_file(self.root, remedy)]
        root = named_root(self.root, remedy)
        for folder in (root, root / TRAINING, root / RELEASE / TRAINING):
            shards = {shard_number(path.name): path for path in sorted(folder.glob("news.en-*"))}
            if any(shards):
                return [shards[number] for number in in_order(shards)]
        raise FileNotFoundError(f"data.root={self.root} does not hold {TRAINING}/news.en-00001-of-00100: {remedy}")

    def read(self, files: list[Path]) -> Iterable[np.ndarray]:
        if shard_number(files[0].name):
            return chain.from_iterable(rows_of_file(file, self.length) for file in files)
        return rows_of_archive(files[0], self.length, self.lines)


def rows_of_file(path: Path, length: int) -> Iterator[np.ndarray]:
    """The lines of a text file, unpacked if its name ends in ``.xz`` or ``.gz``, as bytes in rows ``(n, length)``.

    Raises:
        ValueError: naming the file, if it is broken or no text.
    """
    unpack = {".xz": open_xz, ".gz": gzip.open}.get(path.suffix, _as_it_is)
    with open_data(path) as file, _named(path):
        packed = Packed(file)
        with unpack(packed, "rb") as unpacked:
            yield from rows_of_lines(Unpacked(unpacked, packed), length)


def rows_of_archive(path: Path, length: int, lines: int | None) -> Iterator[np.ndarray]:
    """The lines of the shards in a tar archive, where they lie in any order, as bytes in rows ``(n, length)``.

    Args:
        path: of the archive.
        length: of the rows.
        lines: how many are wanted, from the first shard on; no more shards are kept than hold them. ``None``: all.

    Raises:
        FileNotFoundError: if a shard is missing.
        ValueError: if the archive is broken.
    """
    shards: dict[int, np.ndarray] = {}
    with open_data(path) as file, _named(path, "a tar archive, and data=text_file reads any text"):
        start, packed = file.peek(), Packed(file)
        unpack = next((unpack for sign, unpack in PACKERS.items() if start.startswith(sign)), _as_it_is)
        with unpack(packed, "rb") as unpacked:
            for number, shard in _shards(Unpacked(unpacked, packed)):
                room = MOST_ROWS_BYTES - sum(rows.nbytes for rows in shards.values())
                pieces = _first(lines or inf, rows_of_lines(shard, length))
                shards[number] = _joined(pieces, length, room=room, name=f"shard {number}")
                while sum(map(len, shards.values())) - len(shards[max(shards)]) >= (lines or inf):
                    del shards[max(shards)]  # those before it are enough
    if not shards:
        raise FileNotFoundError(f"{path} does not hold {TRAINING}/news.en-00001-of-00100")
    return (shards.pop(number) for number in in_order(shards))


def _shards(stream: Unpacked) -> Iterator[tuple[int, IO[bytes]]]:
    """The training shards in the stream of a tar archive: their numbers, and what they hold.

    Raises:
        ValueError: if it is cut off, or has more of anything than the benchmark's archive: members, bytes, or bytes
            of a header, which are read whole.
    """
    stream.most = MOST_HEADER_BYTES
    # It does nothing with the stream but read it.
    with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
        for count, member in enumerate(archive):
            if count == MOST_MEMBERS or member.issparse():
                raise ValueError(f"it has more than {MOST_MEMBERS:,} members, or one with holes")
            stream.most = min(archive.offset + MOST_HEADER_BYTES, MOST_ARCHIVE_BYTES)
            number = shard_number(Path(member.name).name)
            if number and (file := archive.extractfile(member)):
                yield number, file
        end = cast(IO[bytes], archive.fileobj).read(MOST_HEADER_BYTES)
        if not end or end.strip(b"\0"):  # to tarfile a broken header or a cut is an end, and whoever packed it goes on
            raise ValueError("it is broken, or cut off")


def _as_it_is(packed: Packed, _mode: str) -> AbstractContextManager[Packed]:
    return nullcontext(packed)


def rows_of_lines(file: IO[bytes] | Unpacked, length: int) -> Iterator[np.ndarray]:
    """The lines of a stream as bytes in rows ``(n, length)``, cut off and filled up with back-ticks.

    Raises:
        ValueError: if there is a zero byte, which no text has.
    """
    rest = b""
    while piece := file.read(min(PIECE_BYTES, 1 + MOST_PIECE_ROWS_BYTES // length)):
        if b"\0" in piece:
            raise ValueError("it has zero bytes: no text, or one in UTF-16")
        lines, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            yield _rows(lines, length)
        rest = rest[: length + 1]  # what tells a line that is cut off, with room for a carriage return
    if rest:
        yield _rows(rest, length)


def _rows(lines: bytes, length: int) -> np.ndarray:
    """Lines, parted by newlines, as rows ``(n, length)``."""
    text = np.frombuffer(lines + b"\n" + bytes(length), np.uint8)
    ends = np.flatnonzero(text == NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    lengths -= (lengths > 0) & (text[ends - 1] == RETURN)  # Windows ends its lines with both
    rows = sliding_window_view(text, length)[starts]
    rows[np.arange(length) >= lengths[:, None]] = FILLING
    return rows


def most_frequent(rows: Tensor, most: int) -> list[int]:
    """At most so many of the bytes in uint8 rows, by descending frequency; the lower of two equally frequent first."""
    counts = torch.bincount(rows.flatten(), minlength=256)
    order = counts.argsort(descending=True, stable=True)
    return order[counts[order] > 0][:most].tolist()


def shard_number(name: str) -> int:
    """Which training shard of the benchmark a file is, 1 to 99; 0 for any other file."""
    match = SHARD.fullmatch(name)
    return int(match[1]) if match else 0


def in_order(shards: Iterable[int]) -> list[int]:
    """Numbers of shards from 1 on.

    Raises:
        FileNotFoundError: if one before the last is missing.
    """
    numbers = sorted(set(shards) - {0})
    for number in range(1, numbers[-1]):
        if number not in numbers:
            raise FileNotFoundError(f"news.en-{number:05}-of-00100 is missing beside news.en-{numbers[-1]:05}-of-00100")
    return numbers


def _first(most: float, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Pieces until they have ``most`` rows or more."""
    number = 0
    for piece in pieces:
        yield piece
        number += len(piece)
        if number >= most:
            return


def _joined(pieces: Iterable[np.ndarray], length: int, *, room: int, name: object) -> np.ndarray:
    """All rows in one array, of whose bytes there is one copy.

    Raises:
        ValueError: as soon as they have more bytes than there is room for, as empty lines without end do.
    """
    kept = bytearray()
    for piece in pieces:
        if len(kept) + piece.nbytes > room:
            raise ValueError(
                f"with {name} the lines need more than {MOST_ROWS_BYTES:,} bytes: data.lines=N takes the first ones"
            )
        kept += piece.data
    return np.frombuffer(kept, np.uint8).reshape(-1, length)


def _block(rows: np.ndarray, order: Tensor) -> Blocks:
    def read(part: Tensor) -> Block:
        return rows[part.numpy()], None

    return Blocks([partial(read, part) for part in order.split(BLOCK_ROWS)], len(order))


@contextmanager
def _named(path: Path, kind: str = "text") -> Iterator[None]:
    try:
        yield
    except Exception as error:  # what is broken raises nearly anything
        raise ValueError(f"{path} cannot be read as {kind}: {said(error)}") from error
