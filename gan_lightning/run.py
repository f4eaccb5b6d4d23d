"""The one place where settings become objects: builds a run, trains it, and says how it ended."""

import logging
import os
import platform
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hydra.utils
import lightning as L
import torch
from hydra.errors import InstantiationException
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.multiprocessing.spawn import start_processes
from torch.optim import Optimizer

from gan_lightning.callbacks.checkpointing import Checkpointing
from gan_lightning.callbacks.measures import Measures
from gan_lightning.callbacks.pictures import Pictures, draw_curves
from gan_lightning.callbacks.progress import Progress
from gan_lightning.callbacks.scoring import Scoring
from gan_lightning.checkpoints import AtomicCheckpointIO, read_checkpoint, resumable
from gan_lightning.data.base import RealData, available_cores
from gan_lightning.metrics import Scorer
from gan_lightning.metrics_file import MetricsFile
from gan_lightning.module import AdversarialModule, Diverged
from gan_lightning.randomness import seeded_generator
from gan_lightning.run_directory import RunDirectory
from gan_lightning.settings import Settings, flatten

log = logging.getLogger(__name__)

PACKAGES = ("gan_lightning", "torch", "lightning", "torchmetrics", "torch-fidelity", "hydra-core")


@dataclass(frozen=True)
class Parts:
    """What the settings of a run stand for."""

    module: AdversarialModule
    data: RealData
    scorer: Scorer | None


def build(settings: Settings) -> Parts:
    """The networks with their initial weights, the data module and the scorer, ready to train.

    Raises:
        ValueError, FileNotFoundError: in one line, if settings are out of range, do not go together, or if data or
            metric weights are missing.
    """
    check_devices(settings["trainer"])
    module = build_module(settings)
    data = build_data(settings)
    data.prepare()
    module.configure_optimizers()  # says at once what an optimiser does not take
    return Parts(module, data, build_scorer(settings["metrics"]))


def check_devices(trainer: Settings) -> None:
    """Ask for no more GPUs than there are.

    Raises:
        ValueError: if there are fewer.
    """
    accelerator, devices, gpus = trainer["accelerator"], trainer["devices"], torch.cuda.device_count()
    if accelerator not in ("auto", "cpu", "gpu"):
        raise ValueError(f"trainer.accelerator={accelerator} is unknown; allowed: auto, cpu, gpu")
    if accelerator == "gpu" and gpus == 0:
        raise ValueError("trainer.accelerator=gpu is not possible: no GPU is found; allowed here: auto, cpu")
    if accelerator != "cpu" and 0 < gpus < devices:
        raise ValueError(
            f"trainer.devices={devices} is not possible: {gpus} found; allowed: up to {gpus}, or trainer=cpu"
        )


def device_kind(trainer: Settings) -> str:
    """What a run is trained on: ``cuda`` or ``cpu``."""
    return "cuda" if trainer["accelerator"] != "cpu" and torch.cuda.is_available() else "cpu"


def build_module(settings: Settings) -> AdversarialModule:
    """The training algorithm around freshly initialised networks; their weights are a function of ``seed``."""
    arch = settings["arch"]
    recipe = {**settings["optimizer"], "lr": settings["optimizer"]["lr"] * settings["learning_rate_scale"]}
    is_normalised = arch["critic"].get("norm", "none") != "none"
    weight_decay = arch.get("critic_weight_decay", 0.0) if is_normalised else 0.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeded_generator(settings["seed"], "initialisation").initial_seed())
        return AdversarialModule(
            instantiate(arch["generator"]),
            instantiate(arch["critic"]),
            objective=instantiate(settings["objective"]),
            constraint=instantiate(settings["constraint"]),
            generator_optimizer=partial(_make, instantiate(recipe)),
            critic_optimizer=partial(_make_decayed, instantiate(recipe), weight_decay=weight_decay),
            latent_dim=settings["latent_dim"],
            seed=settings["seed"],
            decay=instantiate(settings["decay"]),
            generator_batch_multiple=settings["generator_batch_multiple"],
            ema=instantiate(settings["ema"]),
        )


def build_data(settings: Settings) -> RealData:
    """The data module; how many batches an iteration takes is said once, by ``n_critic``.

    Raises:
        ValueError: if the data say otherwise.
    """
    n_critic = settings["n_critic"]
    if settings["data"].get("n_critic", n_critic) != n_critic:
        raise ValueError(f"data.n_critic={settings['data']['n_critic']} is not possible: set n_critic, here {n_critic}")
    return instantiate(settings["data"] | {"n_critic": n_critic})


def build_scorer(metrics: Settings) -> Scorer | None:
    """The scorer of a ``metrics`` group, with its network at hand; ``None`` for ``metrics=none``."""
    scorer = instantiate({key: value for key, value in metrics.items() if key != "every"})
    if scorer is not None:
        scorer.prepare()
    return scorer


