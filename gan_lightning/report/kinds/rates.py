"""The choice of a learning rate for each method: the median score of every factor tried."""

from dataclasses import dataclass
from pathlib import Path

from gan_lightning.report.archive import RUNS, write_archive
from gan_lightning.report.methods import failures
from gan_lightning.report.rates import explanation, rates_table, read_grids
from gan_lightning.report.runs import Scale, comparable_runs, protocol_words
from gan_lightning.report.study import Study


@dataclass
class Settings:
    """The `report` section of a study of this kind; `floor` is what a run counts that diverged or failed."""

    score: str
    floor: float


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `runs.csv` into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError: if the runs are not comparable by that score, or none has ended.
    """
    scale = Scale(settings.score, settings.floor)
    scored, unscored = comparable_runs(study.runs, settings.score)
    grids = read_grids(scored, scale=scale, order=study.planned_methods)
    if not grids:
        raise ValueError(f"{study.directory}: no run has ended yet ({len(scored)} runs)")
    running = sum(not run.ended for run in scored)
    lines = [
        f"# {study.name}: the factor on each method's rates",
        "",
        *explanation(scale),
        *(f"- Left out: {line}." for line in (*study.unreadable, *unscored)),
        *(f"- {line}." for line in failures(scored, scale)),
        *([f"- Not ended yet: {running} runs."] if running else []),
        f"- Protocol: {protocol_words(scored)}.",
        "",
        *rates_table(grids),
    ]
    write_archive(output / RUNS, study.runs, score=settings.score, order=study.planned_methods)
    return "\n".join(lines) + "\n"
