"""Which factor on a recipe's learning rates suits a method: the best median over a few architectures."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.methods import Method, by_method
from gan_lightning.report.runs import Run, Scale, label_of, place


@dataclass(frozen=True)
class Grid:
    """The counted scores of a method's ended runs, by factor in ascending order and by seed."""

    name: str
    label: str
    scores: dict[float, dict[int, float]]

    @cached_property
    def seeds(self) -> list[int]:
        """The seeds whose runs have ended at some factor."""
        return sorted(set().union(*self.scores.values()))

    @cached_property
    def shared(self) -> list[int]:
        """The seeds whose runs have ended at every factor: only on these are factors compared."""
        return [seed for seed in self.seeds if all(seed in scores for scores in self.scores.values())]

    @cached_property
    def medians(self) -> dict[float, float]:
        """The median score of each factor over the shared seeds; empty where there are none."""
        if not self.shared:
            return {}
        return {factor: median(scores[seed] for seed in self.shared) for factor, scores in self.scores.items()}

    @cached_property
    def chosen(self) -> float | None:
        """The factor of the highest median, the smallest of those that tie; None where no seed is shared."""
        return max(self.medians, key=lambda factor: (self.medians[factor], -factor), default=None)

    @property
    def at_edge(self) -> bool:
        """Whether nothing smaller, or nothing larger, than the best was tried."""
        return self.chosen in (min(self.scores), max(self.scores))


def read_grids(runs: Iterable[Run], *, scale: Scale, order: Sequence[str] = ()) -> list[Grid]:
    """The grids of the methods that have ended runs, in the order of `by_method`.

    Raises:
        ValueError: if two runs have one method, factor and seed, or a seed has different architectures.
    """
    by_factor: dict[float | None, list[Run]] = defaultdict(list)
    for run in runs:
        by_factor[run.learning_rate_scale].append(run)
    tried: dict[str, dict[float, dict[int, float]]] = defaultdict(dict)
    known = sorted((factor, group) for factor, group in by_factor.items() if factor is not None)
    for factor, group in known:
        for method in by_method(group, scale=scale):
            if method.ended:
                tried[method.name][factor] = method.scores
    everything = [run for _, group in known for run in group]
    names = sorted(tried, key=lambda name: (place(name, order), name))
    return [Grid(name, label_of(name, everything), tried[name]) for name in names]


def explanation(scale: Scale) -> list[str]:
    """How a table of rates is to be read."""
    return [
        f"- Median final {scale.score.replace('_', ' ')} by factor on the recipe's rates, over the n architectures "
        "that have ended at every factor of the method; a diverged or failed run counts as "
        f"{scale.floor}.",
        "- Bold: chosen, the highest median, the smaller factor where two are level.",
    ]


def rates_table(grids: Sequence[Grid], *, judged: Mapping[str, Method] | None = None) -> list[str]:
    """Markdown: a row a method with its number of architectures, a column a factor with the median, chosen in bold.

    Args:
        grids: what was tried.
        judged: the methods of a later step by name, whose factors are held against the chosen ones.
    """
    factors = sorted({factor for grid in grids for factor in grid.scores})
    rows = [["method", "n", *(f"{factor:g}x" for factor in factors), "chosen", "remarks"]]
    for grid in grids:
        cells = [rate_cell(grid, factor) for factor in factors]
        chosen = "-" if grid.chosen is None else f"{grid.chosen:g}x"
        rows.append([grid.label, str(len(grid.shared)), *cells, chosen, "; ".join(remarks(grid, judged)) or "-"])
    there = {grid.name for grid in grids}
    for method in judged.values() if judged else ():
        if method.name not in there:
            rows.append([method.label, "-", *("" for _ in factors), "-", "no rates tried"])
    return markdown_table(rows, left=1)


def rate_cell(grid: Grid, factor: float) -> str:
    """A median, bold where chosen; a dash where no architecture can be compared, empty where not tried."""
    if factor not in grid.scores:
        return ""
    if factor not in grid.medians:
        return "-"
    text = f"{grid.medians[factor]:.2f}"
    return f"**{text}**" if factor == grid.chosen else text


def remarks(grid: Grid, judged: Mapping[str, Method] | None) -> list[str]:
    """What to know before trusting the choice."""
    found = []
    if grid.at_edge:
        found.append("at the edge of its grid")
    if grid.shared != grid.seeds:
        found.append(f"{len(grid.seeds) - len(grid.shared)} architectures not at every factor: not compared")
    if judged is not None and grid.name not in judged:
        found.append("not judged yet")
    elif judged is not None and grid.chosen is not None and judged[grid.name].factors != [grid.chosen]:
        used = " and ".join(f"{factor:g}x" for factor in judged[grid.name].factors) or "an unknown factor"
        found.append(f"judged at {used}")
    return found
