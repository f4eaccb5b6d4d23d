"""Pictures and texts of samples as runs have written them, which may be a stranger's."""

from pathlib import Path

from PIL import Image

from gan_lightning.own_files import check_folder, open_own, read_own

LARGEST_SIDE = 10_000
"""Pixels of a picture of 100 samples."""

LARGEST_TEXT = 2**24


def kept_samples(folder: Path, *suffixes: str) -> dict[int, Path]:
    """What training has kept in a run's ``samples``, by generator iteration: files of these suffixes, such as ``png``.

    Raises:
        ValueError: if the folder is a link.
    """
    files = [file for suffix in suffixes for file in check_folder(folder).glob(f"*.{suffix}")]
    return {int(file.stem): file for file in files if file.stem.isdecimal()}


def read_picture(file: Path) -> Image.Image:
    """A picture of samples in red, green and blue.

    Raises:
        ValueError: if it is no PNG, broken or larger than any that a run writes, naming it.
    """
    with open_own(file) as stream:
        try:
            with Image.open(stream, formats=["PNG"]) as picture:
                if max(picture.size) > LARGEST_SIDE:
                    raise ValueError(f"{picture.size[0]} x {picture.size[1]} pixels")
                return picture.convert("RGB")
        except Exception as error:  # Pillow has many
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"{file} is no picture of samples ({reason}): move it away") from error


def read_text(file: Path) -> str:
    """Samples of text.

    Raises:
        ValueError: if it is no plain file, or larger than any that a run writes, naming it.
    """
    return read_own(file, largest=LARGEST_TEXT).decode(errors="replace")
