"""Histograms of gradient norms and of cosines, a row a run; 1 is the optimal critic's."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gan_lightning.report.drawing import INK, lines_for, style_panel


def draw_histograms(
    file: Path, norms: Mapping[str, np.ndarray], cosines: Mapping[str, np.ndarray], *, bins: int
) -> None:
    """Draw the norms to the left and the cosines to the right, each on one axis for all runs; 1 is marked.

    Args:
        file: the PNG to write.
        norms, cosines: numbers `(N,)` by label; the same labels in both.
        bins: of a histogram, over the range of its own numbers.
    """
    figure = Figure(figsize=(9, 0.6 + 2.2 * len(norms)), dpi=110, layout="constrained")
    panels = figure.subplots(len(norms), 2, squeeze=False)
    for (label, line), row in zip(lines_for(norms).items(), panels, strict=True):
        for panel, quantity in zip(row, (norms, cosines), strict=True):
            style_panel(panel, f"{label}: median {np.median(quantity[label]):.3g}")
            panel.hist(quantity[label], bins=bins, color=line.colour)
            panel.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 2)))
            panel.set(xlim=_shown(quantity), yticks=[])
    panels[-1, 0].set_xlabel("norm of the gradient", color=INK)
    panels[-1, 1].set_xlabel("cosine with y - x", color=INK)
    figure.savefig(file)


def _shown(quantity: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """The range of all numbers and of 1, with a margin."""
    numbers = np.concatenate([*quantity.values(), [1.0]])
    margin = 0.02 * float(np.ptp(numbers))
    return float(numbers.min()) - margin, float(numbers.max()) + margin
