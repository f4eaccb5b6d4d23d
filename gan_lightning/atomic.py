"""Writing so that a kill at any moment leaves the old content or the new, never half of one."""

import os
import re
from collections.abc import Collection, Iterator
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
