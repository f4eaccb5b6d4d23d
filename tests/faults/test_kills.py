"""A run that is killed at any moment goes on, and ends as if it had not been."""

import errno
import os
import random
import re
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch
from commands import wait_until, weights
from fault_runs import Faults, run_of

from gan_lightning.atomic import atomic_file
from gan_lightning.runs.checkpoints import AtomicCheckpointIO
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics

KILLS = 30


def assert_as_if_uninterrupted(run: Path, whole: Path) -> None:
    """The same weights, the same rows of measures, nothing half written and nothing left over."""
    ours, theirs = weights(run), weights(whole)
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    result = RunDirectory(run).result
    assert result is not None and (result.status, result.generator_step) == ("finished", 40)
    rows, expected = read_metrics(run / "metrics.csv"), read_metrics(whole / "metrics.csv")
    assert list(rows) == list(expected)
    for step, row in rows.items():
        assert row | {"seconds": 0} == expected[step] | {"seconds": 0}
    names = {path.relative_to(run) for path in run.rglob("*")}
    assert names == {path.relative_to(whole) for path in whole.rglob("*")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, forking: Any) -> Path:
    """An uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    process = Faults(folder, forking).start(*run_of())
    process.join()
    assert process.exitcode == 0, (folder / "out.txt").read_text()
    return folder / "run"


def test_thirty_kills_at_random_moments_change_nothing(faults: Faults, whole: Path) -> None:
    """Each start gets a little farther, until all that is left is the end."""
    run, moments = faults.folder / "run", random.Random(0)
    kills = 0
    while kills < KILLS:
        process = faults.start(*run_of(checkpoint=1))
        begun = len(faults.output)
        wait_until(lambda: process.exitcode is not None or len(faults.output) > begun)  # noqa: B023
        process.join(moments.uniform(0.0, 0.6))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
        else:  # it came to its end: the next shall begin anew
            assert process.exitcode == 0, faults.output
            assert_as_if_uninterrupted(run, whole)
            shutil.rmtree(run)
    process = faults.start(*run_of(checkpoint=1))
    process.join()
    assert process.exitcode == 0, faults.output
    assert "Traceback" not in faults.output
    assert_as_if_uninterrupted(run, whole)


def die_within_a_checkpoint() -> None:
    """The fifth checkpoint is half written when the process is killed."""
    save, count = AtomicCheckpointIO.save_checkpoint, 0

    def save_half(self: AtomicCheckpointIO, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        nonlocal count
        count += 1
        if count == 5:
            whole_save = torch.save

            def half(obj: Any, file: BinaryIO) -> None:
                whole_save(obj, file)
                file.truncate(file.tell() // 2)
                os.kill(os.getpid(), signal.SIGKILL)

            torch.save = half  # pyright: ignore[reportAttributeAccessIssue]
        save(self, checkpoint, path, storage_options)

    AtomicCheckpointIO.save_checkpoint = save_half


def test_a_kill_within_the_write_of_a_checkpoint_leaves_the_one_before(faults: Faults, whole: Path) -> None:
    process = faults.start(*run_of(), before=die_within_a_checkpoint)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    run = faults.folder / "run"
    left = [path.name for path in (run / "checkpoints").iterdir()]
    assert "previous.ckpt" in left
    assert any(re.fullmatch(r"\.last\.ckpt\.\d+", name) for name in left)
    process = faults.start(*run_of())
    process.join()
    assert process.exitcode == 0, faults.output
    assert "going on from generator iteration 12" in faults.output
    assert_as_if_uninterrupted(run, whole)


def fill_the_disk() -> None:
    """There is no room for another checkpoint."""

    def save_nothing(
        self: AtomicCheckpointIO, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        with atomic_file(Path(path)) as temporary:
            temporary.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    AtomicCheckpointIO.save_checkpoint = save_nothing


def leave_no_room_at_all() -> None:
    """No file may grow beyond a few bytes: what has happened cannot be written down either."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))


@pytest.mark.parametrize("fault", [fill_the_disk, leave_no_room_at_all])
def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room_again(
    faults: Faults, whole: Path, fault: Callable[[], None]
) -> None:
    first = faults.start(*run_of(steps=10))
    first.join()
    assert first.exitcode == 0, faults.output
    full = faults.start(*run_of(), before=fault)
    full.join()
    assert full.exitcode in (1, 2)
    assert "No space left" in faults.output or "File too large" in faults.output
    assert "Traceback" not in faults.output
    again = faults.start(*run_of())
    again.join()
    assert again.exitcode == 0, faults.output
    run = faults.folder / "run"
    assert all(torch.equal(weights(run)[name], value) for name, value in weights(whole).items())
    result = RunDirectory(run).result
    assert result is not None and result.status == "finished"


def test_of_ten_starts_at_once_one_trains_and_the_others_say_so(faults: Faults, whole: Path) -> None:
    processes = [faults.start(*run_of()) for _ in range(10)]
    wait_until(lambda: sum(process.exitcode is not None for process in processes) == 10, seconds=180)
    codes = sorted(process.exitcode for process in processes if process.exitcode is not None)
    assert codes[0] == 0 and set(codes) <= {0, 2}
    refused = faults.output.count("is in use: another process is running it")
    ended = faults.output.count("already finished, nothing to do")
    assert faults.output.count("WGAN-GP (wgan_gp)") == 1, "so many began"
    assert (refused, refused + ended) == (codes.count(2), 9)
    assert_as_if_uninterrupted(faults.folder / "run", whole)
