"""Training as an animation: what a run has kept of its samples, from fixed latents, one picture after the other."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw, ImageFont

from gan_lightning.atomic import atomic_file
from gan_lightning.report.pictures import kept_samples, read_picture

FRAME, LAST_FRAME = 250, 2000
"""Milliseconds that a picture and the last one are shown."""

CAPTION = 16
MOST = 200
"""Pictures, at most; of more, every second, third … is taken, and the last."""


def check_animation(file: Path) -> None:
    """Refuse a file that could not be written.

    Raises:
        ValueError: naming what is allowed, or what is missing.
    """
    if file.suffix not in (".gif", ".mp4"):
        raise ValueError(f"--animate {file} is not possible: allowed: a name that ends in .gif or .mp4")
    if file.suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise ValueError(
            f"--animate {file} is not possible: ffmpeg, which writes it, is not installed; .gif needs nothing"
        )


def write_animation(samples: Path, file: Path) -> int:
    """Write the pictures of a run's ``samples/`` as frames, each under its iteration.

    Returns:
        How many frames.

    Raises:
        ValueError: if there are no pictures, or if one is broken or of another size.
    """
    kept = kept_samples(samples, "png")
    if not kept:
        raise ValueError(f"--animate is not possible: no pictures of training in {samples}; every.pictures keeps them")
    steps = sorted(kept)
    steps = sorted({*steps[:: -(-len(steps) // MOST)], steps[-1]})
    frames = [captioned(read_picture(kept[step]), f"iteration {step:,}") for step in steps]
    sizes = {frame.size for frame in frames}
    if len(sizes) > 1:
        raise ValueError(f"--animate is not possible: the pictures in {samples} have {len(sizes)} sizes")
    with atomic_file(file) as temporary:
        if file.suffix == ".gif":
            write_gif(frames, temporary)
        else:
            write_mp4(frames, temporary)
    return len(frames)


def captioned(picture: Image.Image, caption: str) -> Image.Image:
    """A picture under a line of text, with even sides, which videos need."""
    width, height = (side + side % 2 for side in (picture.width, picture.height + CAPTION))
    canvas = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(canvas).text((4, 2), caption, fill="black", font=ImageFont.load_default(11))
    canvas.paste(picture, (0, CAPTION))
    return canvas


def write_gif(frames: Sequence[Image.Image], file: Path) -> None:
    """An endless loop that rests on the last frame."""
    durations = [FRAME] * (len(frames) - 1) + [LAST_FRAME]
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)


def write_mp4(frames: Sequence[Image.Image], file: Path) -> None:
    """A video, the last frame of which stays.

    Raises:
        ValueError: with ffmpeg's last line, if it fails.
    """
    repeated = [*frames, *[frames[-1]] * (LAST_FRAME // FRAME)]
    with TemporaryDirectory() as folder:
        for number, frame in enumerate(repeated):
            frame.save(Path(folder) / f"{number:06d}.png")
        read = ["-framerate", str(1000 / FRAME), "-i", f"{folder}/%06d.png"]
        command = ["ffmpeg", "-y", "-loglevel", "error", *read, "-pix_fmt", "yuv420p", "-f", "mp4", str(file)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.splitlines() or ["no reason given"])[-1]
        raise ValueError(f"ffmpeg could not write the animation: {reason}")