def load_run(directory: RunDirectory, *, checkpoint: str) -> tuple[AdversarialModule, int]:
    """A run's networks with the weights of a checkpoint, on its device, and the generator iteration they are of.

    Args:
        directory: of the run.
        checkpoint: ``last`` or ``best``.

    Raises:
        ValueError, FileNotFoundError: in one line, if there is no such run or checkpoint, or if it is broken.
    """
    settings = directory.settings
    module = build_module(settings)
    state = read_checkpoint(directory.best if checkpoint == "best" else directory.last)
    module.load_state_dict(state["state_dict"])
    torch.set_num_threads(_threads(settings))
    return module.to(device_kind(settings["trainer"])), state["global_step"]


def instantiate(node: Settings) -> Any:
    """The object that a node's ``_target_`` names, ``None`` where it names none.

    Raises:
        ValueError, OSError: the constructor's own, instead of Hydra's wrapping.
    """
    if node.get("_target_") is None:
        return None
    try:
        return hydra.utils.instantiate(node, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, (ValueError, OSError)):
            raise error.__cause__ from None
        raise ValueError(" ".join(str(error).split())) from error


def _make(recipe: Callable[..., Optimizer], network: nn.Module) -> Optimizer:
    return recipe(network.parameters())


def _make_decayed(recipe: Callable[..., Optimizer], network: nn.Module, *, weight_decay: float) -> Optimizer:
    """Decay weight matrices and kernels, not biases or norms. Source: arXiv:1704.00028, appendix B."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return recipe([{"params": weights, "weight_decay": weight_decay}, {"params": others}])


def run(settings: Settings, directory: RunDirectory) -> str:
    """Train to the end, or on from where an earlier start was cut off.

    Args:
        settings: of the run, resolved.
        directory: claimed by the caller.

    Returns:
        How the run ended: ``finished``, ``diverged`` or ``failed``.

    Raises:
        ValueError, OSError: before anything is written, in one line, if the run cannot start.
    """
    quieten()
    checkpoint = resumable(directory)
    kind = device_kind(settings["trainer"])
    if checkpoint is not None and directory.result.get("device", kind) != kind:
        raise ValueError(
            f"{directory.path} was trained on {directory.result['device']} and cannot go on on {kind}: the random "
            "streams of the two differ; set trainer.accelerator accordingly"
        )
    parts = build(settings)
    directory.begin(settings)
    directory.record(
        status="running",
        study=settings["study"],
        method=settings["method"],
        label=settings["label"],
        seed=settings["seed"],
        learning_rate_scale=settings["learning_rate_scale"],
        n_critic=settings["n_critic"],
        architecture=settings["arch"]["drawn"],
        data=parts.data.provenance,
        parameters={
            name: sum(p.numel() for p in getattr(parts.module, name).parameters()) for name in ("generator", "critic")
        },
        generator_steps=settings["generator_steps"],
        generator_step=0 if checkpoint is None else checkpoint[1],
        versions={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        host=socket.gethostname(),
        device=kind,
        seconds=directory.result.get("seconds", 0.0),
        scores=directory.result.get("scores"),
        error=None,
    )
    try:
        if settings["trainer"]["devices"] == 1:
            fit(settings, directory, parts=parts, checkpoint=checkpoint)
        else:
            fit_in_processes(settings, directory, checkpoint=checkpoint)
    except Exception as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[-1]
        log.error("failed: %s (traceback in %s)", line, directory.path / "train.log")
        with open(directory.path / "train.log", "a") as file:
            file.write(traceback.format_exc())
        directory.record(status="failed", error=f"{type(error).__name__}: {line}")
    result = directory.result
    log.info("%s", summary(result, directory))
    return result["status"]


def fit(settings: Settings, directory: RunDirectory, *, parts: Parts, checkpoint: tuple[Path, int] | None) -> None:
    """Train in this process, one of ``trainer.devices``, and record how it ended.

    Args:
        settings, directory: of the run.
        parts: built from the settings in this process.
        checkpoint: what to go on from, with its generator iteration.
    """
    torch.set_num_threads(_threads(settings))
    resumed_step = 0 if checkpoint is None else checkpoint[1]
    checkpointing = Checkpointing(directory, every=settings["every"]["checkpoint"])
    trainer = make_trainer(
        settings,
        callbacks=make_callbacks(settings, directory, parts=parts, checkpointing=checkpointing),
        loggers=make_loggers(settings, directory, resumed_step=resumed_step),
    )
    if checkpoint is not None and trainer.is_global_zero:
        log.info("%s: going on from generator iteration %d", directory.path.name, resumed_step)
    ending: dict[str, Any] = {"status": "finished"}
    try:
        trainer.fit(parts.module, datamodule=parts.data, ckpt_path=None if checkpoint is None else checkpoint[0])
    except Diverged as error:
        ending = {"status": "diverged", "generator_step": trainer.global_step, "error": str(error)}
    if trainer.is_global_zero:
        for logger in trainer.loggers:
            logger.save()
            logger.finalize("success")
            if isinstance(logger, WandbLogger):
                logger.experiment.finish()  # else the next run of a sweep in this process would go on with its curve
        draw_curves(directory)
        directory.record(**ending, seconds=round(checkpointing.seconds, 3))


def fit_in_processes(settings: Settings, directory: RunDirectory, *, checkpoint: tuple[Path, int] | None) -> None:
    """Train in ``trainer.devices`` processes on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    devices = settings["trainer"]["devices"]
    start_processes(_process, (settings, directory.path, checkpoint, port), nprocs=devices, start_method="spawn")


