"""The one way to read and write what lies in the directory of a run or a study, which may be a stranger's.

A link there could lead anywhere, and a pipe would hang whoever opens it: only plain files and folders are its own.
"""

import logging
import os
import stat
import sys
from io import TextIOWrapper
from itertools import count
from pathlib import Path
from typing import BinaryIO

from gan_lightning.plain_files import KINDS, open_plain, read_plain, require_plain


def open_own(path: Path) -> BinaryIO:
    """A plain file and no link to one, opened for reading; errors are those of ``open_plain``."""
    return open_plain(path, follow_links=False)


def read_own(path: Path, *, largest: int) -> bytes:
    """What a plain file and no link to one holds, of ``largest`` bytes at most; errors are those of ``read_plain``."""
    return read_plain(path, largest=largest, follow_links=False)


def check_plain(path: Path) -> None:
    """Refuse to write over anything but a plain file; where there is nothing, anything may be written.

    Raises:
        ValueError: if it is a link, a folder, a pipe or the like, naming it.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    require_plain(path, mode)


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


def unreadable(file: Path, error: Exception, remedy: str) -> ValueError:
    """What to raise, in one line, where a file is not what was written there.

    Args:
        file: that was read.
        error: what came of it.
        remedy: what to do about it.
    """
    return ValueError(f"{file} cannot be read ({' '.join(str(error).split())[:200]}): {remedy}")
