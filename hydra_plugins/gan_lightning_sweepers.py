"""Hydra's sweeper for searches: ``hydra/sweeper=search``.

It lies here since Hydra takes sweepers from this namespace alone. What is heavy is imported where it is needed, since
Hydra reads this file at every start.
"""

from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore


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

    def sweep(self, arguments: list[str]) -> Any:
        """Try, wait, look at the results, and try again; told at the end is the best of each combination."""
        from gan_lightning.runs.directory import InUse
        from gan_lightning.runs.overrides import Mistake
        from gan_lightning.runs.searching import Searching

        assert self.config is not None
        try:
            Searching(self.config, self._launch).run()
        except InUse as error:
            raise Mistake(f"{self.config.hydra.sweep.dir} is in use: another process searches there") from error
        except (ValueError, OSError) as error:
            raise Mistake(str(error)) from error

    def _launch(self, runs: list[list[str]], first: int) -> None:
        assert self.launcher is not None
        self.validate_batch_is_legal(runs)
        for each in self.launcher.launch(runs, initial_job_idx=first):
            _ = each.return_value  # raises what ended a job


@dataclass
class SearchSweeperConf:
    """The options of ``hydra/sweeper=search``."""

    _target_: str = "hydra_plugins.gan_lightning_sweepers.SearchSweeper"
    n_trials: int = 20
    trials_at_once: int = 1
    seed: int = 0
    params: dict[str, str] | None = None


ConfigStore.instance().store(group="hydra/sweeper", name="search", node=SearchSweeperConf, provider="gan_lightning")
