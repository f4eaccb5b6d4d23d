"""Any directory of runs: which of what differs between them was better, at what cost, and with which samples."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from gan_lightning.report.archive import RUNS, write_archive, write_rows
from gan_lightning.report.curves import ITERATIONS, SECONDS, Curves, panels_of
from gan_lightning.report.differences import Known, asked_axes, differing, found_axes, with_all_settings
from gan_lightning.report.groups import CHOICES, Axis, Group, grouped, of_keys
from gan_lightning.report.kinds.groups import how_far, how_long
from gan_lightning.report.markdown import markdown_table, number
from gan_lightning.report.plots.curves import draw_panels
from gan_lightning.report.runs import Run, protocol
from gan_lightning.report.samples import Samples, kept_section, samples_section
from gan_lightning.report.series import SERIES, read_logged, write_series
from gan_lightning.report.study import Study

DRAWN = 12
"""Groups whose curves and samples are shown: the best."""

COLUMNS = 12
"""Settings that the table of every run has a column for."""

LINES = 20
"""Runs that went wrong that are told one by one."""

Way = tuple[tuple[str, str], ...]
"""How a score was taken: its name, and the entries of its protocol."""


@dataclass
class Settings:
    """The `report` section of a study of this kind, and what ``--by``, ``--score`` and ``--x`` say.

    Args:
        by: settings, or config groups, in which groups of runs differ; found where none is named.
        score: by which groups are sorted; null for the one that runs were judged by.
        x: along what curves are drawn: ``iterations``, ``seconds`` or both.
    """

    by: list[str] = field(default_factory=list)
    score: str | None = None
    x: list[str] = field(default_factory=lambda: [ITERATIONS, SECONDS])


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `table.csv`, CSV files that the report can be made from again, and the pictures, into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError: if no run can be read, or has what is asked for.
    """
    if not study.runs:
        raise ValueError(f"{study.directory}: none of {len(study.unreadable)} runs can be read: {study.unreadable[0]}")
    known, unknown = with_all_settings(study.runs)
    check_score_there(study.runs, settings.score)
    axes = asked_axes(settings.by, known) if settings.by else found_axes(known)
    runs = of_keys(known, [axis.key for axis in axes])
    groups = ranked(grouped(study, axes, runs, distinct=False), settings.score)
    lines = [
        f"# {study.name}: {len(study.runs)} runs by {' and '.join(axis.label for axis in axes)}",
        "",
        *header(study, left_out=[*study.unreadable, *unknown]),
        "",
        *groups_section(groups, settings, axes),
        *curves_sections(study, settings, groups, runs=runs, output=output),
    ]
    if study.archived:
        lines += kept_section(study.directory, output)
    else:
        lines += samples_section(groups[:DRAWN], Samples(), axes=axes, output=output)
    write_archive(output / RUNS, runs, score=settings.score or common_score(runs), order=study.planned_methods)
    lines += runs_section(study.runs, {run.directory.name: run.settings for run in known}, output)
    return "\n".join(lines).rstrip("\n") + "\n"


def header(study: Study, *, left_out: Sequence[str]) -> list[str]:
    """What is there, what could not be read, and what went wrong."""
    runs = study.runs
    counts = [(status, sum(run.status == status for run in runs)) for status in ("finished", "diverged", "failed")]
    wrong = [run for run in runs if run.status in ("diverged", "failed")]
    lines = [
        f"- {', '.join(f'{count} {status}' for status, count in counts)}, "
        f"{sum(not run.ended for run in runs)} running or interrupted.",
        *(f"- Left out: {line}." for line in left_out),
        *(f"- {run.status.capitalize()}: {run.directory.name}: {run.error or 'no error'}." for run in wrong[:LINES]),
    ]
    return [*lines, f"- … and {len(wrong) - LINES} more that went wrong."] if len(wrong) > LINES else lines


def check_score_there(runs: Sequence[Run], score: str | None) -> None:
    """Refuse a score that no run has.

    Raises:
        ValueError: naming those that there are.
    """
    names = sorted({name for run in runs for name in run.scores_taken("final")})
    if score is not None and score not in names:
        raise ValueError(f"--score {score} is not possible: these runs have {', '.join(names) or 'no scores'}")


def common_score(runs: Sequence[Run]) -> str:
    """The score that most runs were judged by; empty where none was."""
    names = [score_of(run, None) for run in runs if run.scores]
    return max(dict.fromkeys(names), key=names.count, default="")


def score_of(run: Run, asked: str | None) -> str:
    """The score by which a run counts: the one asked for, or the one that it was judged by."""
    return asked or str((run.scores or {}).get("monitor") or "")


def values_of(runs: Sequence[Run], which: str, asked: str | None) -> list[float]:
    """The final or best scores of the runs that finished and have one."""
    found = [run.score(which, score_of(run, asked)) for run in runs if run.status == "finished"]
    return [value for value in found if value is not None and math.isfinite(value)]


def is_higher_better(runs: Sequence[Run]) -> bool:
    """Whether a higher score is better, as the runs say; true where they do not."""
    return all((run.scores or {}).get("higher_is_better", True) for run in runs)


def ranked(groups: Sequence[Group], asked: str | None) -> list[Group]:
    """The groups, that of the best mean final score first; those without a score last."""

    def key(group: Group) -> tuple[bool, float]:
        values = values_of(group.runs, "final", asked)
        mean = fmean(values) if values else 0.0
        return not values, -mean if is_higher_better(group.runs) else mean

    return sorted(groups, key=key)


