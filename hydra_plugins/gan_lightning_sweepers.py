"""Hydra's sweeper for searches: ``hydra/sweeper=search``.

It lies here since Hydra takes sweepers from this namespace alone. What is heavy is imported where it is needed, since
Hydra reads this file at every start.
"""

import logging
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore

if TYPE_CHECKING:
    from gan_lightning.runs.search import Record, Search, Space

log = logging.getLogger(__name__)

STATUSES = ("finished", "diverged", "failed")


class SearchSweeper(BasicSweeper):
    """Searches intervals such as ``learning_rate_scale=tag(log,interval(0.1,100))`` for the best score.

    Lists are swept: each of their combinations is a search of its own. The first trial has the recipe's own values
    where they lie within the intervals, the next few are drawn, and the others are where Optuna's estimator expects
    more. What is tried stands in ``search.json``; a search that was cut off goes on with what it would have tried.

    Args:
        n_trials: of each combination, each with a run for every seed that is listed: their mean score is its value.
        trials_at_once: of each combination, that are begun without waiting for each other.
        seed: of the search; those of the runs are ``seed=…``.
        params: what a study's file sweeps.
    """

    def __init__(self, n_trials: int, trials_at_once: int, seed: int, params: dict[str, str] | None = None) -> None:
        super().__init__(max_batch_size=None, params=params)
        self.n_trials, self.trials_at_once, self.seed = n_trials, trials_at_once, seed

    def sweep(self, arguments: list[str]) -> Any:
        """Try, wait, look at the results, and try again; told at the end is the best of each combination."""
        from gan_lightning.runs.directory import InUse, RunDirectory
        from gan_lightning.runs.overrides import Mistake
        from gan_lightning.runs.search import Record, read_record, search_of, space_of

        assert self.config is not None
        directory = Path(self.config.hydra.sweep.dir)
        try:
            with RunDirectory(directory).claimed():
                space = space_of(self.config)
                record = read_record(directory) or Record(space.axes, self.seed, self.n_trials)
                record.n_trials = self.n_trials
                searches = [search_of(record, fixed) for fixed in space.combinations]
                self._search(directory, record, searches, space)
        except InUse as error:
            raise Mistake(f"{directory} is in use: another process searches there") from error
        except (ValueError, OSError) as error:
            raise Mistake(str(error)) from error

    def _search(self, directory: Path, record: "Record", searches: "list[Search]", space: "Space") -> None:
        from gan_lightning.runs.search import outcome_of, write_record

        launched: set[str] = set()
        while True:
            left = {
                name: run
                for search, fixed in zip(searches, space.combinations, strict=True)
                for name, run in self._unfinished(directory, search, fixed, space).items()
                if name not in launched
            }
            write_record(directory, record)
            if left:
                self._launch(list(left.values()), first=len(launched))
                launched |= left.keys()
                if any(outcome_of(trial, directory).status == "running" for each in searches for trial in each.trials):
                    return  # asked to stop, or trained by another process
                log.info("%s", record.progress)
                continue
            asked = [
                self._ask(directory, search, fixed, space)
                for search, fixed in zip(searches, space.combinations, strict=True)
            ]
            if not any(asked):
                break
        for search in searches:
            log.info("%s", told(directory, search))
        log.info("all trials: python -m gan_lightning.report %s", directory)

    def _unfinished(self, directory: Path, search: "Search", fixed: list[str], space: "Space") -> dict[str, list[str]]:
        """The runs of a combination's trials, by directory, that are to be trained or trained on; all are written down.

        Raises:
            ValueError: if a result is broken.
        """
        from gan_lightning.runs.directory import RunDirectory
        from gan_lightning.runs.overrides import composed
        from gan_lightning.runs.sweep import run_names

        assert self.config is not None
        runs = [space.runs(fixed, trial.at) for trial in search.trials]
        names = iter(run_names(self.config, [run for each in runs for run in each]))
        length: int = composed(self.config, fixed).generator_steps
        found = {}
        for trial, each in zip(search.trials, runs, strict=True):
            trial.runs = [next(names) for _ in each]
            for name, run in zip(trial.runs, each, strict=True):
                result = RunDirectory(directory / name).result
                is_over = result is not None and (
                    result.status == "diverged" or (result.status == "finished" and result.generator_step >= length)
                )
                if not is_over:
                    found[name] = run
        return found

    def _ask(self, directory: Path, search: "Search", fixed: list[str], space: "Space") -> bool:
        """Add the next trials of a combination to those that were tried; false where there are all."""
        from gan_lightning.runs.search import Trial, outcome_of, own_values
        from gan_lightning.runs.suggestions import suggest

        assert self.config is not None
        count = min(self.trials_at_once, self.n_trials - len(search.trials))
        if count < 1:
            return False
        tried = [(trial.at, outcome_of(trial, directory)) for trial in search.trials]
        own = None if tried else own_values(self.config, space, fixed)
        first = [] if own is None else [own]
        more = suggest(space.axes, tried, count=count - len(first), seed=self.seed)
        search.trials += [Trial(at, []) for at in (*first, *more)]
        return True

    def _launch(self, runs: list[list[str]], *, first: int) -> None:
        assert self.launcher is not None
        self.validate_batch_is_legal(runs)
        for each in self.launcher.launch(runs, initial_job_idx=first):
            _ = each.return_value  # raises what ended a job


def told(directory: Path, search: "Search") -> str:
    """The best of a combination in one line, as it is typed, and what became of the trials."""
    from gan_lightning.runs.search import best_of, lines_at, outcome_of

    tried = [(trial, outcome_of(trial, directory)) for trial in search.trials]
    counts = [(status, sum(outcome.status == status for _, outcome in tried)) for status in STATUSES]
    became = ", ".join(f"{count} {status}" for status, count in counts)
    best = best_of(tried)
    if best is None:
        return f"{shlex.join(search.fixed)}: {len(tried)} trials, none of which finished: {became}"
    trial, outcome = best
    spread = "" if outcome.spread is None else f" ± {outcome.spread:.2g}"
    typed = shlex.join([*search.fixed, *lines_at(trial.at)])
    return f"{outcome.monitor} {outcome.value:.4g}{spread}, the best of {len(tried)} trials ({became}): {typed}"


@dataclass
class SearchSweeperConf:
    """The options of ``hydra/sweeper=search``."""

    _target_: str = "hydra_plugins.gan_lightning_sweepers.SearchSweeper"
    n_trials: int = 20
    trials_at_once: int = 1
    seed: int = 0
    params: dict[str, str] | None = None


ConfigStore.instance().store(group="hydra/sweeper", name="search", node=SearchSweeperConf, provider="gan_lightning")
