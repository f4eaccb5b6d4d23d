"""What a run asks of SLURM, where it is one of its jobs."""

import logging
import os
import re
import signal
import subprocess
from collections.abc import Mapping

from gan_lightning.runs.interruption import BEFORE_THE_LIMIT

log = logging.getLogger(__name__)


def job_id(environ: Mapping[str, str] = os.environ) -> str | None:
    """Of the job that this process is of, ``ARRAY_TASK`` in an array; ``None`` outside of SLURM."""
    if "SLURM_ARRAY_JOB_ID" in environ:
        return f"{environ['SLURM_ARRAY_JOB_ID']}_{environ['SLURM_ARRAY_TASK_ID']}"
    return environ.get("SLURM_JOB_ID")


def requeue_before_limit(number: signal.Signals | None) -> None:
    """Put this job into the queue again if SLURM was asked to send this signal ahead of the job's end.

    SIGTERM is no such signal: it says that a job is cancelled, or preempted. A job that is preempted and given time
    would be taken for a finished one if it ended within it: it is put into the queue too. One process of a job asks, at
    the end of all that it does: of a run, of a sweep, of the runs that share a job.
    """
    job = job_id()
    if job is None or not (number in BEFORE_THE_LIMIT or (number == signal.SIGTERM and _is_preempted(job))):
        return
    try:
        subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        log.error("job %s cannot be put into the queue again: %s", job, getattr(error, "stderr", "") or error)
    else:
        log.info("job %s is in the queue again, and goes on from there", job)


def _is_preempted(job: str) -> bool:
    try:
        told = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True).stdout
    except OSError:
        return False
    time = re.search(r"\bPreemptTime=(\S+)", told)
    return time is not None and time[1] not in ("None", "Unknown")