def way_of(run: Run, asked: str | None) -> Way:
    """How a run's score was taken; empty where it has none."""
    entries = protocol(run)
    return (("score", score_of(run, asked)), *sorted(entries.items())) if entries else ()


def groups_section(groups: Sequence[Group], settings: Settings, axes: Sequence[Axis]) -> list[str]:
    """A table of the groups for each way in which scores were taken: they compare within one, and no further."""

    def way(run: Run) -> Way:
        return way_of(run, settings.score)

    ways = list(dict.fromkeys(way(run) for group in groups for run in group.runs if way(run))) or [()]
    lines = ["## Which was better", ""]
    if len(ways) > 1:
        lines += [f"Scores were taken in {len(ways)} ways: they compare within a table, and not between two.", ""]
    titles = ["runs", "final", "best", "diverged", "failed", "iterations", "median s"]
    for place, shown in enumerate(ways):
        rows = [[*(axis.label for axis in axes), *titles]]
        for group in groups:
            there = set(map(way, group.runs))
            if shown in there or (place == 0 and there <= {()}):  # the first has those without a score too
                members = [run for run in group.runs if way(run) in (shown, ())]
                rows.append(group_row(group, members, settings.score))
        lines += [*markdown_table(rows, left=len(axes)), "", *way_lines(shown, groups), ""]
    return lines


def group_row(group: Group, members: Sequence[Run], asked: str | None) -> list[str]:
    """A group's row: mean ± standard deviation over its finished runs, and what became of all of them."""
    part = Group(group.values, group.labels, tuple(members), group.planned)
    return [
        *group.labels,
        str(len(members)),
        mean_and_sd(values_of(members, "final", asked)),
        mean_and_sd(values_of(members, "best", asked)),
        str(part.count("diverged")),
        str(part.count("failed")),
        how_far(part),
        how_long(part),
    ]


def mean_and_sd(values: Sequence[float]) -> str:
    """The mean, with the standard deviation where there are two values or more; a dash for none."""
    if not values:
        return "-"
    return f"{number(fmean(values))} ± {stdev(values):.2g}" if len(values) > 1 else number(values[0])


def way_lines(way: Way, groups: Sequence[Group]) -> list[str]:
    """What a table's scores are."""
    if not way:
        return ["No run was scored; seconds are of the finished runs."]
    entries = dict(way)
    score = entries.pop("score").replace("_", " ")
    runs = [run for group in groups for run in group.runs]
    order = "higher" if is_higher_better(runs) else "lower"
    taken = ", ".join(f"{name} {value}" for name, value in entries.items())
    return [
        f"{score.capitalize()}, {order} is better: mean ± standard deviation over the runs that finished, none of a "
        f"run that diverged or failed. Seconds are medians of those. Protocol: {taken}."
    ]


def curves_sections(
    study: Study, settings: Settings, groups: Sequence[Group], *, runs: Sequence[Run], output: Path
) -> list[str]:
    """Pictures of the score and of the critic's losses, of the best groups, where they were logged."""
    score = settings.score or common_score(runs)
    pictures = {
        "score": f"score/{score}",
        "held_out_critic_loss": "val/critic_loss",
        "critic_loss": "train/critic_loss",
    }
    logged = read_logged(study, runs, pictures.values())
    write_series(output / SERIES, logged)
    lines = []
    for name, column in pictures.items():
        words = score.replace("_", " ") if name == "score" else name.replace("_", " ")
        curves = Curves({words: column}, quantity=words, x=settings.x)
        if panels := panels_of(curves, groups[:DRAWN], logged):
            draw_panels(output / f"{name}.png", panels, quantity=words, y_range=[])
            lines += [f"![{words}]({name}.png)", ""]
    if not lines:
        return []
    shown = f", of the best {DRAWN} of {len(groups)} groups" if len(groups) > DRAWN else ""
    return [
        "## On the way",
        "",
        f"Medians over the runs of a group, lowest to highest shaded{shown}. Losses of different objectives have no "
        "scale in common: their shapes tell, not their heights.",
        "",
        *lines,
    ]


def runs_section(runs: Sequence[Run], settings: Mapping[str, Known], output: Path) -> list[str]:
    """The table of every run, with what differs between them, how each ended and what it scored; and as `table.csv`.

    Args:
        runs: of the directory.
        settings: all that are known of each run, by its name.
        output: where to.
    """
    keys = differing(list(settings.values()))
    known = [settings.get(run.directory.name, {}) for run in runs]
    titles = {key: key.removeprefix(CHOICES) for key in keys}
    rows = [row_of(run, {titles[k]: its.get(k) for k in keys}) for run, its in zip(runs, known, strict=True)]
    for name in same_everywhere(rows):
        for row in rows:
            del row[name]
    names = list(dict.fromkeys(name for row in rows for name in row))
    write_rows(output / "table.csv", names, rows)
    hidden = [titles[key] for key in keys[COLUMNS:]]
    shown = [name for name in names if name not in hidden]
    lines = ["## Every run", ""]
    if hidden:
        lines += [f"Of the settings that differ, {len(hidden)} more are in `table.csv` alone.", ""]
    return [*lines, *markdown_table([shown, *([text(row.get(name)) for name in shown] for row in rows)], left=1)]


def row_of(run: Run, settings: Mapping[str, str | None]) -> dict[str, Any]:
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
        **settings,
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
