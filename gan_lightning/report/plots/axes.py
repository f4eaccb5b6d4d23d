"""A heat map: the median score of every method at every value of every axis."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from gan_lightning.report.drawing import INK
from gan_lightning.report.methods import Method

GAP = 0.4  # between two axes, in cells


def draw_axes(
    file: Path,
    methods: Sequence[Method],
    medians: Mapping[str, Mapping[tuple[str, str], tuple[float, int] | None]],
    *,
    score_name: str,
) -> None:
    """Draw a row a method and a column a value, the columns of an axis side by side.

    Args:
        file: the PNG to write, 1280 pixels wide.
        methods: the rows, from the top.
        medians: by method, then by axis and value, as `medians_by_axis` makes them; at least one column.
        score_name: what the scores are called.
    """
    keys = list(next(iter(medians.values())))
    places = column_places(keys)
    found = [cell[0] for row in medians.values() for cell in row.values() if cell]
    shade, colours = Normalize(min(found), max(found)), colormaps["cividis"]
    figure = Figure(figsize=(12.8, 2.0 + 0.42 * len(methods)), dpi=100, layout="constrained")
    panel = figure.subplots()
    for row, method in enumerate(methods):
        for key, place in zip(keys, places, strict=True):
            cell = medians[method.name][key]
            if cell:
                level = float(shade(cell[0]))
                panel.add_patch(Rectangle((place - 0.5, row - 0.5), 1, 1, color=colours(level), linewidth=0))
                ink = "white" if level < 0.5 else "black"
                panel.text(place, row, f"{cell[0]:.1f}", ha="center", va="center", fontsize=9, color=ink)
    for axis in dict.fromkeys(axis for axis, _ in keys):
        columns = [place for key, place in zip(keys, places, strict=True) if key[0] == axis]
        middle = (columns[0] + columns[-1]) / 2
        panel.text(middle, -0.65, axis.replace(".", "\n"), ha="center", va="bottom", fontsize=9, color=INK)
    panel.set_xlim(-0.6, places[-1] + 0.6)
    panel.set_ylim(len(methods) - 0.4, -0.6)
    panel.set_xticks(places, [value for _, value in keys], rotation=45, ha="right", fontsize=9, color=INK)
    panel.set_yticks(range(len(methods)), [method.label for method in methods], color=INK)
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    figure.suptitle(f"median {score_name} by value of each axis", x=0.01, ha="left", fontsize=11, color=INK)
    figure.savefig(file)


def column_places(keys: Sequence[tuple[str, str]]) -> list[float]:
    """Where each column stands: side by side, with a gap where a new axis begins."""
    places = [0.0]
    for (before, _), (axis, _) in pairwise(keys):
        places.append(places[-1] + (1.0 if axis == before else 1.0 + GAP))
    return places
