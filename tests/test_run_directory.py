"""The files of a run: written in one move, refused where they belong to another run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gan_lightning.run_directory import RunDirectory, atomic

SETTINGS: dict[str, Any] = {"generator_steps": 100, "seed": 0, "optimizer": {"lr": 1e-4}, "trainer": {"devices": 1}}

HOLD = """
import sys
from pathlib import Path
from gan_lightning.run_directory import RunDirectory
with RunDirectory(Path(sys.argv[1])).claimed():
    print("claimed", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "run")


@pytest.fixture
def begun(directory: RunDirectory) -> RunDirectory:
    directory.begin(SETTINGS)
    return directory


def test_atomic_write_makes_its_folder_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    with atomic(path) as temporary:
        temporary.write_text("text")
        assert not path.exists()
    assert path.read_text() == "text"
    assert list(path.parent.iterdir()) == [path]


def test_write_that_fails_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), atomic(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("half way")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_settings_come_back_as_they_were_written(begun: RunDirectory) -> None:
    assert begun.settings == SETTINGS


def test_folder_without_a_config_is_no_run(directory: RunDirectory) -> None:
    with pytest.raises(FileNotFoundError, match=r"run is not a run directory: it has no config\.yaml"):
        _ = directory.settings


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [1\nb: 2", "cannot be read"), ("- 1", "is not the config of a run"), ("", "is not the config of a run")],
)
def test_broken_config_is_named_in_one_line(begun: RunDirectory, text: str, message: str) -> None:
    begun.config.write_text(text)
    with pytest.raises(ValueError, match=rf"^{begun.config} {message}[^\n]*$"):
        _ = begun.settings


def test_result_is_empty_before_there_is_one(directory: RunDirectory) -> None:
    assert directory.result == {}


def test_recording_sets_some_fields_and_keeps_the_others(directory: RunDirectory) -> None:
    directory.record(status="running", seed=3)
    directory.record(status="finished")
    assert json.loads(directory.result_file.read_text()) == {"status": "finished", "seed": 3}


@pytest.mark.parametrize("text", ['{"status": "fini', "", "[1]"])
def test_result_that_is_no_json_object_is_named_with_the_remedy(directory: RunDirectory, text: str) -> None:
    directory.record(status="running")
    directory.result_file.write_text(text)
    with pytest.raises(ValueError, match=rf"^{directory.result_file} is broken: .*; delete it to start the run again$"):
        _ = directory.result


def test_run_that_was_never_started_has_not_ended(directory: RunDirectory) -> None:
    assert not directory.has_ended(SETTINGS)
    assert not directory.path.exists()


@pytest.mark.parametrize(
    ("result", "ended"),
    [
        ({}, False),
        ({"status": "running", "generator_step": 100}, False),
        ({"status": "failed", "generator_step": 50}, False),
        ({"status": "diverged", "generator_step": 50}, True),
        ({"status": "finished", "generator_step": 100}, True),
        ({"status": "finished", "generator_step": 99}, False),
    ],
)
def test_run_has_ended_if_it_diverged_or_finished_all_its_iterations(
    begun: RunDirectory, result: dict[str, Any], ended: bool
) -> None:
    begun.record(**result)
    assert begun.has_ended(SETTINGS) is ended


def test_finished_run_goes_on_if_it_is_to_be_longer(begun: RunDirectory) -> None:
    begun.record(status="finished", generator_step=100)
    assert not begun.has_ended(SETTINGS | {"generator_steps": 200})
    assert begun.has_ended(SETTINGS | {"generator_steps": 50})


def test_directory_of_another_config_is_refused_naming_a_difference(begun: RunDirectory) -> None:
    with pytest.raises(
        ValueError, match=r"another config, optimizer\.lr: 0\.0001 -> 1 \(and 1 more\); allowed to change"
    ):
        begun.has_ended(SETTINGS | {"seed": 1, "optimizer": {"lr": 1}})


def test_directory_claimed_by_another_process_is_refused_until_that_is_killed(directory: RunDirectory) -> None:
    command = [sys.executable, "-c", HOLD, str(directory.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "claimed\n"
        with pytest.raises(ValueError, match=r"run is in use: another process is running it$"), directory.claimed():
            pass
        other.kill()
        other.wait()
    with directory.claimed():
        pass


def test_claim_ends_with_its_block(directory: RunDirectory) -> None:
    for _ in range(2):
        with directory.claimed():
            pass
