"""The files of a run: written in one move, refused where they belong to another run."""

import logging
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from gan_lightning.runs.directory import InUse, RunDirectory
from gan_lightning.runs.result import Result

EARLIER = Path(__file__).parent / "earlier_layout"

SETTINGS: dict[str, Any] = {"generator_steps": 100, "seed": 0, "optimizer": {"lr": 1e-4}, "trainer": {"devices": 1}}

RESULT = Result(
    status="running",
    study="adhoc",
    method="dcgan",
    label="GAN",
    seed=0,
    generator_steps=100,
    generator_step=0,
    seconds=0.0,
)

HOLD = """
import sys
from pathlib import Path
from gan_lightning.runs.directory import InUse, RunDirectory
with RunDirectory(Path(sys.argv[1])).claimed():
    print("claimed", flush=True)
    sys.stdin.read()
"""


NAMES = {"method": "dcgan", "label": "GAN", "choices": {"objective": "dcgan"}}


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "run")


@pytest.fixture
def begun(directory: RunDirectory) -> RunDirectory:
    directory.begin(SETTINGS, RESULT)
    return directory


def test_settings_come_back_as_they_were_written(begun: RunDirectory) -> None:
    assert begun.settings == SETTINGS


def test_folder_without_a_config_is_no_run(directory: RunDirectory) -> None:
    with pytest.raises(FileNotFoundError, match=r"run is not a run directory: it has no config\.yaml"):
        _ = directory.settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2", "cannot be read"),
        ("- 1", "cannot be read: it holds no settings"),
        ("", "is not the config of a run"),
    ],
)
def test_broken_config_is_named_in_one_line(begun: RunDirectory, text: str, message: str) -> None:
    begun.config.write_text(text)
    with pytest.raises(ValueError, match=rf"^{begun.config} {message}[^\n]*$"):
        _ = begun.settings


def test_run_of_the_earlier_layout_is_refused_in_one_line_that_says_what_changed(tmp_path: Path) -> None:
    earlier = RunDirectory(tmp_path / "earlier")
    shutil.copytree(EARLIER, earlier.path)
    for ask in (lambda: earlier.settings, lambda: earlier.has_ended(SETTINGS)):
        with pytest.raises(ValueError, match=rf"^{earlier.path} is of an earlier version [^\n]*metrics\.scorer[^\n]*$"):
            ask()
    assert earlier.result is not None and earlier.result.status == "finished"


def test_there_is_no_result_before_a_run_begins(directory: RunDirectory) -> None:
    assert directory.result is None


def test_recording_sets_some_fields_and_keeps_the_others(begun: RunDirectory) -> None:
    begun.record(status="finished", seconds=1.5)
    assert begun.result == replace(RESULT, status="finished", seconds=1.5)


def test_what_is_recorded_must_be_a_field(begun: RunDirectory) -> None:
    with pytest.raises(TypeError, match="mood"):
        begun.record(mood="good")


def test_nothing_is_recorded_of_a_run_that_has_not_begun(directory: RunDirectory) -> None:
    with pytest.raises(FileNotFoundError):
        directory.record(status="finished")


CONFIG = OmegaConf.create({"study": "a", "method": "dcgan", "label": "GAN", "seed": 3, "generator_steps": 5})


def test_refused_run_is_a_failed_one_with_the_reason(directory: RunDirectory) -> None:
    directory.refuse(CONFIG, NAMES, "no data")
    assert directory.refusal.read_text() == "no data\n"
    result = directory.result
    assert result is not None
    assert (result.status, result.error, result.seed, result.method) == ("failed", "no data", 3, "dcgan")
    assert result.choices == {"objective": "dcgan"}
    assert not directory.has_begun


@pytest.mark.parametrize("name", ["config", "last", "previous", "best"])
def test_refusal_leaves_the_result_of_a_run_that_has_begun(begun: RunDirectory, name: str) -> None:
    begun.config.unlink()
    file: Path = getattr(begun, name)
    file.parent.mkdir(exist_ok=True)
    file.touch()
    begun.refuse(CONFIG, NAMES, "another config")
    assert begun.result == RESULT
    assert begun.refusal.read_text() == "another config\n"


def test_run_refused_for_a_number_that_is_none_has_no_result(directory: RunDirectory) -> None:
    config = OmegaConf.merge(CONFIG, {"seed": "abc"})
    directory.refuse(config, NAMES, "seed=abc")  # pyright: ignore[reportArgumentType]
    assert directory.result is None
    assert directory.refusal.exists()


def test_run_that_was_never_started_has_not_ended(directory: RunDirectory) -> None:
    assert not directory.has_ended(SETTINGS)
    assert not directory.path.exists()


@pytest.mark.parametrize(
    ("status", "step", "ended"),
    [
        ("running", 99, False),
        ("running", 100, False),  # killed before it could say that it finished
        ("running", 101, True),  # cut off on its way to a greater length
        ("failed", 50, False),
        ("failed", 150, True),
        ("diverged", 50, True),
        ("finished", 99, False),
        ("finished", 100, True),
        ("finished", 150, True),
    ],
)
def test_run_has_ended_if_it_diverged_or_has_come_as_far_as_asked(
    begun: RunDirectory, status: str, step: int, ended: bool
) -> None:
    begun.record(status=status, generator_step=step)
    assert begun.has_ended(SETTINGS) is ended


def test_run_that_has_a_config_and_no_result_yet_has_not_ended(begun: RunDirectory) -> None:
    begun.result_file.unlink()
    assert not begun.has_ended(SETTINGS)


@pytest.mark.parametrize("name", ["last", "previous", "best"])
def test_checkpoints_without_a_config_are_refused(begun: RunDirectory, name: str) -> None:
    begun.config.unlink()
    checkpoint: Path = getattr(begun, name)
    checkpoint.parent.mkdir()
    checkpoint.touch()
    with pytest.raises(ValueError, match=rf"^{begun.path} holds checkpoints and no config\.yaml[^\n]*$"):
        begun.has_ended(SETTINGS)


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


def test_who_waits_for_a_directory_says_so_once_and_no_longer_than_until_a_signal(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = iter([None, None, signal.SIGTERM])
    monkeypatch.setattr("gan_lightning.runs.directory.received_signal", lambda: next(asked))
    caplog.set_level(logging.INFO)
    with directory.claimed(), pytest.raises(InUse), directory.claimed(patience=3600.0):
        pass
    assert caplog.text.count("is in use by another process: waiting for 3600 s") == 1


def test_claim_ends_with_its_block(directory: RunDirectory) -> None:
    for _ in range(2):
        with directory.claimed():
            pass
