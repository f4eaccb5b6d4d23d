"""Success rate over the score threshold, this study's beside the paper's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from gan_lightning.report.drawing import BAND_ALPHA, INK, Line, style_panel
from gan_lightning.report.inference import wilson_interval
from gan_lightning.report.paper import PAPERS_METHODS, TABLE_5
from gan_lightning.report.plots.interactive import Course, figure_of, write_figures

PAPERS_TITLE = f"The paper: {TABLE_5[0].total} architectures, ImageNet 32×32"
PAPERS_THRESHOLD = "minimum Inception score"


@dataclass(frozen=True)
class Curve:
    """A method's counted scores under its label; `banded` asks for intervals."""

    label: str
    scores: Sequence[float]
    line: Line
    banded: bool = True


def draw_success_rates(
    file: Path,
    curves: Sequence[Curve],
    *,
    thresholds: Sequence[float],
    score_name: str,
    paper: Mapping[str, Line],
    size: tuple[float, float] = (9, 4.4),
) -> None:
    """Draw the study's success rates and, in a panel with an axis of its own, the paper's; and both for a browser.

    Args:
        file: the PNG to write, 100 pixels an inch.
        curves: one a method.
        thresholds: the study's own; the first and the last bound its axis.
        score_name: what the study's scores are called.
        paper: a line for each of `PAPERS_METHODS`; without any there is no second panel.
        size: in inches.
    """
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    widths = [1] if not paper else [1, 1] if len(curves) <= 2 else [1.6, 1]
    panels = figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0]
    ours = panels[0]
    ranked = sorted(curves, key=lambda curve: -mean(curve.scores))
    for curve in ranked:
        draw_study(ours, curve, thresholds=thresholds)
    counts = sorted({len(curve.scores) for curve in curves})
    number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    style_rates(ours, f"This study: {number} architectures", threshold_name=f"minimum {score_name}")
    ours.set_ylabel("architectures above the minimum", color=INK)
    if paper:
        draw_papers(panels[1], paper)
    band = Patch(
        color=INK,
        alpha=BAND_ALPHA,
        linewidth=0,
        label="95 % Wilson interval\nat each minimum" if len(curves) > 2 else "95 % Wilson interval at each minimum",
    )
    if len(curves) <= 2:
        figure.legend(handles=[*ours.lines, band], loc="outside lower center", ncols=3, frameon=False)
    else:
        handles = [*ours.lines, band] if any(curve.banded for curve in curves) else ours.lines
        ours.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, handlelength=3, frameon=False
        )
    figure.savefig(file)
    title, threshold_name = f"This study: {number} architectures", f"minimum {score_name}"
    figures = [interactive([course_of(curve, thresholds) for curve in ranked], title, threshold_name)]
    if paper:
        figures.append(interactive(papers_courses(paper), PAPERS_TITLE, PAPERS_THRESHOLD))
    write_figures(file, figures)


def interactive(courses: Sequence[Course], title: str, threshold_name: str) -> dict[str, Any]:
    """Success rates as a figure for a browser."""
    y_title = "architectures above the minimum"
    return figure_of(
        courses, title=title, x_title=threshold_name, y_title=y_title, y_range=(-0.02, 1.04), y_format=".0%"
    )


def course_of(curve: Curve, thresholds: Sequence[float]) -> Course:
    """A method's success rate, level from one score to the next."""
    at, successes = steps_of(curve, thresholds)
    total = len(curve.scores)
    bounds = [wilson_interval(count, total) for count in successes] if curve.banded else []
    low, high = ([bound[side] for bound in bounds] for side in (0, 1))
    return Course(curve.label, curve.line, at, [count / total for count in successes], low, high, stepped=True)


def papers_courses(paper: Mapping[str, Line]) -> list[Course]:
    """The published rates."""
    at = [row.threshold for row in TABLE_5]
    return [Course(label, paper[label], at, rates(counts)) for label, counts in papers_counts().items()]


def papers_counts() -> dict[str, list[int]]:
    """The published numbers of successes by method, at the thresholds of Table 5."""
    counts = [row.baseline for row in TABLE_5], [row.penalised for row in TABLE_5]
    return dict(zip(PAPERS_METHODS, counts, strict=True))


def rates(counts: Sequence[int]) -> list[float]:
    """Published numbers of successes as shares of the architectures."""
    return [count / TABLE_5[0].total for count in counts]


def steps_of(curve: Curve, thresholds: Sequence[float]) -> tuple[list[float], list[int]]:
    """The thresholds at which a method's number of successes changes, the first and the last, and those numbers."""
    first, last = thresholds[0], thresholds[-1]
    at = [first, *sorted({score for score in curve.scores if first < score < last}), last]
    return at, [sum(score > x for score in curve.scores) for x in at]


def draw_study(panel: Axes, curve: Curve, *, thresholds: Sequence[float]) -> None:
    """A step at every score, so that the curve holds at each threshold and between them."""
    at, successes = steps_of(curve, thresholds)
    draw_curve(panel, curve, at=at, successes=successes, total=len(curve.scores), stepped=True)


def draw_papers(panel: Axes, paper: Mapping[str, Line]) -> None:
    """The published counts, marked, since nothing is known between the thresholds."""
    at = [row.threshold for row in TABLE_5]
    for label, successes in papers_counts().items():
        curve = Curve(label, (), paper[label])
        draw_curve(panel, curve, at=at, successes=successes, total=TABLE_5[0].total, stepped=False)
        shares = rates(successes)
        panel.plot(at, shares, "o", markersize=3.5, color=paper[label].colour)
        place = min(zip(at, shares, strict=True), key=lambda point: abs(point[1] - 0.5))
        panel.annotate(label, place, (8, 4), textcoords="offset points", color=paper[label].colour)
    style_rates(panel, PAPERS_TITLE, threshold_name=PAPERS_THRESHOLD)


def draw_curve(
    panel: Axes, curve: Curve, *, at: Sequence[float], successes: Sequence[int], total: int, stepped: bool
) -> None:
    """A success rate with its band, constant from each threshold to the next or joined by straight lines."""
    rates = [count / total for count in successes]
    colour, dashes = curve.line.colour, curve.line.dashes
    drawstyle = "steps-post" if stepped else "default"
    panel.plot(at, rates, color=colour, linestyle=dashes, label=curve.label, linewidth=1.8, drawstyle=drawstyle)
    if curve.banded:
        lower, upper = zip(*(wilson_interval(count, total) for count in successes), strict=True)
        step = "post" if stepped else None
        panel.fill_between(at, lower, upper, step=step, color=colour, alpha=BAND_ALPHA, linewidth=0)


def style_rates(panel: Axes, title: str, *, threshold_name: str) -> None:
    """A panel of percentages over thresholds."""
    style_panel(panel, title)
    panel.set_xlabel(threshold_name, color=INK)
    panel.set_ylim(-0.02, 1.04)
    panel.margins(x=0.02)
    panel.yaxis.set_major_formatter(PercentFormatter(1.0))
