"""Samples of groups of runs side by side: from the last pictures or texts in their directories, or from several."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan_lightning.own_files import check_folder, read_own
from gan_lightning.report.groups import Axis, Group
from gan_lightning.report.pictures import kept_samples, read_text
from gan_lightning.report.plots.sheet import SIDE, Cell, draw_sheet
from gan_lightning.report.runs import Run

SECTION, PICTURE = "samples.md", "samples.png"
FRAMES_SUFFIX = ".frames.json"
REAL = "real samples"
LARGEST_PICTURE = 2**28
"""Bytes that a sheet of samples may have."""


@dataclass
class Samples:
    """A sheet of samples: of each group the run with the lowest seed, whatever became of it.

    Its columns are the values of the last axis and its rows those of the others; or its columns are iterations, and its
    rows the groups.

    Args:
        crop: so many rows and columns of each picture are shown, of its 10.
        iterations: generator iterations, a column each; empty for the last picture alone.
        lines: how many of a text's are shown.
    """

    crop: int = SIDE
    iterations: list[int] = field(default_factory=list)
    lines: int = 20

    def __post_init__(self) -> None:
        if not 1 <= self.crop <= SIDE:
            raise ValueError(f"samples.crop={self.crop} is not possible: 1 to {SIDE}")
        if self.iterations != sorted(set(self.iterations)):
            raise ValueError(f"samples.iterations={self.iterations} is not possible: ascending numbers are needed")
        if self.lines < 1:
            raise ValueError(f"samples.lines={self.lines} is not possible: at least 1 is needed")


def samples_section(groups: Sequence[Group], settings: Samples, *, axes: Sequence[Axis], output: Path) -> list[str]:
    """Draw the sheet, write what goes with it beside it, and return that.

    Args:
        groups: of the study.
        settings: what is shown.
        axes: in which the groups differ.
        output: where to.
    """
    cells = cells_of(groups, settings)
    lines = ["## Samples", ""]
    output.mkdir(parents=True, exist_ok=True)
    if any(cell.picture for cell in cells.values()):
        draw_sheet(output / PICTURE, cells, crop=settings.crop)
        write_frames((output / PICTURE).with_suffix(FRAMES_SUFFIX), groups, crop=settings.crop)
        lines += [f"![Samples]({PICTURE})", ""]
    if any(cell.picture or cell.text for cell in cells.values()):
        lines += [
            f"Of each group the run with the lowest seed, whatever became of it; {order_in_words(settings, axes)}.",
            "",
        ]
    else:
        lines += ["No run has written samples yet.", ""]
    for (row, column), cell in cells.items():
        if cell.text:
            lines += [f"{', '.join(filter(None, (row, column)))}{f' ({cell.caption})' if cell.caption else ''}:", ""]
            lines += [*text_block(cell.text, settings.lines), ""]
    (output / SECTION).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines


def write_frames(file: Path, groups: Sequence[Group], *, crop: int) -> None:
    """Which pictures a run of each group has written, by iteration, and one of the real samples of each kind.

    A page shows them one after the other. Their paths are those within the study's directory.
    """
    shown: list[dict[str, Any]] = []
    real: dict[bytes, dict[str, Any]] = {}
    for group in groups:
        run = group.runs[0] if group.runs else None
        cell = cell_of(run, None)
        if run and cell.picture:
            pictures = {str(step): in_study(f) for step, f in samples_until(run, None).items() if f.suffix == ".png"}
            shown.append({"label": group.name, "caption": cell.caption, "pictures": pictures})
        if (there := real_of(group)) and there.picture:
            content = read_own(there.picture, largest=LARGEST_PICTURE)
            real.setdefault(content, {"label": REAL, "caption": "", "pictures": {"0": in_study(there.picture)}})
    frames = {"crop": crop, "cells": [*real.values(), *shown]}
    file.write_text(json.dumps(frames), encoding="utf-8")


def in_study(file: Path) -> str:
    """The path, within the study's directory, of a file in a run's ``samples``."""
    return file.relative_to(file.parents[2]).as_posix()


def order_in_words(settings: Samples, axes: Sequence[Axis]) -> str:
    """What the rows and columns of a sheet are."""
    columns = "generator iterations" if settings.iterations else axes[-1].label
    rows = [axis.label for axis in (axes if settings.iterations else axes[:-1])]
    return f"rows by {' and '.join(rows)}, columns by {columns}" if rows else f"columns by {columns}"


def kept_section(folder: Path, output: Path) -> list[str]:
    """What `samples_section` wrote into the folder of an earlier report, copied to another."""
    if not os.path.lexists(folder / SECTION):
        return ["## Samples", "", f"None were kept: there is no {SECTION} in {folder.name}.", ""]
    output.mkdir(parents=True, exist_ok=True)
    section = read_text(folder / SECTION)
    (output / SECTION).write_text(section, encoding="utf-8")
    if os.path.lexists(folder / PICTURE):
        (output / PICTURE).write_bytes(read_own(folder / PICTURE, largest=LARGEST_PICTURE))
    return section.removesuffix("\n").split("\n")


def cells_of(groups: Sequence[Group], settings: Samples) -> dict[tuple[str, str], Cell]:
    """What is shown, by the labels of row and column."""
    cells = {}
    for group in groups:
        run = group.runs[0] if group.runs else None
        if settings.iterations:
            cells |= {(group.name, f"{step:,}"): cell_of(run, step) for step in settings.iterations}
        else:
            cells[", ".join(group.labels[:-1]), group.labels[-1]] = cell_of(run, None)
    if not settings.iterations:
        for column in dict.fromkeys(group.labels[-1] for group in groups):
            there = [real for group in groups if group.labels[-1] == column and (real := real_of(group))]
            cells |= {(REAL, column): there[0]} if there else {}
    return cells


def real_of(group: Group) -> Cell | None:
    """Real samples that a run of the group has written beside its own."""
    for run in group.runs:
        folder = check_folder(run.directory / "samples")
        if os.path.lexists(folder / "real.png"):
            return Cell(picture=folder / "real.png")
        if os.path.lexists(folder / "real.txt"):
            return Cell(text=folder / "real.txt")
    return None


def cell_of(run: Run | None, iteration: int | None) -> Cell:
    """What a run has written at an iteration, or last; nothing where it has not come so far."""
    if run is None:
        return Cell(caption="no run")
    came = f" at {run.generator_step:,}" if run.generator_step else ""
    state = "" if run.status == "finished" else f"{run.status}{came}"
    written = samples_until(run, iteration)
    if iteration is not None and run.generator_step < iteration:
        return Cell(caption=state or f"ended{came}")
    if not written:
        return Cell(caption=state or "no samples")
    step, file = max(written.items())
    caption = state if iteration in (None, step) else f"at {step:,}"
    return Cell(text=file, caption=caption) if file.suffix == ".txt" else Cell(picture=file, caption=caption)


def samples_until(run: Run, iteration: int | None) -> dict[int, Path]:
    """The files of a run's samples up to an iteration, by iteration."""
    kept = kept_samples(run.directory / "samples", "png", "txt")
    return {step: file for step, file in kept.items() if iteration is None or step <= iteration}


def text_block(file: Path, lines: int) -> list[str]:
    """The first lines of a text, indented: as Markdown shows it whatever characters are in it."""
    return [f"    {line}" for line in read_text(file).split("\n")[:lines]]
