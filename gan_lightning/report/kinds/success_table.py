"""Tables 2 and 5: on how many random architectures each of two methods succeeds, by score threshold."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any

from gan_lightning.report.archive import write_rows
from gan_lightning.report.drawing import COLOURS, Line
from gan_lightning.report.inference import sign_test
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.pairs import Comparison, Pair, compare, outcomes, pair_up
from gan_lightning.report.paper import PAPERS_METHODS, TABLE_5, Outcomes
from gan_lightning.report.runs import (
    LOWEST_SCORE,
    Run,
    axes,
    check_comparable,
    label_of,
    protocol_words,
    spans,
    split_unscored,
)
from gan_lightning.report.study import Study
from gan_lightning.report.success_plot import Curve, draw_success_rates

LINES = Line(COLOURS[1], "-"), Line(COLOURS[0], "-")  # of the baseline and of the penalised method


@dataclass
class Settings:
    """The `report` section of a study of this kind; `baseline` and `penalised` name methods."""

    score: str
    thresholds: list[float]
    baseline: str
    penalised: str
    note: str

    def __post_init__(self) -> None:
        if not self.thresholds or self.thresholds != sorted(set(self.thresholds)) or self.thresholds[0] < LOWEST_SCORE:
            raise ValueError(f"thresholds must ascend from {LOWEST_SCORE} or above, got {self.thresholds}")


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `table.md`, `architectures.csv` and `success.png` into `output`.

    Returns:
        The text of `table.md`.

    Raises:
        ValueError: if the study's runs are not comparable, or no pair of runs is complete.
    """
    methods = settings.baseline, settings.penalised
    scored, unscored = split_unscored((run for run in study.runs if run.method in methods), settings.score)
    check_comparable(scored)
    pairs = pair_up(scored, score=settings.score, baseline=settings.baseline, penalised=settings.penalised)
    complete = [pair for pair in pairs if pair.complete]
    if not complete:
        raise ValueError(f"{study.directory}: no architecture has ended under both methods yet ({len(scored)} runs)")
    comparison = compare(complete, settings.score)
    labels = label_of(settings.baseline, scored), label_of(settings.penalised, scored)
    score_name = settings.score.replace("_", " ")
    rows = [outcomes(comparison, threshold) for threshold in settings.thresholds]
    lines = [
        f"# {study.name}: random architectures by {labels[0]} and by {labels[1]}",
        "",
        *header(study, settings, pairs=pairs, complete=complete, left_out=[*unscored, *others(study, methods)]),
        "",
        f"Left: this study, {len(complete)} architectures. Right: the paper, Table 5 (ImageNet 32x32, "
        f"{TABLE_5[0].total} architectures, Inception score). {settings.note.strip()}",
        "",
        *success_table(rows, score_name, labels=labels),
        "",
        *summary(comparison, complete, labels=labels, all_runs=[run for pair in pairs for run in pair.runs]),
    ]
    text = "\n".join(lines) + "\n"
    output.mkdir(parents=True, exist_ok=True)
    (output / "table.md").write_text(text, encoding="utf-8")
    write_architectures(output / "architectures.csv", pairs, settings=settings)
    draw_success_rates(
        output / "success.png",
        [
            Curve(label, scores, line)
            for label, scores, line in zip(labels, (comparison.baseline, comparison.penalised), LINES, strict=True)
        ],
        thresholds=settings.thresholds,
        score_name=score_name,
        paper=dict(zip(PAPERS_METHODS, LINES, strict=True)),
    )
    return text


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
    study: Study, settings: Settings, *, pairs: Sequence[Pair], complete: Sequence[Pair], left_out: Sequence[str]
) -> list[str]:
    """What was counted, what is missing, and how the scores were taken."""
    expected = study.planned_seeds | {pair.seed for pair in pairs}
    runs = [run for pair in complete for run in pair.runs]
    return [
        f"- {len(complete)} of {len(expected)} architectures are in, each under both methods.",
        *(f"- Missing: {line}." for line in missing(pairs, settings, expected=expected)),
        *(f"- Left out: {line}." for line in (*study.unreadable, *left_out)),
        f"- Success: final {settings.score.replace('_', ' ')} > min. score; a diverged or failed run never succeeds "
        f"and counts as {LOWEST_SCORE}.",
        f"- Protocol: {protocol_words(runs)}.",
        f"- Versions: {versions(runs)}.",
    ]


def missing(pairs: Sequence[Pair], settings: Settings, *, expected: Iterable[int]) -> list[str]:
    """What keeps pairs incomplete, by method: seeds without a run, and seeds whose run has not ended."""
    lines = []
    members: list[tuple[str, Callable[[Pair], Run | None]]] = [
        (settings.penalised, lambda pair: pair.penalised),
        (settings.baseline, lambda pair: pair.baseline),
    ]
    for name, member in members:
        there = {run.seed: run for run in map(member, pairs) if run}
        absent = sorted(set(expected) - set(there))
        unfinished = sorted(seed for seed, run in there.items() if not run.ended)
        if absent:
            lines.append(f"{name}: {len(absent)} without a result (seeds {spans(absent)})")
        if unfinished:
            lines.append(f"{name}: {len(unfinished)} running or interrupted (seeds {spans(unfinished)})")
    return lines


def versions(runs: Iterable[Run]) -> str:
    """Every version that took part, such as ``torch 2.11.0 and 2.15.0``."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for name, version in run.versions.items():
            found[name].add(str(version))
    return ", ".join(f"{name} {' and '.join(sorted(values))}" for name, values in found.items()) or "not recorded"


def summary(
    comparison: Comparison, complete: Sequence[Pair], *, labels: tuple[str, str], all_runs: Sequence[Run]
) -> list[str]:
    """Medians, the paired sign test, how the runs ended, and what they cost."""
    first, second = labels
    ties = len(complete) - comparison.ahead - comparison.behind
    ended = [(first, [pair.baseline for pair in complete]), (second, [pair.penalised for pair in complete])]
    lines = [
        f"- Median score: {first} {median(comparison.baseline):.2f}, {second} {median(comparison.penalised):.2f}.",
        f"- {second} is ahead on {comparison.ahead} of {len(complete)} architectures, behind on {comparison.behind}, "
        f"level on {ties} (exact two-sided sign test: p = {sign_test(comparison.ahead, comparison.behind):.2g}).",
    ]
    for status in ("diverged", "failed"):
        seeds = [(label, [run.seed for run in group if run and run.status == status]) for label, group in ended]
        named = [f"{label} {len(found)}" + (f" (seeds {spans(found)})" if found else "") for label, found in seeds]
        lines.append(f"- Runs that {status}: {', '.join(named)}.")
    hours = sum(run.seconds for run in all_runs) / 3600
    return [*lines, f"- Compute: {hours:.1f} hours in {len(all_runs)} runs, incomplete pairs included."]


def write_architectures(file: Path, pairs: Sequence[Pair], *, settings: Settings) -> None:
    """One row per architecture, incomplete pairs included: its axes, then each method's outcome as recorded."""
    axis_names = dict.fromkeys(name for pair in pairs for run in pair.runs for name in axes(run))
    methods = settings.baseline, settings.penalised
    outcome_names = [f"{name}.{column}" for name in methods for column in ("status", "final", "best", "seconds")]
    rows = []
    for pair in pairs:
        row: dict[str, Any] = {"seed": pair.seed} | {f"{method}.status": "missing" for method in methods}
        for run in pair.runs:
            row |= axes(run) | outcome(run, settings.score)
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
