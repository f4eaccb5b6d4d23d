"""A search while it runs: ask, launch, look at the results, ask again."""

import logging
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.overrides import composed
from gan_lightning.runs.search import (
    Record,
    Search,
    Space,
    Trial,
    best_of,
    lines_at,
    outcomes_of,
    own_values,
    read_record,
    search_of,
    space_of,
    write_record,
)
from gan_lightning.runs.states import counted
from gan_lightning.runs.suggestions import suggest
from gan_lightning.runs.sweep import run_names

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Combination:
    """Of the lists that are swept: its overrides as typed, how long its runs are, and what was tried of it."""

    fixed: list[str]
    generator_steps: int
    search: Search


@dataclass(frozen=True)
class Searching:
    """A search of a sweep.

    Args:
        config: of the sweep.
        launch: trains runs, given the overrides of each and how many there were before.
    """

    config: DictConfig
    launch: Callable[[list[list[str]], int], None]

    @property
    def directory(self) -> Path:
        return Path(self.config.hydra.sweep.dir)

    def run(self) -> None:
        """Try until all trials have ended, or until the sweep is asked to stop; tell the best of each combination.

        Raises:
            InUse: if another process searches here.
            OSError, ValueError: if what was tried cannot be read or written.
        """
        with RunDirectory(self.directory).claimed():
            sweeper, space = self.config.hydra.sweeper, space_of(self.config)
            record = read_record(self.directory) or Record(space.axes, sweeper.seed, sweeper.n_trials)
            record.n_trials = sweeper.n_trials
            combinations = [
                Combination(fixed, composed(self.config, fixed).generator_steps, search_of(record, fixed))
                for fixed in space.combinations
            ]
            if self._all_tried(record, combinations, space):
                for combination in combinations:
                    log.info("%s", told(self.directory, combination.search))
                log.info("all trials: python -m gan_lightning.report %s", self.directory)

    def _all_tried(self, record: Record, combinations: list[Combination], space: Space) -> bool:
        """Ask and launch; false where a run has not ended: a stop was asked for, or another process trains it."""
        launched: set[str] = set()
        while True:
            left: dict[str, list[str]] = {}
            for combination in combinations:
                left |= self._unfinished(combination, space)
            left = {name: run for name, run in left.items() if name not in launched}
            write_record(self.directory, record)
            if left:
                self.launch(list(left.values()), len(launched))
                launched |= left.keys()
                outcomes = [outcome for each in combinations for _, outcome in outcomes_of(each.search, self.directory)]
                if any(outcome.status == "running" for outcome in outcomes):
                    return False
                log.info("%s", record.progress)
                continue
            asked = [self._ask(combination, space) for combination in combinations]
            if not any(asked):
                return True

    def _unfinished(self, combination: Combination, space: Space) -> dict[str, list[str]]:
        """The runs of a combination's trials, by directory, that have something left to do; all are written down."""
        trials = combination.search.trials
        runs = [space.runs(combination.fixed, trial.at) for trial in trials]
        names = iter(run_names(self.config, [run for each in runs for run in each]))
        found = {}
        for trial, each in zip(trials, runs, strict=True):
            trial.runs = [next(names) for _ in each]
            for name, run in zip(trial.runs, each, strict=True):
                result = RunDirectory(self.directory / name).result
                if result is None or not (result.ended and result.is_over(combination.generator_steps)):
                    found[name] = run
        return found

    def _ask(self, combination: Combination, space: Space) -> bool:
        """Add the next trials of a combination to those that were tried; false where there are all."""
        sweeper, trials = self.config.hydra.sweeper, combination.search.trials
        count = min(sweeper.trials_at_once, sweeper.n_trials - len(trials))
        if count < 1:
            return False
        tried = [(trial.at, outcome) for trial, outcome in outcomes_of(combination.search, self.directory)]
        own = None if tried else own_values(self.config, space, combination.fixed)
        first = [] if own is None else [own]
        more = suggest(space.axes, tried, count=count - len(first), seed=sweeper.seed)
        trials += [Trial(at, []) for at in (*first, *more)]
        return True


def told(directory: Path, search: Search) -> str:
    """The best of a combination in one line, as it is typed, and what became of the trials."""
    tried = outcomes_of(search, directory)
    became = counted(outcome for _, outcome in tried)
    best = best_of(tried)
    if best is None:
        return f"{shlex.join(search.fixed)}: {len(tried)} trials, none of which finished: {became}"
    trial, outcome = best
    spread = "" if outcome.spread is None else f" ± {outcome.spread:.2g}"
    typed = shlex.join([*search.fixed, *lines_at(trial.at)])
    return f"{outcome.monitor} {outcome.value:.4g}{spread}, the best of {len(tried)} trials ({became}): {typed}"
