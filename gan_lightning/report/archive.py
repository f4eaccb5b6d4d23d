"""The CSV files that a report writes and can be made from again, once the run directories are gone."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from gan_lightning.own_files import read_own
from gan_lightning.report.runs import Point, Run, axes, place, protocol

RUNS, RATES, CURVES = "runs.csv", "rates.csv", "curves.csv"
IDENTITY = ["run", "method", "label", "seed"]
OUTCOME = ["learning_rate_scale", "status", "final", "best", "seconds", "n_critic"]
ORIGIN = ["generator_parameters", "critic_parameters", "study", "generator_steps", "generator_step", "torch", "error"]
SCORE = ["score", "higher_is_better"]
LARGEST = 2**28
"""Bytes that a CSV file may have."""
SETTING, PROTOCOL, FINAL, BEST = "setting.", "protocol.", "final.", "best."


def write_archive(
    file: Path, runs: Sequence[Run], *, score: str, order: Sequence[str], further: Sequence[str] = ()
) -> None:
    """One row a run with what a report needs of it: its settings and axes, its outcome, how its score was taken.

    Args:
        file: to write.
        runs: written by method, factor and seed.
        score: the name of the score that is kept; empty where none was taken.
        order: of the methods; any others follow by name.
        further: names of scores that are kept beside it.
    """
    runs = sorted(runs, key=lambda run: (place(run.method, order), run.method, run.learning_rate_scale or 0, run.seed))
    names = dict.fromkeys([*IDENTITY, *(SETTING + key for run in runs for key in run.settings)])
    names |= dict.fromkeys(name for run in runs for name in axes(run))
    names |= dict.fromkeys([*OUTCOME, *(which + name for name in further for which in (FINAL, BEST)), *ORIGIN, *SCORE])
    names |= dict.fromkeys(PROTOCOL + name for run in runs for name in protocol(run))
    write_rows(file, list(names), (archive_row(run, score, further) for run in runs))


def archive_row(run: Run, score: str, further: Sequence[str]) -> dict[str, Any]:
    """A run as a row of its file; None, an empty cell, for what is not known."""
    parameters = run.parameters or {}
    return {
        "run": run.directory.name,
        "method": run.method,
        "label": run.label,
        "seed": run.seed,
        "learning_rate_scale": run.learning_rate_scale,
        "status": run.status,
        "final": run.score("final", score),
        "best": run.score("best", score),
        "seconds": run.seconds,
        "n_critic": run.n_critic,
        "generator_parameters": parameters.get("generator"),
        "critic_parameters": parameters.get("critic"),
        "study": run.study,
        "generator_steps": run.generator_steps,
        "generator_step": run.generator_step,
        "torch": (run.versions or {}).get("torch"),
        "error": run.error,
        "score": score,
        "higher_is_better": (run.scores or {}).get("higher_is_better"),
        **axes(run),
        **{SETTING + key: value for key, value in run.settings.items()},
        **{FINAL + name: run.score("final", name) for name in further},
        **{BEST + name: run.score("best", name) for name in further},
        **{PROTOCOL + name: value for name, value in protocol(run).items()},
    }


def read_archive(file: Path) -> tuple[Run, ...]:
    """The runs of a file that `write_archive` wrote; none where there is no file.

    Raises:
        ValueError: if a row is not a run's, in one line that names file and line.
    """
    runs = []
    for line, row in enumerate(read_rows(file), start=2):
        try:
            runs.append(archived_run(row, file.parent))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{file}, line {line}: {type(error).__name__} {error}: not a report's row") from error
    return tuple(runs)


def archived_run(row: Mapping[str, str], directory: Path) -> Run:
    """The run of a row."""
    given = {name: value for name, value in row.items() if value}
    known = {*IDENTITY, *OUTCOME, *ORIGIN, *SCORE}
    axis_names = [n for n in given if n not in known and not n.startswith((SETTING, PROTOCOL, FINAL, BEST))]
    parameters = {
        network: int(given[f"{network}_parameters"])
        for network in ("generator", "critic")
        if f"{network}_parameters" in given
    }
    return Run(
        directory=directory / given.get("run", ""),  # an older file does not name it
        settings=without_prefix(given, SETTING),
        study=given["study"],
        method=given["method"],
        label=given["label"],
        seed=int(given["seed"]),
        learning_rate_scale=float(given["learning_rate_scale"]) if "learning_rate_scale" in given else None,
        n_critic=int(given["n_critic"]) if "n_critic" in given else None,
        status=given["status"],
        generator_steps=int(given["generator_steps"]),
        generator_step=int(given["generator_step"]),
        seconds=float(given["seconds"]),
        architecture={name: given[name] for name in axis_names} or None,
        parameters=parameters or None,
        scores=archived_scores(given) if "score" in given else None,
        versions={"torch": given["torch"]} if "torch" in given else {},
        error=given.get("error"),
    )


def archived_scores(given: Mapping[str, str]) -> dict[str, Any]:
    """The scores of a row without its empty cells, as `result.json` has them."""
    scores: dict[str, Any] = {"monitor": given["score"], "protocol": without_prefix(given, PROTOCOL)}
    for which in ("final", "best"):
        taken = without_prefix(given, f"{which}.")
        if which in given:
            taken[given["score"]] = given[which]
        scores[which] = {name: float(value) for name, value in taken.items()}
    if "higher_is_better" in given:
        scores["higher_is_better"] = given["higher_is_better"] == "True"
    return scores


def without_prefix(given: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The entries whose names begin so, under the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}


def write_curves(file: Path, curves: Mapping[tuple[str, int], Sequence[Point]]) -> None:
    """One row a score on the way, by method and seed."""
    rows = (
        {"method": method, "seed": seed, "step": point.step, "seconds": point.seconds, "score": point.score}
        for (method, seed), points in curves.items()
        for point in points
    )
    write_rows(file, ["method", "seed", "step", "seconds", "score"], rows)


def read_curves(file: Path) -> dict[tuple[str, int], list[Point]]:
    """What `write_curves` wrote; empty where there is no file.

    Raises:
        ValueError: if a row is none of a curve, in one line that names the file.
    """
    curves: dict[tuple[str, int], list[Point]] = {}
    for row in read_rows(file):
        try:
            point = Point(int(row["step"]), float(row["seconds"]), float(row["score"]))
            curves.setdefault((row["method"], int(row["seed"])), []).append(point)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{file}: {type(error).__name__} {error}: not a report's row") from error
    return curves


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as many cells in each as there are names; none where there is no file.

    Raises:
        ValueError: if it is broken, in one line that names it.
    """
    try:
        content = read_own(file, largest=LARGEST)
    except FileNotFoundError:
        return []
    try:
        names, *rows = csv.reader(StringIO(content.decode(), newline=""), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{file} is broken: {' '.join(str(error).split())}; move it away, or put it back") from error


def write_rows(file: Path, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """A CSV file with a line of names, and an empty cell where a row has none; its folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
