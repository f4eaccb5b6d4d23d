"""Plain files, which may be a stranger's: opened without waiting for what is none, read within a bound."""

import os
import stat
from io import BufferedReader
from pathlib import Path

KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_plain(path: Path, *, follow_links: bool) -> BufferedReader:
    """A plain file, opened for reading; of anything else nothing is opened, and nothing waits.

    Args:
        path: of the file.
        follow_links: whether it may be a link to one; the folders above it may be links in any case.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is a folder, a pipe or the like, naming it.
        OSError: if it cannot be opened.
    """
    require_plain(path, os.stat(path, follow_symlinks=follow_links).st_mode)
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_links else os.O_NOFOLLOW)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        require_plain(path, os.fstat(file.fileno()).st_mode)  # it may have been another a moment ago
    except ValueError:
        file.close()
        raise
    return file


def read_plain(path: Path, *, largest: int, follow_links: bool) -> bytes:
    """What a plain file holds.

    Args:
        path: of the file.
        largest: bytes that it may have.
        follow_links: whether it may be a link to one.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is no plain file or a larger one, naming it.
        OSError: if it cannot be read.
    """
    with open_plain(path, follow_links=follow_links) as file:
        size = os.fstat(file.fileno()).st_size
        require_size(path, size, largest)
        return file.read(size)


def require_plain(path: Path, mode: int) -> None:
    """Refuse what is no plain file, by its mode as ``os.stat`` tells it.

    Raises:
        ValueError: naming it, and what it is.
    """
    kind = stat.S_IFMT(mode)
    if kind != stat.S_IFREG:
        raise ValueError(f"{path} is {KINDS.get(kind, 'of an unknown kind')}, and a plain file is needed: move it away")


def require_size(path: Path, size: int, largest: int) -> None:
    """Refuse a file of more bytes than one of its kind has.

    Raises:
        ValueError: naming it, and the sizes.
    """
    if size > largest:
        raise ValueError(f"{path} has {size:,} bytes: no file of its kind has more than {largest:,}")
