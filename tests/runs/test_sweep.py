"""Sweeps: which directories their runs have, and how they are counted."""

from pathlib import Path

import pytest
from commands import Train

from gan_lightning import cli
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.result import Result, write_result
from gan_lightning.runs.sweep import how_it_ended


@pytest.fixture
def started(train: Train, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the directories of runs that were started; they end at once."""
    names: list[str] = []

    def start(config: object, directory: RunDirectory, _: object) -> str:
        names.append(directory.path.name)
        result = Result(
            status="finished",
            study="adhoc",
            method="dcgan",
            label="GAN",
            seed=0,
            generator_steps=1,
            generator_step=1,
            seconds=0.0,
        )
        write_result(directory.result_file, result)
        return "finished"

    monkeypatch.setattr(cli, "start", start)
    return names


def test_summary_counts_the_directories_that_the_runs_had(train: Train, started: list[str]) -> None:
    done = train("-m", "seed=0,1", "decay=none,linear", "generator_steps=9")
    assert (done.code, done.err) == (0, "")
    assert started == [
        "decay=none,seed=0",
        "decay=linear,generator_steps=9,seed=0",
        "decay=none,seed=1",
        "decay=linear,generator_steps=9,seed=1",
    ]
    assert "sweep of 4 runs: 4 finished, 0 diverged, 0 failed" in done.out


def test_run_length_is_swept_where_something_follows_it(train: Train, started: list[str]) -> None:
    assert train("-m", "decay=linear", "generator_steps=9,10").code == 0
    assert started == ["decay=linear,generator_steps=10", "decay=linear,generator_steps=9"][::-1]


def test_key_inside_a_node_with_a_target_may_be_added(train: Train, started: list[str]) -> None:
    assert train("+optimizer.weight_decay=0.1", "++generator_steps=4", "++hydra.verbose=false").code == 0
    assert started == ["+optimizer.weight_decay=0.1"]


def test_run_without_a_result_has_failed(tmp_path: Path) -> None:
    assert how_it_ended(RunDirectory(tmp_path)) == ("failed", "no result")


def test_run_whose_result_is_broken_has_failed_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("{")
    status, error = how_it_ended(RunDirectory(tmp_path))
    assert status == "failed"
    assert error is not None and str(tmp_path) in error
