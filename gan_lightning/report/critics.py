"""Trained critics of the plane, as reports measure them: on fresh points of both sides, by scores and gradients."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lightning.data.plane import PlaneData
from gan_lightning.module import AdversarialModule, scores_of
from gan_lightning.report.runs import Run, check_comparable, find_twins, place
from gan_lightning.report.study import Study
from gan_lightning.runs.build import load_run
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.settings import Settings


@dataclass(frozen=True)
class Trained:
    """A finished run with its settings, its networks as they ended, and its distribution."""

    run: Run
    settings: Settings
    module: AdversarialModule
    data: PlaneData

    def real(self, count: int, purpose: str) -> Tensor:
        """Fresh real points ``(count, 2)``, a function of how many and what for."""
        return self.data.draw(count, purpose).to(self.module.device)

    def fake(self, count: int, purpose: str) -> Tensor:
        """Fresh generated points ``(count, 2)``, a function of the generator, how many and what for."""
        return self.module.sampler.samples(count, seed=0, purpose=purpose)

    def scores(self, points: Tensor) -> Tensor:
        """The critic's scores ``(N,)`` of points ``(N, 2)``."""
        return scores_of(self.module.critic(points))

    def gradients(self, points: Tensor) -> Tensor:
        """The critic's gradients ``(N, 2)`` at points ``(N, 2)``, detached."""
        return torch.func.grad(lambda points: self.scores(points).sum())(points).detach()


def load_trained(run: Run, *, trusted: Collection[str] = ()) -> Trained:
    """The networks of a run's last checkpoint.

    Args:
        run: that has finished.
        trusted: packages whose code the run's settings may name; else they name parts of this one alone.

    Raises:
        ValueError, FileNotFoundError: in one line, if the run's files are missing or broken, if its settings name
            another's code, or if it is none of points of the plane.
    """
    directory = RunDirectory(run.directory)
    module, data, _ = load_run(directory, checkpoint="last", trusted=trusted)
    if not isinstance(data, PlaneData):
        raise ValueError(f"{run.directory}: a report of value surfaces or gradients needs points of the plane")
    return Trained(run, directory.sound_settings, module, data)


def finished_runs(study: Study) -> tuple[list[Run], list[str]]:
    """A study's finished runs by planned method, then by seed and directory, and a line for each other run.

    Raises:
        ValueError: if no run has finished, if they are not of one length, or if two are of one method, seed and set.
    """
    finished = [run for run in study.runs if run.status == "finished"]
    if not finished:
        raise ValueError(f"{study.directory}: no run has finished yet ({len(study.runs)} runs)")
    check_comparable(finished)
    others = [f"{run.directory.name}: {run.status}" for run in study.runs if run.status != "finished"]
    order = sorted(finished, key=lambda run: (place(run.method, study.planned_methods), run.seed, run.directory.name))
    check_distinct(order)
    return order, [*study.unreadable, *others]


def check_distinct(runs: Iterable[Run]) -> None:
    """Refuse two runs that a picture could not tell apart.

    Raises:
        ValueError: naming both.
    """
    if twins := find_twins(runs, lambda run: (run.method, run.seed, data_title(run))):
        one, other = twins
        raise ValueError(
            f"two runs of {one.method} with seed {one.seed} on {data_title(one)}: {one.directory} and "
            f"{other.directory}; remove one"
        )


def data_title(run: Run) -> str:
    """What a run's set is called, from what it says that it has read: title, a sample's shape, digest."""
    return (run.data or "unknown data").rpartition(", sha256")[0].rpartition(" ")[0]
