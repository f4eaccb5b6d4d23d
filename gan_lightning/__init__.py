"""A laboratory for training and comparing GAN objectives, built around WGAN-GP (arXiv:1704.00028).

    import gan_lightning as gl

    run = gl.train(["objective=lsgan", "generator_steps=200"])  # as python train.py does
    run.scores, run.metrics, run.sample(16)
    gl.load("runs/adhoc/objective=wgan_gp").generator
    gl.load_runs("runs/mine")

With networks and data of one's own, under a plain ``lightning.Trainer``: ``gl.AdversarialModule`` and
``gl.CriticBatches``. Names are imported when they are used: nothing here waits for torch before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gan_lightning.api import Run, load, load_runs, train
    from gan_lightning.data.critic_batches import CriticBatches
    from gan_lightning.module import AdversarialModule, Diverged

__version__ = "0.1.0"
__all__ = ["AdversarialModule", "CriticBatches", "Diverged", "Run", "load", "load_runs", "train"]

_PLACES = {
    "AdversarialModule": "module",
    "CriticBatches": "data.critic_batches",
    "Diverged": "module",
    "Run": "api",
    "load": "api",
    "load_runs": "api",
    "train": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
