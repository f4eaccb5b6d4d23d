"""Files from unknown hands: opened without waiting for what is no file, read within bounds, named in one line."""

import os
from pathlib import Path
from stat import S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG, S_ISSOCK
from typing import IO, BinaryIO

MOST_BYTES = 2**33
"""No file that is read into memory as a whole is larger; the largest published batch has 1.6 GB."""

MOST_TIMES, MOST_ANYWAY = 100, 2**24
"""What is packed may unpack to so many times its size, or to so many bytes: text shrinks to a tenth, pictures less."""

SHOWN = 200
"""Characters of a message that are shown; what a broken file makes others say may be as long as the file."""

KINDS = {S_ISDIR: "a folder", S_ISFIFO: "a fifo", S_ISSOCK: "a socket", S_ISCHR: "a device", S_ISBLK: "a device"}


def require_regular(path: Path, mode: int) -> None:
    """Refuse what is no regular file, by its mode as ``os.stat`` tells it.

    Raises:
        ValueError: naming the path, and what it is.
    """
    if not S_ISREG(mode):
        kind = next((kind for is_kind, kind in KINDS.items() if is_kind(mode)), "something else")
        raise ValueError(f"{path} is {kind}, not a file")


def open_regular(path: Path) -> BinaryIO:
    """A regular file, or one that a link leads to, opened for reading.

    Raises:
        ValueError: naming the path, if it is something else: a fifo, say, on whose writer others would wait.
        OSError: if it cannot be opened.
    """
    require_regular(path, os.stat(path).st_mode)
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
    try:
        require_regular(path, os.fstat(file.fileno()).st_mode)  # it may have been another a moment ago
    except ValueError:
        file.close()
        raise
    return file


def content_of(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """All bytes of a regular file.

    Args:
        path: of the file.
        most: bytes that a file of its kind can have.

    Raises:
        ValueError: naming the path, if it is no regular file, or larger.
        OSError: if it cannot be read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        require_size(path, size, most)
        return file.read(size)


def require_size(path: Path, size: int, most: int = MOST_BYTES) -> None:
    """Refuse a file of more bytes than one of its kind has.

    Raises:
        ValueError: naming the path, and the size.
    """
    if size > most:
        raise ValueError(f"{path} has {size:,} bytes: no file of its kind has more than {most:,}")


def most_unpacked(packed: int) -> int:
    """Bytes that a file of ``packed`` bytes may unpack to."""
    return max(MOST_TIMES * packed, MOST_ANYWAY)


class Bounded:
    """What a packed stream unpacks to, as long as it is plausible.

    Args:
        unpacked: the stream as it comes out.
        packed: bytes that went in.
    """

    def __init__(self, unpacked: IO[bytes], packed: int) -> None:
        self.unpacked, self.left = unpacked, most_unpacked(packed)

    def read(self, size: int) -> bytes:
        """The next bytes, ``size`` of them at most; none at the end.

        Raises:
            ValueError: if all together are more than the packed ones can stand for.
        """
        piece = self.unpacked.read(size)
        self.left -= len(piece)
        if self.left < 0:
            raise ValueError(f"it unpacks to more than {MOST_TIMES} times its size")
        return piece


def said(error: BaseException) -> str:
    """What an error says, or its kind, in one printable line of bounded length."""
    return printable(str(error)) or type(error).__name__


def printable(text: str) -> str:
    """A text that a stranger may have written, in one line of bounded length that does nothing to a terminal."""
    line = " ".join(text[: 10 * SHOWN].split())
    line = "".join(letter if letter.isprintable() else "?" for letter in line)
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"
