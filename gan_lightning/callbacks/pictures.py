"""What people would rather look at: samples from fixed latents, of the generator that is scored, and curves."""

from pathlib import Path
from typing import Any, cast

import lightning as L
import numpy as np
import torch
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from PIL import Image
from torch import Tensor

from gan_lightning.atomic import atomic_file
from gan_lightning.callbacks.measures import is_due
from gan_lightning.data.base import RealData
from gan_lightning.module import AdversarialModule
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics, series
from gan_lightning.sampling import Sampler

PURPOSE = "samples"
"""Of the latents of what is shown, apart from those of what is scored."""


class Pictures(L.Callback):
    """Writes ``samples/*``, as the kind of data shows samples, and ``curves.png``.

    Args:
        data: what says how its samples are shown.
        directory: where to.
        every: generator iterations between pictures; the last iteration has one always.
    """

    def __init__(self, data: RealData, *, directory: RunDirectory, every: int) -> None:
        self.data, self.directory, self.every = data, directory, every

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write down real samples once, which what is generated can be held against wherever the data are."""
        if trainer.is_global_zero and not list(self.directory.samples.glob("real.*")):
            self.data.show(self.data.real_samples(), self.directory.samples / "real")

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any, **__: Any) -> None:
        if not (is_due(trainer, self.every) and trainer.is_global_zero):
            return
        module = cast(AdversarialModule, pl_module)
        samples = shown_samples(module.sampler, self.data.shown, seed=module.seed)
        shown = self.data.show(samples, self.directory.samples / f"{trainer.global_step:06d}")
        for logger in trainer.loggers:
            if shown is not None and shown.suffix == ".png":
                send_picture(logger, shown, step=trainer.global_step)
            logger.save()
        draw_curves(self.directory)


def shown_samples(sampler: Sampler, count: int, *, seed: int) -> Tensor:
    """The samples ``(count, *)`` that are shown of a generator; a conditional one shows its classes in turn.

    So ten classes in rows of ten are a column each: arXiv:1704.00028, Figure 6.
    """
    labels = None if sampler.classes is None else torch.arange(count) % sampler.classes
    return sampler.samples(count, seed=seed, purpose=PURPOSE, labels=labels)


def send_picture(logger: Logger, path: Path, *, step: int) -> None:
    """Show a PNG file on a dashboard, where the logger is one that has pictures."""
    if isinstance(logger, TensorBoardLogger):
        with Image.open(path) as picture:
            logger.experiment.add_image("samples", np.asarray(picture.convert("RGB")), step, dataformats="HWC")
    elif isinstance(logger, WandbLogger):
        logger.log_image("samples", [str(path)], step=step)


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
