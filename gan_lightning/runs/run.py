"""One run from start to end: goes on where an earlier start was cut off, and records how it ended."""

import errno
import logging
import os
import platform
import shutil
import signal
import socket
import subprocess
import traceback
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning as L
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import Logger
from torch import distributed
from torch.multiprocessing.spawn import ProcessExitedException

from gan_lightning.callbacks.checkpointing import Checkpointing, IterationEnd
from gan_lightning.callbacks.measures import Measures
from gan_lightning.callbacks.pictures import Pictures, draw_curves
from gan_lightning.callbacks.progress import Progress
from gan_lightning.callbacks.scoring import Scoring
from gan_lightning.module import Diverged
from gan_lightning.own_files import append_own, move_aside
from gan_lightning.parallel import TogetherError, from_first, raise_together, rank_and_processes
from gan_lightning.resources import PACKAGE
from gan_lightning.runs.build import Parts, build
from gan_lightning.runs.checkpoints import AtomicCheckpointIO, Resumable, resumable
from gan_lightning.runs.dashboards import Pace, end_dashboards, make_dashboards
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.identity import check_content
from gan_lightning.runs.interruption import Interrupted, note_signal, received_signal
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.metrics_logger import MetricsLogger
from gan_lightning.runs.processes import DataParallel, device_kind, give_up_others, in_processes, limit_threads
from gan_lightning.runs.result import Result, read_result, write_result
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.words import closing, nothing_to_do, opening, quieten
from gan_lightning.runs.world import processes_of

log = logging.getLogger(__name__)

