"""The one way to read and write what lies in the directory of a run or a study, which may be a stranger's.

A link there could lead anywhere, and a pipe would hang whoever opens it: only plain files and folders are its own.
"""

import errno
import logging
import os
import stat
import sys
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from typing import BinaryIO

KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_own(path: Path) -> BinaryIO:
    """A plain file, opened for reading; of anything else nothing is read, and nothing waits.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is a link, a folder, a pipe or the like, naming it.
        OSError: if it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            check_plain(path)
        raise
    try:
        _check_kind(path, os.fstat(descriptor).st_mode)
    except ValueError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_own(path: Path, *, largest: int) -> bytes:
    """What a plain file holds.

    Args:
        path: of the file.
        largest: bytes that it may have.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is no plain file or a larger one, naming it.
        OSError: if it cannot be read.
    """
    with open_own(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"{path} is larger than the {largest:,} bytes that such a file may have")
    return content


def check_plain(path: Path) -> None:
    """Refuse to write over anything but a plain file; where there is nothing, anything may be written.

    Raises:
        ValueError: if it is a link, a folder, a pipe or the like, naming it.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    _check_kind(path, mode)


def check_folder(path: Path) -> Path:
    """A folder of a run's, to read from or to write in, if there is one.

    Raises:
        ValueError: if it is a link or no folder, naming it.
    """
    try:
        kind = stat.S_IFMT(path.lstat().st_mode)
    except FileNotFoundError:
        return path
    if kind != stat.S_IFDIR:
        raise ValueError(f"{path} is {KINDS.get(kind, 'a file')}, and a folder is needed there: move it away")
    return path


def append_own(path: Path) -> TextIOWrapper:
    """A plain file, opened for adding text, and made where it is missing.

    Raises:
        ValueError: if it is a link, a folder, a pipe or the like, naming it.
        OSError: if it cannot be opened.
    """
    check_plain(path)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return open(path, "a", encoding="utf-8", opener=lambda name, _: os.open(name, flags, 0o666))


def move_aside(path: Path) -> Path:
    """Give something another name in its folder, with ``.broken`` and a number where there is one already.

    Returns:
        The new path.
    """
    names = (path.with_name(f"{path.name}.broken{number or ''}") for number in count())
    aside = next(name for name in names if not os.path.lexists(name))
    path.rename(aside)
    return aside


class LogFile(logging.FileHandler):
    """Adds messages to a plain file; where that cannot be opened, it is told once and no message is kept."""

    def _open(self) -> TextIOWrapper:
        try:
            return append_own(Path(self.baseFilename))
        except (OSError, ValueError) as error:
            print(f"no log is kept: {error}", file=sys.stderr)
            return open(os.devnull, "a")


def _check_kind(path: Path, mode: int) -> None:
    kind = stat.S_IFMT(mode)
    if kind != stat.S_IFREG:
        raise ValueError(f"{path} is {KINDS.get(kind, 'of an unknown kind')}, and a plain file is needed: move it away")
