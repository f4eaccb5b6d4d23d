"""Success rate over the score threshold, this study's beside the paper's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter
from scipy.stats import binomtest

from gan_lightning.report.paper import TABLE_5

COLOURS = {"GAN": "#d55e00", "WGAN-GP": "#0072b2"}  # distinguishable for colour-blind readers
INK = "#333333"
BAND_ALPHA = 0.18


def wilson_interval(successes: int, total: int) -> tuple[float, float]:
    """95 % confidence interval of a success rate, by Wilson's score method."""
    interval = binomtest(successes, total).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def draw_success_rates(
    file: Path, scores: Mapping[str, Sequence[float]], *, thresholds: Sequence[float], score_name: str
) -> None:
    """Draw the study's success rates and, in a panel with an axis of its own, the paper's.

    Args:
        file: the PNG to write, 900 pixels wide.
        scores: the counted scores of each objective, keyed ``GAN`` and ``WGAN-GP``.
        thresholds: the study's own; the first and the last bound its axis.
        score_name: what the study's scores are called.
    """
    figure = Figure(figsize=(9, 4.4), dpi=100, layout="constrained")
    ours, papers = figure.subplots(1, 2, sharey=True)
    for label, values in scores.items():
        draw_study(ours, label, scores=values, thresholds=thresholds)
    for label, successes in (("GAN", [r.baseline for r in TABLE_5]), ("WGAN-GP", [r.penalised for r in TABLE_5])):
        draw_paper(papers, label, successes=successes)
    total = len(next(iter(scores.values())))
    style_panel(ours, f"This study: {total} architectures", threshold_name=f"minimum {score_name}")
    style_panel(
        papers, f"The paper: {TABLE_5[0].total} architectures, ImageNet 32×32", threshold_name="minimum Inception score"
    )
    ours.set_ylabel("architectures above the minimum", color=INK)
    band = Patch(color=INK, alpha=BAND_ALPHA, linewidth=0, label="95 % Wilson interval at each minimum")
    figure.legend(handles=[*ours.lines, band], loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(file)


def draw_study(panel: Axes, label: str, *, scores: Sequence[float], thresholds: Sequence[float]) -> None:
    """A step at every score, so that the curve holds at each threshold and between them."""
    first, last = thresholds[0], thresholds[-1]
    at = [first, *sorted({score for score in scores if first < score < last}), last]
    successes = [sum(score > x for score in scores) for x in at]
    draw_curve(panel, label, at=at, successes=successes, total=len(scores), stepped=True)


def draw_paper(panel: Axes, label: str, *, successes: Sequence[int]) -> None:
    """The published counts, marked, since nothing is known between the thresholds."""
    at = [row.threshold for row in TABLE_5]
    draw_curve(panel, label, at=at, successes=successes, total=TABLE_5[0].total, stepped=False)
    panel.plot(at, [count / TABLE_5[0].total for count in successes], "o", markersize=3.5, color=COLOURS[label])


def draw_curve(
    panel: Axes, label: str, *, at: Sequence[float], successes: Sequence[int], total: int, stepped: bool
) -> None:
    """A success rate with its band, constant from each threshold to the next or joined by straight lines."""
    lower, upper = zip(*(wilson_interval(count, total) for count in successes), strict=True)
    rates = [count / total for count in successes]
    drawstyle = "steps-post" if stepped else "default"
    panel.plot(at, rates, color=COLOURS[label], label=label, linewidth=1.8, drawstyle=drawstyle)
    panel.fill_between(
        at, lower, upper, step="post" if stepped else None, color=COLOURS[label], alpha=BAND_ALPHA, linewidth=0
    )


def style_panel(panel: Axes, title: str, *, threshold_name: str) -> None:
    """A quiet frame: percentages, light grid lines, no box."""
    panel.set_title(title, loc="left", fontsize=11, color=INK)
    panel.set_xlabel(threshold_name, color=INK)
    panel.set_ylim(-0.02, 1.04)
    panel.margins(x=0.02)
    panel.yaxis.set_major_formatter(PercentFormatter(1.0))
    panel.grid(axis="y", color="#e5e5e5")
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(colors=INK)
