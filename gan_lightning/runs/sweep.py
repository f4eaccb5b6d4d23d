"""What is looked at before a sweep starts, and what it says when it is over."""

import logging
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from gan_lightning.atomic import atomic_file
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.identity import LENGTH, follows_length, key_of, names_of, run_name, without_places
from gan_lightning.runs.interruption import exit_code, received_signal
from gan_lightning.runs.overrides import (
    Mistake,
    composed,
    composed_sweep,
    composing,
    is_search,
    own_part,
    sweep_overrides,
)
from gan_lightning.runs.queueing import check_limit, check_request, noted_jobs, queued_jobs
from gan_lightning.runs.search import check_search, read_record
from gan_lightning.runs.settings import resolve
from gan_lightning.runs.slurm import requeue_before_limit
from gan_lightning.runs.start import Start, write_start
from gan_lightning.runs.states import counted, state_of
from gan_lightning.runs.world import speaks

log = logging.getLogger(__name__)


class SweepSummary(Callback):
    """Counts the runs of a sweep by how they ended; the exit code is 1 unless all of them finished or diverged."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Refuse a sweep without runs, in batches of none, or with runs that would share a directory.

        Raises:
            Mistake: if it is such a sweep.
        """
        if not speaks():
            logging.disable(logging.WARNING)  # the first process says the same
        runs = list(sweep_overrides(config))
        if not runs:
            raise Mistake(f"the sweep has no runs: {' '.join(config.hydra.overrides.task)}")
        check_search(config)
        batch = config.hydra.sweeper.get("max_batch_size")
        if batch is not None and batch < 1:
            raise Mistake(f"hydra.sweeper.max_batch_size={batch} is not possible: at least 1 is needed, or null")
        names = run_names(config, runs)
        check_distinct(names, runs)
        folder = Path(config.hydra.sweep.dir)
        self.names = [] if is_search(config) else names
        typed: Any = OmegaConf.to_container(config.hydra.overrides, resolve=False)  # a run's machine may know more
        launcher = [line for line in typed["hydra"] if not line.startswith("hydra.mode")]
        self.start = Start(folder=os.getcwd(), launcher=launcher, overrides=typed["task"])
        try:
            with atomic_file(folder / "multirun.yaml") as temporary:  # Hydra follows a link there, and names no file
                OmegaConf.save(config, temporary)
        except OSError as error:
            raise Mistake(str(error)) from error

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """A run begins: how its sweep was started is what ``study rerun`` starts again."""
        if speaks() and hasattr(self, "start"):
            try:
                write_start(Path(config.hydra.sweep.dir), self.start)
            except OSError as error:
                log.warning("%s", error)

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Say how many runs finished, diverged and failed, and name those that diverged or failed.

        Raises:
            SystemExit: if the sweep was asked to stop, or if a run neither finished nor diverged nor is in the queue.
        """
        folder = Path(config.hydra.sweep.dir)
        try:
            record = read_record(folder) if is_search(config) else None
        except ValueError as error:
            raise Mistake(str(error)) from error
        names = self.names if record is None else record.runs
        directories = [RunDirectory(folder / name) for name in names]
        try:
            queued = queued_jobs(noted_jobs(directories))
        except OSError as error:
            log.warning("%s", error)
            queued = {}
        states = [state_of(directory, queued=queued) for directory in directories]
        for state in states:
            if state.status in ("failed", "diverged"):
                log.info("%s: %s: %s", state.status, state.name, state.error)
        if record is not None:
            log.info("search: %s", record.progress)
        log.info("sweep of %d runs: %s: %s", len(states), counted(states), folder)
        in_queue = ("queued", "running") if queued else ()  # there they go on without this process
        number = received_signal()
        if number is not None:
            goes_on = "the jobs in the queue go on" if queued else "the same command goes on"
            log.info("interrupted by %s; %s", number.name, goes_on)
            is_left = any(state.status not in ("finished", "diverged", "failed") for state in states)
            if is_left and speaks():
                requeue_before_limit(number)
            raise SystemExit(exit_code(number))
        if any(state.status not in ("finished", "diverged", *in_queue) for state in states):
            raise SystemExit(1)


def left_to_submit(
    config: DictConfig, runs: Sequence[Sequence[str]], *, request: Mapping[str, Any]
) -> list[tuple[list[str], RunDirectory]]:
    """Those runs of a sweep that have not ended and are not in SLURM's queue; the others are told.

    Args:
        config: of the sweep.
        runs: the overrides of each.
        request: the launcher's settings.

    Raises:
        Mistake: if a run's settings and the request contradict each other.
    """
    names = run_names(config, [list(overrides) for overrides in runs])
    directories = [RunDirectory(Path(config.hydra.sweep.dir) / name) for name in names]
    queued = queued_jobs(noted_jobs(directories))
    left = []
    for overrides, directory in zip(runs, directories, strict=True):
        full = composed(config, list(overrides))
        job = directory.noted_job
        directory.refusal.unlink(missing_ok=True)
        try:
            own = without_places(own_part(full))  # which may be known on a job's machine alone
            settings = resolve(own) | names_of(own, list(overrides), full.hydra.runtime.choices)
            check_request(request, settings)
            if directory.has_ended(settings):
                log.info("has ended, and is not submitted: %s", directory.path.name)
                continue
            if directory.is_held:
                log.info("is being trained, and is not submitted: %s", directory.path.name)
                continue
            check_limit(request, settings, directory)
        except (ValueError, OSError) as error:
            raise Mistake(f"{directory.path.name}: {error}") from error
        if job is not None and job in queued:
            log.info("is in the queue as job %s, %s: %s", job, queued[job].lower(), directory.path.name)
            continue
        left.append((list(overrides), directory))
    return left


def run_names(config: DictConfig, runs: list[list[str]]) -> list[str]:
    """The directories' names of a sweep's runs.

    Whether something follows the run length is found by composing. That takes a while, so runs that differ in numbers
    alone are looked at once: numbers do not decide it.

    Args:
        config: of the sweep.
        runs: the overrides of each.
    """
    looked_at: dict[tuple[str, ...], bool] = {}
    names = []
    for overrides in runs:
        words = tuple(key_of(line) if re.search(r"=[-+.\de]+$", line) else line for line in overrides)
        if words not in looked_at:
            has_length = any(key_of(line) == LENGTH for line in overrides)
            looked_at[words] = has_length and bool(follows_length(composed(config, overrides)))
        names.append(run_name(overrides, with_length=looked_at[words]))
    return names


def check_distinct(names: list[str], runs: list[list[str]]) -> None:
    """Refuse runs that would share a directory.

    Args:
        names: of the directories.
        runs: the overrides of each run.

    Raises:
        Mistake: naming what is swept and does not tell runs apart.
    """
    if len(set(names)) == len(names):
        return
    shared, _ = Counter(names).most_common(1)[0]
    alike = [set(overrides) for name, overrides in zip(names, runs, strict=True) if name == shared]
    swept = {key_of(line) for overrides in alike for line in overrides - set.intersection(*alike)}
    if LENGTH in swept:
        raise Mistake(
            f"sweeping {LENGTH} is not possible: a longer run goes on where a shorter one ended, so all would share "
            f"the directory {shared}; train the longest alone, scored on its way (metrics.every), or let something "
            "follow the length, as decay=linear does"
        )
    raise Mistake(
        f"{len(alike)} runs of the sweep would share the directory {shared}: "
        f"{', '.join(sorted(swept)) or 'what is swept'} does not tell one run from another"
    )


def planned_names(overrides: Sequence[str], folder: Path) -> list[str]:
    """The directories' names of the runs that ``python train.py -m`` makes of these overrides.

    Args:
        overrides: of the project's settings, and of the sweeper.
        folder: of the study: what a search has begun is read there.
    """
    with composing():
        config = composed_sweep(overrides)
        if is_search(config):
            record = read_record(folder)
            return [] if record is None else record.runs
        return run_names(config, list(sweep_overrides(config)))
