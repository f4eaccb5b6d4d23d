"""The prediction of a study's hours, from timings taken here and from stored ones."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from commands import run_study

from gan_lightning.planning import plan
from gan_lightning.planning.operations import Cost
from gan_lightning.planning.plan import read_timings, scored_samples, spread_out, take_timings, write_timings
from gan_lightning.planning.timing import Timing

SMALL = ["seed=range(4)", "data.batch_size=8", "arch.width_scale=0.03125"]


def test_sample_reaches_from_the_cheapest_run_to_the_dearest() -> None:
    runs: list[dict[str, Any]] = [{"number": number} for number in range(10)]
    costs = [Cost(operations, 1) for operations in (5, 3, 9, 1, 7, 0, 2, 8, 4, 6)]
    assert [costs[run["number"]].operations for run in spread_out(runs, costs, 4)] == [0, 3, 6, 9]
    assert len(spread_out(runs, costs, 50)) == 10


def test_timings_are_kept_as_they_were_taken(tmp_path: Path) -> None:
    timings = [Timing(Cost(10**9, 20), 0.5, 0.1), Timing(Cost(2, 3), 0.25, None), Timing(Cost(4, 5), 0.125, 0.0)]
    write_timings(tmp_path / "timings.json", "a device", timings)
    assert read_timings(tmp_path / "timings.json") == ("a device", timings)


@pytest.mark.parametrize("content", ["{", "{}", '{"device": "d", "timings": []}', '{"device": "d", "timings": [{}]}'])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "timings.json"
    file.write_text(content)
    code, _, error = run_study(capsys, "plan", "table2_laptop", *SMALL, "--timings", str(file))
    assert code == 2
    assert error.splitlines()[-1].startswith(f"error: {file} has no timings")


def test_a_plan_from_stored_timings_is_arithmetic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 ms for a call and nothing for an operation, and 2 s for a score of 2,000 samples."""
    timings = [Timing(Cost(10**6, calls), calls / 1000, 0.001) for calls in (10, 20, 40)]
    write_timings(tmp_path / "timings.json", "one made-up device", timings)
    monkeypatch.setattr(
        plan, "cost_of_iteration", lambda settings: Cost(10**6, 90 if settings["n_critic"] == 5 else 18)
    )
    arguments = ["plan", "table2_laptop", *SMALL, "--timings", str(tmp_path / "timings.json"), "--devices", "4"]
    code, text, error = run_study(capsys, *arguments)
    assert code == 0, error
    # 400 iterations of 0.09 s and of 0.018 s, with one score each: 38 s and 9.2 s, four times.
    hours = 4 * (38 + 9.2) / 3600
    assert "# table2_laptop: 8 runs on 4 x one made-up device" in text
    assert f"In all {hours:.3g} hours of runs" in text
    side_by_side = (38 + 9.2) / 3600  # each of the four takes a long one, and then a short one
    assert f"about {side_by_side:.3g} hours on 4 at a time, the longest first" in text
    assert "A score takes 1 s per 1,000 samples." in text
    assert "off by 0% (median), 0% at most" in text


@pytest.mark.parametrize(
    ("metrics", "samples"),
    [
        ({"every": 100, "samples": 50000, "interim_samples": None}, 5 * 50000),
        ({"every": 100, "samples": 50000, "interim_samples": 1000}, 5 * 1000 + 50000),
        ({"every": 1000, "samples": 50000, "interim_samples": 1000}, 1000 + 50000),
        ({"every": None}, 0),
    ],
)
def test_scores_on_the_way_are_of_their_own_number_of_samples(metrics: dict[str, Any], samples: int) -> None:
    assert scored_samples({"generator_steps": 450, "metrics": metrics}) == samples


def test_timing_leaves_signals_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody looks for them between its iterations."""
    before = signal.getsignal(signal.SIGTERM)
    code, _, error = run_study(capsys, "plan", "table2_laptop", *SMALL, "--sample", "3", "--iterations", "1")
    assert code == 0, error
    assert signal.getsignal(signal.SIGTERM) is before


def test_runs_side_by_side_last_at_least_as_long_as_the_longest() -> None:
    assert plan.makespan([1.0, 10.0, 2.0, 3.0], 8) == 10.0
    assert plan.makespan([1.0, 2.0, 3.0, 4.0], 2) == 5.0
    assert plan.makespan([2.0, 2.0, 2.0], 2) == 4.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "figure4"], "error: figure4 has 1 runs, and at least 3 are timed"),
        (["plan", "no_such_study"], "error: no study 'no_such_study': known are"),
        (["plan", "table2_laptop", "--sample", "2"], "error: --sample 2 is not possible: at least 3 is needed"),
        (["plan", "table2_laptop", "--devices", "0"], "error: --devices 0 is not possible"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = run_study(capsys, *arguments)
    assert code == 2
    assert error.splitlines()[-1].startswith(message)


def test_a_plan_times_runs_here(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    few = ["--sample", "3", "--iterations", "2", "--output", str(tmp_path / "timings.json")]
    code, text, error = run_study(
        capsys, "plan", "table2_laptop", *SMALL, "metrics.samples=100", "metrics.splits=1", *few
    )
    assert code == 0, error
    assert "3 runs timed." in text and "A score takes" in text
    stored = json.loads((tmp_path / "timings.json").read_text())
    assert all(entry["seconds"] > 0 and entry["cost"]["operations"] > 0 for entry in stored["timings"])


def test_without_the_data_a_plan_goes_without_scores(
    compose_config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gan_lightning.runs.settings import resolve

    settings = resolve(
        compose_config("arch=dcgan", "arch.width_scale=0.03125", "data=imagenet32", f"data.root={tmp_path}/none")
    )
    (timing,) = take_timings([settings], iterations=1, at_once=1)
    assert timing.seconds > 0 and timing.sample_seconds is None
