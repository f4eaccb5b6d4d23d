"""Samples over time: the pictures that runs kept on their way, side by side in one moving one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from gan_lightning.report.critics import data_title, finished_runs
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.pictures import kept_samples, read_picture
from gan_lightning.report.runs import Run
from gan_lightning.report.study import Study

SIDE = 240
"""Pixels of one picture's side."""

CAPTION = 18
"""Pixels of a line of text."""

COLOURS = 16

FONT = "fonts/ttf/DejaVuSans.ttf"
"""Among matplotlib's files; Pillow's own has no Greek letters."""

FRAME, LAST_FRAME = 150, 2500
"""Milliseconds."""


@dataclass
class Settings:
    """The `report` section of a study of this kind; `columns` are the titles of data sets from left to right."""

    columns: list[str]


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `samples.gif` into `output`: a row a method, a column a data set, each its first run.

    Returns:
        The report's text.

    Raises:
        ValueError: if no run has finished, or if there is no iteration of which all kept a picture.
    """
    runs, left_out = finished_runs(study)
    first: dict[tuple[str, str], Run] = {}
    for run in runs:
        if data_title(run) in settings.columns:
            first.setdefault((run.method, data_title(run)), run)
    others = sorted({data_title(run) for run in runs} - set(settings.columns))
    if not first:
        raise ValueError(f"{study.directory}: no run has data of report.columns={settings.columns}, only {others}")
    steps = shared_steps(first.values())
    if not steps:
        raise ValueError(f"{study.directory}: there is no generator iteration of which all runs kept a picture")
    rows = [["method", "data", "seed", "iterations", "seconds"]]
    for (_, data), run in first.items():
        rows.append([run.label, data, str(run.seed), f"{run.generator_step:,}", f"{run.seconds:.0f}"])
    lines = [
        f"# {study.name}: samples over time",
        "",
        f"- `samples.gif`: {len(steps)} pictures of fixed latents, generator iterations {steps[0]:,} to {steps[-1]:,}.",
        *(f"- Left out: {line}." for line in left_out),
        *([f"- Not shown: {', '.join(others)}, no column of this report."] if others else []),
        "",
        *markdown_table(rows, left=2),
    ]
    text = "\n".join(lines) + "\n"
    output.mkdir(parents=True, exist_ok=True)
    frames = in_one_palette([frame(first, step, columns=settings.columns) for step in steps])
    durations = [FRAME] * (len(frames) - 1) + [LAST_FRAME]
    frames[0].save(output / "samples.gif", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return text


def shared_steps(runs: Iterable[Run]) -> list[int]:
    """The generator iterations of which all runs kept a picture, ascending."""
    return sorted(set.intersection(*(set(kept_samples(run.directory / "samples", "png")) for run in runs)))


def frame(runs: Mapping[tuple[str, str], Run], step: int, *, columns: Sequence[str]) -> Image.Image:
    """One frame: the runs' pictures of an iteration under the names of their data, each row under its method."""
    methods = list(dict.fromkeys(method for method, _ in runs))
    size = len(columns) * SIDE, CAPTION + len(methods) * (CAPTION + SIDE)
    canvas = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.truetype(Path(get_data_path()) / FONT, 12)
    draw.text((4, 1), f"generator iteration {step:,}", fill="black", font=font)
    for (method, data), run in runs.items():
        left, top = columns.index(data) * SIDE, CAPTION + methods.index(method) * (CAPTION + SIDE)
        draw.text((left + 4, top + 1), f"{data}: {run.label}", fill="black", font=font)
        picture = read_picture(run.directory / "samples" / f"{step:06d}.png")
        canvas.paste(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS), (left, top + CAPTION))
    return canvas


def in_one_palette(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """The frames in the few colours that points on paper need, the last one's, so that only what moves is stored."""
    palette = frames[-1].quantize(COLOURS, dither=Image.Dither.NONE)
    return [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in frames]
