"""How far the runs of a sweep have come, by their directories, by who holds them, and by SLURM's queue."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.result import Result

ORDER = ("finished", "diverged", "failed", "running", "queued", "interrupted", "stale", "missing")
"""Of the states a run can be in.

``interrupted`` has kept its state at a signal, ``stale`` says it is running and no process has it, ``queued`` is in
SLURM's queue and has not begun, and of what is ``missing`` there is nothing.
"""


RATE_ROWS = 10
"""Rows of ``metrics.csv`` that a speed is taken over: between two of them there may be a score."""


class HasStatus(Protocol):
    """What is in one of the states, such as a run or a trial."""

    @property
    def status(self) -> str: ...


@dataclass(frozen=True)
class State:
    """How far a run has come.

    Attributes:
        name: of its directory.
        status: one of ``ORDER``.
        step, length: generator iteration, and how many there will be; ``None`` where nothing is known.
        rate: iterations a second of late, ``None`` where it is not running or not known yet.
        error: what went wrong, in one line.
    """

    name: str
    status: str
    step: int | None = None
    length: int | None = None
    rate: float | None = None
    error: str | None = None

    @property
    def seconds_left(self) -> float | None:
        if self.rate is None or self.step is None or self.length is None:
            return None
        return (self.length - self.step) / self.rate


def state_of(directory: RunDirectory, *, queued: Mapping[str, str]) -> State:
    """The state of one run. What was refused has failed, whatever an earlier start says, unless one is under way.

    Args:
        directory: of the run.
        queued: the jobs in SLURM's queue, with their states.
    """
    name = directory.path.name
    is_held = directory.is_held  # first: a run that ends between two looks has then a result
    try:
        result, refused, job = directory.result, directory.refused, directory.noted_job
    except (ValueError, OSError) as error:
        return State(name, "failed", error=str(error))
    if result is not None and result.status in ("finished", "diverged") and refused is None:
        return State(name, result.status, result.generator_step, result.generator_steps, None, result.error)
    known = (None, None) if result is None else (result.generator_step, result.generator_steps)
    if is_held and result is None:
        return State(name, "running")  # and prepares its data
    if is_held and result is not None:
        try:
            step, rate = _progress(directory, result)
        except (ValueError, OSError) as error:
            return State(name, "running", *known, error=str(error))
        return State(name, "running", step, result.generator_steps, rate)
    if job in queued:
        return State(name, "queued", *known)
    if refused is not None:
        return State(name, "failed", error=refused)
    if result is None:
        return State(name, "missing")
    if result.status == "failed":
        return State(name, "failed", *known, error=result.error)
    return State(name, "interrupted" if result.error else "stale", *known, error=result.error)


def counted(states: Iterable[HasStatus]) -> str:
    """How many are in which state, the first three always, in words."""
    counts = Counter(state.status for state in states)
    return ", ".join(f"{counts[status]} {status}" for status in ORDER if counts[status] or status in ORDER[:3])


def _progress(directory: RunDirectory, result: Result) -> tuple[int, float | None]:
    """The latest iteration that anything was written of, and iterations a second over the last rows."""
    rows = read_metrics(directory.metrics)
    points = sorted((step, row["seconds"]) for step, row in rows.items() if "seconds" in row)
    step = max([result.generator_step, *(step for step, _ in points)])
    (first, begun), (last, ended) = (points[-RATE_ROWS:][0], points[-1]) if points else ((0, 0.0), (0, 0.0))
    return step, (last - first) / (ended - begun) if ended > begun else None
