"""How far runs have come, by what their directories say."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import begin_run

from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import write_metrics
from gan_lightning.runs.states import State, counted, state_of


@contextmanager
def held(directory: RunDirectory) -> Iterator[None]:
    with open(directory.path / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "run")


@pytest.mark.parametrize("status", ["finished", "diverged", "failed"])
def test_what_has_ended_is_as_it_ended(run: RunDirectory, status: str) -> None:
    begin_run(run.path, status=status, error="out of memory")
    assert state_of(run, queued={}) == State("run", status, 100, 1000, None, "out of memory")


def test_of_a_run_without_anything_it_is_said_that_it_is_missing(run: RunDirectory) -> None:
    assert state_of(run, queued={}) == State("run", "missing")


def test_a_running_run_has_a_speed_and_a_time_left(run: RunDirectory) -> None:
    begin_run(run.path)
    write_metrics(run.metrics, {100: {"seconds": 50.0}, 200: {"seconds": 90.0}, 250: {"seconds": 100.0}})
    with held(run):
        state = state_of(run, queued={})
    assert state == State("run", "running", 250, 1000, 3.0, None)
    assert state.seconds_left == 250.0


def test_a_run_that_prepares_its_data_is_under_way(run: RunDirectory) -> None:
    run.path.mkdir()
    with held(run):
        assert state_of(run, queued={}) == State("run", "running")


def test_a_run_whose_process_is_gone_is_stale_unless_it_was_asked_to_stop(run: RunDirectory) -> None:
    begin_run(run.path)
    assert state_of(run, queued={}).status == "stale"
    begin_run(run.path, error="interrupted by SIGTERM")
    assert state_of(run, queued={}).status == "interrupted"


def test_a_run_that_waits_in_the_queue_is_neither_missing_nor_stale(run: RunDirectory) -> None:
    run.note_job("7_1")
    assert state_of(run, queued={"7_1": "PENDING"}).status == "queued"
    assert state_of(run, queued={"7_1": "RUNNING"}).status == "queued"  # it is importing still
    assert state_of(run, queued={"7_0": "PENDING"}).status == "missing"
    begin_run(run.path, error="interrupted by SIGUSR2")
    assert state_of(run, queued={"7_1": "PENDING"}).status == "queued"
    begin_run(run.path, status="failed", error="out of memory")
    assert state_of(run, queued={"7_1": "PENDING"}).status == "queued"
    begin_run(run.path, status="finished")
    assert state_of(run, queued={"7_1": "RUNNING"}).status == "finished"


def test_a_refusal_counts_whatever_an_earlier_start_says(run: RunDirectory) -> None:
    begin_run(run.path, status="finished")
    run.refusal.write_text("seed=-1 is not possible\n")
    assert state_of(run, queued={}) == State("run", "failed", error="seed=-1 is not possible")


def test_a_broken_result_is_a_failure_that_says_how_to_mend_it(run: RunDirectory) -> None:
    begin_run(run.path)
    run.result_file.write_text("{")
    state = state_of(run, queued={})
    assert state.status == "failed" and "moves a broken one aside" in str(state.error)


def test_states_are_counted_in_their_order() -> None:
    states = [State("a", "running"), State("b", "finished"), State("c", "stale"), State("d", "finished")]
    assert counted(states) == "2 finished, 0 diverged, 0 failed, 1 running, 1 stale"
