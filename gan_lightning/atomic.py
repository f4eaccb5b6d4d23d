"""Writing so that a kill at any moment leaves the old content or the new, never half of one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary path that takes ``path``'s place when the block ends well, and vanishes otherwise.

    Args:
        path: of the file; its folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new, empty folder that becomes ``path`` when the block ends well, and vanishes otherwise.

    What a killed process left of it is thrown away at the next try; so one process at a time, which a lock sees to.

    Args:
        path: of the folder, which does not exist yet; the one above it is made where it is missing.

    Raises:
        OSError: if there is something at ``path`` by the time that the block ends.
    """
    temporary = path.with_name(f"{path.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
