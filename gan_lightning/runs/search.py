"""What a search has tried: the axes, the trials of each combination of lists, and what became of their runs.

The runs are the truth: a trial's value is read from their results. ``search.json`` has what was tried alone, so that a
search goes on wherever it was cut off, and with another version of Optuna too.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any

from omegaconf import DictConfig, OmegaConf
from pydantic import Field, RootModel, TypeAdapter, ValidationError

from gan_lightning.atomic import atomic_file
from gan_lightning.own_files import read_own, unreadable
from gan_lightning.ranges import Count, Seed, check_value
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.identity import UNNAMED, is_within, key_of
from gan_lightning.runs.intervals import Interval, Value
from gan_lightning.runs.overrides import Mistake, composed, is_search, own_part, swept_lines
from gan_lightning.runs.settings import resolve
from gan_lightning.runs.world import this_world

NAME = "search.json"

LARGEST = 2**24
"""Bytes that the file may have."""

Line = Annotated[str, Field(max_length=1000)]
DirectoryName = Annotated[str, Field(pattern=r"^[\w,=+-][\w.,=+-]*$", max_length=255)]


@dataclass
class Trial:
    """Values of the axes, and the directories of the runs at them, one for each seed."""

    at: dict[Line, Value]
    runs: list[DirectoryName]


@dataclass
class Search:
    """What was tried with one combination of the lists that are swept: ``fixed``, its overrides."""

    fixed: list[Line]
    trials: list[Trial] = field(default_factory=list)


@dataclass
class Record:
    """``search.json``: see the attributes of those above; ``seed`` and ``n_trials`` are the sweeper's."""

    axes: dict[Line, Interval]
    seed: Seed
    n_trials: Count
    searches: list[Search] = field(default_factory=list)

    @property
    def runs(self) -> list[str]:
        """The directories of all runs, each once."""
        return list(dict.fromkeys(run for search in self.searches for trial in search.trials for run in trial.runs))

    @property
    def all_begun(self) -> bool:
        """Whether no trial is to come that has not been begun."""
        return all(len(search.trials) >= self.n_trials for search in self.searches)

    @property
    def progress(self) -> str:
        """How many trials have been begun, in words."""
        begun = sum(len(search.trials) for search in self.searches)
        return f"{begun} of {max(self.n_trials * len(self.searches), begun)} trials begun"


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        status: ``finished``, ``diverged`` or ``failed``, as the worst of its runs; ``running`` while one has not ended.
        scores: of its runs that finished, by what they were judged.
        monitor: the name of that score; empty where none is known.
        higher_is_better: whether that is so.
    """

    status: str
    scores: tuple[float, ...] = ()
    monitor: str = ""
    higher_is_better: bool = True

    @property
    def value(self) -> float | None:
        """The mean over seeds; ``None`` unless all runs finished."""
        return fmean(self.scores) if self.status == "finished" else None

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; ``None`` for one."""
        return stdev(self.scores) if self.status == "finished" and len(self.scores) > 1 else None


@dataclass(frozen=True)
class Space:
    """What a sweep searches, as it was typed.

    Attributes:
        axes: intervals by key.
        combinations: the overrides of each combination of lists, seeds aside.
        seeds: the overrides ``seed=…`` over which a trial's value is the mean; an empty one where none was typed.
    """

    axes: dict[str, Interval]
    combinations: list[list[str]]
    seeds: list[list[str]]

    def runs(self, fixed: Sequence[str], at: Mapping[str, Value]) -> list[list[str]]:
        """The overrides of every run of a trial."""
        return [[*fixed, *lines_at(at), *seed] for seed in self.seeds]


def lines_at(at: Mapping[str, Value]) -> list[str]:
    """Values of the axes as overrides."""
    return [f"{key}={value:.10g}" for key, value in at.items()]


def space_of(config: DictConfig) -> Space:
    """What the sweep of a composed config searches.

    Raises:
        Mistake: if it has no interval, or one of what does not tell runs apart.
    """
    lists, axes = swept_lines(config)
    if not axes:
        raise Mistake(
            "hydra/sweeper=search is not possible: nothing is searched; give an interval, as in "
            "'learning_rate_scale=tag(log,interval(0.1,100))', or leave the sweeper out for a grid"
        )
    for key in axes:
        if key == "seed" or is_within(key_of(key), UNNAMED):
            raise Mistake(f"{key} cannot be searched: it makes no other method of a run")
    seeds = [[line] for line in lists.pop("seed", [])] or [[]]
    return Space(axes, [list(lines) for lines in product(*lists.values())], seeds)


