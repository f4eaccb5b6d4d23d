"""Checkpoints: written in one move, read without code, the previous one if the last is broken."""

import logging
import os
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from pickle import PicklingError
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from gan_lightning.runs.checkpoints import AtomicCheckpointIO, checkpoint_of, read_checkpoint, resumable
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.result import Result, write_result


class Code:
    """What a checkpoint must not hold."""


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path / "run")


def network() -> nn.Module:
    return nn.Linear(100, 10)


def content(step: int, **changes: Any) -> dict[str, Any]:
    torch.manual_seed(step)
    weights = network().state_dict()
    training: dict[str, Any] = {"loops": {}, "callbacks": {}, "optimizer_states": [], "random_streams": {}}
    return {"global_step": step, "state_dict": weights, **training} | changes


def write(path: Path, step: int, **changes: Any) -> None:
    AtomicCheckpointIO().save_checkpoint(content(step, **changes), path)


def place(directory: RunDirectory) -> tuple[Path, int] | None:
    """What a run goes on from."""
    found = resumable(directory, network())
    return None if found is None else (found.path, found.step)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:700])


def test_checkpoint_comes_back_as_it_was_written_and_leaves_no_temporary(directory: RunDirectory) -> None:
    write(directory.last, 7)
    checkpoint = AtomicCheckpointIO().load_checkpoint(str(directory.last))
    assert checkpoint["global_step"] == 7
    assert torch.equal(checkpoint["state_dict"]["weight"], content(7)["state_dict"]["weight"])
    assert list(directory.last.parent.iterdir()) == [directory.last]


def test_write_that_fails_leaves_the_old_checkpoint(directory: RunDirectory) -> None:
    write(directory.last, 7)
    with pytest.raises((AttributeError, PicklingError)):
        AtomicCheckpointIO().save_checkpoint({"global_step": 8, "function": lambda: None}, directory.last)
    assert read_checkpoint(directory.last)["global_step"] == 7
    assert list(directory.last.parent.iterdir()) == [directory.last]


def test_checkpoint_that_holds_more_than_plain_containers_and_tensors_is_not_read(directory: RunDirectory) -> None:
    directory.last.parent.mkdir(parents=True)
    torch.save(content(1, code=Code()), directory.last)
    with pytest.raises(ValueError, match=r"last\.ckpt is truncated or broken"):
        read_checkpoint(directory.last)


def test_a_checkpoint_that_could_not_be_read_again_is_not_written(directory: RunDirectory) -> None:
    write(directory.last, 1)
    with pytest.raises(
        ValueError, match=r"^a checkpoint of this run could not be read again: it asks for .*Code, which "
    ):
        write(directory.last, 2, code=Code())
    assert read_checkpoint(directory.last)["global_step"] == 1
    assert list(directory.last.parent.iterdir()) == [directory.last]


def test_tensors_of_every_honest_kind_come_back(directory: RunDirectory) -> None:
    weight = nn.Parameter(torch.randn(4, 3))
    kept = {
        "tied": [weight, weight],
        "view": weight.detach()[:, 1],
        "repeated": torch.arange(5).expand(7, 5),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "empty": torch.empty(0, 3),
        "number": torch.tensor(2.0),
        "mask": torch.tensor([True, False]),
    }
    write(directory.last, 1, kept=kept)
    read = read_checkpoint(directory.last)["kept"]
    assert torch.equal(read.pop("tied")[1], weight) and read.keys() == kept.keys() - {"tied"}
    assert all(torch.equal(read[name], kept[name]) and read[name].dtype == kept[name].dtype for name in read)


def begun(directory: RunDirectory, **settings: Any) -> dict[str, Any]:
    """Settings of a run that has begun in a directory."""
    found = {"seed": 1, "generator_steps": 20, "objective": {"_target_": "Hinge"}} | settings
    directory.path.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(OmegaConf.create(found), directory.config)
    return found


def test_the_checkpoint_of_another_run_is_not_taken_for_this_ones(directory: RunDirectory) -> None:
    own = begun(directory)
    AtomicCheckpointIO(own | {"generator_steps": 5, "trainer": {"devices": 2}}).save_checkpoint(
        content(3), directory.previous
    )
    AtomicCheckpointIO(own | {"seed": 2}).save_checkpoint(content(4), directory.last)
    with pytest.raises(
        ValueError, match=r"last\.ckpt is of another run, seed: 2 -> 1 in this one; beside it lie previous"
    ):
        checkpoint_of(directory, "last", network())
    assert place(directory) == (directory.previous, 3)
    assert not directory.last.exists() and len(list(directory.last.parent.glob("last.ckpt*"))) == 1


@pytest.mark.parametrize("kept", [5, "x", [1], {"seed": {"a": 1}}, {1: 2}, {}])
def test_settings_that_are_none_are_refused_in_a_checkpoint(directory: RunDirectory, kept: Any) -> None:
    begun(directory)
    write(directory.last, 4, settings=kept)
    with pytest.raises(ValueError, match=r"last\.ckpt (is of another run|keeps no settings of a run)"):
        checkpoint_of(directory, "last", network())


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
    assert place(directory) is None


def test_run_goes_on_from_the_last_checkpoint(directory: RunDirectory) -> None:
    write(directory.previous, 10)
    write(directory.last, 20)
    assert place(directory) == (directory.last, 20)


def test_kill_between_two_checkpoints_leaves_the_previous_one(directory: RunDirectory) -> None:
    write(directory.previous, 10)
    assert place(directory) == (directory.previous, 10)


