"""Checkpoints that survive a kill at any moment and hold nothing but plain containers and tensors."""

import logging
import os
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from gan_lightning.atomic import atomic_file
from gan_lightning.runs.directory import RunDirectory

log = logging.getLogger(__name__)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint in one move and reads it with ``weights_only=True``."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike, storage_options: Any = None) -> None:
        with atomic_file(Path(path)) as temporary:
            torch.save(checkpoint, temporary)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        return read_checkpoint(Path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's content, on the CPU.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is truncated or otherwise broken, naming it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise ValueError(f"checkpoint {path} is truncated or broken ({type(error).__name__}: {reason})") from error


def resumable(directory: RunDirectory) -> tuple[Path, int] | None:
    """The newest checkpoint that can be read, with its generator iteration; ``None`` if there is none at all.

    A broken one is named and moved aside, and the one before is taken.

    Raises:
        ValueError: if there are checkpoints and none can be read.
    """
    broken: dict[Path, ValueError] = {}
    for path in (directory.last, directory.previous):
        if not path.exists():
            continue
        try:
            step = read_checkpoint(path)["global_step"]
        except ValueError as error:
            broken[path] = error
            continue
        for other, error in broken.items():
            log.warning("%s; going back to %s", error, path)
            other.replace(other.with_suffix(".broken"))  # else the next checkpoint would push out the good one
        return path, step
    if broken:
        raise ValueError(f"{next(iter(broken.values()))}; delete {directory.last.parent} to start the run again")
    return None
