"""``metrics.csv``: one row per logged generator iteration, the same for those who write it and those who read it."""

import csv
import math
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from gan_lightning.atomic import atomic_file
from gan_lightning.own_files import read_own

Rows = dict[int, dict[str, float]]
"""By generator iteration: ``seconds`` of training until then (unknown in older files), and what was logged by name."""

LARGEST = 2**29
"""Bytes that a ``metrics.csv`` may have."""


def write_metrics(path: Path, rows: Mapping[int, Mapping[str, float]]) -> None:
    """Write all rows in the order of their iterations, atomically; a cell is empty where nothing was logged."""
    names = {name for row in rows.values() for name in row}
    columns = ["step", *sorted(names & {"seconds"}), *sorted(names - {"seconds"})]
    with atomic_file(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({"step": step, **row} for step, row in sorted(rows.items()))


def read_metrics(path: Path) -> Rows:
    """The rows of a ``metrics.csv``, without the empty cells; none if there is no file.

    Raises:
        ValueError: if it is broken, naming it and the line.
    """
    try:
        content = read_own(path, largest=LARGEST)
    except FileNotFoundError:
        return {}
    line = 1
    try:
        if not content.endswith(b"\n"):
            raise ValueError("its last line has no end")
        lines = csv.reader(StringIO(content.decode(), newline=""), strict=True)
        columns = next(lines)
        if columns[:1] != ["step"] or len(set(columns)) < len(columns):
            raise ValueError("its columns are not step and others, each once")
        rows: Rows = {}
        for cells in lines:
            line = lines.line_num
            if len(cells) != len(columns):
                raise ValueError(f"{len(cells)} cells in {len(columns)} columns")
            named = zip(columns[1:], cells[1:], strict=True)
            rows[int(cells[0])] = {name: float(cell) for name, cell in named if cell}
    except (csv.Error, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path}, line {line}: {reason}: it is broken; move it away, or put it back") from error
    return rows


def series(rows: Rows, name: str) -> tuple[list[int], list[float]]:
    """One column as steps and finite values."""
    points = [(step, row[name]) for step, row in sorted(rows.items()) if math.isfinite(row.get(name, math.nan))]
    return [step for step, _ in points], [value for _, value in points]