def check_search(config: DictConfig) -> None:
    """Look, before any run, whether a search is possible: its options, and the settings at both ends of every axis.

    Raises:
        Mistake: if it is not; of a sweep that is no search, nothing is looked at.
    """
    if not is_search(config):
        return
    sweeper, world = config.hydra.sweeper, this_world()
    try:
        if world is not None:
            raise ValueError(
                f"hydra/sweeper=search is not possible in one of {world.size} processes that {world.launcher} started, "
                "each of which would search; allowed: a search of its own process, whose runs start theirs"
            )
        for name, kind in (("n_trials", Count), ("trials_at_once", Count), ("seed", Seed)):
            check_value(sweeper.get(name), kind, "hydra", "sweeper", name)
        check_can_suggest()
        if not config.hydra.launcher.get("wait", True):
            raise ValueError("hydra.launcher.wait=false is not possible in a search, which follows its runs' results")
        space = space_of(config)
        record = read_record(Path(config.hydra.sweep.dir))
        if record is not None:
            check_same(record, space, seed=sweeper.seed, file=Path(config.hydra.sweep.dir) / NAME)
        for fixed in space.combinations:
            for end in ("low", "high"):
                at = {key: getattr(interval, end) for key, interval in space.axes.items()}
                settings = resolve(own_part(composed(config, space.runs(fixed, at)[0])))
                if not settings["metrics"].get("_target_"):
                    raise ValueError("metrics=none is not possible in a search: there is nothing to search by")
    except (ValueError, OSError) as error:
        raise Mistake(str(error)) from error


def check_can_suggest() -> None:
    """Look whether Optuna is here.

    Raises:
        ValueError: saying how to get it.
    """
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise ValueError("hydra/sweeper=search needs Optuna: pip install 'gan_lightning[search]'") from error


def check_same(record: Record, space: Space, *, seed: int, file: Path) -> None:
    """Look whether a search goes on with what it searched before; more trials, lists and seeds are more of the same.

    Raises:
        ValueError: if its axes or its own seed are others.
    """
    if (record.axes, record.seed) != (space.axes, seed):
        raise ValueError(
            f"{file} is of another search: its axes ({', '.join(map(in_words, record.axes.items()))}) or "
            f"hydra.sweeper.seed ({record.seed}) are others; give this one a study=NAME of its own"
        )


def in_words(axis: tuple[str, Interval]) -> str:
    """An axis as it is typed."""
    key, interval = axis
    bounds = f"interval({interval.low:g},{interval.high:g})"
    bounds = f"int({bounds})" if interval.whole else bounds
    return f"{key}=tag(log,{bounds})" if interval.log else f"{key}={bounds}"


def read_record(directory: Path) -> Record | None:
    """What was tried in a study's directory; ``None`` if nothing was.

    Raises:
        ValueError: if the file is broken, or no search's.
    """
    file = directory / NAME
    try:
        return TypeAdapter(Record).validate_json(read_own(file, largest=LARGEST))
    except FileNotFoundError:
        return None
    except (OSError, RecursionError, ValidationError, ValueError) as error:
        remedy = "move it away, and the search begins anew; runs that it comes to again are not trained again"
        raise unreadable(file, error, remedy) from error


def write_record(directory: Path, record: Record) -> None:
    """Write down what was tried."""
    with atomic_file(directory / NAME) as temporary:
        temporary.write_text(RootModel[Record](record).model_dump_json(indent=1) + "\n", encoding="utf-8")


def search_of(record: Record, fixed: Sequence[str]) -> Search:
    """The record's search of a combination, added where there is none; what tells no runs apart is not compared."""
    told = sorted(line for line in fixed if not is_within(key_of(line), UNNAMED))
    for search in record.searches:
        if search.fixed == told:
            return search
    record.searches.append(Search(told))
    return record.searches[-1]


def outcome_of(trial: Trial, directory: Path) -> Outcome:
    """What became of a trial's runs. One that finished without a finite score has failed.

    Raises:
        ValueError: if a result is broken.
    """
    results = [RunDirectory(directory / run).result for run in trial.runs]
    ended = [result for result in results if result is not None and result.ended]
    if len(ended) < len(results):
        return Outcome("running")
    scored = [result.scores or {} for result in ended]
    monitor = next((str(scores["monitor"]) for scores in scored if "monitor" in scores), "")
    higher = all(scores.get("higher_is_better", True) for scores in scored)
    finished = [result.score("final", monitor) for result in ended if result.status == "finished"]
    values = tuple(value for value in finished if value is not None and math.isfinite(value))
    for status in ("failed", "diverged"):
        if any(result.status == status for result in ended):
            return Outcome(status, values, monitor, higher)
    return Outcome("finished" if len(values) == len(results) else "failed", values, monitor, higher)


def own_values(config: DictConfig, space: Space, fixed: list[str]) -> dict[str, Value] | None:
    """The recipe's own values of the axes, which are tried first; ``None`` where one lies outside of its interval."""
    full = composed(config, fixed)
    found: dict[str, Any] = {key: OmegaConf.select(full, key.lstrip("+")) for key in space.axes}
    if any(value not in space.axes[key] for key, value in found.items()):
        return None
    return {key: space.axes[key].rounded(value) for key, value in found.items()}


def outcomes_of(search: Search, directory: Path) -> list[tuple[Trial, Outcome]]:
    """Every trial of a combination with what became of it."""
    return [(trial, outcome_of(trial, directory)) for trial in search.trials]


def best_of(tried: Sequence[tuple[Trial, Outcome]]) -> tuple[Trial, Outcome] | None:
    """The trial of the best value, the first of equals; ``None`` where none finished."""
    finished = [(trial, outcome) for trial, outcome in tried if outcome.value is not None]

    def rank(pair: tuple[Trial, Outcome]) -> float:
        value = pair[1].value or 0.0
        return value if pair[1].higher_is_better else -value

    return max(finished, key=rank, default=None)
