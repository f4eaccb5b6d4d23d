"""A sweep that searched: the best of every combination, and every trial."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_lightning.report.archive import write_rows
from gan_lightning.report.markdown import markdown_table, number
from gan_lightning.report.plots.search import Tried, draw_search
from gan_lightning.report.study import Study
from gan_lightning.runs.result import ENDED
from gan_lightning.runs.search import Record, Search, best_of, in_words, lines_at, outcomes_of, read_record

TRIALS = "trials.csv"


@dataclass
class Settings:
    """The `report` section of a study of this kind, which has no settings of its own."""


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `trials.csv` and `search.png` into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError: if nothing was searched here, or what was tried cannot be read.
    """
    record = read_record(study.directory)
    if record is None:
        raise ValueError(f"{study.directory}: nothing was searched here: there is no search.json")
    tried = [Tried(name_of(search), outcomes_of(search, study.directory)) for search in record.searches]
    names = ["search", "trial", *record.axes, "status", "score", "value", "sd", "scores", "runs"]
    write_rows(output / TRIALS, names, rows_of(tried))
    drawn = draw_search(output / "search.png", tried, record.axes)
    monitor = next((outcome.monitor for each in tried for _, outcome in each.trials if outcome.monitor), "score")
    lines = [
        f"# {study.name}: {record.progress}",
        "",
        f"- Searched: {', '.join(map(in_words, record.axes.items()))}.",
        "- A trial's value is the mean of its runs' final scores; one of whose runs diverged or failed has none.",
        "- The best of many trials is chosen by its score: that of new seeds will be lower on average.",
        *(f"- Left out: {line}." for line in study.unreadable),
        *(["- `search.png`: the value of every trial; crosses on the axis diverged or failed."] if drawn else []),
        f"- `{TRIALS}`: every trial.",
        "",
        *best_table(record, tried, monitor=monitor),
    ]
    return "\n".join(lines) + "\n"


def name_of(search: Search) -> str:
    """A combination as people read it."""
    return ", ".join(line.lstrip("+") for line in search.fixed) or "defaults"


def best_table(record: Record, tried: list[Tried], *, monitor: str) -> list[str]:
    """A row a combination: the values of its best trial, and what became of the others."""
    rows = [["search", *record.axes, monitor.replace("_", " "), "sd", "trials", *ENDED]]
    typed = []
    for search, each in zip(record.searches, tried, strict=True):
        found = best_of(each.trials)
        at = [number(found[0].at[key]) for key in record.axes] if found else ["-"] * len(record.axes)
        value = [optional(found[1].value), optional(found[1].spread)] if found else ["-", "-"]
        counts = [str(sum(outcome.status == status for _, outcome in each.trials)) for status in ENDED]
        rows.append([each.name, *at, *value, str(len(each.trials)), *counts])
        if found:
            typed.append(f"    python train.py {shlex.join([*search.fixed, *lines_at(found[0].at)])}")
    return [*markdown_table(rows, left=1), *(["", "The best of each, as it is typed:", "", *typed] if typed else [])]


def rows_of(tried: list[Tried]) -> Iterator[dict[str, Any]]:
    """Every trial: its combination, number, values of the axes, state and scores."""
    for each in tried:
        for place, (trial, outcome) in enumerate(each.trials):
            yield {
                "search": each.name,
                "trial": place,
                **trial.at,
                "status": outcome.status,
                "score": outcome.monitor,
                "value": outcome.value,
                "sd": outcome.spread,
                "scores": " ".join(map(number, outcome.scores)),
                "runs": " ".join(trial.runs),
            }


def optional(value: float | None) -> str:
    """A number, or a dash."""
    return "-" if value is None else number(value)
