"""``python -m gan_lightning.export RUN DIR``: a run's generator as a folder that needs nothing of this package.

It has the weights, a program of torch's and one in ONNX for any batch size, a model card with samples and scores, and
ten lines that load it. Batch norm is frozen over 10,000 latents, so that a sample is a function of its own latent, and
the card says what that changes; ``--statistics batch`` leaves it as it was trained and scored.
"""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401


import argparse
import sys
from pathlib import Path

from gan_lightning.cli import add_trust, mistakes_in_one_line


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.export", description=__doc__)
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("folder", type=Path, metavar="DIR", help="to write, which is not there yet, or empty")
    parser.add_argument("--checkpoint", choices=("last", "best"), default="last", help="which weights (default: last)")
    parser.add_argument(
        "--statistics",
        choices=("frozen", "batch"),
        default="frozen",
        help="of batch norm: frozen over 10,000 latents (default), or those of the batch it is given",
    )
    parser.add_argument(
        "--no-score", action="store_true", help="do not score the frozen generator, which may take long"
    )
    add_trust(parser)
    options = parser.parse_args()
    with mistakes_in_one_line(ValueError, OSError):
        from gan_lightning.export.folder import check_free, export_run

        check_free(options.folder)
        told = export_run(
            options.run,
            options.folder,
            checkpoint=options.checkpoint,
            statistics=options.statistics,
            scored=not options.no_score,
            trusted=options.trust,
        )
    for line in told:
        print(line, file=sys.stderr)
    print(options.folder)


if __name__ == "__main__":
    main()
