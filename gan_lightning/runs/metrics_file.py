"""``metrics.csv``: one row per logged generator iteration, the same for those who write it and those who read it."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from gan_lightning.atomic import atomic_file

Rows = dict[int, dict[str, float]]
"""By generator iteration: ``seconds`` of training until then (unknown in older files), and what was logged by name."""


def write_metrics(path: Path, rows: Mapping[int, Mapping[str, float]]) -> None:
    """Write all rows in the order of their iterations, atomically; a cell is empty where nothing was logged."""
    names = {name for row in rows.values() for name in row}
    columns = ["step", *sorted(names & {"seconds"}), *sorted(names - {"seconds"})]
    with atomic_file(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows({"step": step, **row} for step, row in sorted(rows.items()))


def read_metrics(path: Path) -> Rows:
    """The rows of a ``metrics.csv``, without the empty cells; none if there is no file."""
    if not path.is_file():
        return {}
    with open(path, newline="") as file:
        return {
            int(row.pop("step")): {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        }


def series(rows: Rows, name: str) -> tuple[list[int], list[float]]:
    """One column as steps and finite values."""
    points = [(step, row[name]) for step, row in sorted(rows.items()) if math.isfinite(row.get(name, math.nan))]
    return [step for step, _ in points], [value for _, value in points]
