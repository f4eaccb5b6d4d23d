"""Checkpoints that survive a kill at any moment, hold nothing but plain containers and tensors, and are read whole."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor, nn

from gan_lightning.atomic import atomic_file
from gan_lightning.own_files import check_folder, move_aside, open_own
from gan_lightning.ranges import short
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.identity import differences
from gan_lightning.runs.result import Result, checked_result
from gan_lightning.runs.settings import Settings
from gan_lightning.saved_tensors import check_archive, load_archive

log = logging.getLogger(__name__)

OF_TRAINING = {"loops": dict, "callbacks": dict, "optimizer_states": list, "random_streams": dict}
"""What a checkpoint has beside the weights if training can go on from it."""

SETTINGS = "settings"
"""Where a checkpoint keeps those of its run; one of an earlier version has none."""


@dataclass(frozen=True)
class Resumable:
    """A checkpoint that training can go on from.

    Attributes:
        path: of the file.
        step: its generator iteration.
        result: what the run had recorded by then, ``None`` in one of an earlier version.
    """

    path: Path
    step: int
    result: Result | None


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint in one move, and only such a one as can be read again.

    Args:
        settings: of the run, which its checkpoints keep, so that none is taken for another run's.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike, storage_options: Any = None) -> None:
        checkpoint = checkpoint if self.settings is None else {**checkpoint, SETTINGS: self.settings}
        with atomic_file(Path(path)) as temporary:
            with open(temporary, "wb") as file:
                try:
                    torch.save(checkpoint, file)
                except RuntimeError as error:  # torch's own words for a file that cannot be written
                    if isinstance(error.__context__, OSError):
                        raise error.__context__ from None
                    raise
            _check_readable(temporary)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        return read_checkpoint(Path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's content, on the CPU; every byte of it is compared with the checksums that it carries.

    Raises:
        FileNotFoundError: if there is none, naming those that there are.
        ValueError: if it is truncated or otherwise broken, no checkpoint of a run, or behind a link, naming it.
    """
    check_folder(path.parent)
    try:
        opened = open_own(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} does not exist{_others(path)}") from error
    with opened as file:
        try:
            content = load_archive(file)
            _check_content(content)
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            raise ValueError(
                f"checkpoint {path} is truncated or broken ({type(error).__name__}: {reason}){_others(path)}"
            ) from error
    return content


def check_weights(network: nn.Module, weights: Mapping[str, Tensor], *, path: Path) -> None:
    """Compare the weights of a checkpoint with a module that is to have them.

    Raises:
        ValueError: naming the file and the weight, if one is missing or too many, or of another shape or type.
    """
    expected = network.state_dict()
    for name in (*expected, *weights):
        ours, theirs = expected.get(name), weights.get(name)
        if ours is None or theirs is None:
            raise ValueError(f"{path} is of other networks: {name} is in {'it' if ours is None else 'the run'} alone")
        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            raise ValueError(
                f"{path} is of other networks: {name} is {_in_words(theirs)} in it, and {_in_words(ours)} in the run"
            )


def checkpoint_of(directory: RunDirectory, which: str, network: nn.Module) -> dict[str, Any]:
    """The content of a run's checkpoint, which must be the one that its ``result.json`` speaks of, if it has ended.

    Args:
        directory: of the run.
        which: ``last`` or ``best``.
        network: the module that is to have its weights.

    Raises:
        FileNotFoundError, ValueError: in one line, if there is no such checkpoint, if it is broken, or another's.
    """
    path = directory.best if which == "best" else directory.last
    content = read_checkpoint(path)
    check_weights(network, content["state_dict"], path=path)
    _check_own(content, directory, path=path)
    result = directory.result
    if result is not None and result.status == "finished":
        best = (result.scores or {}).get("best") or {}
        expected = best.get("generator_step") if which == "best" else result.generator_step
        if expected not in (None, content["global_step"]):
            raise ValueError(
                f"{path} is of generator iteration {content['global_step']}, and not the {which} of this run, which is "
                f"of {expected}{_others(path)}"
            )
    return content


