"""``python -m gan_lightning.sample RUN``: a grid, single images or interpolations of a finished run."""

import argparse
from pathlib import Path

from gan_lightning.cli import mistakes_in_one_line
from gan_lightning.runs.directory import RunDirectory


def write_grid(directory: RunDirectory, path: Path, *, checkpoint: str, seed: int, interpolate: bool) -> None:
    """A 10 x 10 grid of samples; interpolating, each row goes from one latent to another.

    Args:
        directory: of the run.
        path: of the PNG file.
        checkpoint: ``last`` or ``best``.
        seed: of the latents.
        interpolate: rows between pairs of latents instead of independent ones.

    Raises:
        ValueError, FileNotFoundError: in one line, if the run or the checkpoint is missing or broken.
    """
    import torch

    from gan_lightning.callbacks.pictures import SIDE, sample_grid, sample_latents, save_grid
    from gan_lightning.runs.build import load_run

    module, _ = load_run(directory, checkpoint=checkpoint)
    latent = sample_latents(SIDE**2, module.latent_dim, seed=seed)
    if interpolate:
        start, end = latent[:SIDE, None], latent[-SIDE:, None]
        angle = torch.linspace(0, torch.pi / 2, SIDE)[:, None]
        # On a quarter circle every point is as likely a latent as the two ends.
        latent = (angle.cos() * start + angle.sin() * end).flatten(0, 1)
    save_grid(sample_grid(module.generator, latent.to(module.device)), path)


def write_images(directory: RunDirectory, folder: Path, *, count: int, checkpoint: str, seed: int) -> None:
    """``count`` single PNG images, made in blocks of 100 as for scores.

    Raises:
        ValueError, FileNotFoundError: in one line, if the run or the checkpoint is missing or broken, or ``count`` is
            not positive.
    """
    import torch
    from tqdm import tqdm

    from gan_lightning.callbacks.pictures import sample_latents, to_picture
    from gan_lightning.images import to_uint8
    from gan_lightning.runs.build import load_run

    if count < 1:
        raise ValueError(f"--images {count} is not possible: at least 1 is needed")
    module, _ = load_run(directory, checkpoint=checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    latents = sample_latents(-(-count // 100) * 100, module.latent_dim, seed=seed)
    with torch.no_grad():
        for block, latent in enumerate(tqdm(latents.split(100), unit="block", disable=None)):
            images = to_uint8(module.generator(latent.to(module.device))).cpu()
            for number, image in enumerate(images[: count - 100 * block], start=100 * block):
                to_picture(image).save(folder / f"{number:06d}.png")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.sample", description=__doc__)
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--checkpoint", choices=("last", "best"), default="last", help="which weights (default: last)")
    parser.add_argument("--seed", type=int, default=0, help="of the latents (default: 0)")
    parser.add_argument("--interpolate", action="store_true", help="rows between pairs of latents")
    parser.add_argument("--images", type=int, metavar="N", help="N single images instead of a grid")
    parser.add_argument("--output", type=Path, help="PNG file of the grid, or folder of the images (default: in RUN)")
    arguments = parser.parse_args()
    directory, which = RunDirectory(arguments.run), {"checkpoint": arguments.checkpoint, "seed": arguments.seed}
    with mistakes_in_one_line(ValueError, OSError):
        if arguments.images is not None:
            output = arguments.output or directory.path / "images"
            write_images(directory, output, count=arguments.images, **which)
        else:
            kind = "interpolation" if arguments.interpolate else "grid"
            output = arguments.output or directory.samples / f"{kind}-{arguments.checkpoint}-seed{arguments.seed}.png"
            write_grid(directory, output, interpolate=arguments.interpolate, **which)
        print(output)


if __name__ == "__main__":
    main()
