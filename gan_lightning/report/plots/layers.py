"""Gradient norms over layers and histograms of weights, as in Figure 1b."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gan_lightning.report.drawing import INK, lines_for, style_panel


def draw_layers(
    file: Path, norms: Mapping[str, Sequence[float]], histograms: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    """Draw the norms on a logarithmic scale, from the output back to the input, and histograms of weights.

    A norm of 0 has no place on that scale.

    Args:
        file: the PNG to write.
        norms: gradient norms from the first layer to the last, by label.
        histograms: counts `(N,)` and edges `(N + 1,)` of weights by label, from top to bottom.
    """
    figure = Figure(figsize=(9, 4.2), dpi=110, layout="constrained")
    grid = figure.add_gridspec(max(1, len(histograms)), 2, width_ratios=[1.5, 1])
    panel = figure.add_subplot(grid[:, 0])
    style_panel(panel, "gradient norm")
    for (label, values), line in zip(norms.items(), lines_for(norms).values(), strict=True):
        layers, shown = range(1, len(values) + 1), [value or np.nan for value in values]
        panel.semilogy(layers, shown, "o", color=line.colour, linestyle=line.dashes, label=label, markersize=3.5)
    panel.invert_xaxis()
    panel.set_xlabel("layer of the critic, from its output back", color=INK)
    panel.legend(frameon=False, fontsize=9)
    for row, (label, (counts, edges)) in enumerate(histograms.items()):
        panel = figure.add_subplot(grid[row, 1])
        style_panel(panel, f"weights: {label}")
        panel.stairs(counts, edges, fill=True, color=INK)
        panel.set_yticks([])
    figure.savefig(file)
