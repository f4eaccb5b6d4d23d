"""Checkpoints: written in one move, read without code, the previous one if the last is broken."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gan_lightning.runs.checkpoints import AtomicCheckpointIO, read_checkpoint, resumable
from gan_lightning.runs.directory import RunDirectory


class Code:
    """What a checkpoint must not hold."""


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "run")


def write(path: Path, step: int) -> None:
    AtomicCheckpointIO().save_checkpoint({"global_step": step, "weights": torch.arange(1000.0)}, path)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:700])


def test_checkpoint_comes_back_as_it_was_written_and_leaves_no_temporary(directory: RunDirectory) -> None:
    write(directory.last, 7)
    checkpoint = AtomicCheckpointIO().load_checkpoint(str(directory.last))
    assert checkpoint["global_step"] == 7
    assert torch.equal(checkpoint["weights"], torch.arange(1000.0))
    assert list(directory.last.parent.iterdir()) == [directory.last]


def test_write_that_fails_leaves_the_old_checkpoint(directory: RunDirectory) -> None:
    write(directory.last, 7)
    with pytest.raises(AttributeError):
        AtomicCheckpointIO().save_checkpoint({"global_step": 8, "function": lambda: None}, directory.last)
    assert read_checkpoint(directory.last)["global_step"] == 7
    assert list(directory.last.parent.iterdir()) == [directory.last]


def test_checkpoint_that_holds_more_than_plain_containers_and_tensors_is_not_read(directory: RunDirectory) -> None:
    AtomicCheckpointIO().save_checkpoint({"global_step": 1, "code": Code()}, directory.last)
    with pytest.raises(ValueError, match=r"last\.ckpt is truncated or broken"):
        read_checkpoint(directory.last)


def test_missing_checkpoint_is_named(directory: RunDirectory) -> None:
    with pytest.raises(FileNotFoundError, match=r"best\.ckpt does not exist"):
        read_checkpoint(directory.best)


@pytest.mark.parametrize("damage", [truncate, lambda path: path.write_bytes(b""), lambda path: path.write_text("no")])
def test_broken_checkpoint_is_named_in_one_line(directory: RunDirectory, damage: Callable[[Path], None]) -> None:
    write(directory.last, 7)
    damage(directory.last)
    with pytest.raises(ValueError, match=rf"^checkpoint {directory.last} is truncated or broken \([^\n]*\)$"):
        read_checkpoint(directory.last)


def test_run_without_checkpoints_starts_at_the_beginning(directory: RunDirectory) -> None:
    assert resumable(directory) is None


def test_run_goes_on_from_the_last_checkpoint(directory: RunDirectory) -> None:
    write(directory.previous, 10)
    write(directory.last, 20)
    assert resumable(directory) == (directory.last, 20)


def test_kill_between_two_checkpoints_leaves_the_previous_one(directory: RunDirectory) -> None:
    write(directory.previous, 10)
    assert resumable(directory) == (directory.previous, 10)


def test_broken_last_checkpoint_is_named_and_the_previous_one_is_taken(
    directory: RunDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    write(directory.previous, 10)
    write(directory.last, 20)
    truncate(directory.last)
    with caplog.at_level(logging.WARNING, "gan_lightning"):
        assert resumable(directory) == (directory.previous, 10)
    assert f"checkpoint {directory.last} is truncated" in caplog.text


def test_run_whose_checkpoints_are_all_broken_is_refused_with_the_remedy(directory: RunDirectory) -> None:
    for path in (directory.previous, directory.last):
        write(path, 10)
        truncate(path)
    with pytest.raises(
        ValueError, match=rf"truncated or broken .*; delete {directory.last.parent} to start the run again$"
    ):
        resumable(directory)
