"""How pictures look: colours and lines that colour-blind readers can tell apart, and quiet panels."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

INK, PALE = "#333333", "#e5e5e5"
BAND_ALPHA = 0.18
# The palette of Okabe and Ito, its yellow left out as too light for a line, then three colours more.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#7f7f7f", "#882255", "#332288")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)))


@dataclass(frozen=True)
class Line:
    """A method's colour and dashes; either may come again, the two together do not before the 31st method."""

    colour: str
    dashes: Any


def lines_for(names: Iterable[str]) -> dict[str, Line]:
    """A line of its own for each method, by the method's place among them."""
    return {name: Line(COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]) for index, name in enumerate(names)}


def style_panel(panel: Axes, title: str) -> None:
    """A quiet frame: light grid lines, no box."""
    panel.set_title(title, loc="left", fontsize=11, color=INK)
    panel.grid(axis="y", color=PALE)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(colors=INK)
