"""Tables 2 and 5: on how many random architectures each of two methods succeeds, by score threshold."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any

from gan_lightning.report.archive import RUNS, write_archive, write_rows
from gan_lightning.report.comparisons import Comparison, compare, in_words, outcomes
from gan_lightning.report.drawing import COLOURS, Line
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.methods import Method, by_method, failures, missing
from gan_lightning.report.paper import PAPERS_METHODS, TABLE_5, Outcomes
from gan_lightning.report.plots.success import Curve, draw_success_rates
from gan_lightning.report.runs import Run, Scale, axes, comparable_runs, protocol_words, spans
from gan_lightning.report.study import Study

LINES = Line(COLOURS[1], "-"), Line(COLOURS[0], "-")  # of the baseline and of the penalised method


@dataclass
class Settings:
    """The `report` section of a study of this kind; `baseline` and `penalised` name methods.

    `floor` is the lowest possible score, which a run counts that diverged or failed.
    """

    score: str
    floor: float
    thresholds: list[float]
    baseline: str
    penalised: str
    note: str

    def __post_init__(self) -> None:
        if not self.thresholds or self.thresholds != sorted(set(self.thresholds)) or self.thresholds[0] < self.floor:
            raise ValueError(f"thresholds must ascend from {self.floor} or above, got {self.thresholds}")


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `runs.csv`, `architectures.csv` and `success.png` into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError: if the study's runs are not comparable, or no pair of runs is complete.
    """
    names = settings.baseline, settings.penalised
    scored, unscored = comparable_runs((run for run in study.runs if run.method in names), settings.score)
    baseline, penalised = both_methods(scored, settings)
    comparison = compare(penalised, baseline)
    if not comparison.seeds:
        raise ValueError(f"{study.directory}: no architecture has ended under both methods yet ({len(scored)} runs)")
    labels = baseline.label, penalised.label
    score_name = settings.score.replace("_", " ")
    rows = [outcomes(comparison, threshold) for threshold in settings.thresholds]
    lines = [
        f"# {study.name}: random architectures by {labels[0]} and by {labels[1]}",
        "",
        *header(
            study,
            settings,
            methods=(baseline, penalised),
            comparison=comparison,
            left_out=[*unscored, *others(study, names)],
        ),
        "",
        f"Left: this study, {len(comparison.seeds)} architectures. Right: the paper, Table 5 (ImageNet 32x32, "
        f"{TABLE_5[0].total} architectures, Inception score). {settings.note.strip()}",
        "",
        *success_table(rows, score_name, labels=labels),
        "",
        *summary(comparison, baseline, penalised),
    ]
    write_architectures(output / "architectures.csv", (baseline, penalised))
    write_archive(output / RUNS, study.runs, score=settings.score, order=study.planned_methods)
    draw_success_rates(
        output / "success.png",
        [
            Curve(label, scores, line)
            for label, scores, line in zip(labels, (comparison.baseline, comparison.other), LINES, strict=True)
        ],
        thresholds=settings.thresholds,
        score_name=score_name,
        paper=dict(zip(PAPERS_METHODS, LINES, strict=True)),
    )
    return "\n".join(lines) + "\n"


def both_methods(runs: Sequence[Run], settings: Settings) -> tuple[Method, Method]:
    """The baseline and the penalised method, with or without runs.

    Raises:
        ValueError: if a method has two runs of one seed, or the two runs of a seed have different architectures.
    """
    scale = Scale(settings.score, settings.floor)
    there = {method.name: method for method in by_method(runs, scale=scale)}
    baseline, penalised = (
        there.get(name, Method(name, name, {}, scale)) for name in (settings.baseline, settings.penalised)
    )
    return baseline, penalised


def others(study: Study, methods: Sequence[str]) -> list[str]:
    """A line for each method of the study that this table has no column for."""
    names = sorted({run.method for run in study.runs} - set(methods))
    counts = {name: sum(run.method == name for run in study.runs) for name in names}
    return [f"method '{name}', {count} runs: none of {', '.join(methods)}" for name, count in counts.items()]


