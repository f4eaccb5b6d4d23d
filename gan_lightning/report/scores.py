"""How groups of runs score: medians and spreads, failures, and the paper's rows beside them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from gan_lightning.report.groups import Axis, Group, as_text
from gan_lightning.report.inference import share
from gan_lightning.report.markdown import markdown_table, number, spread
from gan_lightning.report.methods import quartiles
from gan_lightning.report.paper import TABLE_3
from gan_lightning.report.runs import (
    Run,
    Scale,
    check_comparable,
    check_score,
    floors_of,
    protocol_words,
    split_unscored,
)


@dataclass
class Scores:
    """What is shown of scores.

    Args:
        score: by which the runs are judged, such as ``inception_score``.
        worst: the worst possible score, which a run counts that diverged or failed.
        lower_is_better: whether that is so.
        failure: a run fails that diverged, failed, or ended with a worse score than this; null where no score is bad
            enough.
        best: the score that the best is told by, where it is not the one of the end; empty where it is.
        further: other scores that are shown.
        floors: by score, the entry of the protocol that has the score of real samples.
        paper: by half of Table 3, the group that belongs there: its value on the first axis.
    """

    score: str
    worst: float
    lower_is_better: bool = False
    failure: float | None = None
    best: str = ""
    further: list[str] = field(default_factory=list)
    floors: dict[str, str] = field(default_factory=dict)
    paper: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(self.paper.keys() - TABLE_3.keys())
        if unknown:
            raise ValueError(f"scores.paper={unknown[0]} is not possible: {' and '.join(TABLE_3)} are the halves")
        if self.failure is not None and not self.worse(self.worst, self.failure):
            raise ValueError(f"scores.failure={self.failure} is not possible: better than {self.worst} is needed")

    @property
    def scale(self) -> Scale:
        """What counts of a run."""
        return Scale(self.score, self.worst)

    @property
    def names(self) -> list[str]:
        """The scores beside the one that the runs are judged by."""
        return list(dict.fromkeys([*filter(None, [self.best]), *self.further]))

    def worse(self, one: float, other: float) -> bool:
        """Whether one score is worse than another."""
        return one > other if self.lower_is_better else one < other

    def fails(self, run: Run) -> bool:
        """Whether an ended run counts as a failure."""
        if run.status != "finished":
            return True
        return self.failure is not None and self.worse(self.scale.count(run), self.failure)


def scored_runs(groups: Iterable[Group], scores: Scores) -> list[str]:
    """Look whether the runs of each group may share a row of a table.

    Returns:
        A line for each run that finished without having been scored.

    Raises:
        ValueError: if a group's runs were not scored in one way, or not judged by that score.
    """
    left_out = []
    for group in groups:
        check_score(group.runs, scores.score, lower_is_better=scores.lower_is_better)
        scored, unscored = split_unscored(group.runs, scores.score)
        check_comparable(scored)
        left_out += unscored
    return left_out


def scores_section(groups: Sequence[Group], scores: Scores, axes: Sequence[Axis]) -> list[str]:
    """The table of a row a group, and what there is beside it."""
    titles = ["n", "final: median", "quartiles", "lowest to highest", "best: median", "fail % [95 %]"]
    rows = [[axis.label for axis in axes] + titles]
    rows += [[*group.labels, *score_cells(group, scores)] for group in groups]
    way = "lower" if scores.lower_is_better else "higher"
    bad = f", and those that end with a score worse than {number(scores.failure)}" if scores.failure is not None else ""
    best = f"; it is by {words(scores.best)}" if scores.best else ""
    return [
        "## Scores",
        "",
        *markdown_table(rows, left=len(axes)),
        "",
        f"By {words(scores.score)}, {way} is better, over the n runs that have ended; one that diverged, or ended by "
        f"an error, counts as {number(scores.worst)}. Those fail{bad}. The best is of finished runs{best}.",
        "",
        *(matrix(groups, scores, axes) if len(axes) == 2 else []),
        *(further_scores(groups, scores, axes) if scores.further or scores.floors else []),
        *protocol_lines(groups),
        "",
        *(papers_halves(groups, scores) if scores.paper else []),
    ]


def score_cells(group: Group, scores: Scores) -> list[str]:
    """A group's row; dashes where no run has ended."""
    runs = counted(group, scores)
    if not runs:
        return ["0", *["-"] * 5]
    final = [scores.scale.count(run) for run in runs]
    lower, middle, upper = quartiles(final)
    best = taken(group.finished, "best", scores.best or scores.score)
    return [
        str(len(runs)),
        number(middle),
        f"{number(lower)} to {number(upper)}",
        f"{number(min(final))} to {number(max(final))}",
        number(median(best)) if best else "-",
        share(sum(map(scores.fails, runs)), len(runs)),
    ]


