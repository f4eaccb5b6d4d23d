"""Score against seconds of training."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from gan_lightning.report.compute import Curves, last_second, scores_within, timed
from gan_lightning.report.drawing import BAND_ALPHA, INK, Line, style_panel
from gan_lightning.report.methods import Method, quartiles
from gan_lightning.report.plots.interactive import Course, figure_of, write_figures

COLUMNS = 3
FAINT = "#c8c8c8"


def draw_compute(
    file: Path, methods: Sequence[Method], curves: Curves, *, lines: Mapping[str, Line], score_name: str
) -> None:
    """Draw every method's median in one panel, and each with its quartiles among the others in a panel of its own.

    For a browser, all are in one figure with their quartiles.

    Args:
        file: the PNG to write, 1280 pixels wide.
        methods: those that can be followed in time, at least one.
        curves: scores on the way.
        lines: how each method is drawn, by name.
        score_name: what the scores are called.
    """
    rows = math.ceil(len(methods) / COLUMNS)
    figure = Figure(figsize=(12.8, max(5.0, 1.9 * rows + 0.6)), dpi=100, layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.05], squeeze=False).ravel()
    times = time_grid(methods, curves)
    bands = {
        method.name: [quartiles(scores_within(method, curves, seconds)) for seconds in times] for method in methods
    }
    main = left.subplots()
    draw_medians(main, methods, curves, times=times, bands=bands, lines=lines)
    main.set_ylabel(f"median {score_name}", color=INK)
    main.set_xlabel("seconds of training (logarithmic)", color=INK)
    panels = right.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for panel in panels[len(methods) :]:
        panel.set_visible(False)
    for panel, method in zip(panels, methods, strict=False):
        draw_alone(panel, method, times=times, bands=bands, colour=lines[method.name].colour)
        panel.xaxis.set_tick_params(labelbottom=True)
    right.suptitle("each method: median, and the middle half of its architectures", fontsize=11, color=INK)
    figure.savefig(file)
    courses = []
    for method in ranked(methods, bands):
        lower, middle, upper = zip(*bands[method.name], strict=True)
        courses.append(Course(method.label, lines[method.name], times, middle, lower, upper))
    title = "median within the time, and the middle half of the architectures"
    x_title = "seconds of training (logarithmic)"
    write_figures(file, [figure_of(courses, title=title, x_title=x_title, y_title=score_name, log_x=True)])


def ranked(methods: Sequence[Method], bands: Mapping[str, Sequence[tuple[float, float, float]]]) -> list[Method]:
    """The methods by their last median, the highest first."""
    return sorted(methods, key=lambda method: -bands[method.name][-1][1])


def time_grid(methods: Sequence[Method], curves: Curves) -> list[float]:
    """200 moments, evenly on a logarithmic axis, from the first score of any run to the last."""
    seconds = [p.seconds for method in methods for _, points in timed(method, curves) for p in points if p.seconds > 0]
    first, last = min(seconds), max(seconds)
    return [first * (last / first) ** (index / 199) for index in range(200)]


def draw_medians(
    panel: Axes,
    methods: Sequence[Method],
    curves: Curves,
    *,
    times: Sequence[float],
    bands: Mapping[str, Sequence[tuple[float, float, float]]],
    lines: Mapping[str, Line],
) -> None:
    """Every method's median, thin once half of its runs have ended; the legend is in the order of the ends."""
    handles = []
    for method in ranked(methods, bands):
        line, medians = lines[method.name], [band[1] for band in bands[method.name]]
        end = last_second(method, curves) or times[-1]
        reached = sum(seconds <= end for seconds in times)
        panel.plot(times[reached - 1 :], medians[reached - 1 :], color=line.colour, linewidth=0.7, alpha=0.7)
        handles += panel.plot(
            times[:reached],
            medians[:reached],
            color=line.colour,
            linestyle=line.dashes,
            linewidth=2,
            label=method.label,
        )
    style_panel(panel, "median within the time; thin: half of its runs have ended")
    scale_seconds(panel)
    panel.legend(handles=handles, loc="upper left", fontsize=9, handlelength=3, framealpha=0.9, edgecolor="none")


def draw_alone(
    panel: Axes,
    method: Method,
    *,
    times: Sequence[float],
    bands: Mapping[str, Sequence[tuple[float, float, float]]],
    colour: str,
) -> None:
    """One method's median and quartiles in front of the others' medians."""
    for name, other in bands.items():
        if name != method.name:
            panel.plot(times, [band[1] for band in other], color=FAINT, linewidth=0.8)
    lower, middle, upper = zip(*bands[method.name], strict=True)
    panel.fill_between(times, lower, upper, color=colour, alpha=BAND_ALPHA, linewidth=0)
    panel.plot(times, middle, color=colour, linewidth=1.8)
    style_panel(panel, method.label)
    panel.title.set_fontsize(9)
    scale_seconds(panel)


def scale_seconds(panel: Axes) -> None:
    """A logarithmic axis of plain numbers."""
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
