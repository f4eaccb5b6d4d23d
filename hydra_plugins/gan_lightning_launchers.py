"""Hydra's launchers for joblib and SLURM as this project wants them.

They lie here since Hydra takes launchers from this namespace alone. What is heavy is imported where it is needed, since
Hydra reads this file at every start.
"""

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra_plugins.hydra_joblib_launcher.config import JobLibLauncherConf
from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher
from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf, SlurmQueueConf
from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
from omegaconf import DictConfig, OmegaConf, read_write

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 10

SETUP = (
    # Slurm 22.05 to 23.02 does not hand it on to a job's processes.
    '[ -z "$SLURM_CPUS_PER_TASK" ] || export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK',
    "export SLURM_KILL_BAD_EXIT=1",  # one task's failure ends the others of its run
)
"""First lines of every job's script."""


class PackedLauncher(JoblibLauncher):
    """Runs of a sweep side by side on this machine, each in its share of the cores and on a GPU of its own or shared.

    Imports are paid for once by each worker process, which works off one run after the other.

    Args:
        runs_per_device: see ``gan_lightning.runs.packing.make_slots``.
        n_jobs: at most so many at a time, whatever there is place for.
        joblib: the other arguments of ``joblib.Parallel``.
    """

    def __init__(self, *, runs_per_device: int | None = None, n_jobs: int | None = None, **joblib: Any) -> None:
        super().__init__(**joblib)
        self.runs_per_device, self.n_jobs = runs_per_device, n_jobs

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        from gan_lightning.ranges import Count, check_value
        from gan_lightning.runs.interruption import children_told, received_signal
        from gan_lightning.runs.overrides import Mistake
        from gan_lightning.runs.packing import InSlot
        from gan_lightning.runs.processes import slots_of_this_machine

        refuse_in_a_world("joblib")
        assert self.config is not None and self.task_function is not None
        trainer: Any = OmegaConf.to_container(self.config.trainer, resolve=True)
        try:
            check_value(self.n_jobs, Count | None, "hydra", "launcher", "n_jobs")
            slots = slots_of_this_machine(trainer, self.runs_per_device)
        except ValueError as error:
            raise Mistake(str(error)) from error
        self.joblib["n_jobs"] = min(filter(None, (slots.count, self.n_jobs, len(job_overrides))))
        self.config = without_launcher(self.config)
        task = self.task_function
        for again in (True, False):
            if received_signal() is not None:
                break
            try:
                with TemporaryDirectory() as folder:
                    self.task_function = in_slot = InSlot(task, slots, Path(folder))
                    with children_told(in_slot.has_begun):
                        return super().launch(job_overrides, initial_job_idx)
            except TerminatedWorkerError:  # which ends the other workers as well
                what = "what is left is started once more" if again else "the same command goes on"
                log.error("a worker process was killed, for want of memory perhaps; %s", what)
            finally:
                self.task_function = task  # another batch of the sweep has a folder of its own
        return []


def without_launcher(config: DictConfig) -> DictConfig:
    """The config of a sweep, of which a run is composed without the launcher: a worker reads all plugins anew.

    Args:
        config: composed, with Hydra's part.
    """
    changed = config.copy()
    typed = [line for line in config.hydra.overrides.hydra if not line.startswith(("hydra/launcher", "hydra.launcher"))]
    with read_write(changed):
        changed.hydra.overrides.hydra = typed
    return changed


@dataclass
class PackedLauncherConf(JobLibLauncherConf):
    """The options of ``hydra/launcher=joblib``: the plugin's, and how many runs share a device."""

    _target_: str = "hydra_plugins.gan_lightning_launchers.PackedLauncher"
    n_jobs: int | None = None  # pyright: ignore[reportIncompatibleVariableOverride]
    runs_per_device: int | None = None


