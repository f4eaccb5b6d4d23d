"""The folder a user names by ``data.root``."""

from pathlib import Path


def named_root(root: str, remedy: str) -> Path:
    """The folder ``data.root``.

    Args:
        root: as the user typed it; ``~`` is the home folder.
        remedy: ends the line that says what is wrong.

    Raises:
        FileNotFoundError: if it is not a folder or is empty.
    """
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"data.root={root} is not an existing folder: {remedy}")
    if not any(folder.iterdir()):
        raise FileNotFoundError(f"data.root={root} is an empty folder: {remedy}")
    return folder
