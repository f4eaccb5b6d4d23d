"""Any study whose runs fall into groups: how each ended, and, where they are asked for, scores, curves and samples."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from statistics import median

from gan_lightning.report.archive import RUNS, write_archive
from gan_lightning.report.curves import Curves, curves_section, panels_of
from gan_lightning.report.groups import Axis, Group, grouped, missing_runs, with_settings
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.plots.curves import draw_panels
from gan_lightning.report.runs import Run
from gan_lightning.report.samples import Samples, kept_section, samples_section
from gan_lightning.report.scores import Scores, scored_runs, scores_section
from gan_lightning.report.series import SERIES, Logged, read_logged, write_series
from gan_lightning.report.study import Study


@dataclass
class Settings:
    """The `report` section of a study of this kind.

    Args:
        axes: in which groups of runs differ, the slowest first; what else differs, such as the seed, repeats.
        scores: the table of scores; null for none.
        curves: pictures of what was logged, by the names of their files.
        samples: the sheet of samples; null for none.
        note: what a reader should know of this study.
    """

    axes: list[Axis]
    scores: Scores | None = None
    curves: dict[str, Curves] = field(default_factory=dict)
    samples: Samples | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not self.axes:
            raise ValueError("axes=[] is not possible: name what groups of runs differ in, such as {key: method}")


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write CSV files that the report can be made from again, and the pictures, into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError: if the runs of a group are not comparable, or cannot be told apart.
    """
    runs, unknown = with_settings(study.runs, [axis.key for axis in settings.axes])
    groups = grouped(study, settings.axes, runs)
    unscored = scored_runs(groups, settings.scores) if settings.scores else []
    columns = [column for curves in settings.curves.values() for column in curves.columns.values()]
    logged = read_logged(study, runs, columns) if columns else {}
    write_csv_files(study, settings, output, runs=runs, logged=logged)
    lines = [
        f"# {study.name}: runs by {' and '.join(axis.label for axis in settings.axes)}",
        "",
        *header(study, settings, groups, left_out=[*study.unreadable, *unknown, *unscored]),
        "",
        *runs_section(groups, settings.axes),
    ]
    if settings.scores:
        lines += scores_section(groups, settings.scores, settings.axes)
    for name, curves in settings.curves.items():
        lines += [f"## {name.replace('_', ' ').capitalize()}: {curves.quantity}", ""]
        if panels := panels_of(curves, groups, logged):
            draw_panels(output / f"{name}.png", panels, quantity=curves.quantity, y_range=curves.y_range)
            lines += curves_section(name, curves, groups=groups, axes=settings.axes, logged=logged)
        else:
            lines += [f"No run has logged {' or '.join(curves.columns.values())} yet.", ""]
    if settings.samples and study.archived:
        lines += kept_section(study.directory, output)
    elif settings.samples:
        lines += samples_section(groups, settings.samples, axes=settings.axes, output=output)
    return "\n".join(lines).rstrip("\n") + "\n"


def write_csv_files(study: Study, settings: Settings, output: Path, *, runs: Sequence[Run], logged: Logged) -> None:
    """Every run of the study, with its settings where they are known, and what those runs logged of the curves."""
    known = {run.directory.name for run in runs}
    everything = [*runs, *(run for run in study.runs if run.directory.name not in known)]
    score, further = (settings.scores.score, settings.scores.names) if settings.scores else ("", [])
    write_archive(output / RUNS, everything, score=score, order=study.planned_methods, further=further)
    if settings.curves:
        write_series(output / SERIES, logged)


def header(study: Study, settings: Settings, groups: Sequence[Group], *, left_out: Sequence[str]) -> list[str]:
    """What is there, what is missing, and what went wrong."""
    ended = sum(len(group.ended) for group in groups)
    plan = f", planned: {prod(map(len, study.plan.values()))}" if study.file else ""
    lines = [
        f"- Runs that have ended: {ended}{plan}.",
        *(f"- Missing: {line}." for line in missing_runs(groups)),
        *(f"- Left out: {line}." for line in left_out),
    ]
    for group in groups:
        for run in group.runs:
            if run.status == "diverged":
                lines.append(
                    f"- Diverged: {group.name}, seed {run.seed}, at generator iteration {run.generator_step:,}."
                )
            elif run.status == "failed":
                lines.append(f"- Failed: {group.name}, seed {run.seed}: {run.error or 'no error is recorded'}.")
    return [*lines, "", settings.note.strip()] if settings.note else lines


def runs_section(groups: Sequence[Group], axes: Sequence[Axis]) -> list[str]:
    """How many runs of each group ended how, how far they came and how long that took."""
    rows = [
        [*(axis.label for axis in axes), "runs", "finished", "diverged", "failed", "running", "iterations", "median s"]
    ]
    for group in groups:
        number = f"{len(group.runs)} of {group.planned}" if group.planned else f"{len(group.runs)}"
        counts = [str(group.count(status)) for status in ("finished", "diverged", "failed", "running")]
        rows.append([*group.labels, number, *counts, how_far(group), how_long(group)])
    return ["## Runs", "", *markdown_table(rows, left=len(axes)), "", "Seconds are of the finished runs.", ""]


def how_far(group: Group) -> str:
    """The generator iterations that the runs have come to: the fewest and the most, or a dash."""
    steps = sorted({run.generator_step for run in group.runs})
    if not steps:
        return "-"
    return f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"


def how_long(group: Group) -> str:
    """Median seconds of the finished runs, or a dash."""
    return f"{median(run.seconds for run in group.finished):.1f}" if group.finished else "-"
