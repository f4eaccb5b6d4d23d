"""Samples by iteration, within a page."""

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from gan_lightning.report.plots.sheet import cropped

STEPS = 12
"""Iterations whose samples are shown, at most."""

LARGEST_SAMPLES = 12_000_000
"""Bytes of a page that are samples, at most; fewer iterations are shown, and then fewer groups, to keep to it."""


def samples_by_iteration(directory: Path, frames: dict[str, Any]) -> dict[str, Any]:
    """The samples of each group at iterations they share, as pictures of a page; empty where not one fits into it.

    Args:
        directory: of the study.
        frames: what `samples.write_frames` wrote.

    Returns:
        ``iterations``; ``pictures`` as addresses of their content; ``cells`` with a label, a caption and which picture
        is shown at each iteration; and how many cells are ``left_out``.
    """
    every = sorted({int(step) for cell in frames["cells"] for step in cell["pictures"]} - {0})
    embedded = Embedded(directory, crop=frames["crop"])
    count = min(STEPS, len(every))
    while count > 1 and embedded.size_of(embedded.names(frames["cells"], evenly(every, count))) > LARGEST_SAMPLES:
        count -= 1
    steps = evenly(every, count)
    cells: list[dict[str, Any]] = []
    there: dict[str, None] = {}
    for cell in frames["cells"]:
        more = there | embedded.names([cell], steps)
        if embedded.size_of(more) <= LARGEST_SAMPLES:
            there = more
            shown = [embedded.at(cell, step) for step in steps or [0]]
            cells.append({"label": cell["label"], "caption": cell["caption"], "shown": shown})
    if not cells:
        return {}
    return {
        "iterations": steps,
        "pictures": {name: embedded.address(name) for name in there},
        "cells": cells,
        "left_out": len(frames["cells"]) - len(cells),
    }


def evenly(steps: Sequence[int], count: int) -> list[int]:
    """So many of the iterations, evenly among them, the last one always."""
    last = len(steps) - 1
    return sorted({steps[last - round(place * last / max(1, count - 1))] for place in range(count)}) if steps else []


class Embedded:
    """Pictures of a study as text within a page, each read once.

    Args:
        directory: of the study.
        crop: so many rows and columns of each are shown.
    """

    def __init__(self, directory: Path, *, crop: int) -> None:
        self.directory, self.crop = directory, crop
        self.known: dict[str, str] = {}

    def at(self, cell: dict[str, Any], step: int) -> str | None:
        """The last picture of a cell up to an iteration, by name; None where there is none yet."""
        there = [int(known) for known in cell["pictures"] if int(known) <= step]
        return cell["pictures"][str(max(there))] if there else None

    def address(self, name: str) -> str:
        """A picture's content as an address: without loss, and smaller than it was."""
        if name not in self.known:
            content = io.BytesIO()
            Image.fromarray(cropped(self.directory / name, self.crop)).save(content, "WEBP", lossless=True)
            self.known[name] = "data:image/webp;base64," + base64.b64encode(content.getvalue()).decode()
        return self.known[name]

    def names(self, cells: Sequence[dict[str, Any]], steps: Sequence[int]) -> dict[str, None]:
        """Every picture of cells at iterations, once, in their order."""
        return {name: None for cell in cells for step in steps or [0] if (name := self.at(cell, step))}

    def size_of(self, names: Iterable[str]) -> int:
        """Bytes that pictures take."""
        return sum(len(self.address(name)) for name in names)
