"""Tables 2 and 5: on how many random architectures each of two objectives succeeds, by score threshold."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any

from gan_lightning.report.pairs import (
    LOWEST_SCORE,
    Comparison,
    Pair,
    axes,
    check_comparable,
    compare,
    outcomes,
    pair_up,
    sign_test,
    split_unscored,
)
from gan_lightning.report.paper import TABLE_5, Outcomes
from gan_lightning.report.runs import Run, Study, report_settings
from gan_lightning.report.success_plot import draw_success_rates


@dataclass
class Settings:
    """The `report` section of a study of this kind; `baseline` and `penalised` name objectives."""

    kind: str
    score: str
    thresholds: list[float]
    baseline: str
    penalised: str
    note: str

    def __post_init__(self) -> None:
        if not self.thresholds or self.thresholds != sorted(set(self.thresholds)) or self.thresholds[0] < LOWEST_SCORE:
            raise ValueError(f"thresholds must ascend from {LOWEST_SCORE} or above, got {self.thresholds}")


def write_report(study: Study, output: Path) -> str:
    """Write `table.md`, `architectures.csv` and `success.png` into `output`.

    Returns:
        The text of `table.md`.

    Raises:
        ValueError: if the study's settings are unsound, its runs not comparable, or no pair of runs is complete.
    """
    settings = report_settings(study, Settings)
    scored, unscored = split_unscored(study.runs, (settings.baseline, settings.penalised), score=settings.score)
    check_comparable(scored)
    pairs = pair_up(scored, baseline=settings.baseline, penalised=settings.penalised)
    complete = [pair for pair in pairs if pair.complete]
    if not complete:
        raise ValueError(f"{study.directory}: no architecture has ended under both objectives yet ({len(scored)} runs)")
    comparison = compare(complete, settings.score)
    score_name = settings.score.replace("_", " ")
    rows = [outcomes(comparison, threshold) for threshold in settings.thresholds]
    lines = [
        f"# {study.name}: random architectures as a standard GAN and as a WGAN-GP",
        "",
        *header(study, settings, pairs=pairs, complete=complete, unscored=unscored),
        "",
        f"Left: this study, {len(complete)} architectures. Right: the paper, Table 5 (ImageNet 32x32, "
        f"{TABLE_5[0].total} architectures, Inception score). {settings.note.strip()}",
        "",
        *success_table(rows, score_name),
        "",
        *summary(comparison, complete, all_runs=[run for pair in pairs for run in pair.runs]),
    ]
    text = "\n".join(lines) + "\n"
    output.mkdir(parents=True, exist_ok=True)
    (output / "table.md").write_text(text, encoding="utf-8")
    write_architectures(output / "architectures.csv", pairs, settings=settings)
    draw_success_rates(
        output / "success.png",
        scores={"GAN": comparison.baseline, "WGAN-GP": comparison.penalised},
        thresholds=settings.thresholds,
        score_name=score_name,
    )
    return text


def success_table(rows: Sequence[Outcomes], score_name: str) -> list[str]:
    """Markdown: the study's rows to the left, the paper's to the right, each with its own thresholds."""
    columns = ["only GAN", "only WGAN-GP", "both", "neither"]
    table = [[f"min. {score_name}", *columns, "", "paper: min. Inception score", *columns]]
    for ours, theirs in zip_longest(rows, TABLE_5):
        table.append([*cells(ours), "", *cells(theirs)])
    widths = [max(2, *map(len, column)) for column in zip(*table, strict=True)]  # Markdown needs two marks, as in "-:"
    table.insert(1, ["-" * (width - 1) + ":" for width in widths])
    return [
        "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in table
    ]


def cells(row: Outcomes | None) -> list[str]:
    """A row as text; empty cells where one table is shorter than the other."""
    return [f"{row.threshold}", *map(str, row[1:])] if row else [""] * len(Outcomes._fields)


def header(
    study: Study, settings: Settings, *, pairs: Sequence[Pair], complete: Sequence[Pair], unscored: Sequence[str]
) -> list[str]:
    """What was counted, what is missing, and how the scores were taken."""
    expected = study.planned_seeds | {pair.seed for pair in pairs}
    runs = [run for pair in complete for run in pair.runs]
    newest = datetime.fromtimestamp(max(run.modified for run in runs), UTC)
    lines = [
        f"- {len(complete)} of {len(expected)} architectures are in, each under both objectives; "
        f"newest run {newest:%Y-%m-%d}.",
        *(f"- Missing: {line}." for line in missing(pairs, settings, expected=expected)),
        *(f"- Left out: {line}." for line in (*study.unreadable, *unscored)),
        f"- Success: final {settings.score.replace('_', ' ')} > min. score; a diverged or failed run never succeeds "
        f"and counts as {LOWEST_SCORE}.",
    ]
    protocol = next((run.scores["protocol"] for run in runs if run.scores.get("protocol")), {})
    steps = f"{runs[0].generator_steps:,} generator iterations"
    lines.append(f"- Protocol: {', '.join([steps, *(f'{name} {value}' for name, value in protocol.items())])}.")
    lines.append(f"- Versions: {versions(runs)}.")
    return lines


def missing(pairs: Sequence[Pair], settings: Settings, *, expected: Iterable[int]) -> list[str]:
    """What keeps pairs incomplete, by objective: seeds without a run, and seeds whose run has not ended."""
    lines = []
    members: list[tuple[str, Callable[[Pair], Run | None]]] = [
        (settings.penalised, lambda pair: pair.penalised),
        (settings.baseline, lambda pair: pair.baseline),
    ]
    for objective, member in members:
        there = {run.seed: run for run in map(member, pairs) if run}
        absent = sorted(set(expected) - set(there))
        unfinished = sorted(seed for seed, run in there.items() if not run.ended)
        if absent:
            lines.append(f"{objective}: {len(absent)} without a result (seeds {spans(absent)})")
        if unfinished:
            lines.append(f"{objective}: {len(unfinished)} running or interrupted (seeds {spans(unfinished)})")
    return lines


def spans(numbers: Sequence[int]) -> str:
    """Ascending integers in short form: ``3, 7-9``."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}" for group in groups)