class QueueLauncher(SlurmLauncher):
    """Runs of a sweep as jobs of SLURM's queue, which live on without the process that submitted them.

    A run that has ended, or is in the queue, is told and not submitted.

    Args:
        processes_by_slurm: whether SLURM starts a run's processes, a task each, on one node or several.
        runs_per_job: how many runs a job works off.
        runs_per_device: how many of them side by side on a device.
        wait: whether to wait until all have left the queue.
        request: the arguments of the plugin's launcher.
    """

    def __init__(
        self, *, processes_by_slurm: bool, runs_per_job: int, runs_per_device: int, wait: bool, **request: Any
    ) -> None:
        super().__init__(**request)
        self.processes_by_slurm, self.wait = processes_by_slurm, wait
        self.runs_per_job, self.runs_per_device = runs_per_job, runs_per_device

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        from gan_lightning.runs.interruption import received_signal
        from gan_lightning.runs.overrides import Mistake
        from gan_lightning.runs.sweep import left_to_submit

        refuse_in_a_world("slurm")
        assert self.config is not None
        own = {
            "processes_by_slurm": self.processes_by_slurm,
            "runs_per_job": self.runs_per_job,
            "runs_per_device": self.runs_per_device,
        }
        left = left_to_submit(self.config, job_overrides, request=self.params | own)
        if not left:
            return []
        chunks = [left[first : first + self.runs_per_job] for first in range(0, len(left), self.runs_per_job)]
        indices = [initial_job_idx + first for first in range(0, len(left), self.runs_per_job)]
        if received_signal() is not None:
            return []
        state = Singleton.get_state()
        runs = [[overrides for overrides, _ in chunk] for chunk in chunks]
        try:
            jobs = self._executor().map_array(self._work, runs, indices, [state] * len(chunks))
        except (FailedJobError, FailedSubmissionError) as error:
            said = str(error).strip().splitlines() or ["it failed without a word"]
            raise Mistake(f"sbatch: {said[-1].removeprefix('sbatch: ')}") from error
        assert self.hydra_context is not None and self.task_function is not None
        self.hydra_context.callbacks.on_job_start(config=self.config, task_function=self.task_function)
        for chunk, job in zip(chunks, jobs, strict=True):
            for _, directory in chunk:
                directory.note_job(job.job_id)
        ids = sorted({job.job_id.partition("_")[0] for job in jobs})
        log.info(
            "%d of %d runs submitted as job %s; this terminal is no longer needed",
            len(left),
            len(job_overrides),
            ", ".join(ids),
        )
        if self.wait:
            wait_for(ids)
        return []

    def _executor(self) -> Any:
        """Of submitit, with the plugin's way of naming what SLURM is asked for."""
        import submitit

        from gan_lightning.runs.overrides import Mistake

        if shutil.which("sbatch") is None:
            raise Mistake("hydra/launcher=slurm is not possible here: no sbatch is found; allowed: basic, joblib")
        general = set(OmegaConf.structured(BaseQueueConf).keys())
        others = ("submitit_folder", "max_num_timeout")
        asked = {name: value for name, value in self.params.items() if name not in others}
        if not asked["gpus_per_node"]:
            asked["gpus_per_node"] = None  # clusters without GPUs may know no such resource
        asked["setup"] = [*SETUP, *(asked["setup"] or [])]
        executor = submitit.AutoExecutor(cluster=self._EXECUTOR, folder=self.params["submitit_folder"])
        executor.update_parameters(
            **{name if name in general else f"{self._EXECUTOR}_{name}": value for name, value in asked.items()}
        )
        return executor

    def _work(self, runs: list[list[str]], index: int, singleton_state: dict[type, Singleton]) -> None:
        """What a job does: one run, or several side by side."""
        from gan_lightning.runs.interruption import received_signal, watch_signals
        from gan_lightning.runs.slurm import requeue_before_limit
        from gan_lightning.runs.world import speaks

        if len(runs) == 1:
            done = [self(runs[0], "hydra.sweep.dir", index, f"job_id_for_{index}", singleton_state)]
        else:
            Singleton.set_state(singleton_state)
            assert self.hydra_context is not None and self.task_function is not None and self.config is not None
            watch_signals()
            launcher = PackedLauncher(runs_per_device=self.runs_per_device)
            launcher.setup(hydra_context=self.hydra_context, task_function=self.task_function, config=self.config)
            done = launcher.launch(runs, index)
        ended = [each for each in done if each.status == JobStatus.COMPLETED]
        is_left = len(done) < len(runs) or any(each.return_value == "interrupted" for each in ended)
        if is_left and speaks():
            requeue_before_limit(received_signal())


@dataclass
class QueueLauncherConf(SlurmQueueConf):
    """The options of ``conf/hydra/launcher/slurm.yaml``: the plugin's, and this launcher's own."""

    _target_: str = "hydra_plugins.gan_lightning_launchers.QueueLauncher"
    processes_by_slurm: bool = False
    runs_per_job: int = 1
    runs_per_device: int = 1
    wait: bool = True


ConfigStore.instance().store(
    group="hydra/launcher", name="slurm_queue", node=QueueLauncherConf, provider="gan_lightning"
)


class LauncherOptions(SearchPathPlugin):
    """Puts this project's options of ``hydra/launcher=joblib`` in the place of the plugin's.

    It is asked when Hydra has read all plugins, whose own options are stored while it does so.
    """

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Leave the search path alone."""
        store = ConfigStore.instance().store
        store(group="hydra/launcher", name="joblib", node=PackedLauncherConf, provider="gan_lightning")


def refuse_in_a_world(launcher: str) -> None:
    """Refuse a launcher in one of several processes of a run, each of which would start the sweep.

    Raises:
        Mistake: if this is one.
    """
    from gan_lightning.runs.overrides import Mistake
    from gan_lightning.runs.world import this_world

    world = this_world()
    if world is not None:
        raise Mistake(
            f"hydra/launcher={launcher} is not possible in one of {world.size} processes that {world.launcher} "
            "started; allowed: basic, which trains one run after the other by all of them"
        )


def wait_for(jobs: list[str]) -> None:
    """Wait until the queue is rid of jobs."""
    from gan_lightning.runs.interruption import received_signal
    from gan_lightning.runs.queueing import queued_jobs

    left = True
    while left and received_signal() is None:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        try:
            left = bool(queued_jobs(jobs))
        except OSError as error:
            log.warning("%s; it is asked again", error)
