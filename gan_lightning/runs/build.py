"""The one place where settings become objects."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import hydra.utils
import torch
from hydra.errors import InstantiationException
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Optimizer

from gan_lightning.data.base import RealData
from gan_lightning.metrics import Scorer
from gan_lightning.metrics.interim import Interim
from gan_lightning.module import AdversarialModule, class_scores_of
from gan_lightning.optimizers import weights_decayed
from gan_lightning.randomness import seeded_generator
from gan_lightning.runs.checkpoints import read_checkpoint
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.processes import check_devices, device_kind, limit_threads
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.world import processes_of

NORM_LAYERS = (_NormBase, nn.GroupNorm, nn.LayerNorm)
"""Layers that make a network a normalised one."""

OF_THE_RUN = ("every", "interim_samples")
"""What of a ``metrics`` group is about the run and not about its scorer."""


@dataclass(frozen=True)
class Parts:
    """What the settings of a run stand for."""

    module: AdversarialModule
    data: RealData
    scorer: Scorer | None
    interim: Interim | None


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
    _check_classes(module, data)
    _check_recipe(module)
    _check_step(module, batch_size=settings["data"]["batch_size"] // processes_of(settings["trainer"]))
    scorer, interim = build_scorer(settings["metrics"]), build_interim_scorer(settings["metrics"])
    for each in (scorer, interim):
        if each is not None:
            each.check_reference(len(data.splits[0]), next(data.reference()))
            each.prepare()
    return Parts(module, data, scorer, interim)


def build_module(settings: Settings) -> AdversarialModule:
    """The training algorithm around freshly initialised networks.

    All that is random in it, what a constraint adds to the critic included, is a function of ``seed``.
    """
    arch, recipe = settings["arch"], settings["optimizer"]
    make = instantiate({**recipe, "lr": recipe["lr"] * settings["learning_rate_scale"]})
    weight_decay = arch.get("critic_weight_decay", 0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeded_generator(settings["seed"], "initialisation").initial_seed())
        return AdversarialModule(
            _required(arch, "generator", "arch"),
            _required(arch, "critic", "arch"),
            objective=_required(settings, "objective"),
            constraint=_required(settings, "constraint"),
            generator_optimizer=partial(_make, make),
            critic_optimizer=partial(_make_decayed, make, weight_decay=weight_decay),
            latent_dim=settings["latent_dim"],
            seed=settings["seed"],
            decay=instantiate(settings["decay"]),
            classes=arch.get("classes"),
            class_loss=instantiate(settings.get("class_loss", {})),  # a run of an earlier version has none
            generator_batch_multiple=settings["generator_batch_multiple"],
            ema=instantiate(settings["ema"]),
        )


def build_data(settings: Settings) -> RealData:
    """The data module, which is told here alone how many batches an iteration has; nothing is read yet.

    Raises:
        ValueError: if the data say otherwise.
    """
    n_critic = settings["n_critic"]
    if settings["data"].get("n_critic", n_critic) != n_critic:
        raise ValueError(f"data.n_critic={settings['data']['n_critic']} is not possible: set n_critic, here {n_critic}")
    return instantiate(settings["data"] | {"n_critic": n_critic})


def build_scorer(metrics: Settings) -> Scorer | None:
    """The scorer of a ``metrics`` group, to be prepared; ``None`` for ``metrics=none``.

    When a run is scored, and by how many samples on the way, is no part of it.
    """
    return instantiate({key: value for key, value in metrics.items() if key not in OF_THE_RUN})


def build_interim_scorer(metrics: Settings) -> Interim | None:
    """What scores on the way, of ``metrics.interim_samples``; ``None`` where that is the scorer itself.

    Raises:
        ValueError: if the scorer cannot take so many.
    """
    samples = metrics.get("interim_samples")
    if samples is None:
        return None
    try:
        scorer = build_scorer(metrics | {"samples": samples})
    except ValueError as error:
        raise ValueError(f"metrics.interim_samples={samples} is not possible: {error}") from error
    return None if scorer is None else Interim(scorer, samples)


def load_run(directory: RunDirectory, *, checkpoint: str) -> tuple[AdversarialModule, RealData, int]:
    """A run's networks with the weights of a checkpoint, on its device, its data, and the weights' generator iteration.

    Of the data nothing is read: what there is to know of them without is in the checkpoint.

    Args:
        directory: of the run.
        checkpoint: ``last`` or ``best``.

    Raises:
        ValueError, FileNotFoundError: in one line, if there is no such run or checkpoint, or if it is broken.
    """
    settings = directory.settings
    module, data = build_module(settings), build_data(settings)
    state = read_checkpoint(directory.best if checkpoint == "best" else directory.last)
    module.load_state_dict(state["state_dict"])
    data.load_state_dict(state.get(type(data).__qualname__, {}))
    limit_threads(settings["trainer"])
    return module.to(device_kind(settings["trainer"])), data, state["global_step"]


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


def _required(settings: Settings, name: str, *path: str) -> Any:
    """The object of a node that every run needs.

    Raises:
        ValueError: if there is no such node, or if it names no class; and the constructor's own.
    """
    made = instantiate(settings.get(name) or {})
    if made is None:
        raise ValueError(f"{'.'.join([*path, name])} needs a _target_, the class or function that makes it")
    return made


def _check_classes(module: AdversarialModule, data: RealData) -> None:
    if module.classes is not None and module.classes != data.classes:
        raise ValueError(f"arch.classes={module.classes} is not possible: the data have {data.classes or 'no'} classes")


def _check_recipe(module: AdversarialModule) -> None:
    try:
        module.configure_optimizers()
    except TypeError as error:
        raise ValueError(f"optimizer: {error}") from error


def _check_step(module: AdversarialModule, *, batch_size: int) -> None:
    """Send an iteration's batches through the networks without their numbers: what does not fit is seen at once.

    Args:
        module: with the networks.
        batch_size: of the critic, in one process.

    Raises:
        ValueError: in one line.
    """
    generator, critic = (deepcopy(network).to("meta") for network in (module.generator, module.critic))
    output: Any = None
    for count in {batch_size, batch_size * module.generator_batch_multiple}:
        latent = torch.empty(count, module.latent_dim, device="meta")
        labels = None if module.classes is None else torch.zeros(count, dtype=torch.long, device="meta")
        try:
            output = critic(generator(latent, labels), labels=labels)
        except RuntimeError as error:
            if "meta" in str(error):
                return  # a user's own layer needs numbers: the first step will tell
            raise ValueError(f"arch: the networks do not fit each other: {' '.join(str(error).split())}") from error
    if module.class_loss is not None:
        told = class_scores_of(output).shape[1]
        if told != module.classes:
            raise ValueError(f"arch.critic tells {told} classes, which is not possible: arch.classes={module.classes}")


def _make(recipe: Callable[..., Optimizer], network: nn.Module) -> Optimizer:
    return recipe(network.parameters())


def _make_decayed(recipe: Callable[..., Optimizer], network: nn.Module, *, weight_decay: float) -> Optimizer:
    is_normalised = any(isinstance(layer, NORM_LAYERS) for layer in network.modules())
    return recipe(weights_decayed(network, weight_decay if is_normalised else 0.0))