def success_table(rows: Sequence[Outcomes], score_name: str, *, labels: tuple[str, str]) -> list[str]:
    """Markdown: the study's rows to the left, the paper's to the right, each with its own thresholds."""
    ours, papers = (
        [f"only {first}", f"only {second}", "both", "neither"] for first, second in (labels, PAPERS_METHODS)
    )
    table = [[f"min. {score_name}", *ours, "", "paper: min. Inception score", *papers]]
    table += [[*cells(mine), "", *cells(theirs)] for mine, theirs in zip_longest(rows, TABLE_5)]
    return markdown_table(table)


def cells(row: Outcomes | None) -> list[str]:
    """A row as text; empty cells where one table is shorter than the other."""
    return [f"{row.threshold}", *map(str, row[1:])] if row else [""] * len(Outcomes._fields)


def header(
    study: Study, settings: Settings, *, methods: Sequence[Method], comparison: Comparison, left_out: Sequence[str]
) -> list[str]:
    """What was counted, what is missing, and how the scores were taken."""
    expected = study.planned_seeds.union(*(method.runs for method in methods))
    runs = [method.runs[seed] for method in methods for seed in comparison.seeds]
    return [
        f"- {len(comparison.seeds)} of {len(expected)} architectures are in, each under both methods.",
        *(f"- Missing: {line}." for line in missing(methods, expected=expected, planned=())),
        *(f"- Left out: {line}." for line in (*study.unreadable, *left_out)),
        f"- Success: final {settings.score.replace('_', ' ')} > min. score; a diverged or failed run never succeeds "
        f"and counts as {settings.floor}.",
        *(f"- {line}." for line in failures(runs, methods[0].scale)),
        f"- Protocol: {protocol_words(runs)}.",
        f"- Versions: {versions(runs)}.",
    ]


def versions(runs: Iterable[Run]) -> str:
    """Every version that took part, such as ``torch 2.11.0 and 2.15.0``."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for name, version in (run.versions or {}).items():
            found[name].add(str(version))
    return ", ".join(f"{name} {' and '.join(sorted(values))}" for name, values in found.items()) or "not recorded"


def summary(comparison: Comparison, baseline: Method, penalised: Method) -> list[str]:
    """Medians, the paired sign test, how the runs ended, and what they cost."""
    first, second = baseline.label, penalised.label
    lines = [
        f"- Median score: {first} {median(comparison.baseline):.2f}, {second} {median(comparison.other):.2f}.",
        f"- {in_words(comparison, second, first)}.",
    ]
    for status in ("diverged", "failed"):
        seeds = [(m.label, [s for s in comparison.seeds if m.runs[s].status == status]) for m in (baseline, penalised)]
        named = [f"{label} {len(found)}" + (f" (seeds {spans(found)})" if found else "") for label, found in seeds]
        lines.append(f"- Runs that {status}: {', '.join(named)}.")
    runs = [*baseline.runs.values(), *penalised.runs.values()]
    hours = sum(run.seconds for run in runs) / 3600
    return [*lines, f"- Compute: {hours:.1f} hours in {len(runs)} runs, incomplete pairs included."]


def write_architectures(file: Path, methods: Sequence[Method]) -> None:
    """One row per architecture, incomplete pairs included: its axes, then each method's outcome as recorded."""
    axis_names = dict.fromkeys(name for method in methods for run in method.runs.values() for name in axes(run))
    outcome_names = [
        f"{method.name}.{column}" for method in methods for column in ("status", "final", "best", "seconds")
    ]
    rows = []
    for seed in sorted(set().union(*(method.runs for method in methods))):
        row: dict[str, Any] = {"seed": seed} | {f"{method.name}.status": "missing" for method in methods}
        for run in (method.runs[seed] for method in methods if seed in method.runs):
            row |= axes(run) | outcome(run, methods[0].scale.score)
        rows.append(row)
    write_rows(file, ["seed", *axis_names, *outcome_names], rows)


def outcome(run: Run, score: str) -> dict[str, Any]:
    """The columns of one run: how it ended, with which scores, after how long."""
    columns = {
        "status": run.status,
        "final": run.score("final", score),
        "best": run.score("best", score),
        "seconds": run.seconds,
    }
    return {f"{run.method}.{name}": value for name, value in columns.items()}
