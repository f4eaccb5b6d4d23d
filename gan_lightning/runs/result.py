"""``result.json``: what a run was and how it ended, written and read by everybody through one class."""

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gan_lightning.atomic import atomic_file

ENDED = ("finished", "diverged", "failed")
STATUSES = (*ENDED, "running")

REMEDY = "delete it, and the run's command writes it anew, going on from the last checkpoint if there is one"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One ``result.json``. What has a default may be unknown: to a run that was refused, or in an older file.

    Attributes:
        status: ``running``, ``finished``, ``diverged`` or ``failed``.
        study: which study the run belongs to.
        method, label: the method by its name in the configuration, and as people write it.
        seed: of the run.
        generator_steps, generator_step: how long the run is to be, and how far it has come.
        seconds: wall time of training, earlier starts included.
        learning_rate_scale, n_critic: as in the configuration.
        choices: which option of each config group was chosen, such as ``{"arch": "dcgan"}``.
        architecture: the drawn axes, ``None`` where nothing is drawn.
        scores: ``{"monitor": name, "watched": name, "final": {…}, "best": {…}, "protocol": {…}}``, ``None`` if none was
            taken. The run is judged by the ``monitor``, its best generator found by what was ``watched`` on the way.
        data: what was read, by content.
        parameters: how many the ``generator`` and the ``critic`` have.
        versions: of Python and of the packages.
        host, device: on which machine the last start was, and on what: ``cuda`` or ``cpu``.
        error: what went wrong, in one line.
    """

    status: str
    study: str
    method: str
    label: str
    seed: int
    generator_steps: int
    generator_step: int
    seconds: float
    learning_rate_scale: float | None = None
    n_critic: int | None = None
    choices: dict[str, str] | None = None
    architecture: dict[str, Any] | None = None
    scores: dict[str, Any] | None = None
    data: str | None = None
    parameters: dict[str, int] | None = None
    versions: dict[str, str] | None = None
    host: str | None = None
    device: str | None = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come unless the run is started again."""
        return self.status in ENDED

    def score(self, which: str, name: str) -> float | None:
        """A score of kind ``which`` (``final`` or ``best``): ``None`` if never taken, NaN if it was not a number."""
        taken = (self.scores or {}).get(which) or {}
        if name not in taken:
            return None
        return math.nan if taken[name] is None else float(taken[name])


def read_result(file: Path) -> Result:
    """Read a ``result.json``, an older one too: there ``objective`` stands for the method and its label.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is broken or not a run's, in one line that names it.
    """
    try:
        entries: dict[str, Any] = dict(json.loads(file.read_text(encoding="utf-8")))
        if "method" not in entries:
            entries["method"] = entries["objective"]
        entries["label"] = entries.get("label") or entries["method"]
        if entries["status"] not in STATUSES:
            raise ValueError(f"status '{entries['status']}' is none of {', '.join(STATUSES)}")
        for name in ("seed", "generator_steps", "generator_step"):
            entries[name] = int(entries[name])
        entries["seconds"] = float(entries["seconds"])
        if entries.get("learning_rate_scale") is not None:
            entries["learning_rate_scale"] = float(entries["learning_rate_scale"])
        return Result(**{field.name: entries[field.name] for field in fields(Result) if field.name in entries})
    except FileNotFoundError:
        raise
    except (KeyError, OSError, TypeError, ValueError) as error:
        reason = f"no entry {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise ValueError(f"{file}: not a run's result: {reason}; {REMEDY}") from error


def write_result(file: Path, result: Result) -> None:
    """Write a ``result.json``, atomically."""
    with atomic_file(file) as temporary:
        temporary.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
