"""Data from unknown hands: read within bounds of size and of what they unpack to, and named in one line."""

from io import BufferedReader
from math import inf
from pathlib import Path
from typing import IO

from gan_lightning.plain_files import open_plain, read_plain

MOST_BYTES = 2**31
"""No file that is read into memory as a whole is larger; the largest published one, a batch of ImageNet, has 1.6 GB."""

MOST_TIMES, MOST_ANYWAY = 100, 2**24
"""What is packed may unpack to so many times its size, or to so many bytes: text shrinks to a tenth, pictures less."""

LEAST_SHARE, MOST_FOR_NOTHING = 0.5, 2**20
"""It unpacks to so much of its size at least, but for so many bytes: headers, an index, what fills a tape's block."""

SHOWN = 200
"""Characters of a message that are shown; what a broken file makes others say may be as long as the file."""


def open_data(path: Path) -> BufferedReader:
    """A plain file, or one that a link leads to, opened for reading; errors are those of ``open_plain``."""
    return open_plain(path, follow_links=True)


def read_data(path: Path, *, largest: int = MOST_BYTES) -> bytes:
    """What such a file of ``largest`` bytes at most holds; errors are those of ``read_plain``."""
    return read_plain(path, largest=largest, follow_links=True)


def most_unpacked(packed: int) -> int:
    """Bytes that so many packed ones may unpack to."""
    return max(MOST_TIMES * packed, MOST_ANYWAY)


class Packed:
    """A packed stream, for whoever unpacks it, as long as that gives something.

    Zeros behind it, or empty parts one after the other, are passed over a few bytes at a time: a file of them, which
    need not take room on a disk, would keep its reader for days.

    Args:
        file: the stream.

    Attributes:
        taken: bytes that have been read.
        given: bytes that they have been unpacked to, as :class:`Unpacked` counts them.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.taken, self.given = file, 0, 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, ``size`` of them at most; none at the end.

        Raises:
            ValueError: if those before them were unpacked to next to nothing.
        """
        piece = self.file.read(size)
        self.taken += len(piece)
        if LEAST_SHARE * self.taken > self.given + MOST_FOR_NOTHING:
            raise ValueError(f"{self.taken:,} bytes of it unpack to {self.given:,}")
        return piece


class Unpacked:
    """What a packed stream unpacks to, as long as it is plausible.

    Args:
        file: the stream as it comes out.
        packed: as it goes in.

    Attributes:
        most: bytes that may come in all, where the reader knows it.
    """

    def __init__(self, file: IO[bytes] | Packed, packed: Packed) -> None:
        self.file, self.packed, self.most = file, packed, inf

    def read(self, size: int) -> bytes:
        """The next bytes, ``size`` of them at most; none at the end.

        Raises:
            ValueError: if all together are more than the packed ones can stand for, or than ``most``.
        """
        piece = self.file.read(size)
        self.packed.given += len(piece)
        if self.packed.given > most_unpacked(self.packed.taken):
            raise ValueError(f"it unpacks to more than {MOST_TIMES} times its size")
        if self.packed.given > self.most:
            raise ValueError(f"it unpacks to more than the {self.most:,} bytes that it may have here")
        return piece


def said(error: BaseException) -> str:
    """What an error says, or its kind, in one printable line of bounded length."""
    return printable(str(error)) or type(error).__name__


def printable(text: str) -> str:
    """A text that a stranger may have written, in one line of bounded length that does nothing to a terminal."""
    line = " ".join(text[: 10 * SHOWN].split())
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"
