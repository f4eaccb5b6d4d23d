"""``metrics.csv`` as rows; reading it needs nothing heavy."""

import csv
import math
from pathlib import Path


def read_metrics(path: Path) -> dict[int, dict[str, float]]:
    """The rows of a ``metrics.csv`` by generator iteration, without the empty cells; empty if there is no file."""
    if not path.is_file():
        return {}
    with open(path, newline="") as file:
        return {
            int(row.pop("step")): {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        }


def series(rows: dict[int, dict[str, float]], name: str) -> tuple[list[int], list[float]]:
    """One column as steps and finite values."""
    points = [(step, row[name]) for step, row in sorted(rows.items()) if math.isfinite(row.get(name, math.nan))]
    return [step for step, _ in points], [value for _, value in points]
