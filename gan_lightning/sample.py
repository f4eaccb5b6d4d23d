"""``python -m gan_lightning.sample RUN``: samples, interpolations or single images of a run; the data stay unread."""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401


import argparse
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from gan_lightning.atomic import atomic_file
from gan_lightning.cli import add_trust, mistakes_in_one_line
from gan_lightning.own_files import check_folder
from gan_lightning.ranges import Seed, check_value
from gan_lightning.runs.directory import RunDirectory

if TYPE_CHECKING:
    from torch import Tensor

    from gan_lightning.sampling import Sampler


def write_samples(
    directory: RunDirectory,
    path: Path,
    *,
    checkpoint: str,
    seed: int,
    interpolate: bool,
    trusted: Collection[str] = (),
) -> Path:
    """Samples as their kind of data shows them; interpolating, 10 x 10, where each row goes from one latent to another.

    Args:
        directory: of the run.
        path: of the file, without its suffix.
        checkpoint: ``last`` or ``best``.
        seed: of the latents.
        interpolate: rows between pairs of latents instead of independent ones.
        trusted: packages whose code the run's settings may name.

    Returns:
        The file.

    Raises:
        ValueError, FileNotFoundError: in one line, if the run or the checkpoint is missing or broken, or if its kind of
            data has no way to show samples.
    """
    from gan_lightning.callbacks.pictures import PURPOSE, shown_samples
    from gan_lightning.data.base import SHOWN_SIDE
    from gan_lightning.runs.build import load_run

    module, data, _ = load_run(directory, checkpoint=checkpoint, trusted=trusted)
    if interpolate:
        samples = interpolations(module.sampler, SHOWN_SIDE, seed=seed, purpose=PURPOSE)
    else:
        samples = shown_samples(module.sampler, data.shown, seed=seed)
    shown = data.show(samples, path)
    if shown is None:
        raise ValueError(f"{directory.path} cannot be shown: {type(data).__name__} has no way to show samples")
    return shown


def interpolations(sampler: "Sampler", side: int, *, seed: int, purpose: str) -> "Tensor":
    """Rows of samples between pairs of latents, all of a row with one label where there are classes.

    Args:
        sampler: of the generator.
        side: number and length of the rows; its square is a multiple of a block.
        seed, purpose: of the latents at the ends of the rows.

    Returns:
        ``(side * side, *)``, row by row.
    """
    import torch

    latents = sampler.latents(0, seed=seed, purpose=purpose)
    start, end = latents[:side, None], latents[-side:, None]
    angle = torch.linspace(0, torch.pi / 2, side)[:, None]
    # On a quarter circle every point is as likely a latent as the two ends.
    between = (angle.cos() * start + angle.sin() * end).flatten(0, 1)
    labels = None if sampler.classes is None else torch.arange(side).repeat_interleave(side) % sampler.classes
    return sampler.of_latents(between, labels=labels)


def write_images(
    directory: RunDirectory,
    folder: Path,
    *,
    count: int,
    checkpoint: str,
    seed: int,
    trusted: Collection[str] = (),
) -> None:
    """``count`` single PNG images, made in blocks of 100 as for scores; the rest as for :func:`write_samples`.

    Raises:
        ValueError, FileNotFoundError: in one line, if the run or the checkpoint is missing or broken, if ``count`` is
            not positive, or if the run is not one of images.
    """
    from tqdm import tqdm

    from gan_lightning.callbacks.pictures import PURPOSE
    from gan_lightning.data.images import ImageData, to_picture
    from gan_lightning.runs.build import load_run

    if count < 1:
        raise ValueError(f"--images {count} is not possible: at least 1 is needed")
    module, data, _ = load_run(directory, checkpoint=checkpoint, trusted=trusted)
    if not isinstance(data, ImageData):
        raise ValueError(f"--images is not possible: the samples of {type(data).__name__} are no images")
    folder.mkdir(parents=True, exist_ok=True)
    blocks = module.sampler.blocks(count, seed=seed, purpose=PURPOSE)
    for first, samples in tqdm(blocks, unit="block", disable=None):
        for number, image in enumerate(data.to_rows(samples).cpu(), start=first):
            with atomic_file(folder / f"{number:06d}.png") as temporary:
                to_picture(image).save(temporary, format="PNG")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.sample", description=__doc__)
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--checkpoint", choices=("last", "best"), default="last", help="which weights (default: last)")
    parser.add_argument("--seed", type=int, default=0, help="of the latents (default: 0)")
    parser.add_argument("--interpolate", action="store_true", help="rows between pairs of latents")
    parser.add_argument("--images", type=int, metavar="N", help="N single images instead of 10 x 10 samples")
    parser.add_argument(
        "--output", type=Path, help="file of the samples, PNG for images, or folder of single images (default: in RUN)"
    )
    add_trust(parser)
    arguments = parser.parse_args()
    directory = RunDirectory(arguments.run)
    if arguments.images is not None and arguments.interpolate:
        parser.error("--images beside --interpolate is not possible: allowed: one of the two")
    which = {"checkpoint": arguments.checkpoint, "seed": arguments.seed, "trusted": arguments.trust}
    with mistakes_in_one_line(ValueError, OSError):
        check_value(arguments.seed, Seed, "--seed")
        if arguments.output is not None and not arguments.output.name:
            raise ValueError(f"--output={arguments.output} is not possible: the name of a file is needed")
        if arguments.images is not None:
            output = arguments.output or check_folder(directory.path / "images")
            write_images(directory, output, count=arguments.images, **which)
        else:
            kind = "interpolation" if arguments.interpolate else "grid"
            default = directory.samples / f"{kind}-{arguments.checkpoint}-seed{arguments.seed}"
            check_folder(directory.samples)
            path = arguments.output.with_suffix("") if arguments.output else default
            output = write_samples(directory, path, interpolate=arguments.interpolate, **which)
        print(output)


if __name__ == "__main__":
    main()
