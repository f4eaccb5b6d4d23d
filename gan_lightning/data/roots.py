"""The folder or file that a user names by ``data.root``."""

from pathlib import Path


def user_path(text: str) -> Path:
    """A path as a user types it; ``~`` is the home folder.

    Raises:
        FileNotFoundError: if it starts with ``~`` and a name that is no user's.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(f"{text} lies in the home folder of nobody known here") from error


def named_root(root: str, remedy: str) -> Path:
    """The folder ``data.root``.

    Args:
        root: as the user typed it; ``~`` is the home folder.
        remedy: ends the line that says what is wrong.

    Raises:
        FileNotFoundError: if it is not a folder or is empty.
    """
    folder = user_path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"data.root={root} is not an existing folder: {remedy}")
    if not any(folder.iterdir()):
        raise FileNotFoundError(f"data.root={root} is an empty folder: {remedy}")
    return folder


def named_file(root: str, remedy: str) -> Path:
    """The file ``data.root``; the rest as for a folder.

    Raises:
        FileNotFoundError: if it is not a file or is empty.
    """
    file = user_path(root)
    if not file.is_file():
        raise FileNotFoundError(f"data.root={root} is not an existing file: {remedy}")
    if not file.stat().st_size:
        raise FileNotFoundError(f"data.root={root} is an empty file: {remedy}")
    return file
