"""A sheet of sample pictures with names along its rows and columns."""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gan_lightning.report.drawing import INK, PALE
from gan_lightning.report.pictures import read_picture

SIDE = 10
"""A run's sample pictures are grids of so many rows and columns."""

DPI, LETTER, LINE = 100, 8, 16  # pixels of a letter's width and of a line's height, at the font size below
FONT_SIZE = 9
GAP = 10  # pixels between cells
LEAST = 140  # pixels of a cell's width, for its caption; smaller pictures are enlarged
WIDEST = 176  # pixels of a row's label; longer ones are broken


@dataclass(frozen=True)
class Cell:
    """What is shown of one run: a picture or a text, and what became of the run where it did not finish."""

    picture: Path | None = None
    text: Path | None = None
    caption: str = ""


@dataclass(frozen=True)
class Layout:
    """Where things stand, in pixels from the top left: cells of one size, and room for what is written around them."""

    rows: list[str]
    columns: list[str]
    cell: tuple[int, int]
    captions: bool

    @property
    def left(self) -> int:
        """Where the first column begins."""
        longest = 2 + max(map(len, self.rows))  # capitals are wider than the average letter
        return min(WIDEST, LETTER * longest) + GAP

    @property
    def top(self) -> int:
        """Where the first row begins."""
        return LINE * max(wrapped(column, self.cell[0]).count("\n") + 1 for column in self.columns) + GAP

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """The top left of a cell; of one more than there are, the size of the sheet."""
        wide, high = self.cell
        below = LINE if self.captions else 0
        return self.left + column * (wide + GAP), self.top + row * (high + below + GAP)


class Sheet:
    """A figure on which places are pixels from the top left."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)

    def write(self, x: float, y: float, text: str, *, across: str, along: str) -> None:
        """Write at a place, which is the left, centre or right, and the top, centre or bottom, of the text."""
        place = x / self.width, 1 - y / self.height
        self.figure.text(*place, text, ha=across, va=along, fontsize=FONT_SIZE, color=INK)

    def panel(self, x: float, y: float, size: tuple[int, int]) -> Axes:
        """An empty field, width and height, from its top left."""
        wide, high = size
        box = (x / self.width, 1 - (y + high) / self.height, wide / self.width, high / self.height)
        panel = self.figure.add_axes(box)
        panel.set_axis_off()
        return panel


def draw_sheet(file: Path, cells: Mapping[tuple[str, str], Cell], *, crop: int) -> None:
    """Draw every picture at its own size or a whole multiple of it; a cell without one is a pale box with its caption.

    Args:
        file: the PNG to write; its folder is there.
        cells: by row and column, at least one with a picture.
        crop: so many rows and columns of each grid are shown, from the top left.
    """
    pictures = {key: cropped(cell.picture, crop) for key, cell in cells.items() if cell.picture}
    high, wide = (max(picture.shape[axis] for picture in pictures.values()) for axis in (0, 1))
    factor = max(1, math.ceil(LEAST / wide))
    rows, columns = (list(dict.fromkeys(key[place] for key in cells)) for place in (0, 1))
    captions = any(cells[key].caption for key in pictures)
    layout = Layout(rows, columns, cell=(wide * factor, high * factor), captions=captions)
    sheet = Sheet(*layout.corner(len(rows), len(columns)))
    wide, high = layout.cell
    for place, column in enumerate(columns):
        x, y = layout.corner(0, place)
        sheet.write(x + wide / 2, y - GAP / 2, wrapped(column, wide), across="center", along="bottom")
    for place, row in enumerate(rows):
        x, y = layout.corner(place, 0)
        sheet.write(x - GAP, y + high / 2, wrapped(row, WIDEST), across="right", along="center")
    for row, column in product(rows, columns):
        x, y = layout.corner(rows.index(row), columns.index(column))
        draw_cell(sheet, cells.get((row, column), Cell()), pictures.get((row, column)), place=(x, y), size=layout.cell)
    sheet.figure.savefig(file)


def draw_cell(
    sheet: Sheet, cell: Cell, picture: np.ndarray | None, *, place: tuple[int, int], size: tuple[int, int]
) -> None:
    """A picture with its caption below, or a pale box with the caption in it."""
    (x, y), (wide, high) = place, size
    panel = sheet.panel(x, y, size)
    if picture is not None:
        panel.imshow(picture, interpolation="nearest")
        sheet.write(x + wide / 2, y + high + 2, cell.caption, across="center", along="top")
    else:
        panel.add_patch(Rectangle((0, 0), 1, 1, transform=panel.transAxes, color=PALE))
        sheet.write(x + wide / 2, y + high / 2, wrapped(cell.caption, wide), across="center", along="center")


def wrapped(text: str, width: int) -> str:
    """A text in lines of so many pixels."""
    return textwrap.fill(text, width // LETTER)


def cropped(file: Path, crop: int) -> np.ndarray:
    """The first rows and columns of a grid of `SIDE` by `SIDE` samples, uint8 ``(H, W, 3)``."""
    picture = read_picture(file)
    width, height = picture.size
    return np.asarray(picture.crop((0, 0, width * crop // SIDE, height * crop // SIDE)))
