"""What is looked at before a sweep starts, and what it says when it is over."""

import logging
import re
from collections import Counter
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.identity import LENGTH, follows_length, key_of, run_name
from gan_lightning.runs.overrides import Mistake, composed, sweep_overrides

log = logging.getLogger(__name__)


class SweepSummary(Callback):
    """Counts the runs of a sweep by how they ended; the exit code is 1 if one of them failed."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Refuse a sweep without runs, or with runs that would share a directory.

        Raises:
            Mistake: if it is such a sweep.
        """
        runs = list(sweep_overrides(config))
        if not runs:
            raise Mistake(f"the sweep has no runs: {' '.join(config.hydra.overrides.task)}")
        names = run_names(config, runs)
        check_distinct(names, runs)
        self.directories = [RunDirectory(Path(config.hydra.sweep.dir) / name) for name in names]

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Say how many runs finished, diverged and failed, and name those that failed.

        Raises:
            SystemExit: if a run failed.
        """
        ends = {directory.path: how_it_ended(directory) for directory in self.directories}
        counts = Counter(status for status, _ in ends.values())
        for path, (status, error) in ends.items():
            if status == "failed":
                log.info("failed: %s: %s", path.name, error)
        order = ("finished", "diverged", "failed", *sorted(counts.keys() - {"finished", "diverged", "failed"}))
        said = ", ".join(f"{counts[status]} {status}" for status in order)
        log.info("sweep of %d runs: %s: %s", len(ends), said, config.hydra.sweep.dir)
        if counts["failed"]:
            raise SystemExit(1)


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


def how_it_ended(directory: RunDirectory) -> tuple[str, str | None]:
    """The status of a run of a sweep, and its error; what was refused has failed, whatever an earlier start says."""
    if directory.refusal.exists():
        return "failed", directory.refusal.read_text().strip()
    try:
        result = directory.result
    except ValueError as error:
        return "failed", str(error)
    return ("failed", "no result") if result is None else (result.status, result.error)
