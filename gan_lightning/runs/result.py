"""``result.json``: what a run was and how it ended, written and read by everybody through one class."""

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from gan_lightning.atomic import atomic_file
from gan_lightning.own_files import read_own

ENDED = ("finished", "diverged", "failed")
STATUSES = (*ENDED, "running")

REMEDY = "the run's own command writes it anew from what the last checkpoint knows, and moves a broken one aside"

LARGEST = 2**20
"""Bytes that a ``result.json`` may have."""


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

    def is_over(self, generator_steps: int) -> bool:
        """Whether nothing is left to do of a run that is to be so long: it diverged, or has come as far or farther."""
        if self.status == "finished":
            return self.generator_step >= generator_steps
        return self.status == "diverged" or self.generator_step > generator_steps

    def taken(self, which: str) -> dict[str, Any]:
        """Scores of kind ``which`` (``final`` or ``best``) by name, and the ``generator_step``; empty if none."""
        return (self.scores or {}).get(which) or {}

    def scores_taken(self, which: str) -> dict[str, Any]:
        """As :meth:`taken`, the scores alone."""
        return {name: value for name, value in self.taken(which).items() if name != "generator_step"}

    def score(self, which: str, name: str) -> float | None:
        """A score of kind ``which`` (``final`` or ``best``): ``None`` if never taken, NaN if it was not a number."""
        taken = self.taken(which)
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
        return checked_result(json.loads(read_own(file, largest=LARGEST)))
    except FileNotFoundError:
        raise
    except (OSError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: not a run's result: {' '.join(str(error).split())}; {REMEDY}") from error


def checked_result(content: Any) -> Result:
    """The result whose fields are the entries of a dictionary, as JSON has them.

    Raises:
        ValueError: if an entry is missing, or of another type.
    """
    if not isinstance(content, dict):
        raise ValueError("it has no entries")
    entries = dict(content)
    if "method" not in entries and "objective" in entries:
        entries["method"] = entries["objective"]
    if type(entries.get("study")) is int:  # as YAML reads one that is called by a number
        entries["study"] = str(entries["study"])
    entries["label"] = entries.get("label") or entries.get("method")
    for field in fields(Result):
        if field.name not in entries and field.default is MISSING:
            raise ValueError(f"no entry '{field.name}'")
        if field.name in entries and not _fits(entries[field.name], field.type):
            raise ValueError(f"{field.name} is {str(entries[field.name])[:100]!r}, which it cannot be")
    if entries["status"] not in STATUSES:
        raise ValueError(f"status '{entries['status']}' is none of {', '.join(STATUSES)}")
    _check_scores(entries.get("scores") or {})
    return Result(**{field.name: entries[field.name] for field in fields(Result) if field.name in entries})


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value of JSON is of a field's type; numbers of a result are finite and not negative."""
    if isinstance(kind, UnionType):
        return any(_fits(value, each) for each in get_args(kind))
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(each, get_args(kind)[1]) for each in value.values())
    if kind in (int, float):
        return type(value) in (int, kind) and 0 <= value < (2**63 if kind is int else math.inf)
    return kind is Any or isinstance(value, kind)


def _check_scores(scores: Mapping[str, Any]) -> None:
    """Look whether scores are such as a run takes them: numbers by name, and ``None`` for what was none.

    Raises:
        ValueError: if they are not.
    """
    for which in ("final", "best", "protocol"):
        if not isinstance(scores.get(which, {}), dict):
            raise ValueError(f"scores.{which} is {str(scores[which])[:100]!r}, and dict is needed")
    for name in ("monitor", "watched"):
        if not isinstance(scores.get(name, ""), str):
            raise ValueError(f"scores.{name} is {str(scores[name])[:100]!r}, and str is needed")
    for which in ("final", "best"):
        for name, value in scores.get(which, {}).items():
            is_number = isinstance(value, (int, float, NoneType)) and not isinstance(value, bool)
            if not is_number or (isinstance(value, int) and abs(value) >= 2**63):
                raise ValueError(f"scores.{which}.{name} is {str(value)[:100]!r}, and a number is needed")


def write_result(file: Path, result: Result) -> None:
    """Write a ``result.json``, atomically."""
    with atomic_file(file) as temporary:
        temporary.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
