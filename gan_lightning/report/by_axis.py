"""What the axes of an architecture do to a method."""

from collections.abc import Mapping, Sequence
from statistics import median

from gan_lightning.report.inference import holm, rank_test
from gan_lightning.report.methods import Method
from gan_lightning.report.runs import axes

Drawn = Mapping[int, Mapping[str, str]]
"""The axes of each architecture, by seed."""


def axes_of(method: Method, methods: Sequence[Method]) -> dict[int, dict[str, str]]:
    """The axes of a method's ended runs, by seed.

    A run that failed before it could say what it had drawn has the axes of the same seed under another method.
    """
    by_seed: dict[int, dict[str, str]] = {}
    for seed, run in method.ended.items():
        runs = [run, *(other.runs[seed] for other in methods if seed in other.runs)]
        by_seed[seed] = next((axes(run) for run in runs if run.architecture), {})
    return by_seed


def axis_values(methods: Sequence[Method]) -> dict[str, list[str]]:
    """Every axis with its values in ascending order, numbers as numbers; only axes with two values or more."""
    values: dict[str, set[str]] = {}
    for method in methods:
        for drawn in axes_of(method, methods).values():
            for name, value in drawn.items():
                values.setdefault(name, set()).add(value)
    return {name: sorted(found, key=in_order) for name, found in values.items() if len(found) > 1}


def in_order(value: str) -> tuple[bool, float, str]:
    """A sorting key: numbers by size, then words by name."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value


def scores_at(method: Method, drawn: Drawn, axis: str, value: str) -> list[float]:
    """The counted scores of the architectures with a value on an axis."""
    return [score for seed, score in method.scores.items() if drawn[seed].get(axis) == value]


def medians_by_axis(methods: Sequence[Method]) -> dict[str, dict[tuple[str, str], tuple[float, int] | None]]:
    """By method: for each axis and value, the median score and the number of architectures; None for none."""
    values = axis_values(methods)
    table = {}
    for method in methods:
        drawn = axes_of(method, methods)
        groups = {(axis, v): scores_at(method, drawn, axis, v) for axis, found in values.items() for v in found}
        table[method.name] = {key: (median(scores), len(scores)) if scores else None for key, scores in groups.items()}
    return table


def rank_tests(methods: Sequence[Method]) -> dict[tuple[str, str], float | None]:
    """By method and axis: p of the Kruskal-Wallis test, adjusted for the number of all these tests; None where none."""
    values = axis_values(methods)
    raw: dict[tuple[str, str], float | None] = {}
    for method in methods:
        drawn = axes_of(method, methods)
        for axis, found in values.items():
            raw[method.name, axis] = rank_test([scores_at(method, drawn, axis, value) for value in found])
    tested = {key: p for key, p in raw.items() if p is not None}
    return {**raw, **dict(zip(tested, holm(list(tested.values())), strict=True))}
