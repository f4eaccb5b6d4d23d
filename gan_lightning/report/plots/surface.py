"""Contours of critics' scores over the plane, as in Figure 1a: a column a data set, a row a method."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gan_lightning.report.drawing import COLOURS, INK

CONTOURS = 14


@dataclass(frozen=True)
class Surface:
    """Scores of one run's critic: `scores[j, i]` at `(ticks[i], ticks[j])`; `real` are some real points `(N, 2)`."""

    data: str
    method: str
    label: str
    seed: int
    ticks: np.ndarray
    scores: np.ndarray
    real: np.ndarray


def draw_surfaces(file: Path, surfaces: Sequence[Surface], *, columns: Sequence[str], extent: float) -> None:
    """Draw the surface of each method's first run on each data set; a panel stays empty where there is none.

    Args:
        file: the PNG to write.
        surfaces: methods in the order of their rows; of several with one method and data set, the first is drawn.
        columns: titles of the data sets, from left to right.
        extent: the plane is shown on [-extent, extent]².
    """
    rows = dict.fromkeys(surface.method for surface in surfaces)
    size = 2.7 * len(columns) + 0.3, 2.7 * len(rows) + 0.3
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    panels = figure.subplots(len(rows), len(columns), squeeze=False)
    for j, method in enumerate(rows):
        for i, data in enumerate(columns):
            panel = panels[j, i]
            panel.set(xticks=[], yticks=[], xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
            if j == 0:
                panel.set_title(data, fontsize=11, color=INK)
            found = [one for one in surfaces if (one.method, one.data) == (method, data)]
            if found:
                ticks, scores, real = found[0].ticks, found[0].scores, found[0].real
                panel.scatter(*real.T, s=3, color=COLOURS[1], linewidths=0)
                panel.contour(ticks, ticks, scores, CONTOURS, cmap="viridis", linewidths=1.0)
        label = next(one.label for one in surfaces if one.method == method)
        panels[j, 0].set_ylabel(label, fontsize=11, color=INK)
    figure.savefig(file)
