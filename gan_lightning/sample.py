"""``python -m gan_lightning.sample RUN``: samples, interpolations or single images of a run; the data stay unread."""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401


import argparse
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gan_lightning.atomic import atomic_file
from gan_lightning.cli import add_trust, mistakes_in_one_line
from gan_lightning.own_files import check_folder
from gan_lightning.ranges import Seed, check_value
from gan_lightning.runs.directory import RunDirectory

if TYPE_CHECKING:
    from torch import Tensor

    from gan_lightning.data.base import RealData
    from gan_lightning.data.images import ImageData
    from gan_lightning.sampling import Sampler


MOST_SEEDS = 10_000
"""Each makes a block of samples, of which one is kept."""


@dataclass(frozen=True)
class Source:
    """What is sampled, and by which latents.

    Attributes:
        directory: of the run.
        checkpoint: ``last`` or ``best``.
        seed: of the latents.
        truncation: of the latents; ``None`` for none.
        trusted: packages whose code the run's settings may name.
    """

    directory: RunDirectory
    checkpoint: str = "last"
    seed: int = 0
    truncation: float | None = None
    trusted: Collection[str] = ()

    def open(self) -> "tuple[Sampler, RealData]":
        """The sampler and the kind of data.

        Raises:
            ValueError, FileNotFoundError: in one line, if the run or the checkpoint is missing or broken.
        """
        from gan_lightning.runs.build import load_run

        module, data, _ = load_run(self.directory, checkpoint=self.checkpoint, trusted=self.trusted)
        return module.sampler if self.truncation is None else module.sampler.truncated(self.truncation), data

    def open_images(self, option: str) -> "tuple[Sampler, ImageData]":
        """As :meth:`open`, of a run of images.

        Raises:
            ValueError: naming the option that needs them, if it is not one.
        """
        from gan_lightning.data.images import ImageData

        sampler, data = self.open()
        if not isinstance(data, ImageData):
            raise ValueError(f"{option} is not possible: the samples of {type(data).__name__} are no images")
        return sampler, data


def write_samples(source: Source, path: Path, *, interpolate: bool) -> Path:
    """Samples as their kind of data shows them; interpolating, 10 x 10, where each row goes from one latent to another.

    Args:
        source: of the samples.
        path: of the file, without its suffix.
        interpolate: rows between pairs of latents instead of independent ones.

    Returns:
        The file.

    Raises:
        ValueError, FileNotFoundError: as :meth:`Source.open`, and if its kind of data has no way to show samples.
    """
    from gan_lightning.callbacks.pictures import PURPOSE, shown_samples
    from gan_lightning.data.base import SHOWN_SIDE

    sampler, data = source.open()
    if interpolate:
        samples = interpolations(sampler, SHOWN_SIDE, seed=source.seed, purpose=PURPOSE)
    else:
        samples = shown_samples(sampler, data.shown, seed=source.seed)
    shown = data.show(samples, path)
    if shown is None:
        raise ValueError(f"{source.directory.path} cannot be shown: {type(data).__name__} has no way to show samples")
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


def write_images(source: Source, folder: Path, *, count: int) -> None:
    """``count`` single PNG images, made in blocks of 100 as for scores.

    Raises:
        ValueError, FileNotFoundError: as :meth:`Source.open_images`, and if ``count`` is not positive.
    """
    from tqdm import tqdm

    from gan_lightning.callbacks.pictures import PURPOSE

    if count < 1:
        raise ValueError(f"--images {count} is not possible: at least 1 is needed")
    sampler, data = source.open_images("--images")
    blocks = sampler.blocks(count, seed=source.seed, purpose=PURPOSE)
    for first, samples in tqdm(blocks, unit="block", disable=None):
        for number, image in enumerate(data.to_rows(samples).cpu(), start=first):
            write_image(folder / f"{number:06d}.png", image)


def write_of_seeds(source: Source, folder: Path, *, seeds: range) -> None:
    """One PNG image for each seed, the first that it makes, under its name; errors as of :meth:`Source.open_images`."""
    from tqdm import tqdm

    from gan_lightning.callbacks.pictures import PURPOSE

    sampler, data = source.open_images("--seeds")
    for seed in tqdm(seeds, unit="seed", disable=None):
        samples = sampler.samples(1, seed=seed, purpose=PURPOSE)
        write_image(folder / f"seed{seed}.png", data.to_rows(samples)[0].cpu())


def write_image(file: Path, image: "Tensor") -> None:
    """An image, uint8 ``(C, H, W)`` on the CPU, as PNG."""
    from gan_lightning.data.images import to_picture

    with atomic_file(file) as temporary:
        to_picture(image).save(temporary, format="PNG")