def _process(rank: int, settings: Settings, path: Path, checkpoint: tuple[Path, int] | None, port: int) -> None:
    os.environ |= {"LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    quieten()
    if rank == 0:
        logging.basicConfig(
            level=logging.INFO,
            format="%(message)s",
            handlers=[logging.StreamHandler(sys.stdout), logging.FileHandler(path / "train.log")],
        )
    fit(settings, RunDirectory(path), parts=build(settings), checkpoint=checkpoint)


def make_trainer(settings: Settings, *, callbacks: list[L.Callback], loggers: list[Logger]) -> L.Trainer:
    """Lightning's trainer with nothing of its own on top: no bar, no validation loop, no checkpoint of its own."""
    devices = settings["trainer"]["devices"]
    return L.Trainer(
        accelerator=settings["trainer"]["accelerator"],
        devices=devices,
        # Either player's backward pass leaves the other's parameters without a gradient.
        strategy="auto" if devices == 1 else DDPStrategy(find_unused_parameters=True),
        max_steps=settings["generator_steps"],
        max_epochs=-1,
        callbacks=callbacks,
        logger=loggers,
        plugins=[AtomicCheckpointIO(), LightningEnvironment()],
        limit_val_batches=0,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def make_callbacks(
    settings: Settings, directory: RunDirectory, *, parts: Parts, checkpointing: Checkpointing
) -> list[L.Callback]:
    """The callbacks in their order: look first whether the run is sound, write the checkpoint last."""
    every = settings["every"]
    scoring = None
    if parts.scorer is not None:
        scoring = Scoring(parts.scorer, parts.data, directory=directory, every=settings["metrics"]["every"])
    callbacks: list[L.Callback] = [
        Measures(parts.data, log_every=every["log"], held_out_every=every["held_out"]),
        *([scoring] if scoring is not None else []),
        Pictures(directory, every=every["pictures"]),
        Progress(directory.path.name, scoring=scoring),
    ]
    return [*callbacks, checkpointing]


def make_loggers(settings: Settings, directory: RunDirectory, *, resumed_step: int) -> list[Logger]:
    """``metrics.csv`` always, and the dashboard that was asked for."""
    loggers: list[Logger] = [MetricsFile(directory.metrics, resumed_step=resumed_step)]
    make = instantiate(settings["logger"])
    if make is not None:
        place: dict[str, Any] = {"save_dir": str(directory.path)}
        if "project" in settings["logger"]:  # Weights & Biases
            name = directory.path.name
            run_id = sha256(f"{settings['study']}/{name}".encode()).hexdigest()[:16]
            place |= {"group": settings["study"], "name": name, "id": run_id, "resume": "allow"}
        loggers.append(make(**place))
    for logger in loggers:
        logger.log_hyperparams(flatten(settings))
    return loggers


def summary(result: Settings, directory: RunDirectory) -> str:
    """One line on how a run ended, with its score and its directory."""
    parts = [f"{result['status']} at generator iteration {result.get('generator_step', 0)}"]
    scores = result.get("scores")
    if scores:
        name, final, best = scores["monitor"], scores["final"], scores["best"]
        parts.append(f"{name.replace('_', ' ')} {final[name]:.3f} (best {best[name]:.3f} at {best['generator_step']})")
    if "seconds" in result:
        parts.append(f"in {timedelta(seconds=round(result['seconds']))}")
    if result.get("error"):
        parts.append(result["error"])
    return f"{', '.join(parts)}: {directory.path}"


def quieten() -> None:
    """Keep Lightning's notices and known warnings off the screen."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # A run starts its own processes, on a SLURM node as well.
    warnings.filterwarnings("ignore", message=".*`srun` command is available.*")
    # Workaround: Lightning 2.6 asks torch 2.15's pytree in a way that is deprecated there.
    warnings.filterwarnings("ignore", message=".*isinstance\\(treespec, LeafSpec\\).*")


def _threads(settings: Settings) -> int:
    """Torch's threads in one process: as set, or the cores shared out over the processes."""
    return settings["trainer"]["threads"] or max(1, available_cores() // settings["trainer"]["devices"])