def counted(group: Group, scores: Scores) -> list[Run]:
    """The ended runs of a group, without those that finished without having been scored."""
    return split_unscored(group.ended, scores.score)[0]


def matrix(groups: Sequence[Group], scores: Scores, axes: Sequence[Axis]) -> list[str]:
    """Of two axes: the medians, a row a value of the first and a column a value of the second."""
    cells = {group.labels: matrix_cell(group, scores) for group in groups}
    down, across = (list(dict.fromkeys(labels[place] for labels in cells)) for place in (0, 1))
    rows = [[f"{axes[0].label} / {axes[1].label}", *across]]
    rows += [[label, *(cells.get((label, other), "-") for other in across)] for label in down]
    return [
        "Median of the final scores, and how many of the runs fail where some do:",
        "",
        *markdown_table(rows, left=1),
        "",
    ]


def matrix_cell(group: Group, scores: Scores) -> str:
    """A group in a word."""
    runs = counted(group, scores)
    if not runs:
        return "-"
    failures = sum(map(scores.fails, runs))
    middle = number(median(scores.scale.count(run) for run in runs))
    return f"{middle} ({failures} of {len(runs)} fail)" if failures else middle


def further_scores(groups: Sequence[Group], scores: Scores, axes: Sequence[Axis]) -> list[str]:
    """All scores of the finished runs by group, and those of real samples below."""
    names = [scores.score, *scores.further]
    rows = [[*(axis.label for axis in axes), *map(words, names)]]
    for group in groups:
        rows.append([*group.labels, *(spread(taken(group.finished, "final", name)) for name in names)])
    if scores.floors:
        runs = [run for group in groups for run in group.finished]
        real = [spread(floors_of(runs, scores.floors[name])) if name in scores.floors else "" for name in names]
        rows.append(["real samples", *[""] * (len(axes) - 1), *real])
    return [
        "Final scores of the finished runs, median [lowest, highest]:",
        "",
        *markdown_table(rows, left=len(axes)),
        "",
    ]


def taken(runs: Iterable[Run], which: str, name: str) -> list[float]:
    """The final or best scores of that name that are numbers."""
    return [score for run in runs if (score := run.score(which, name)) is not None and math.isfinite(score)]


def papers_halves(groups: Sequence[Group], scores: Scores) -> list[str]:
    """The halves of Table 3 that the study has a group for, with its medians as their last rows."""
    lines = [
        "## The paper",
        "",
        "Inception scores on CIFAR-10 (arXiv:1704.00028, Table 3), and below them this study's, medians over its runs. "
        "± is the standard deviation over the splits of one model's samples; whether the last or the best iterate was "
        "scored is not stated there.",
        "",
    ]
    for half, value in scores.paper.items():
        rows = [[half, "score", "±"]]
        rows += [
            [row.method, f"{row.score:.2f}", "-" if row.spread is None else f"{row.spread:.2f}"]
            for row in TABLE_3[half]
        ]
        for group in (group for group in groups if group.values[0] == as_text(value)):
            _, final, _, _, best, *_ = score_cells(group, scores)
            name, spreads = f"**this study: {group.name}**", splits_spread(group, scores)
            rows.append([f"{name}, final {words(scores.score)}", final, spreads["final"]])
            rows.append([f"{name}, best on the way", best, spreads["best"]])
        lines += [*markdown_table(rows, left=1), ""]
    return lines


def splits_spread(group: Group, scores: Scores) -> dict[str, str]:
    """The standard deviation over splits of the final and of the best score, a dash where it was not taken."""
    names = {"final": scores.score, "best": scores.best or scores.score}
    found = {which: taken(group.finished, which, f"{name}_std") for which, name in names.items()}
    return {which: f"{median(values):.2f}" if values else "-" for which, values in found.items()}


def protocol_lines(groups: Sequence[Group]) -> list[str]:
    """How scores were taken: one line if alike in all groups, otherwise one for each."""
    protocols = {group.name: protocol_words(group.runs) for group in groups if group.finished}
    if len(set(protocols.values())) == 1:
        return [f"- Protocol: {next(iter(protocols.values()))}."]
    return [f"- Protocol of {name}: {entries}." for name, entries in protocols.items()]


def words(name: str) -> str:
    """A name as people write it."""
    return name.replace("_", " ")
