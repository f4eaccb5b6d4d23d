"""Runs as a report sees them: what a `result.json` says, what of it counts, and which runs may share a table."""

import math
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.result import REMEDY, Result, read_result


@dataclass(frozen=True, kw_only=True)
class Run(Result):
    """One `result.json` and its `directory`, or a row of a CSV file of runs and a folder of the run's name beside it.

    `settings` has, as text, those values of the run's `config.yaml` that a report asked for, by dotted key.
    """

    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scale:
    """What counts of a run: its final `score`, or `floor`, the worst possible, where it diverged or failed."""

    score: str
    floor: float

    def count(self, run: Run) -> float:
        """The final score of a finished run; the floor for any other, and for one that is not a number."""
        final = run.score("final", self.score) if run.status == "finished" else None
        return final if final is not None and math.isfinite(final) else self.floor


@dataclass(frozen=True)
class Point:
    """A score on the way: after which generator iteration, after how many seconds of training."""

    step: int
    seconds: float
    score: float


def read_run(file: Path) -> Run:
    """Read one `result.json`.

    Raises:
        ValueError: if the file is not a run's result, in one line that names it.
    """
    return Run(**vars(read_result(file)), directory=file.parent)


def read_runs(directory: Path) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """The runs of a study directory by name, and one line for each `result.json` that is lost or cannot be read."""
    runs, unreadable = [], []
    for file in sorted(path / "result.json" for path in directory.glob("*/")):
        try:
            runs.append(read_run(file))
        except FileNotFoundError:
            if os.path.lexists(file.with_name("config.yaml")):
                unreadable.append(f"{file} is not there: {REMEDY}")
        except ValueError as error:
            unreadable.append(str(error).replace("\n", " "))
    return tuple(runs), tuple(unreadable)


def read_curve(run: Run, score: str) -> list[Point]:
    """A run's scores over its seconds, from its `metrics.csv`; empty where that has none or knows no seconds."""
    column = f"score/{score}"
    rows = sorted(read_metrics(run.directory / "metrics.csv").items())
    return [
        Point(step, round(row["seconds"], 3), round(row[column], 4))
        for step, row in rows
        if column in row and "seconds" in row
    ]


def comparable_runs(runs: Iterable[Run], score: str) -> tuple[list[Run], list[str]]:
    """The runs that may share a table of a score, and a line for each that finished without having been scored.

    Raises:
        ValueError: if successes cannot be counted by that score, or the runs were not scored in one way.
    """
    runs = list(runs)
    check_score(runs, score)
    scored, unscored = split_unscored(runs, score)
    check_comparable(scored)
    return scored, unscored


def check_score(runs: Iterable[Run], score: str, *, lower_is_better: bool = False) -> None:
    """Refuse a score that finished runs were not judged by, and one of which the other way is better.

    Raises:
        ValueError: naming the score and a run.
    """
    for run in (run for run in runs if run.status == "finished"):
        scores = run.scores or {}
        monitor = scores.get("monitor", score)
        refusal = f"score={score} is not possible for this report:"
        if monitor != score:
            raise ValueError(f"{refusal} '{monitor}' is what {run.directory} was judged by")
        if scores.get("higher_is_better") is lower_is_better:
            way = "higher" if lower_is_better else "lower"
            raise ValueError(f"{refusal} {way} is better, as {run.directory} says")


def split_unscored(runs: Iterable[Run], score: str) -> tuple[list[Run], list[str]]:
    """The runs that a score can be compared of, and a line for each that finished without having been scored."""
    scored, unscored = [], []
    for run in runs:
        if run.status == "finished" and run.score("final", score) is None:
            unscored.append(f"{run.directory}: finished without a final '{score}'")
        else:
            scored.append(run)
    return scored, unscored


def axes(run: Run) -> dict[str, str]:
    """The drawn axes; a norm becomes "normalised: yes or no", since its kind belongs to the method."""
    drawn = {}
    for name, value in (run.architecture or {}).items():
        if name.endswith(".norm"):
            drawn[name.removesuffix(".norm") + ".normalised"] = "no" if value in (None, "none") else "yes"
        else:
            drawn[name] = str(value)
    return drawn


def check_comparable(runs: Sequence[Run]) -> None:
    """Refuse finished runs whose scores were not taken in one way after one number of generator iterations.

    Scores of two classifiers or sample counts, or of averaged and plain generators, have no common scale, so that no
    row of a table and no test over them means anything: they are refused rather than flagged. No score counts of a run
    that diverged, such as in a short trial of the study, nor yet of one that is running.

    Raises:
        ValueError: naming the difference and a run of each kind.
    """
    finished = [run for run in runs if run.status == "finished"]
    check_equal("generator_steps", [(run, run.generator_steps) for run in finished])
    protocols = [(run, protocol(run)) for run in finished if protocol(run)]
    for name in dict.fromkeys(name for _, entries in protocols for name in entries):
        check_equal(f"protocol.{name}", [(run, entries.get(name)) for run, entries in protocols])


def protocol(run: Run) -> dict[str, str]:
    """How a run's scores were taken, each entry as text; empty where there are none."""
    return {name: str(value) for name, value in ((run.scores or {}).get("protocol") or {}).items() if value is not None}


def floors_of(runs: Iterable[Run], entry: str) -> list[float]:
    """What the protocols say of real samples; once where they agree."""
    return sorted({float(protocol(run)[entry]) for run in runs if entry in protocol(run)})


def check_equal(name: str, entries: Iterable[tuple[Run, Any]]) -> None:
    """Refuse runs of which some have one value and some another, naming a run of each."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run, value in entries:
        groups[str(value)].append(run)
    if len(groups) > 1:
        found = "; ".join(
            f"{len(group)} runs with {value}, as {group[0].method} with seed {group[0].seed} in {group[0].directory}"
            for value, group in groups.items()
        )
        raise ValueError(f"runs cannot share a table: {name} differs: {found}; move the odd ones out of the study")


def protocol_words(runs: Sequence[Run]) -> str:
    """How the scores of comparable runs were taken, such as ``400 generator iterations, samples 2000``."""
    finished = [run for run in runs if run.status == "finished"]
    if not finished:
        return "not known before a run has finished"
    entries = next(filter(None, map(protocol, finished)), {})
    steps = f"{finished[0].generator_steps:,} generator iterations"
    return ", ".join([steps, *(f"{name} {value}" for name, value in entries.items())])


def find_twins(runs: Iterable[Run], key: Callable[[Run], Hashable]) -> tuple[Run, Run] | None:
    """The first two runs of one key; None where each has its own."""
    first: dict[Hashable, Run] = {}
    for run in runs:
        other = first.setdefault(key(run), run)
        if other is not run:
            return other, run
    return None


def label_of(method: str, runs: Iterable[Run]) -> str:
    """What a method's runs call it in print; its own name where none does."""
    return next((run.label for run in runs if run.method == method and run.label != method), method)


def place(name: str, order: Sequence[str]) -> int:
    """Where a name stands in an order; behind all others where it does not."""
    return order.index(name) if name in order else len(order)


def spans(numbers: Sequence[int]) -> str:
    """Ascending integers in short form: ``3, 7-9``."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups)