def write_nearest(source: Source, file: Path, *, count: int) -> str:
    """Ten samples beside their ``count`` nearest training images, which are read.

    Returns:
        What came of it, in one line.

    Raises:
        ValueError, OSError: as :meth:`Source.open_images`, if the data or the network that compares are not to be had,
            or if there are not so many.
    """
    import torch

    from gan_lightning.callbacks.pictures import PURPOSE
    from gan_lightning.data.base import SHOWN_SIDE
    from gan_lightning.nearest import COMPARED, draw_nearest, features_by, nearest
    from gan_lightning.runs.build import build_scorer

    sampler, data = source.open_images("--nearest")
    data.prepare()
    training, held_out = data.splits
    if not 1 <= count <= len(training):
        raise ValueError(f"--nearest {count} is not possible: 1 to {len(training):,}, which the training set has")
    features, words = features_by(build_scorer(source.directory.sound_settings["metrics"], trusted=source.trusted))
    images = data.to_rows(sampler.samples(SHOWN_SIDE, seed=source.seed, purpose=PURPOSE)).cpu()
    found = nearest(images, training, count=count, features=features)
    beside = held_out.rows(torch.arange(min(COMPARED, len(held_out))))[0].cpu()
    usual = nearest(beside, training, count=1, features=features).distances.median().item()
    draw_nearest(file, images, found, training, words=words, usual=usual)
    own = found.distances[:, 0].median().item()
    return f"nearest by {words}: samples {own:.3g} away in the median, held-out images {usual:.3g}"


def seeds_of(text: str) -> range:
    """``5``, or ``0-9`` with both ends.

    Raises:
        ValueError: for anything else.
    """
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
        raise ValueError(f"--seeds {text} is not possible: a number, or two of them such as 0-9, are needed")
    seeds = range(int(first), int(last or first) + 1)
    check_value(seeds.stop - 1, Seed, "--seeds")
    if len(seeds) > MOST_SEEDS:
        raise ValueError(f"--seeds {text} is not possible: no more than {MOST_SEEDS:,} images at a time")
    return seeds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.sample", description=__doc__)
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--checkpoint", choices=("last", "best"), default="last", help="which weights (default: last)")
    parser.add_argument("--seed", type=int, default=0, help="of the latents (default: 0)")
    parser.add_argument("--interpolate", action="store_true", help="rows between pairs of latents")
    parser.add_argument("--images", type=int, metavar="N", help="N single images instead of 10 x 10 samples")
    parser.add_argument("--seeds", metavar="A-B", help="one image of each of these seeds")
    parser.add_argument(
        "--nearest", type=int, metavar="K", help="ten samples beside the K training images that are nearest to each"
    )
    parser.add_argument(
        "--animate", type=Path, metavar="FILE", help="training as a GIF or MP4, of the pictures that the run has kept"
    )
    parser.add_argument(
        "--truncation", type=float, metavar="PSI", help="cut latents off at ±PSI: typical samples, less varied"
    )
    parser.add_argument(
        "--output", type=Path, help="file of the samples, PNG for images, or folder of single images (default: in RUN)"
    )
    add_trust(parser)
    arguments = parser.parse_args()
    directory = RunDirectory(arguments.run)
    ways = ("images", "interpolate", "seeds", "nearest", "animate")
    kinds = [name for name in ways if getattr(arguments, name) not in (None, False)]
    if len(kinds) > 1:
        parser.error(f"--{kinds[0]} beside --{kinds[1]} is not possible: allowed: one of the two")
    if arguments.truncation is not None and kinds in (["interpolate"], ["animate"]):
        parser.error(f"--truncation beside --{kinds[0]} is not possible: allowed: one of the two")
    source = Source(
        directory,
        checkpoint=arguments.checkpoint,
        seed=arguments.seed,
        truncation=arguments.truncation,
        trusted=arguments.trust,
    )
    with mistakes_in_one_line(ValueError, OSError):
        check_value(arguments.seed, Seed, "--seed")
        if arguments.output is not None and not arguments.output.name:
            raise ValueError(f"--output={arguments.output} is not possible: the name of a file is needed")
        if arguments.truncation is not None and not arguments.truncation > 0:
            raise ValueError(f"--truncation {arguments.truncation} is not possible: a number above 0 is needed")
        name = f"{arguments.checkpoint}-seed{arguments.seed}"
        if arguments.animate is not None:
            from gan_lightning.animate import check_animation, write_animation

            output = arguments.animate
            check_animation(output)
            write_animation(directory.samples, output)
        elif arguments.seeds is not None:
            output = arguments.output or check_folder(directory.path / "images")
            write_of_seeds(source, output, seeds=seeds_of(arguments.seeds))
        elif arguments.images is not None:
            output = arguments.output or check_folder(directory.path / "images")
            write_images(source, output, count=arguments.images)
        elif arguments.nearest is not None:
            output = arguments.output or check_folder(directory.samples) / f"nearest-{name}.png"
            print(write_nearest(source, output, count=arguments.nearest), file=sys.stderr)
        else:
            default = check_folder(directory.samples) / f"{'interpolation' if arguments.interpolate else 'grid'}-{name}"
            path = arguments.output.with_suffix("") if arguments.output else default
            output = write_samples(source, path, interpolate=arguments.interpolate)
        print(output)


if __name__ == "__main__":
    main()