def versions(runs: Iterable[Run]) -> str:
    """Every version that took part, such as ``torch 2.11.0 and 2.15.0``."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in runs:
        for name, version in run.versions.items():
            found[name].add(str(version))
    return ", ".join(f"{name} {' and '.join(sorted(values))}" for name, values in found.items()) or "not recorded"


def summary(comparison: Comparison, complete: Sequence[Pair], *, all_runs: Sequence[Run]) -> list[str]:
    """Medians, the paired sign test, how the runs ended, and what they cost."""
    ties = len(complete) - comparison.ahead - comparison.behind
    ended = [("GAN", [pair.baseline for pair in complete]), ("WGAN-GP", [pair.penalised for pair in complete])]
    lines = [
        f"- Median score: GAN {median(comparison.baseline):.2f}, WGAN-GP {median(comparison.penalised):.2f}.",
        f"- WGAN-GP is ahead on {comparison.ahead} of {len(complete)} architectures, behind on {comparison.behind}, "
        f"level on {ties} (exact two-sided sign test: p = {sign_test(comparison.ahead, comparison.behind):.2g}).",
    ]
    for status in ("diverged", "failed"):
        seeds = [(label, [run.seed for run in group if run and run.status == status]) for label, group in ended]
        named = [f"{label} {len(found)}" + (f" (seeds {spans(found)})" if found else "") for label, found in seeds]
        lines.append(f"- Runs that {status}: {', '.join(named)}.")
    hours = sum(run.seconds for run in all_runs) / 3600
    return [*lines, f"- Compute: {hours:.1f} hours in {len(all_runs)} runs, incomplete pairs included."]


def write_architectures(file: Path, pairs: Sequence[Pair], *, settings: Settings) -> None:
    """One row per architecture, incomplete pairs included: its axes, then each objective's outcome as recorded."""
    axis_names = dict.fromkeys(name for pair in pairs for run in pair.runs for name in axes(run))
    objectives = settings.baseline, settings.penalised
    outcome_names = [f"{name}.{column}" for name in objectives for column in ("status", "final", "best", "seconds")]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["seed", *axis_names, *outcome_names], lineterminator="\n")
        writer.writeheader()
        for pair in pairs:
            row: dict[str, Any] = {"seed": pair.seed} | {f"{objective}.status": "missing" for objective in objectives}
            for run in pair.runs:
                row |= axes(run) | outcome(run, settings.score)
            writer.writerow(row)


def outcome(run: Run, score: str) -> dict[str, Any]:
    """The columns of one run: how it ended, with which scores, after how long."""
    columns = {
        "status": run.status,
        "final": run.score("final", score),
        "best": run.score("best", score),
        "seconds": run.seconds,
    }
    return {f"{run.objective}.{name}": value for name, value in columns.items()}
