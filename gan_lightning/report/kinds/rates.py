"""The choice of a learning rate for each method: the median score of every factor tried."""

from dataclasses import dataclass
from pathlib import Path

from gan_lightning.report.archive import RUNS, write_archive
from gan_lightning.report.rates import explanation, rates_table, read_grids
from gan_lightning.report.runs import check_comparable, protocol_words, split_unscored
from gan_lightning.report.study import Study


@dataclass
class Settings:
    """The `report` section of a study of this kind."""

    score: str


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `table.md` and `runs.csv` into `output`.

    Returns:
        The text of `table.md`.

    Raises:
        ValueError: if the runs are not comparable, or none has ended.
    """
    scored, unscored = split_unscored(study.runs, settings.score)
    check_comparable(scored)
    grids = read_grids(scored, score=settings.score, order=study.planned_methods)
    if not grids:
        raise ValueError(f"{study.directory}: no run has ended yet ({len(scored)} runs)")
    running = sum(not run.ended for run in scored)
    lines = [
        f"# {study.name}: the factor on each method's rates",
        "",
        *explanation(settings.score),
        *(f"- Left out: {line}." for line in (*study.unreadable, *unscored)),
        *([f"- Not ended yet: {running} runs."] if running else []),
        f"- Protocol: {protocol_words(scored)}.",
        "",
        *rates_table(grids),
    ]
    text = "\n".join(lines) + "\n"
    output.mkdir(parents=True, exist_ok=True)
    (output / "table.md").write_text(text, encoding="utf-8")
    write_archive(output / RUNS, study.runs, score=settings.score, order=study.planned_methods)
    return text
