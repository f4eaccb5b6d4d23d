"""Curves of groups of runs, over generator iterations or over time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gan_lightning.report.drawing import BAND_ALPHA, INK, Line, style_panel
from gan_lightning.report.plots.interactive import Course, figure_of, write_figures
from gan_lightning.report.series import Band, Trace

COLUMNS = 3
RAW_ALPHA = 0.3
UNITS = (("hours", 3600.0), ("minutes", 60.0), ("seconds", 1.0))
SMALLEST_RANGE = 3.0  # an axis that ends below so many of a unit has the next smaller one


@dataclass(frozen=True)
class Curve:
    """A line with its band.

    Attributes:
        label, line: how it is called and drawn.
        band: its runs, joined.
        raw: the values that its medians were taken of, a trace a run; empty where none were taken.
        broken_off: iteration, seconds and value at which runs ended too early.
        floors: values of real samples.
    """

    label: str
    line: Line
    band: Band
    raw: Sequence[Trace]
    broken_off: Sequence[tuple[int, float, float]]
    floors: Sequence[float] = ()

    @property
    def timed(self) -> bool:
        """Whether there is something to show and its seconds are known."""
        return bool(self.band.steps) and all(map(math.isfinite, self.band.seconds))


@dataclass(frozen=True)
class Panel:
    """Curves over generator iterations, or over the seconds of training."""

    title: str
    curves: Sequence[Curve]
    by_seconds: bool


def draw_panels(file: Path, panels: Sequence[Panel], *, quantity: str, y_range: Sequence[float]) -> None:
    """Draw panels, three in a row, and write them for a browser; those of one title share their vertical axis.

    Args:
        file: the PNG to write, 1280 pixels wide where there are several panels.
        panels: at least one.
        quantity: what the curves show.
        y_range: the lowest and the highest value shown; empty for what is there.
    """
    rows, columns = math.ceil(len(panels) / COLUMNS), min(len(panels), COLUMNS)
    width = 8.0 if columns == 1 else 12.8
    figure = Figure(figsize=(width, 4.2 * rows + 0.6), dpi=100, layout="constrained")
    first: dict[str, Axes] = {}
    for index, panel in enumerate(panels):
        axes = figure.add_subplot(rows, columns, index + 1, sharey=first.get(panel.title))
        first.setdefault(panel.title, axes)
        draw_panel(axes, panel)
        if index % columns == 0:
            axes.set_ylabel(quantity, color=INK)
        if y_range:
            axes.set_ylim(*y_range)
    handles = legend(panels)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 4), frameon=False)
    figure.savefig(file)
    write_figures(file, [interactive(panel, quantity, y_range) for panel in panels])


def interactive(panel: Panel, quantity: str, y_range: Sequence[float]) -> dict[str, Any]:
    """A panel as a figure for a browser, its bands where runs differ."""
    _, size = unit_of(panel)
    courses = []
    for curve in panel.curves:
        band, differ = curve.band, curve.band.low != curve.band.high
        courses.append(
            Course(
                curve.label,
                curve.line,
                places(band, panel, size),
                band.middle,
                band.low if differ else (),
                band.high if differ else (),
                crosses_of(curve, panel, size),
            )
        )
    return figure_of(courses, title=panel.title, x_title=x_title(panel), y_title=quantity, y_range=y_range)


def draw_panel(axes: Axes, panel: Panel) -> None:
    """The curves of a panel; crosses where runs broke off."""
    _, size = unit_of(panel)
    for curve in panel.curves:
        band, colour = curve.band, curve.line.colour
        for trace in curve.raw:
            axes.plot(places(trace, panel, size), trace.values, color=colour, linewidth=0.6, alpha=RAW_ALPHA)
        at = places(band, panel, size)
        axes.fill_between(at, band.low, band.high, color=colour, alpha=BAND_ALPHA, linewidth=0)
        axes.plot(at, band.middle, color=colour, linestyle=curve.line.dashes, linewidth=1.8)
        if len(at) == 1:  # a line of one point would not be seen
            axes.plot(at * 2, [*band.low, *band.high], color=colour, linewidth=1.8, alpha=RAW_ALPHA)
            axes.plot(at, band.middle, "o", color=colour, markersize=6)
        for floor in curve.floors:
            axes.axhline(floor, color=colour, linestyle=":", linewidth=1.2)
        ends = crosses_of(curve, panel, size)
        axes.plot([x for x, _ in ends], [y for _, y in ends], "x", color=colour, markersize=8, markeredgewidth=2)
    style_panel(axes, panel.title)
    axes.margins(x=0.02)
    axes.set_xlabel(x_title(panel), color=INK)


def x_title(panel: Panel) -> str:
    """What the panel's horizontal axis is."""
    return f"{unit_of(panel)[0]} of training" if panel.by_seconds else "generator iteration"


def crosses_of(curve: Curve, panel: Panel, size: float) -> list[tuple[float, float]]:
    """Where on the panel runs broke off."""
    return [(seconds / size if panel.by_seconds else step, value) for step, seconds, value in curve.broken_off]


def places(curve: Band | Trace, panel: Panel, size: float) -> list[float]:
    """Where the values of a curve stand on the panel's axis."""
    return [seconds / size for seconds in curve.seconds] if panel.by_seconds else [float(step) for step in curve.steps]


def unit_of(panel: Panel) -> tuple[str, float]:
    """The unit of time that the panel's axis has, with its seconds; of iterations none, and 1."""
    if not panel.by_seconds:
        return "", 1.0
    last = max(curve.band.seconds[-1] for curve in panel.curves)
    return next(((unit, size) for unit, size in UNITS if last >= SMALLEST_RANGE * size), UNITS[-1])


def legend(panels: Sequence[Panel]) -> list[Artist]:
    """Every label once, then what bands, pale lines and crosses stand for, where there are such."""
    curves = [curve for panel in panels for curve in panel.curves]
    lines = {curve.label: curve.line for curve in curves}
    handles: list[Artist] = [
        Line2D([], [], color=line.colour, linestyle=line.dashes, linewidth=1.8, label=label)
        for label, line in lines.items()
    ]
    if any(curve.band.low != curve.band.high for curve in curves):
        handles.append(Patch(color=INK, alpha=BAND_ALPHA, linewidth=0, label="lowest to highest run"))
    if any(curve.raw for curve in curves):
        handles.append(Line2D([], [], color=INK, linewidth=0.6, alpha=RAW_ALPHA, label="before the median filter"))
    if any(curve.floors for curve in curves):
        handles.append(Line2D([], [], color=INK, linestyle=":", linewidth=1.2, label="real samples"))
    if any(curve.broken_off for curve in curves):
        handles.append(Line2D([], [], color=INK, marker="x", linestyle="", label="diverged or failed"))
    return handles