def resumable(directory: RunDirectory, network: nn.Module) -> Resumable | None:
    """The newest checkpoint that can be gone on from; ``None`` if there is none at all.

    A broken one is named and moved aside, and the one before is taken.

    Args:
        directory: of the run.
        network: the module that is to have its weights.

    Raises:
        ValueError: if there are checkpoints and none can be read.
    """
    broken: dict[Path, ValueError] = {}
    for path in (directory.last, directory.previous):
        try:
            found = _resumable(path, network, directory)
        except FileNotFoundError:
            continue
        except ValueError as error:
            broken[path] = error
            continue
        for other, error in broken.items():
            log.warning("%s; going back to %s", error, path)
            move_aside(other)  # else the next checkpoint would push out the good one
        return found
    if broken:
        raise ValueError(
            f"{next(iter(broken.values()))}; nothing else can be gone on from: put the file back, or move "
            f"{directory.last.parent} away to start the run again"
        )
    return None


def _resumable(path: Path, network: nn.Module, directory: RunDirectory) -> Resumable:
    content = read_checkpoint(path)
    check_weights(network, content["state_dict"], path=path)
    _check_own(content, directory, path=path)
    for name, kind in OF_TRAINING.items():
        if not isinstance(content.get(name), kind):
            raise ValueError(f"{path} has no {name}: it holds weights alone, which cannot be gone on from")
    kept = content["callbacks"].get("Checkpointing")
    kept = kept if isinstance(kept, dict) else {}
    if "result" not in kept:
        return Resumable(path, content["global_step"], None)
    try:
        result = checked_result(kept["result"])
        seconds = round(float(kept["seconds"]), 3)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: what it keeps of the run's result is not one: {error}") from error
    is_whole = content["global_step"] >= result.generator_steps
    result = replace(
        result,
        status="finished" if is_whole else "running",
        generator_step=content["global_step"],
        seconds=seconds,
        error=None,
    )
    return Resumable(path, content["global_step"], result)


def _check_own(content: Mapping[str, Any], directory: RunDirectory, *, path: Path) -> None:
    """Refuse the checkpoint of a run of other settings, such as of another seed.

    Raises:
        ValueError: naming the first difference.
    """
    kept = content.get(SETTINGS)
    if kept is None:
        return
    try:
        found = differences(directory.settings, kept)
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} keeps no settings of a run ({type(error).__name__})") from error
    if found:
        raise ValueError(f"{path} is of another run, {short(found[0])} in this one{_others(path)}")


def _check_content(content: Any) -> None:
    """Look whether something read is a checkpoint of a run.

    Raises:
        ValueError: if it is not.
    """
    if not isinstance(content, dict):
        raise ValueError("it is no checkpoint of a run")
    step, weights = content.get("global_step"), content.get("state_dict")
    if type(step) is not int or step < 0 or not isinstance(weights, dict):
        raise ValueError("it is no checkpoint of a run: global_step and state_dict are needed")
    for name, value in weights.items():
        if not isinstance(name, str) or not isinstance(value, Tensor) or value.layout != torch.strided:
            raise ValueError(f"its state_dict has {str(name)[:100]}, which is no plain tensor")
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(f"{name} has numbers that are not finite")


def _check_readable(file: Path) -> None:
    """Refuse a checkpoint that could not be gone on from, such as one of a network that keeps objects of its own.

    Raises:
        ValueError: saying what is in it.
    """
    with file.open("rb") as stream:
        try:
            check_archive(stream)
        except (ValueError, LookupError, TypeError, BadZipFile) as error:
            raise ValueError(
                f"a checkpoint of this run could not be read again: {error}; networks and optimisers may keep tensors, "
                "numbers and texts in plain containers"
            ) from error


def _others(path: Path) -> str:
    there = sorted(other.name for other in path.parent.glob("*.ckpt") if other.name != path.name)
    return f"; beside it lie {', '.join(there)}" if there else ""


def _in_words(value: Tensor) -> str:
    return f"{'x'.join(map(str, value.shape)) or 'a number'} of {str(value.dtype).removeprefix('torch.')}"
