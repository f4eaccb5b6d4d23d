"""What people would rather look at: sample grids from fixed latents, of the generator that is scored, and curves."""

from pathlib import Path
from typing import Any, cast

import lightning as L
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid

from gan_lightning.atomic import atomic_file
from gan_lightning.callbacks.measures import is_due
from gan_lightning.images import to_uint8
from gan_lightning.module import AdversarialModule
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics, series

SIDE = 10
"""Images along a grid's side."""

PURPOSE = "samples"
"""Of the latents of what is shown, apart from those of what is scored."""

SHOWN_PIXELS = 48
"""Small images are enlarged to about this size."""


class Pictures(L.Callback):
    """Writes ``samples/*.png`` and ``curves.png``.

    Args:
        directory: where to.
        every: generator iterations between pictures; the last iteration has one always.
    """

    def __init__(self, directory: RunDirectory, *, every: int) -> None:
        self.directory, self.every = directory, every

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any, **__: Any) -> None:
        if not (is_due(trainer, self.every) and trainer.is_global_zero):
            return
        module = cast(AdversarialModule, pl_module)
        grid = sample_grid(module.sampler.samples(SIDE**2, seed=module.seed, purpose=PURPOSE))
        path = self.directory.samples / f"{trainer.global_step:06d}.png"
        save_grid(grid, path)
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("samples", grid, trainer.global_step)
            elif isinstance(logger, WandbLogger):
                logger.log_image("samples", [str(path)], step=trainer.global_step)
            logger.save()
        draw_curves(self.directory)


def sample_grid(samples: Tensor) -> Tensor:
    """A grid of 100 images ``(100, 1 or 3, H, W)`` in [-1, 1]: uint8 ``(3, H, W)`` on the CPU."""
    images = to_uint8(samples)
    factor = max(1, SHOWN_PIXELS // images.shape[-1])
    enlarged = images.repeat_interleave(factor, -1).repeat_interleave(factor, -2)
    return make_grid(enlarged, nrow=SIDE, padding=factor, pad_value=255).cpu()


def save_grid(grid: Tensor, path: Path) -> None:
    """Write a uint8 ``(3, H, W)`` grid as PNG, atomically."""
    with atomic_file(path) as temporary:
        to_picture(grid).save(temporary, format="PNG")


def to_picture(image: Tensor) -> Image.Image:
    """A uint8 ``(1, H, W)`` or ``(3, H, W)`` image on the CPU as a picture."""
    return Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy())


def draw_curves(directory: RunDirectory) -> None:
    """``curves.png``: losses, gradient norm and scores over generator iterations, from ``metrics.csv``."""
    from matplotlib.figure import Figure

    rows = read_metrics(directory.metrics)
    names = {name for row in rows.values() for name in row}
    scores = sorted(name for name in names if name.startswith("score/") and not name.endswith("_std"))
    panels = [
        ("loss", ["train/critic_loss", "val/critic_loss", "train/generator_loss"]),
        ("gradient norm", ["train/gradient_norm"]),
        *((name.removeprefix("score/").replace("_", " "), [name]) for name in scores),
    ]
    panels = [(title, shown) for title, columns in panels if (shown := [c for c in columns if c in names])]
    if not panels:
        return
    figure = Figure(figsize=(4.6 * len(panels), 3.2), layout="constrained")
    for axes, (title, columns) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for column in columns:
            steps, values = series(rows, column)
            axes.plot(
                steps, values, label=column.replace("_", " "), lw=1.2, marker="o" if len(steps) < 30 else "", ms=3
            )
        axes.set(title=title, xlabel="generator iteration")
        axes.grid(alpha=0.3)
        if len(columns) > 1:
            axes.legend(frameon=False, fontsize=8)
    figure.suptitle(directory.path.name, fontsize=9)
    with atomic_file(directory.curves) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
