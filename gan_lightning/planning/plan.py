"""Hours of a study before it is started, from a few iterations of a sample of its runs."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from heapq import heapreplace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, cast

from hydra import compose
from joblib import Parallel, delayed
from tqdm import tqdm

from gan_lightning.atomic import atomic_file
from gan_lightning.planning.fit import Fit, fit_seconds, left_out_errors, total_with_interval
from gan_lightning.planning.operations import Cost, cost_of_iteration
from gan_lightning.planning.timing import Timing, device_in_words, time_run
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.study import known_studies
from gan_lightning.runs.interruption import end_with_parent
from gan_lightning.runs.overrides import composed_sweep, composing, is_search, sweep_overrides
from gan_lightning.runs.packing import Slots
from gan_lightning.runs.processes import device_kind, slots_of_this_machine
from gan_lightning.runs.settings import Settings, resolve
from gan_lightning.runs.world import processes_of

FEWEST = 3


def plan_study(
    study: str,
    overrides: Sequence[str],
    *,
    devices: int,
    sample: int,
    iterations: int,
    stored: Path | None,
    output: Path | None,
) -> str:
    """What a study will take, as a text with a table by method.

    Args:
        study: name of a file in ``sweeps/``.
        overrides: as for ``train.py``.
        devices: on which runs will be trained side by side; on a CPU so many are timed side by side as well.
        sample: how many runs are timed, at least 3.
        iterations: timed of each.
        stored: a file of timings to take instead, of this device or another.
        output: a file to keep the timings in.

    Raises:
        ValueError: if a number is too small, there is no such study, or the file has no timings.
    """
    for name, value, least in (("devices", devices, 1), ("sample", sample, FEWEST), ("iterations", iterations, 1)):
        if value < least:
            raise ValueError(f"--{name} {value} is not possible: at least {least} is needed")
    runs = settings_of(planned_runs(study, overrides))
    if stored is None and len(runs) < FEWEST:
        raise ValueError(
            f"{study} has {len(runs)} runs, and at least {FEWEST} are timed: train them, or name --timings"
        )
    if any(processes_of(settings["trainer"]) > 1 for settings in runs):
        raise ValueError("trainer.devices is not possible here: runs of one process are timed; allowed: 1")
    costs = [cost_of_iteration(settings) for settings in tqdm(runs, "counting operations", leave=False)]
    if stored is None:
        device = device_in_words(runs[0]["trainer"])
        timings = take_timings(spread_out(runs, costs, sample), iterations=iterations, at_once=devices)
    else:
        device, timings = read_timings(stored)
    if output is not None:
        write_timings(output, device, timings)
    return in_words(study, runs, costs, timings, device=device, devices=devices)


def planned_runs(study: str, overrides: Sequence[str]) -> list[list[str]]:
    """The overrides of every run that a study plans; those of a search all in the middle of its intervals.

    Raises:
        ValueError: if there is no such study.
    """
    known = known_studies()
    if study not in known:
        raise ValueError(f"no study '{study}': known are {', '.join(known)}")
    with composing():
        config = composed_sweep([f"+sweeps={study}", *overrides])
        return list(sweep_overrides(config)) * (config.hydra.sweeper.n_trials if is_search(config) else 1)


def settings_of(runs: Sequence[list[str]]) -> list[Settings]:
    """The settings of runs, resolved."""
    with composing():
        return [resolve(compose("train", run)) for run in tqdm(runs, "composing", leave=False)]


def spread_out(runs: Sequence[Settings], costs: Sequence[Cost], number: int) -> list[Settings]:
    """So many runs, from the cheapest to the dearest in equal steps."""
    order = sorted(range(len(runs)), key=lambda index: costs[index].operations)
    number = min(number, len(order))
    places = {round(step * (len(order) - 1) / max(number - 1, 1)) for step in range(number)}
    return [runs[order[place]] for place in sorted(places)]


def take_timings(runs: Sequence[Settings], *, iterations: int, at_once: int) -> list[Timing]:
    """Time runs here: on a GPU one after the other, on a CPU so many at once as will be trained at once."""
    on_gpu = device_kind(runs[0]["trainer"]) == "cuda"
    slots = slots_of_this_machine(runs[0]["trainer"], 1 if on_gpu else at_once)
    with TemporaryDirectory() as folder:
        parallel = Parallel(n_jobs=1 if on_gpu else at_once, return_as="generator")
        each = (delayed(_time_in_slot)(settings, iterations, slots, Path(folder)) for settings in runs)
        return list(tqdm(cast(Iterable[Timing], parallel(each)), "timing", total=len(runs), leave=False))


def _time_in_slot(settings: Settings, iterations: int, slots: Slots, folder: Path) -> Timing:
    end_with_parent()
    slots.take(folder)
    return time_run(settings, iterations=iterations)


def read_timings(file: Path) -> tuple[str, list[Timing]]:
    """The device and the timings of a file.

    Raises:
        ValueError: if they are not what :func:`write_timings` writes.
    """
    try:
        content: dict[str, Any] = json.loads(file.read_text())
        timings = [Timing(**{**entry, "cost": Cost(**entry["cost"])}) for entry in content["timings"]]
        if len(timings) < FEWEST:
            raise ValueError(f"{len(timings)} timings, and at least {FEWEST} are needed")
        return content["device"], timings
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{file} has no timings as --output writes them: {error}") from error


def write_timings(file: Path, device: str, timings: Sequence[Timing]) -> None:
    with atomic_file(file) as temporary:
        content = {"device": device, "timings": [asdict(timing) for timing in timings]}
        temporary.write_text(json.dumps(content, indent=2) + "\n")


def in_words(
    study: str,
    runs: Sequence[Settings],
    costs: Sequence[Cost],
    timings: Sequence[Timing],
    *,
    device: str,
    devices: int,
) -> str:
    """The prediction: a table by method, the whole, and how good the fit is."""
    measured, seconds = [timing.cost for timing in timings], [timing.seconds for timing in timings]
    fit = fit_seconds(measured, seconds)
    sample, unscored = _sample_seconds(timings)
    hours: dict[str, list[float]] = defaultdict(list)
    for settings, cost in zip(runs, costs, strict=True):
        hours[settings["label"]].append(_seconds_of_run(settings, cost, fit, sample) / 3600)
    rows = [["method", "runs", "operations an iteration", "hours a run", "shortest", "longest", "hours"]]
    for label, values in hours.items():
        of_method = [c.operations for s, c in zip(runs, costs, strict=True) if s["label"] == label]
        numbers = [median(values), min(values), max(values), sum(values)]
        rows.append([label, str(len(values)), f"{median(of_method):.2g}", *(f"{value:.3g}" for value in numbers)])
    planned = [(cost, settings["generator_steps"]) for settings, cost in zip(runs, costs, strict=True)]
    training, half = total_with_interval(measured, seconds, planned)
    scoring = sample * sum(scored_samples(settings) for settings in runs)
    total = (training + scoring) / 3600
    side_by_side = makespan([3600 * hour for values in hours.values() for hour in values], devices)
    errors = sorted(map(abs, left_out_errors(measured, seconds)))
    return "\n".join(
        [
            f"# {study}: {len(runs)} runs on {devices} x {device}",
            "",
            *markdown_table(rows, left=1),
            "",
            f"- In all {total:.3g} hours of runs, {max(0.0, total - half / 3600):.3g} to {total + half / 3600:.3g} "
            f"(standard errors of the fit by leaving runs out, times two): about {side_by_side / 3600:.3g} hours on "
            f"{devices} at a time, the longest first.",
            f"- {len(timings)} runs timed. An iteration takes {fit.per_operation * 1e12:.3g} s per 10^12 operations "
            f"and {fit.per_call * 1e6:.3g} µs per call; fitted to the others, a timed run is off by "
            f"{median(errors):.0%} (median), {errors[-1]:.0%} at most.",
            f"- {unscored or f'A score takes {1000 * sample:.3g} s per 1,000 samples.'}",
            "- Reading data, held-out losses, pictures, checkpoints, starts and waiting are not counted.",
        ]
    )


def makespan(seconds: Sequence[float], devices: int) -> float:
    """When the last of some runs ends where each device takes the longest that is left as soon as it is free."""
    free = [0.0] * devices
    for each in sorted(seconds, reverse=True):
        heapreplace(free, free[0] + each)
    return max(free)


def scored_samples(settings: Settings) -> int:
    """How many samples all scores of a run take: those on the way, and the one at its end."""
    metrics = settings["metrics"]
    if not metrics.get("every"):
        return 0
    scores, on_the_way = -(-settings["generator_steps"] // metrics["every"]), metrics.get("interim_samples")
    return scores * metrics["samples"] if on_the_way is None else scores * on_the_way + metrics["samples"]


def _sample_seconds(timings: Sequence[Timing]) -> tuple[float, str]:
    known = [timing.sample_seconds for timing in timings if timing.sample_seconds]
    if not known:
        return 0.0, "Scores are not counted: the data or the weights that they need are not here."
    return median(known), ""


def _seconds_of_run(settings: Settings, cost: Cost, fit: Fit, sample: float) -> float:
    return settings["generator_steps"] * fit.seconds(cost) + sample * scored_samples(settings)
