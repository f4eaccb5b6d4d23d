"""Any directory of runs: a row a run, with what differs between them, how each ended and what it scored."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_lightning.report.archive import write_rows
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.runs import Run
from gan_lightning.report.study import Study


@dataclass
class Settings:
    """The `report` section of a study of this kind: nothing but the kind."""


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `table.csv` into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError: if no run can be read.
    """
    if not study.runs:
        raise ValueError(f"{study.directory}: none of {len(study.unreadable)} runs can be read: {study.unreadable[0]}")
    rows = [row_of(run) for run in study.runs]
    for name in same_everywhere(rows):
        for row in rows:
            del row[name]
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[text(row.get(name)) for name in names] for row in rows]
    lines = [
        f"# {study.name}: {len(rows)} runs",
        "",
        *(f"- Left out: {line}." for line in study.unreadable),
        *([""] if study.unreadable else []),
        *markdown_table([names, *cells], left=1),
    ]
    write_rows(output / "table.csv", names, rows)
    return "\n".join(lines) + "\n"


def row_of(run: Run) -> dict[str, Any]:
    """What names a run, what it was, and what came of it; a score under the name it was watched by."""
    monitor = (run.scores or {}).get("monitor")
    scores = {f"{which} {monitor}": run.score(which, monitor) for which in ("final", "best")} if monitor else {}
    return {
        "run": run.directory.name,
        "method": run.method,
        "seed": run.seed,
        "learning_rate_scale": run.learning_rate_scale,
        "n_critic": run.n_critic,
        "generator_steps": run.generator_steps,
        **(run.architecture or {}),
        "status": run.status,
        **scores,
        "seconds": run.seconds,
    }


def same_everywhere(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The columns that tell no two runs apart, of those that say what a run was; none of a single run's."""
    kept = {"run", "method", "status", "seconds", *(n for row in rows for n in row if n.startswith(("final", "best")))}
    names = dict.fromkeys(name for row in rows for name in row if name not in kept)
    shared = [name for name in names if all(name in row for row in rows)]
    return [name for name in shared if len(rows) > 1 and len({json.dumps(row[name]) for row in rows}) == 1]


def text(value: Any) -> str:
    """A cell: numbers with four digits behind the point at most, a dash for what is not known."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