PACKAGES = ("gan_lightning", "torch", "lightning", "torchmetrics", "torch-fidelity", "hydra-core")

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that is full, or as good as full for this user."""


@dataclass(frozen=True)
class Word:
    """What the first process of a run tells those that a launcher started with it.

    Attributes:
        checkpoint: train, from here.
        ended: do not train, or no longer: the run has come to this status.
    """

    checkpoint: Resumable | None = None
    ended: str | None = None


def run(settings: Settings, directory: RunDirectory, *, lock: int) -> str:
    """Train to the end, or on from where an earlier start was cut off or was to end.

    Args:
        settings: of the run, resolved.
        directory: claimed by the caller.
        lock: the descriptor by which it is claimed.

    Returns:
        How the run ended: ``finished``, ``diverged`` or ``failed``; ``interrupted`` where it was asked to stop.

    Raises:
        ValueError, OSError: before anything is written, in one line, if the run cannot start.
    """
    quieten()
    launched = distributed.is_initialized()
    parts = build(settings)
    checkpoint = resumable(directory, parts.module)
    recorded = _recorded_result(directory)
    earlier = checkpoint.result if recorded is None and checkpoint is not None else recorded
    read_metrics(directory.metrics)  # what is broken is told before anything is written
    if earlier is not None:
        if checkpoint is not None:
            _check_device(earlier, settings, directory.path)
        check_content(earlier, data=parts.data.provenance, weights=_weights(parts))
    if recorded is None:
        _mend_result(directory, checkpoint)
    if earlier is not None and directory.has_ended(settings):
        log.info("%s", nothing_to_do(earlier, settings, directory.path))
        return earlier.status
    if received_signal() is not None:
        return "interrupted"
    result = starting(settings, parts, step=0 if checkpoint is None else checkpoint.step, earlier=earlier)
    directory.begin(settings, result)
    log.info("%s", opening(settings, result, directory.path))
    trainer = settings["trainer"]
    try:
        if launched:
            from_first(Word(checkpoint=checkpoint))
            raise_together(None)
        if launched or processes_of(trainer) == 1:
            fit(settings, directory, parts=parts, checkpoint=checkpoint)
        else:
            log_file = directory.path / "train.log"
            in_processes(
                _build_and_fit, settings, directory.path, checkpoint, trainer=trainer, lock=lock, log_file=log_file
            )
    except Exception as error:
        number = received_signal()
        if number is not None and isinstance(error, ProcessExitedException):  # it came before they could keep anything
            directory.record(error=f"interrupted by {number.name}")
        else:
            _record_failure(error, directory)
            if launched and not isinstance(error, TogetherError):
                give_up_others()
                raise SystemExit(1) from error  # this one's end ends the others
            if directory.result is None or not directory.result.ended:
                return "failed"  # and there was no room to say so
    result = read_result(directory.result_file)
    directory.refusal.unlink(missing_ok=True)  # another start's, of other settings
    log.info("%s", closing(result, directory.path))
    if result.ended:
        return result.status
    if received_signal() is None:  # one of the run's processes has it
        note_signal(signal.Signals[str(result.error).removeprefix("interrupted by ")])
    return "interrupted"


def follow(settings: Settings, directory: RunDirectory) -> str:
    """Train along with the first process of a run, when it says so.

    Returns:
        What :func:`run` returns there.
    """
    quieten()
    word: Word = from_first(None)
    if word.ended is not None:
        return word.ended
    parts, wrong = None, None
    try:
        parts = build(settings)
    except Exception as error:  # such as data that this machine alone has not
        wrong = f"{socket.gethostname()}: {error}"
    try:
        raise_together(wrong)
        assert parts is not None
        fit(settings, directory, parts=parts, checkpoint=word.checkpoint)
    except TogetherError:
        pass  # the first process says so
    except Exception:
        _write_traceback(directory)
        give_up_others()
        raise SystemExit(1) from None
    word = from_first(None)
    return str(word.ended)


def starting(settings: Settings, parts: Parts, *, step: int, earlier: Result | None) -> Result:
    """What is known of a run when it starts; seconds and scores are those of the earlier start that it goes on from.

    Args:
        settings, parts: of the run.
        step: generator iteration that it goes on from, 0 for none.
        earlier: what the earlier start recorded, if there was one.
    """
    gone_on = earlier if step else None
    return Result(
        status="running",
        study=str(settings["study"]),
        method=settings["method"],
        label=settings["label"],
        seed=settings["seed"],
        learning_rate_scale=settings["learning_rate_scale"],
        n_critic=settings["n_critic"],
        choices=settings.get("choices"),
        architecture=settings["arch"]["drawn"],
        generator_steps=settings["generator_steps"],
        generator_step=step,
        seconds=gone_on.seconds if gone_on else 0.0,
        scores=gone_on.scores if gone_on else None,
        data=parts.data.provenance,
        parameters={
            "generator": sum(parameter.numel() for parameter in parts.module.generator.parameters()),
            "critic": sum(parameter.numel() for parameter in parts.module.critic.parameters()),
        },
        versions=versions(),
        host=socket.gethostname(),
        device=device_kind(settings["trainer"]),
    )


def versions() -> dict[str, str]:
    """Of Python and of the packages, and the commit of a checkout, with ``-dirty`` where files differ from it."""
    found = {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}
    checkout = PACKAGE.parent
    if (checkout / ".git").exists() and shutil.which("git"):
        describe = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*"]
        described = subprocess.run(describe, capture_output=True, text=True)
        if described.returncode == 0:
            found["commit"] = described.stdout.strip()
    return found


def fit(settings: Settings, directory: RunDirectory, *, parts: Parts, checkpoint: Resumable | None) -> None:
    """Train in this process, one of the run's, and record how it ended.

    Args:
        settings, directory: of the run.
        parts: built from the settings in this process.
        checkpoint: what to go on from.
    """
    limit_threads(settings["trainer"])
    checkpointing = Checkpointing(directory, every=settings["every"]["checkpoint"])
    iteration_end = IterationEnd(clock=lambda: checkpointing.seconds)
    metrics = MetricsLogger(
        directory.metrics,
        resumed_step=0 if checkpoint is None else checkpoint.step,
        clock=lambda: iteration_end.seconds,
    )
    dashboards = make_dashboards(settings, directory, parts=parts) if rank_and_processes()[0] == 0 else []
    pace = [Pace(every=settings["every"]["log"], clock=metrics)] if dashboards else []
    trainer = make_trainer(
        settings,
        callbacks=[iteration_end, *make_callbacks(settings, directory, parts=parts), *pace, checkpointing],
        loggers=[metrics, *dashboards],
    )
    ending: dict[str, Any] = {"status": "finished"}
    try:
        trainer.fit(parts.module, datamodule=parts.data, ckpt_path=None if checkpoint is None else checkpoint.path)
    except Diverged as error:
        seconds = round(checkpointing.seconds, 3)
        ending = {"status": "diverged", "generator_step": trainer.global_step, "seconds": seconds, "error": str(error)}
    except Interrupted as error:
        ending = {"generator_step": trainer.global_step, "error": str(error)}
    except Exception:
        end_dashboards(dashboards, settings, directory, "failed")
        raise
    if trainer.is_global_zero:
        metrics.save()
        draw_curves(directory)
        directory.record(**{"seconds": round(checkpointing.seconds_kept, 3), **ending})  # as the checkpoint knows it
        end_dashboards(dashboards, settings, directory, ending.get("status", "interrupted"))


def make_trainer(settings: Settings, *, callbacks: list[L.Callback], loggers: list[Logger]) -> L.Trainer:
    """Lightning's trainer with nothing of its own on top: no bar, no validation loop, no checkpoint of its own."""
    asked = settings["trainer"]
    trainer = L.Trainer(
        accelerator=asked["accelerator"],
        devices=asked["devices"],
        num_nodes=asked["nodes"],
        strategy="auto" if processes_of(asked) == 1 else DataParallel(),
        sync_batchnorm=asked["batch_norm_sync"],
        max_steps=settings["generator_steps"],
        max_epochs=-1,
        callbacks=callbacks,
        logger=loggers,
        plugins=[AtomicCheckpointIO(settings), LightningEnvironment()],
        limit_val_batches=0,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    # Workaround: Lightning's own watch over SIGTERM ends training without a word, and with several processes talks to
    # the others from within the signal's handler and waits for the device in every iteration. See Checkpointing.
    trainer._signal_connector.register_signal_handlers = lambda: None
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None
    return trainer


def make_callbacks(settings: Settings, directory: RunDirectory, *, parts: Parts) -> list[L.Callback]:
    """The callbacks that measure and show, in their order: the first looks whether the run is sound."""
    every = settings["every"]
    scoring = None
    if parts.scorer is not None:
        every_score = settings["metrics"]["every"]
        scoring = Scoring(parts.scorer, parts.data, directory=directory, every=every_score, interim=parts.interim)
    return [
        Measures(parts.data, log_every=every["log"], held_out_every=every["held_out"]),
        *([scoring] if scoring is not None else []),
        Pictures(parts.data, directory=directory, every=every["pictures"]),
        Progress(directory.path.name, scoring=scoring),
    ]


def _build_and_fit(settings: Settings, path: Path, checkpoint: Resumable | None) -> None:
    fit(settings, RunDirectory(path), parts=build(settings), checkpoint=checkpoint)


def _record_failure(error: Exception, directory: RunDirectory) -> None:
    line = (str(error).strip() or type(error).__name__).splitlines()[-1]
    is_full = isinstance(error, OSError) and error.errno in NO_ROOM
    try:
        if is_full:
            log.error("failed: %s; the same command goes on once there is room", line)
        else:
            log.error("failed: %s (traceback in %s)", line, directory.path / "train.log")
            _write_traceback(directory)
        if not read_result(directory.result_file).ended:  # else it came to its end, and a process failed after that
            directory.record(status="failed", error=f"{type(error).__name__}: {line}")
    except (OSError, ValueError) as another:
        log.error("that cannot be written down either: %s", another)


def _write_traceback(directory: RunDirectory) -> None:
    """Write down the exception that is being handled."""
    with append_own(directory.path / "train.log") as file:
        file.write(traceback.format_exc())


def _recorded_result(directory: RunDirectory) -> Result | None:
    """What an earlier start recorded; ``None`` where that is lost or broken, as where there was none."""
    try:
        return directory.result
    except ValueError:
        return None


def _mend_result(directory: RunDirectory, checkpoint: Resumable | None) -> None:
    """Move a broken result aside, and write anew what a checkpoint knows of one that is lost."""
    if os.path.lexists(directory.result_file):
        log.warning("moved aside: %s", move_aside(directory.result_file))
    if checkpoint is not None and checkpoint.result is not None:
        write_result(directory.result_file, checkpoint.result)
        log.info("%s is written anew from what %s knows", directory.result_file, checkpoint.path.name)


def _check_device(earlier: Result, settings: Settings, path: Path) -> None:
    kind = device_kind(settings["trainer"])
    if earlier.device not in (None, kind):
        raise ValueError(
            f"{path} was trained on {earlier.device} and cannot go on on {kind}: the random streams of the two differ; "
            "set trainer.accelerator accordingly"
        )


def _weights(parts: Parts) -> str | None:
    return None if parts.scorer is None else parts.scorer.protocol().get("weights_sha256")
