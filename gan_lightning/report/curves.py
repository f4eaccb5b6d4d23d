"""Curves of groups of runs: how losses and scores went on their way, and where they came to."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from gan_lightning.report.drawing import Line, lines_for
from gan_lightning.report.groups import Axis, Group
from gan_lightning.report.markdown import markdown_table, number, spread
from gan_lightning.report.plots.curves import Curve, Panel
from gan_lightning.report.runs import Run, floors_of
from gan_lightning.report.series import Logged, Trace, filtered, gap_between, joined, trace_of

ITERATIONS, SECONDS = "iterations", "seconds"
GAP = "gap"


@dataclass
class Curves:
    """A picture of columns of `metrics.csv`, and its table.

    With one column, a panel has a line a group; with several, each group has panels of its own with a line a column.

    Args:
        columns: by label, such as ``{held-out: val/critic_loss}``.
        quantity: what they are, along the axis.
        negate: whether their negatives are shown.
        median_filter: of how many logged values in a row the median is drawn, an odd number; the values themselves
            are then pale.
        x: ``iterations``, ``seconds`` or both: a panel each.
        gap: whether the table has the difference of the first two columns.
        level: a value whose first reaching is timed.
        y_range: the lowest and the highest value that the picture shows; chosen from the data where empty.
        floors: by label of a column, the entry of the protocol that has its value for real samples, drawn as a level.
    """

    columns: dict[str, str]
    quantity: str
    negate: bool = False
    median_filter: int = 1
    x: list[str] = field(default_factory=lambda: [ITERATIONS])
    gap: bool = False
    level: float | None = None
    y_range: list[float] = field(default_factory=list)
    floors: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("curves.columns={} is not possible: one column of metrics.csv or more is needed")
        if self.median_filter < 1 or self.median_filter % 2 == 0:
            raise ValueError(f"curves.median_filter={self.median_filter} is not possible: an odd number is needed")
        if not self.x or not set(self.x) <= {ITERATIONS, SECONDS}:
            raise ValueError(f"curves.x={self.x} is not possible: {ITERATIONS}, {SECONDS} or both")
        if self.gap and len(self.columns) < 2:
            raise ValueError("curves.gap=true is not possible: two columns are needed")
        if self.y_range and (len(self.y_range) != 2 or self.y_range[0] >= self.y_range[1]):
            raise ValueError(f"curves.y_range={self.y_range} is not possible: two ascending numbers, or []")
        unknown = sorted(self.floors.keys() - self.columns.keys())
        if unknown:
            raise ValueError(f"curves.floors={unknown[0]} is not possible: the columns are {', '.join(self.columns)}")

    @property
    def labels(self) -> list[str]:
        """What the table has a row for: the columns, and their gap where it is asked for."""
        return [*self.columns, *([GAP] if self.gap else [])]

    def trace(self, run: Run, label: str, logged: Logged) -> Trace:
        """What a run logged of a column, or of the gap."""
        if label == GAP and self.gap:
            first, second, *_ = (self.trace(run, column, logged) for column in self.columns)
            return gap_between(first, second)
        return trace_of(logged.get(run.directory.name, {}), self.columns[label], negate=self.negate)


def curves_section(
    name: str, curves: Curves, *, groups: Sequence[Group], axes: Sequence[Axis], logged: Logged
) -> list[str]:
    """The picture's link and the table of a row a group and column.

    Args:
        name: of the picture.
        curves: what is shown.
        groups: of the study.
        axes: in which they differ.
        logged: what their runs logged; something of these columns.
    """
    level = [] if curves.level is None else [f"first at {number(curves.level)}"]
    rows = [[*(axis.label for axis in axes), "curve", "runs", "early", "late", "late - early", "unrest", *level]]
    for group in groups:
        for label in curves.labels:
            known = [trace for run in group.finished if (trace := curves.trace(run, label, logged)).steps]
            rows.append([*group.labels, label, str(len(known)), *trace_cells(known, curves)])
    gap = f" The gap is {' minus '.join(list(curves.columns)[:2])}, run by run." if curves.gap else ""
    return [
        f"![{curves.quantity}]({name}.png)",
        "",
        "Of the finished runs, median [lowest, highest]. Early and late: the means over the first and the last tenth "
        f"of what was logged; unrest: the standard deviation within the last tenth.{gap}",
        "",
        *markdown_table(rows, left=len(axes) + 1),
        "",
    ]


def trace_cells(traces: Sequence[Trace], curves: Curves) -> list[str]:
    """What a table says of a curve; dashes where no finished run has it."""
    measures: list[Callable[[Trace], float]] = [
        lambda trace: trace.early,
        lambda trace: trace.late,
        lambda trace: trace.late - trace.early,
        lambda trace: trace.unrest,
    ]
    cells = [spread([measure(trace) for trace in traces]) for measure in measures]
    return cells if curves.level is None else [*cells, reached_cell(traces, curves.level)]


def reached_cell(traces: Sequence[Trace], level: float) -> str:
    """How many runs reached a level, and the medians of when those did."""
    found = [reached for trace in traces if (reached := trace.reached(level))]
    if not found:
        return f"0 of {len(traces)}"
    step, seconds = (median(values) for values in zip(*found, strict=True))
    moment = f", {number(seconds)} s" if math.isfinite(seconds) else ""
    return f"{len(found)} of {len(traces)}: iteration {step:.0f}{moment}"


def panels_of(curves: Curves, groups: Sequence[Group], logged: Logged) -> list[Panel]:
    """The panels of the picture; none where no run has logged anything."""
    if len(curves.columns) == 1:
        lines = lines_for(group.name for group in groups)
        label = next(iter(curves.columns))
        found = [curve_of(g, label, name=g.name, line=lines[g.name], curves=curves, logged=logged) for g in groups]
        return in_panels("", found, curves)
    lines = lines_for(curves.columns)
    panels = []
    for group in groups:
        found = [curve_of(group, x, name=x, line=line, curves=curves, logged=logged) for x, line in lines.items()]
        panels += in_panels(group.name, found, curves)
    return panels


def in_panels(name: str, found: Sequence[Curve], curves: Curves) -> list[Panel]:
    """A panel for each axis over which there is something to show."""
    shown = {ITERATIONS: [c for c in found if c.band.steps], SECONDS: [c for c in found if c.timed]}
    return [Panel(name, shown[x], by_seconds=x == SECONDS) for x in curves.x if shown[x]]


def curve_of(group: Group, label: str, *, name: str, line: Line, curves: Curves, logged: Logged) -> Curve:
    """A column of a group's runs, those that are still running included, as it is called and drawn."""
    pairs = [(run, curves.trace(run, label, logged)) for run in group.runs]
    traces = [trace for _, trace in pairs]
    broken = [t for run, t in pairs if run.status in ("diverged", "failed") and t.steps]
    return Curve(
        name,
        line,
        band=joined([filtered(trace, curves.median_filter) for trace in traces]),
        raw=traces if curves.median_filter > 1 else [],
        broken_off=[(t.steps[-1], t.seconds[-1], t.values[-1]) for t in broken],
        floors=floors_of(group.runs, curves.floors[label]) if label in curves.floors else [],
    )
