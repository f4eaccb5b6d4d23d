"""Tables and numbers as text."""

from collections.abc import Sequence
from statistics import median


def markdown_table(rows: Sequence[Sequence[str]], *, left: int = 0) -> list[str]:
    """A Markdown table as lines, its first row the titles; columns flush right, the first `left` of them flush left.

    What a cell says, which may be a run's name, divides no cells.
    """
    rows = [[cell.replace("|", r"\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = [":" + "-" * (w - 1) if i < left else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
    lines = [
        [cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    ]
    return ["| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:])]


def percent(share: float) -> str:
    """A share as a whole percentage, without the sign."""
    return f"{100 * share:.0f}"


def number(value: float) -> str:
    """A number with four significant digits."""
    return f"{value:.4g}"


def spread(values: Sequence[float]) -> str:
    """The median of values, with the lowest and the highest where there are several; a dash where there are none."""
    if not values:
        return "-"
    middle = number(median(values))
    return middle if len(values) == 1 else f"{middle} [{number(min(values))}, {number(max(values))}]"


def p_text(p: float | None) -> str:
    """A p value with two digits; a dash where there is none."""
    return "-" if p is None else f"{p:.2g}"
