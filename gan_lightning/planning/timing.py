"""Seconds of a generator iteration and of a score, taken on this device."""

import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import lightning as L
import torch

from gan_lightning.data.base import Batch
from gan_lightning.planning.operations import Cost, cost_of_iteration, sample_shape
from gan_lightning.runs.build import build_data, build_interim_scorer, build_module, build_scorer
from gan_lightning.runs.processes import device_kind, limit_threads
from gan_lightning.runs.run import make_trainer
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.words import quieten


@dataclass(frozen=True)
class Timing:
    """One run's cost and time.

    Attributes:
        cost: of a generator iteration.
        seconds: of a generator iteration.
        sample_seconds: of a score, by sample; 0 where there is none, ``None`` where what it needs is not at hand.
    """

    cost: Cost
    seconds: float
    sample_seconds: float | None


class Repeated:
    """The same batch again and again."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield self.batch


class Stopwatch(L.Callback):
    """Notes when each iteration has ended on the device."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any, **__: Any) -> None:
        if trainer.strategy.root_device.type == "cuda":
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())


def time_run(settings: Settings, *, iterations: int) -> Timing:
    """Train a run's networks for a few iterations on random numbers in the place of its data.

    Args:
        settings: of the run, resolved; it is trained by one process.
        iterations: timed, after one that is not.
    """
    quieten()
    single = {**settings, "trainer": {**settings["trainer"], "devices": 1, "nodes": 1}}
    limit_threads(single["trainer"])
    module, stopwatch = build_module(single), Stopwatch()
    trainer = make_trainer({**single, "generator_steps": iterations + 1}, callbacks=[stopwatch], loggers=[])
    trainer.fit(module, Repeated(_random_batch(single)))
    seconds = median(b - a for a, b in zip(stopwatch.times, stopwatch.times[1:], strict=False))
    return Timing(cost_of_iteration(settings), seconds, _time_score(single, module.to(device_kind(single["trainer"]))))


def device_in_words(trainer: Settings) -> str:
    """What timings were taken on."""
    if device_kind(trainer) == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {os.cpu_count()} hardware threads"


def _random_batch(settings: Settings) -> Batch:
    n_critic, batch = settings["n_critic"], settings["data"]["batch_size"]
    real = torch.rand(n_critic, batch, *sample_shape(settings["data"])) * 2 - 1
    classes = settings["arch"].get("classes")
    return real, None if classes is None else torch.randint(classes, (n_critic, batch))


def _time_score(settings: Settings, module: Any) -> float | None:
    metrics = settings["metrics"]
    try:
        scorer = build_interim_scorer(metrics) or build_scorer(metrics)
        if scorer is None:
            return 0.0
        scorer.prepare()
        data = build_data(settings)
        data.prepare()
    except (ValueError, OSError):
        return None
    sampler = module.sampler.followed_by(data.to_rows)
    scorer.score(sampler, reference=data.reference())  # the reference's part is done once
    started = time.perf_counter()
    scorer.score(sampler, reference=data.reference())
    return (time.perf_counter() - started) / (metrics.get("interim_samples") or metrics["samples"])
