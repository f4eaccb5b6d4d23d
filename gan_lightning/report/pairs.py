"""Paired comparison: one architecture trained under two objectives, what counts as its score and its success."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from gan_lightning.report.paper import Outcomes
from gan_lightning.report.runs import Run

LOWEST_SCORE = 1.0  # the exponential of a divergence; what a run counts that diverged or failed, and no success at 1.0


@dataclass(frozen=True)
class Pair:
    """One architecture with its run under each objective; None where there is no run."""

    seed: int
    baseline: Run | None
    penalised: Run | None

    @property
    def runs(self) -> list[Run]:
        """The one or two runs that are there."""
        return [run for run in (self.baseline, self.penalised) if run]

    @property
    def complete(self) -> bool:
        """Whether both runs have ended."""
        return len(self.runs) == 2 and all(run.ended for run in self.runs)


@dataclass(frozen=True)
class Comparison:
    """The counted scores of the complete pairs, in one order for both objectives."""

    baseline: list[float]
    penalised: list[float]

    @property
    def ahead(self) -> int:
        """Number of architectures on which the penalised objective scores higher."""
        return sum(penalised > baseline for baseline, penalised in zip(self.baseline, self.penalised, strict=True))

    @property
    def behind(self) -> int:
        """Number of architectures on which it scores lower."""
        return sum(penalised < baseline for baseline, penalised in zip(self.baseline, self.penalised, strict=True))


def split_unscored(runs: Iterable[Run], objectives: Sequence[str], *, score: str) -> tuple[list[Run], list[str]]:
    """The runs to compare, and a line for each of another objective, or finished without the score."""
    scored, unscored = [], []
    for run in runs:
        if run.objective not in objectives:
            unscored.append(f"{run.directory}: objective '{run.objective}' is none of {', '.join(objectives)}")
        elif run.status == "finished" and run.score("final", score) is None:
            unscored.append(f"{run.directory}: finished without a final '{score}'")
        else:
            scored.append(run)
    return scored, unscored


def check_comparable(runs: Sequence[Run]) -> None:
    """Refuse runs whose scores were not taken in one way after one number of generator iterations.

    Scores of two classifiers or sample counts have no common scale, so that no row of a table and no test over them
    means anything: they are refused rather than flagged.

    Raises:
        ValueError: naming the difference and a run of each kind.
    """
    check_equal("generator_steps", [(run, run.generator_steps) for run in runs])
    protocols = [(run, run.scores["protocol"]) for run in runs if run.scores.get("protocol")]
    for name in dict.fromkeys(name for _, protocol in protocols for name in protocol):
        check_equal(f"protocol.{name}", [(run, protocol.get(name)) for run, protocol in protocols])


def check_equal(name: str, entries: Iterable[tuple[Run, Any]]) -> None:
    """Refuse runs of which some have one value and some another, naming a run of each."""
    groups: dict[str, list[Run]] = defaultdict(list)
    for run, value in entries:
        groups[json.dumps(value)].append(run)
    if len(groups) > 1:
        found = "; ".join(f"{len(group)} runs with {value}, as {group[0].directory}" for value, group in groups.items())
        raise ValueError(f"runs cannot share a table: {name} differs: {found}; move the odd ones out of the study")


def pair_up(runs: Iterable[Run], *, baseline: str, penalised: str) -> list[Pair]:
    """Pairs of runs with one seed, in the order of their seeds, complete or not.

    Raises:
        ValueError: if two runs have one objective and seed, or the two runs of a seed have different architectures.
    """
    by_key: dict[tuple[str, int], Run] = {}
    for run in runs:
        other = by_key.setdefault((run.objective, run.seed), run)
        if other is not run:
            raise ValueError(
                f"two runs of {run.objective} with seed {run.seed}: {other.directory} and {run.directory}; remove one"
            )
    seeds = sorted({run.seed for run in by_key.values()})
    pairs = [Pair(seed, by_key.get((baseline, seed)), by_key.get((penalised, seed))) for seed in seeds]
    for pair in pairs:
        drawn = [axes(run) for run in pair.runs if run.architecture]
        if any(architecture != drawn[0] for architecture in drawn):
            raise ValueError(f"seed {pair.seed} has a different architecture under each objective: not a pair")
    return pairs


def axes(run: Run) -> dict[str, Any]:
    """The drawn axes; a norm becomes "normalised: yes or no", since its kind belongs to the objective."""
    drawn = {}
    for name, value in (run.architecture or {}).items():
        if name.endswith(".norm"):
            drawn[name.removesuffix(".norm") + ".normalised"] = "no" if value in (None, "none") else "yes"
        else:
            drawn[name] = value
    return drawn


def compare(pairs: Iterable[Pair], score: str) -> Comparison:
    """The scores that count, of complete pairs."""
    runs = [(pair.baseline, pair.penalised) for pair in pairs if pair.baseline and pair.penalised]
    return Comparison(
        baseline=[counted_score(baseline, score) for baseline, _ in runs],
        penalised=[counted_score(penalised, score) for _, penalised in runs],
    )


def counted_score(run: Run, score: str) -> float:
    """The final score of a finished run; the lowest possible for any other, and for one that is not a number."""
    final = run.score("final", score) if run.status == "finished" else None
    return final if final is not None and math.isfinite(final) else LOWEST_SCORE


def outcomes(comparison: Comparison, threshold: float) -> Outcomes:
    """One row: on how many architectures one, both or neither exceeds `threshold`."""
    successes = [
        (baseline > threshold, penalised > threshold)
        for baseline, penalised in zip(comparison.baseline, comparison.penalised, strict=True)
    ]
    cases = (True, False), (False, True), (True, True), (False, False)
    return Outcomes(threshold, *(successes.count(case) for case in cases))


def sign_test(ahead: int, behind: int) -> float:
    """Exact two-sided sign test: how likely a split at least so uneven is if either side is ahead by chance.

    Pairs that are level carry no sign and are left out; with no others, the answer is 1.
    """
    return float(binomtest(ahead, ahead + behind).pvalue) if ahead + behind else 1.0
