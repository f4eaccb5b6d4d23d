"""What is looked at before a sweep starts, and what it says when it is over."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from gan_lightning.run_directory import RunDirectory
from gan_lightning.settings import run_name

log = logging.getLogger(__name__)


class Mistake(SystemExit):
    """What the user asked for is not possible: ends the program with one line and exit code 2.

    A ``SystemExit``, since Hydra and its callbacks hold back every ``Exception``.
    """


class SweepSummary(Callback):
    """Counts the runs of a sweep by how they ended; the exit code is 1 if one of them failed."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Refuse a sweep without runs.

        Raises:
            Mistake: if there is none.
        """
        self.directories = [
            RunDirectory(Path(config.hydra.sweep.dir) / run_name(list(overrides)))
            for overrides in sweep_overrides(config)
        ]
        if not self.directories:
            raise Mistake(f"the sweep has no runs: {' '.join(config.hydra.overrides.task)}")

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Say how many runs finished, diverged and failed, and name those that failed.

        Raises:
            SystemExit: if a run failed.
        """
        results = {directory.path: directory.result for directory in self.directories}
        counts = Counter(result.get("status", "failed") for result in results.values())
        failed = {path: result for path, result in results.items() if result.get("status", "failed") == "failed"}
        for path, result in failed.items():
            log.info("failed: %s: %s", path.name, result.get("error") or "no result")
        order = ("finished", "diverged", "failed", *sorted(counts.keys() - {"finished", "diverged", "failed"}))
        said = ", ".join(f"{counts[status]} {status}" for status in order)
        log.info("sweep of %d runs: %s: %s", len(results), said, config.hydra.sweep.dir)
        if failed:
            raise SystemExit(1)


def sweep_overrides(config: DictConfig) -> Iterator[Iterable[str]]:
    """The task overrides of every run of a sweep, as Hydra's basic sweeper makes them."""
    lines = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    choices: dict[str, list[str]] = {}
    for override in OverridesParser.create().parse_overrides([*lines, *config.hydra.overrides.task]):
        key = override.get_key_element()
        if override.is_sweep_override():
            choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            choices[key] = [f"{key}={override.get_value_element_as_str()}"]
    return product(*choices.values())
