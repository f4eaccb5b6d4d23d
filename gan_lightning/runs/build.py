"""The one place where settings become objects."""

import os
from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Optimizer

from gan_lightning.averaging import Averaging
from gan_lightning.class_losses import AuxiliaryClassifier
from gan_lightning.constraints import Constraint
from gan_lightning.data.base import RealData
from gan_lightning.metrics import Scorer
from gan_lightning.metrics.interim import Interim
from gan_lightning.module import AdversarialModule, class_scores_of, conditioned
from gan_lightning.objectives import Objective
from gan_lightning.optimizers import RateDecay, weights_decayed
from gan_lightning.randomness import seeded_generator
from gan_lightning.runs.checkpoints import checkpoint_of
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.processes import check_devices, device_kind, limit_threads
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.targets import Trusted, make
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
    build_dashboard(settings)
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


def build_module(settings: Settings, *, trusted: Trusted = None) -> AdversarialModule:
    """The training algorithm around freshly initialised networks.

    All that is random in it, what a constraint adds to the critic included, is a function of ``seed``.

    Args:
        settings: of the run.
        trusted: whose code they may name; ``None`` for anybody's.

    Raises:
        ValueError: in one line, if a part cannot be made, or if no memory of this machine holds the networks.
    """
    arch = settings["arch"]
    rate = settings["optimizer"]["lr"] * settings["learning_rate_scale"]
    recipe = {**settings["optimizer"], "lr": rate}
    make_optimizer = _required(recipe, "optimizer", kind=Optimizer, trusted=trusted, as_recipe=True)
    weight_decay = arch.get("critic_weight_decay", 0.0)
    with torch.random.fork_rng(devices=[]):
        _check_memory(settings, trusted=trusted)
        torch.manual_seed(seeded_generator(settings["seed"], "initialisation").initial_seed())
        return AdversarialModule(
            _required(arch["generator"], "arch", "generator", kind=nn.Module, trusted=trusted),
            _required(arch["critic"], "arch", "critic", kind=nn.Module, trusted=trusted),
            objective=_required(settings["objective"], "objective", kind=Objective, trusted=trusted),
            constraint=_required(settings["constraint"], "constraint", kind=Constraint, trusted=trusted),
            generator_optimizer=partial(_make, make_optimizer),
            critic_optimizer=partial(_make_decayed, make_optimizer, weight_decay=weight_decay),
            latent_dim=settings["latent_dim"],
            seed=settings["seed"],
            decay=make(settings["decay"], "decay", kind=RateDecay, trusted=trusted),
            classes=arch.get("classes"),
            class_loss=make(settings["class_loss"], "class_loss", kind=AuxiliaryClassifier, trusted=trusted),
            generator_batch_multiple=settings["generator_batch_multiple"],
            ema=make(settings["ema"], "ema", kind=Averaging, trusted=trusted),
            log=False,
        )


def build_data(settings: Settings, *, trusted: Trusted = None) -> RealData:
    """The data module, which is told here alone how many batches an iteration has; nothing is read yet.

    Raises:
        ValueError: if the data say otherwise, or cannot be made.
    """
    n_critic = settings["n_critic"]
    if settings["data"].get("n_critic", n_critic) != n_critic:
        raise ValueError(f"data.n_critic={settings['data']['n_critic']} is not possible: set n_critic, here {n_critic}")
    return _required(settings["data"] | {"n_critic": n_critic}, "data", kind=RealData, trusted=trusted)


def build_scorer(metrics: Settings, *, trusted: Trusted = None) -> Scorer | None:
    """The scorer of a ``metrics`` group, to be prepared; ``None`` for ``metrics=none``.

    When a run is scored, and by how many samples on the way, is no part of it.
    """
    node = {key: value for key, value in metrics.items() if key not in OF_THE_RUN}
    return make(node, "metrics", kind=Scorer, trusted=trusted)


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


def build_dashboard(settings: Settings) -> Callable[..., Logger] | None:
    """What makes the dashboard's logger, given its place; ``None`` where there is none."""
    return make(settings["logger"], "logger", kind=Logger, as_recipe=True)


def load_run(
    directory: RunDirectory, *, checkpoint: str, trusted: Collection[str] = ()
) -> tuple[AdversarialModule, RealData, int]:
    """A run's networks with the weights of a checkpoint, on its device, its data, and the weights' generator iteration.

    Of the data nothing is read: what there is to know of them without is in the checkpoint.

    Args:
        directory: of the run.
        checkpoint: ``last`` or ``best``.
        trusted: packages whose code the run's settings may name; else they name parts of this one alone.

    Raises:
        ValueError, FileNotFoundError: in one line, if there is no such run or checkpoint, if it is broken, or if its
            settings name another's code.
    """
    settings = directory.sound_settings
    module, data = build_module(settings, trusted=trusted), build_data(settings, trusted=trusted)
    state = checkpoint_of(directory, checkpoint, module)
    module.load_state_dict(state["state_dict"])
    try:
        data.load_state_dict(state.get(type(data).__qualname__, {}))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"the {checkpoint} checkpoint of {directory.path} does not say what its data are ({type(error).__name__}: "
            f"{error})"
        ) from error
    limit_threads(settings["trainer"])
    return module.to(device_kind(settings["trainer"])), data, state["global_step"]


def _required(node: Settings, *where: str, kind: type, trusted: Trusted, as_recipe: bool = False) -> Any:
    """The object of a node that every run needs.

    Raises:
        ValueError: if it names no class; and as :func:`targets.make`.
    """
    made = make(node, *where, kind=kind, trusted=trusted, as_recipe=as_recipe)
    if made is None:
        raise ValueError(f"{'.'.join(where)} needs a _target_, the class or function that makes it")
    return made


def _check_memory(settings: Settings, *, trusted: Trusted) -> None:
    """Build the networks without their numbers first, and compare their size with the memory that is to hold them.

    Raises:
        ValueError: if a weight, a gradient and an optimiser's two means for every parameter do not fit in it.
    """
    try:
        with torch.device("meta"):
            networks = [
                _required(settings["arch"][name], "arch", name, kind=nn.Module, trusted=trusted)
                for name in ("generator", "critic")
            ]
    except Exception:
        if trusted is not None and not trusted:
            raise
        return  # a user's own network may need numbers; what is wrong is said where it is made with them
    numbers = sum(parameter.numel() for network in networks for parameter in network.parameters())
    needed, there = 4 * 4 * numbers, _memory(device_kind(settings["trainer"]))
    if needed > there:
        raise ValueError(
            f"arch: networks of {numbers:,} parameters are not possible: training takes {needed / 2**30:,.0f} GiB for "
            f"them, and {there / 2**30:,.0f} are here"
        )


def _memory(device: str) -> int:
    """Bytes of a kind of device."""
    if device == "cuda":
        return torch.cuda.get_device_properties(0).total_memory
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _check_classes(module: AdversarialModule, data: RealData) -> None:
    if module.classes is not None and module.classes != data.classes:
        raise ValueError(f"arch.classes={module.classes} is not possible: the data have {data.classes or 'no'} classes")


def _check_recipe(module: AdversarialModule) -> None:
    try:
        module.configure_optimizers()
    except (TypeError, ValueError) as error:
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
            output = conditioned(critic, conditioned(generator, latent, labels), labels)
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
