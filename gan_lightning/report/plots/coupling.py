"""Histograms of gradient norms and of cosines, a row a run; 1 is the optimal critic's."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gan_lightning.report.drawing import INK, lines_for, style_panel


def draw_histograms(
    file: Path, norms: Mapping[str, np.ndarray], cosines: Mapping[str, np.ndarray], *, bins: int
) -> None:
    """Draw the norms to the left, each run's over its own range, and the cosines to the right; 1 is marked if in range.

    Args:
        file: the PNG to write.
        norms, cosines: numbers `(N,)` by label; the same labels in both.
        bins: of a histogram.
    """
    figure = Figure(figsize=(9, 0.6 + 2.2 * len(norms)), dpi=110, layout="constrained")
    panels = figure.subplots(len(norms), 2, squeeze=False)
    for (label, line), (left, right) in zip(lines_for(norms).items(), panels, strict=True):
        for panel, values, bounds in (
            (left, norms[label], (norms[label].min(), norms[label].max())),
            (right, cosines[label], (-1.0, 1.0)),
        ):
            style_panel(panel, f"{label}: median {np.median(values):.3g}")
            panel.hist(values, bins=bins, range=bounds, color=line.colour)
            panel.autoscale(False)
            panel.axvline(1, color=INK, linewidth=1, linestyle=(0, (4, 2)))
            panel.set_yticks([])
    panels[-1, 0].set_xlabel("norm of the gradient", color=INK)
    panels[-1, 1].set_xlabel("cosine with y - x", color=INK)
    figure.savefig(file)
