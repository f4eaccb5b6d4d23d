"""Lines with their bands as figures that a browser draws: Plotly's own JSON, beside the picture of the same name."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from gan_lightning.report.drawing import BAND_ALPHA, DASHES, Line

SUFFIX = ".plotly.json"
POINTS = 1000
"""Of a longer line, so many points are kept."""

DASH_NAMES = dict(zip(map(str, DASHES), ("solid", "dash", "dot"), strict=True))


@dataclass(frozen=True)
class Course:
    """A line over x with its band; where that is empty, without.

    Attributes:
        label, line: how it is called and drawn.
        x, y: its points.
        low, high: of its band at each x; empty for none.
        crosses: x and y of points that are marked.
        stepped: whether it stays level from each point to the next.
    """

    label: str
    line: Line
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    crosses: Sequence[tuple[float, float]] = ()
    stepped: bool = False


def write_figures(picture: Path, figures: Sequence[dict[str, Any]]) -> None:
    """Write figures beside the picture of the same lines, as a list under its name with `SUFFIX`."""
    picture.with_suffix(SUFFIX).write_text(json.dumps(figures, allow_nan=False), encoding="utf-8")


def figure_of(
    courses: Sequence[Course],
    *,
    title: str,
    x_title: str,
    y_title: str,
    y_range: Sequence[float] = (),
    y_format: str = ".4g",
    log_x: bool = False,
) -> dict[str, Any]:
    """A Plotly figure, in which the name of a line hides or shows it with its band and crosses.

    Args:
        courses: from the first in the legend to the last.
        title, x_title, y_title: what is shown; plain text.
        y_range: the lowest and the highest value shown; empty for what is there.
        y_format: of values, in the language of d3-format.
        log_x: whether the horizontal axis is logarithmic.
    """
    y_axis: dict[str, Any] = {"title": {"text": plain(y_title)}, "tickformat": y_format if "%" in y_format else ""}
    if y_range:
        y_axis["range"] = list(y_range)
    x_axis = {"title": {"text": plain(x_title)}, "type": "log" if log_x else "linear"}
    layout = {"title": {"text": plain(title)}, "xaxis": x_axis, "yaxis": y_axis}
    return {"data": [t for course in courses for t in traces_of(course, y_format)], "layout": layout}


def traces_of(course: Course, y_format: str) -> list[dict[str, Any]]:
    """The band, the line and the crosses of a course, in one group of the legend."""
    name, colour = plain(course.label), course.line.colour
    shape = "hv" if course.stepped else "linear"
    shared = {"legendgroup": name, "name": name, "type": "scatter"}
    kept = thinned(len(course.x))
    at = [finite(course.x[index]) for index in kept]
    traces: list[dict[str, Any]] = []
    if course.low:
        edge = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, "line": {"width": 0, "shape": shape}}
        red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
        fill = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},{BAND_ALPHA})"}
        traces += [
            {**shared, **edge, "x": at, "y": [finite(course.low[index]) for index in kept]},
            {**shared, **edge, **fill, "x": at, "y": [finite(course.high[index]) for index in kept]},
        ]
    traces.append(
        {
            **shared,
            "mode": "lines+markers" if len(at) <= 40 else "lines",
            "line": {"color": colour, "dash": DASH_NAMES.get(str(course.line.dashes), "dot"), "shape": shape},
            "marker": {"size": 10 if len(at) == 1 else 5},
            "x": at,
            "y": [finite(course.y[index]) for index in kept],
            "hovertemplate": f"%{{y:{y_format}}}",
        }
    )
    if course.crosses:
        x, y = zip(*course.crosses, strict=True)
        marker = {"symbol": "x", "size": 9, "color": colour}
        told = {"hovertemplate": f"%{{y:{y_format}}}, diverged or failed"}
        place = {"x": list(map(finite, x)), "y": list(map(finite, y))}
        traces.append({**shared, "mode": "markers", "marker": marker, "showlegend": False, **told, **place})
    return traces


def thinned(length: int) -> list[int]:
    """Places in a list of which at most `POINTS` are kept, evenly, the last one always."""
    step = max(1, math.ceil(length / POINTS))
    return sorted({*range(0, length, step), *([length - 1] if length else [])})


def finite(value: float) -> float | None:
    """A number with six digits; None, which is drawn as a gap, for what is none."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def plain(text: str) -> str:
    """A text that Plotly shows as it is: some of HTML's marks mean something to it."""
    return escape(text, quote=False)