def test_broken_last_checkpoint_is_named_and_the_previous_one_is_taken(
    directory: RunDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    write(directory.previous, 10)
    write(directory.last, 20)
    truncate(directory.last)
    with caplog.at_level(logging.WARNING, "gan_lightning"):
        assert place(directory) == (directory.previous, 10)
    assert f"checkpoint {directory.last} is truncated" in caplog.text


def test_run_whose_checkpoints_are_all_broken_is_refused_with_the_remedy(directory: RunDirectory) -> None:
    for path in (directory.previous, directory.last):
        write(path, 10)
        truncate(path)
    with pytest.raises(
        ValueError, match=rf"truncated or broken .*, or move {directory.last.parent} away to start the run again$"
    ):
        place(directory)


@pytest.mark.parametrize("seed", range(30))
def test_a_flipped_bit_is_seen_or_changes_nothing(directory: RunDirectory, seed: int) -> None:
    write(directory.last, 7)
    data = bytearray(directory.last.read_bytes())
    place = random.Random(seed).randrange(8 * len(data))
    data[place // 8] ^= 1 << place % 8
    directory.last.write_bytes(data)
    try:
        read = read_checkpoint(directory.last)
    except ValueError as error:
        assert str(error).startswith(f"checkpoint {directory.last} is truncated or broken")
    else:
        assert torch.equal(read["state_dict"]["weight"], content(7)["state_dict"]["weight"])


def test_every_flipped_bit_of_the_weights_is_seen(directory: RunDirectory) -> None:
    write(directory.last, 7)
    data = directory.last.read_bytes()
    weights = content(7)["state_dict"]["weight"].numpy().tobytes()
    start = data.index(weights)
    for byte in range(start, start + len(weights), 97):
        directory.last.write_bytes(data[:byte] + bytes([data[byte] ^ 1]) + data[byte + 1 :])
        with pytest.raises(ValueError, match="checksum"):
            read_checkpoint(directory.last)


def test_a_packed_archive_is_not_unpacked(directory: RunDirectory) -> None:
    directory.last.parent.mkdir(parents=True)
    with zipfile.ZipFile(directory.last, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    with pytest.raises(ValueError, match="its entries are packed"):
        read_checkpoint(directory.last)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"global_step": "7"}, "no checkpoint of a run"),
        ({"state_dict": [1]}, "no checkpoint of a run"),
        ({"state_dict": {"weight": 3}}, "weight, which is no plain tensor"),
        ({"state_dict": {"weight": torch.tensor([1.0, torch.nan])}}, "weight has numbers that are not finite"),
        (
            {"state_dict": {"weight": torch.zeros(1).expand(10**12)}},
            "its tensors announce more numbers than there are",
        ),
    ],
)
def test_content_of_another_kind_is_named(directory: RunDirectory, changes: dict[str, Any], said: str) -> None:
    directory.last.parent.mkdir(parents=True)
    torch.save(content(7, **changes), directory.last)
    with pytest.raises(ValueError, match=said):
        read_checkpoint(directory.last)


def test_weights_of_other_networks_are_named(directory: RunDirectory) -> None:
    write(directory.last, 7)
    for other, said in (
        (nn.Linear(50, 10), "weight is 10x100 of float32 in it, and 10x50 of float32 in the run"),
        (network().double(), "weight is 10x100 of float32 in it, and 10x100 of float64 in the run"),
        (nn.Linear(100, 10, bias=False), "bias is in it alone"),
    ):
        with pytest.raises(ValueError, match=said):
            checkpoint_of(directory, "last", other)


def test_weights_alone_are_not_gone_on_from(directory: RunDirectory) -> None:
    write(directory.previous, 10)
    write(directory.last, 20, optimizer_states=None)
    assert place(directory) == (directory.previous, 10)


def test_what_is_moved_aside_never_takes_the_place_of_another(directory: RunDirectory) -> None:
    for number in range(2):
        write(directory.previous, 10)
        directory.last.write_text(f"broken {number}")
        assert place(directory) == (directory.previous, 10)
    found = sorted(path.read_text() for path in directory.last.parent.glob("last.ckpt.broken*"))
    assert found == ["broken 0", "broken 1"]


@pytest.mark.parametrize("lay", [lambda path: path.symlink_to("/dev/zero"), os.mkfifo, Path.mkdir])
def test_a_checkpoint_that_is_no_plain_file_is_named_and_nothing_waits(
    directory: RunDirectory, lay: Callable[[Path], None]
) -> None:
    directory.last.parent.mkdir(parents=True)
    lay(directory.last)
    with pytest.raises(ValueError, match=r"last\.ckpt is a .*, and a plain file is needed"):
        read_checkpoint(directory.last)


def test_a_broken_checkpoint_is_told_with_what_else_there_is(directory: RunDirectory) -> None:
    write(directory.best, 5)
    with pytest.raises(FileNotFoundError, match=r"last\.ckpt does not exist; beside it lie best\.ckpt"):
        read_checkpoint(directory.last)


def test_a_checkpoint_of_another_iteration_is_not_taken_for_the_last_of_a_finished_run(directory: RunDirectory) -> None:
    known: dict[str, Any] = {"status": "finished", "study": "s", "method": "m", "label": "m", "seed": 0}
    write_result(directory.result_file, Result(**known, generator_steps=20, generator_step=20, seconds=1.0))
    write(directory.last, 10)
    with pytest.raises(ValueError, match="is of generator iteration 10, and not the last of this run, which is of 20"):
        checkpoint_of(directory, "last", network())
    write(directory.last, 20)
    assert checkpoint_of(directory, "last", network())["global_step"] == 20
