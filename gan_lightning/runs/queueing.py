"""SLURM's queue: what is in it, and whether what is asked of it fits the runs."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.settings import Settings

LEAST_SECONDS = 300
"""Of a job before the signal that saves its state: less is used up by starting it, again and again."""

OTHER_GPU_REQUESTS = ("gres", "gpus_per_task", "additional_parameters")
"""Settings of the launcher, besides ``gpus_per_node``, by which GPUs can be asked for."""

LONGEST_ANSWER = 60
"""Seconds that SLURM is given to tell what is in its queue."""


def queued_jobs(jobs: Iterable[str]) -> dict[str, str]:
    """Those of some jobs that are in SLURM's queue, with their states; none where there is no SLURM.

    Raises:
        OSError: if SLURM does not answer.
    """
    asked = sorted({job.partition("_")[0] for job in jobs})
    if not asked or shutil.which("squeue") is None:
        return {}
    found: dict[str, str] = {}
    for job in asked:  # together, one that SLURM has forgotten would make it refuse to answer for all
        command = ["squeue", "--noheader", "--array", "--format=%i %T", f"--jobs={job}"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_ANSWER)
        except subprocess.TimeoutExpired as error:
            raise OSError(f"squeue: no answer in {LONGEST_ANSWER} s") from error
        if answer.returncode and "Invalid job id" not in answer.stderr:
            raise OSError(f"squeue: {' '.join(answer.stderr.split()) or 'it failed without a word'}")
        found |= dict(line.split() for line in answer.stdout.splitlines())
    return found


def noted_jobs(directories: Iterable[RunDirectory]) -> list[str]:
    """The jobs that runs were given to; a file that names none is told with the state of its run."""
    jobs: list[str] = []
    for directory in directories:
        with suppress(ValueError, OSError):
            jobs += filter(None, [directory.noted_job])
    return jobs


def check_request(request: Mapping[str, Any], settings: Settings) -> None:
    """Look whether a job's resources are those that its runs will use.

    Args:
        request: the launcher's settings.
        settings: of a run, resolved.

    Raises:
        ValueError: naming what contradicts what.
    """
    trainer = settings["trainer"]
    processes_by_slurm, runs_per_job = request["processes_by_slurm"], request["runs_per_job"]
    if not 1 <= request["runs_per_device"] <= runs_per_job:
        raise ValueError(
            f"hydra.launcher.runs_per_device={request['runs_per_device']} is not possible: allowed: 1 to "
            f"hydra.launcher.runs_per_job={runs_per_job}"
        )
    if runs_per_job < 1 or (processes_by_slurm and runs_per_job > 1):
        allowed = "1 with hydra/launcher=slurm_ddp" if processes_by_slurm else "1 and more"
        raise ValueError(f"hydra.launcher.runs_per_job={runs_per_job} is not possible: allowed: {allowed}")
    devices, nodes, gpus = trainer["devices"], trainer["nodes"], request.get("gpus_per_node")
    tasks = (request["nodes"], request["tasks_per_node"])
    wanted = (nodes, devices) if processes_by_slurm else (1, 1)
    if tasks != wanted:
        raise ValueError(
            f"hydra.launcher.nodes={tasks[0]} hydra.launcher.tasks_per_node={tasks[1]} is not possible with "
            f"trainer.nodes={nodes} trainer.devices={devices}: allowed: {wanted[0]} and {wanted[1]}"
            + ("" if processes_by_slurm else ", or hydra/launcher=slurm_ddp, which has a task for each process")
        )
    if not processes_by_slurm and nodes > 1:
        raise ValueError(
            f"trainer.nodes={nodes} is not possible with hydra/launcher=slurm: use hydra/launcher=slurm_ddp"
        )
    if processes_by_slurm and devices > 1 and request.get("gpus_per_task"):
        raise ValueError(
            "hydra.launcher.gpus_per_task is not possible with hydra/launcher=slurm_ddp: each task would see a GPU "
            "of its own alone; use hydra.launcher.gpus_per_node"
        )
    if trainer["accelerator"] != "cpu" and gpus and (gpus % devices if runs_per_job > 1 else gpus != devices):
        allowed = "a multiple of it, where runs_per_job is more than 1" if runs_per_job > 1 else "as many"
        raise ValueError(
            f"hydra.launcher.gpus_per_node={gpus} is not possible with trainer.devices={devices}: allowed: {allowed}"
        )
    if trainer["accelerator"] == "cpu" and gpus:
        raise ValueError(f"hydra.launcher.gpus_per_node={gpus} is not possible with trainer=cpu: allowed: 0")
    if trainer["accelerator"] == "gpu" and not gpus and not any(request.get(name) for name in OTHER_GPU_REQUESTS):
        raise ValueError("trainer.accelerator=gpu is not possible with hydra.launcher.gpus_per_node=0")
    limit, warned = 60 * request["timeout_min"], request["signal_delay_s"]
    if limit < warned + LEAST_SECONDS:
        raise ValueError(
            f"hydra.launcher.timeout_min={request['timeout_min']} is not possible: the signal that saves a run's state "
            f"comes hydra.launcher.signal_delay_s={warned} seconds before, or up to a minute earlier, which leaves no "
            f"time to train; allowed: {-(-(warned + LEAST_SECONDS) // 60)} and more"
        )


def check_limit(request: Mapping[str, Any], settings: Settings, directory: RunDirectory) -> None:
    """Look whether a run gets from one checkpoint to the next in a job, where its speed is known from an earlier start.

    Raises:
        ValueError: if it does not.
    """
    try:
        result = directory.result
    except ValueError:  # the run itself writes it anew
        return
    if result is None or not result.generator_step:
        return
    interval = settings["every"]["checkpoint"]
    needed = interval * result.seconds / result.generator_step
    if needed > 60 * request["timeout_min"]:
        raise ValueError(
            f"hydra.launcher.timeout_min={request['timeout_min']} is not possible: {directory.path.name} took "
            f"{needed / 60:.0f} minutes for every.checkpoint={interval} iterations so far"
        )
