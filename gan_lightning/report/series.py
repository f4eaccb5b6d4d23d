"""What runs logged on their way: columns of `metrics.csv` by run, and joined over the runs of a group."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median, pstdev

from gan_lightning.report.archive import read_rows, write_rows
from gan_lightning.report.runs import Run
from gan_lightning.report.study import Study
from gan_lightning.runs.metrics_file import Rows, read_metrics

SERIES = "series.csv"

Logged = Mapping[str, Rows]
"""The rows of each run, by the run's name."""


@dataclass(frozen=True)
class Trace:
    """One column of one run: finite values by generator iteration, with the seconds of training until then.

    Seconds are NaN where they were not logged.
    """

    steps: list[int]
    seconds: list[float]
    values: list[float]

    @property
    def early(self) -> float:
        """Mean over the first tenth of what was logged."""
        return fmean(self.values[: self.tenth])

    @property
    def late(self) -> float:
        """Mean over the last tenth."""
        return fmean(self.values[-self.tenth :])

    @property
    def unrest(self) -> float:
        """Standard deviation within the last tenth."""
        return pstdev(self.values[-self.tenth :])

    @property
    def settling(self) -> float:
        """By which share of the last tenth's mean it differs from that of the tenth before; NaN for fewer than two."""
        before = self.values[-2 * self.tenth : -self.tenth]
        return abs(self.late - fmean(before)) / abs(self.late) if before and self.late else math.nan

    @property
    def tenth(self) -> int:
        """A tenth of the number of values, at least one."""
        return max(1, len(self.values) // 10)

    def reached(self, level: float) -> tuple[int, float] | None:
        """Iteration and seconds at which the level is first met, from above or from below; None where it never is."""
        rising = bool(self.values) and self.values[0] < level
        for step, seconds, value in zip(self.steps, self.seconds, self.values, strict=True):
            if value >= level if rising else value <= level:
                return step, seconds
        return None


@dataclass(frozen=True)
class Band:
    """Traces of equal runs joined: by iteration the median of the seconds, and the least, median and largest value."""

    steps: list[int]
    seconds: list[float]
    low: list[float]
    middle: list[float]
    high: list[float]


def read_logged(study: Study, runs: Iterable[Run], columns: Iterable[str]) -> dict[str, Rows]:
    """Those rows of the runs' `metrics.csv` that have one of the columns, or of an earlier report's `series.csv`.

    Numbers have six digits, as in the file that is written of them.
    """
    if study.archived:
        return read_series(study.directory / SERIES)
    wanted = set(columns)
    logged = {}
    for run in runs:
        rows = read_metrics(run.directory / "metrics.csv")
        logged[run.directory.name] = {
            step: {name: float(f"{value:.6g}") for name, value in row.items() if name in wanted | {"seconds"}}
            for step, row in sorted(rows.items())
            if wanted & row.keys()
        }
    return logged


def write_series(file: Path, logged: Logged) -> None:
    """One row an iteration of a run."""
    columns = {name for rows in logged.values() for row in rows.values() for name in row}
    rows = ({"run": run, "step": step, **row} for run, rows in logged.items() for step, row in rows.items())
    write_rows(file, ["run", "step", *sorted(columns)], rows)


def read_series(file: Path) -> dict[str, Rows]:
    """What `write_series` wrote; empty where there is no file.

    Raises:
        ValueError: if a row is none of a run, in one line that names the file.
    """
    logged: dict[str, Rows] = {}
    for row in read_rows(file):
        try:
            name, step = row.pop("run"), int(row.pop("step"))
            logged.setdefault(name, {})[step] = {column: float(value) for column, value in row.items() if value}
        except (KeyError, ValueError) as error:
            raise ValueError(f"{file}: {type(error).__name__} {error}: not a report's row") from error
    return logged


def trace_of(rows: Rows, column: str, *, negate: bool = False) -> Trace:
    """One column of a run; values that are not finite are left out."""
    points = [
        (step, row.get("seconds", math.nan), -row[column] if negate else row[column])
        for step, row in rows.items()
        if math.isfinite(row.get(column, math.nan))
    ]
    return trace_through(points)


def trace_through(points: Sequence[tuple[int, float, float]]) -> Trace:
    """A trace from its iterations, seconds and values, point by point."""
    return Trace([step for step, _, _ in points], [s for _, s, _ in points], [value for _, _, value in points])


def gap_between(first: Trace, second: Trace) -> Trace:
    """By how much the first is above the second, at the iterations of the second.

    Of the first, which may be logged more often, the mean counts over what was logged since the iteration before.
    """
    points, start = [], 0
    for step, seconds, value in zip(second.steps, second.seconds, second.values, strict=True):
        stop = bisect_right(first.steps, step)
        if start < stop:
            points.append((step, seconds, fmean(first.values[start:stop]) - value))
        start = stop
    return trace_through(points)


def filtered(trace: Trace, width: int) -> Trace:
    """The medians of windows of so many values around each value; near the ends, of as many as there are both ways."""
    last = len(trace.values) - 1
    halves = (min(width // 2, place, last - place) for place in range(last + 1))
    medians = [median(trace.values[place - half : place + half + 1]) for place, half in enumerate(halves)]
    return replace(trace, values=medians)


def joined(traces: Sequence[Trace]) -> Band:
    """The band of the traces that are not empty.

    It has the iterations at which every trace that comes so far has a value: a run that went on after an earlier end
    has one row more than the others.
    """
    filled = [trace for trace in traces if trace.steps]
    tables = [dict(zip(t.steps, zip(t.seconds, t.values, strict=True), strict=True)) for t in filled]
    band = Band([], [], [], [], [])
    for step in sorted({step for trace in filled for step in trace.steps}):
        there = [table for trace, table in zip(filled, tables, strict=True) if trace.steps[-1] >= step]
        if all(step in table for table in there):
            values = [table[step][1] for table in there]
            band.steps.append(step)
            band.seconds.append(median(table[step][0] for table in there))
            band.low.append(min(values))
            band.middle.append(median(values))
            band.high.append(max(values))
    return band
