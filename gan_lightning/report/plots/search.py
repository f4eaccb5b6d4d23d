"""The trials of a search: score against every axis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from gan_lightning.report.drawing import INK, lines_for, style_panel
from gan_lightning.runs.intervals import Interval
from gan_lightning.runs.search import Outcome, Trial, best_of

COLUMNS = 3


@dataclass(frozen=True)
class Tried:
    """A combination's name, and its trials with what became of them."""

    name: str
    trials: Sequence[tuple[Trial, Outcome]]


def draw_search(file: Path, tried: Sequence[Tried], axes: Mapping[str, Interval]) -> bool:
    """Draw a panel an axis: every trial's value with its spread over seeds, the best of each combination filled.

    Crosses at the lower edge are trials that diverged or failed.

    Args:
        file: the PNG to write, 1280 pixels wide.
        tried: the combinations.
        axes: what was searched.

    Returns:
        Whether any trial has a value; nothing is drawn otherwise.
    """
    finished = [outcome for each in tried for _, outcome in each.trials if outcome.value is not None]
    if not finished:
        return False
    columns = min(COLUMNS, len(axes))
    rows = math.ceil(len(axes) / columns)
    figure = Figure(figsize=(12.8, 4.2 * rows + 0.3 * math.ceil(len(tried) / 3)), dpi=100, layout="constrained")
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for panel in panels[len(axes) :]:
        panel.set_visible(False)
    lines = lines_for(each.name for each in tried)
    values = [outcome.value or 0.0 for outcome in finished]
    floor = min(values) - 0.06 * ((max(values) - min(values)) or 1.0)
    for panel, (key, interval) in zip(panels, axes.items(), strict=False):
        for each in tried:
            colour, best = lines[each.name].colour, best_of(each.trials)
            for trial, outcome in each.trials:
                if outcome.value is not None:
                    filled = colour if best is not None and trial is best[0] else "none"
                    spread = outcome.spread or 0.0
                    panel.errorbar(
                        trial.at[key], outcome.value, spread, fmt="o", ms=7, color=colour, mfc=filled, elinewidth=1
                    )
                elif outcome.status in ("diverged", "failed"):
                    panel.plot(trial.at[key], floor, "x", color=colour, clip_on=False)
            panel.plot([], [], "o", color=colour, mfc="none", label=each.name)
        style_panel(panel, "")
        if interval.log:
            panel.set_xscale("log")
        panel.set_xlabel(key.lstrip("+"), color=INK)
    panels[0].set_ylabel(finished[0].monitor.replace("_", " "), color=INK)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle("every trial: mean and sd over seeds; the best filled", x=0.01, ha="left", fontsize=11, color=INK)
    figure.savefig(file)
    return True
