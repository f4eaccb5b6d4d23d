"""Where to look next: Optuna's tree-structured Parzen estimator (Bergstra et al., 2011), seeded trial by trial."""

import hashlib
import warnings
from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState, create_trial

from gan_lightning.runs.intervals import Interval, Value
from gan_lightning.runs.search import Outcome

AT_RANDOM = 5
"""Trials before the estimator says where to look; ours: laptops try tens, Optuna's 10 are for hundreds."""

STATES = {"finished": TrialState.COMPLETE, "diverged": TrialState.PRUNED, "failed": TrialState.FAIL}
"""A diverged trial is one that is worse than all that finished; of a failed one nothing is learnt."""


def suggest(
    axes: Mapping[str, Interval], tried: Sequence[tuple[Mapping[str, Value], Outcome]], *, count: int, seed: int
) -> list[dict[str, Value]]:
    """Values of the axes for the next trials, a function of the arguments alone.

    Args:
        axes: what is searched.
        tried: the values of every trial before, which have ended, and what became of them.
        count: how many are asked for at once; of each, those before it are taken for bad ones, so that they differ.
        seed: of the search.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {key: distribution(interval) for key, interval in axes.items()}
    higher = all(outcome.higher_is_better for _, outcome in tried)
    any_finished = any(outcome.value is not None for _, outcome in tried)
    digest = hashlib.sha256(repr((seed, len(tried))).encode()).digest()
    sampler = sampler_of(int.from_bytes(digest[:4], "big"), informed=any_finished)
    study = optuna.create_study(sampler=sampler, direction="maximize" if higher else "minimize")
    for at, outcome in tried:
        study.add_trial(
            create_trial(
                params=dict(at), distributions=distributions, value=outcome.value, state=STATES[outcome.status]
            )
        )
    asked = [study.ask(distributions).params for _ in range(count)]
    return [{key: interval.rounded(params[key]) for key, interval in axes.items()} for params in asked]


def distribution(interval: Interval) -> BaseDistribution:
    """An interval as Optuna has it."""
    if interval.whole:
        return IntDistribution(int(interval.low), int(interval.high), log=interval.log)
    return FloatDistribution(interval.low, interval.high, log=interval.log)


def sampler_of(seed: int, *, informed: bool) -> BaseSampler:
    """The estimator; as long as no trial has finished, draws at random, since it would take a diverged one for good."""
    if not informed:
        return RandomSampler(seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(n_startup_trials=AT_RANDOM, constant_liar=True, seed=seed)
