"""Writing so that a kill at any moment leaves the old content or the new, never half of one."""

import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import randbelow

UNKNOWN = 10**18
"""Of so many names a temporary file has one: nobody can lay a link in its place beforehand."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary file that takes ``path``'s place when the block ends well, and vanishes otherwise.

    Args:
        path: of the file; its folder is made where it is missing. A link there is replaced and not followed.

    Raises:
        OSError: naming ``path``, where it cannot be written, as on a full disk.
    """
    with _beside(path) as temporary:
        try:
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """As :func:`atomic_file`, a folder: ``path`` is not there yet, or an empty one, whose place it takes."""
    with _beside(path) as temporary:
        try:
            temporary.mkdir()
            yield temporary
            os.rename(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f".{path.name}.{randbelow(UNKNOWN)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary), temporary):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def remove_leftovers(folder: Path, *, besides: Collection[str] = ()) -> None:
    """Delete the temporary files of killed processes directly in a folder that no living one writes to.

    Args:
        folder: which may be missing.
        besides: names of files that living processes may be writing.
    """
    for path in folder.glob(".*"):
        temporary = re.fullmatch(r"\.(.+)\.\d+", path.name)
        if temporary and temporary[1] not in besides and path.is_file():
            path.unlink(missing_ok=True)
