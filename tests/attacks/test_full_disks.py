"""A disk that is full from some moment on: told in one line with a file, nothing lost, gone on with once there is room.

It is full from the n-th file on that is made, in this process; and, marked slow, really so, of a few kilobytes.
"""

import errno
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import PROJECT, TINY, Ended, Train, assert_same_weights

from gan_lightning.runs.checkpoints import read_checkpoint
from gan_lightning.runs.directory import RunDirectory

SWEEP = ("-m", *TINY, "generator_steps=6", "every.checkpoint=2", "every.pictures=2", "every.log=2", "seed=0,1")
FILES = random.Random(0).sample(range(60), 24)
SIZES = [random.Random(seed).randrange(4, 900) for seed in range(12)]


class Disk:
    """Has room for so many files more, and then for none."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.room = folder, 10**9
        self.open = os.open

    def __call__(self, path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and Path(path).absolute().is_relative_to(self.folder):
            self.room -= 1
            if self.room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return self.open(path, flags, *arguments, **named)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The study as it ends on a disk that has room."""
    from gan_lightning import cli

    folder = tmp_path_factory.mktemp("whole")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with pytest.MonkeyPatch.context() as patch, capture.global_and_fixture_disabled():
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["train.py", *SWEEP])
        cli.main()
    return folder


def assert_told(done: Ended) -> None:
    assert done.code in (1, 2), done.out + done.err
    assert "Traceback" not in done.out + done.err, done.out + done.err
    assert re.search(r"No space left on device: '?\S+", done.out + done.err), done.out + done.err


def assert_as_whole(folder: Path, whole: Path) -> None:
    runs = sorted(path.parent for path in whole.glob("runs/adhoc/*/result.json"))
    assert len(runs) == 2
    for run in runs:
        result = RunDirectory(folder / run.relative_to(whole)).result
        assert result is not None and result.status == "finished"
        assert_same_weights(folder / run.relative_to(whole), run)


@pytest.mark.parametrize("room", [*FILES[:5], *(pytest.param(room, marks=pytest.mark.slow) for room in FILES[5:])])
def test_a_disk_that_is_full_from_some_file_on_is_told_and_the_sweep_goes_on(
    room: int, train: Train, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(train.folder)
    disk.room = room
    monkeypatch.setattr(os, "open", disk)
    done = train(*SWEEP)
    assert_told(done)
    for checkpoint in train.folder.glob("runs/adhoc/*/checkpoints/*.ckpt"):
        read_checkpoint(checkpoint)
    disk.room = 10**9
    again = train(*SWEEP)
    assert again.code == 0, again.out + again.err
    assert "sweep of 2 runs: 2 finished, 0 diverged, 0 failed" in again.out
    assert_as_whole(train.folder, whole)


def test_the_earlier_checkpoint_stays_the_last_one_where_the_next_has_no_room(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = [*TINY, "every.checkpoint=2", "hydra.run.dir=here"]
    assert train(*run, "generator_steps=4").code == 0
    before = {path.name: path.read_bytes() for path in (train.folder / "here" / "checkpoints").iterdir()}
    disk = Disk(train.folder)
    monkeypatch.setattr(os, "open", disk)

    def fill(checkpoint: object, file: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("torch.save", fill)
    done = train(*run, "generator_steps=6")
    assert_told(done)
    assert done.code == 1
    after = {path.name: path.read_bytes() for path in (train.folder / "here" / "checkpoints").iterdir()}
    assert after["last.ckpt"] == before["last.ckpt"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Callable[[int, str], Ended]:
    """Runs a command of the shell on a disk of so many kilobytes, which it may enlarge by ``more``."""

    def run(kilobytes: int, command: str) -> Ended:
        script = (
            f"mount -t tmpfs -o size={kilobytes}k tmpfs {tmp_path} && cd {tmp_path} && "
            f"more() {{ mount -o remount,size=100m {tmp_path}; }} && {command}"
        )
        environment = os.environ | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
            capture_output=True, text=True, env=environment, timeout=300,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)

    try:
        works = run(100, "true").code == 0
    except FileNotFoundError:
        works = False
    if not works:
        pytest.skip("this machine lets nobody mount a disk of their own")
    return run


@pytest.mark.slow
@pytest.mark.parametrize("logger", ["csv", "tensorboard", "wandb"])
@pytest.mark.parametrize("kilobytes", SIZES)
def test_a_disk_that_is_really_full_is_told_and_the_sweep_goes_on(
    kilobytes: int, logger: str, small_disk: Callable[[int, str], Ended], tmp_path: Path
) -> None:
    train = f"{sys.executable} {PROJECT}/train.py {' '.join(SWEEP)} logger={logger}"
    done = small_disk(kilobytes, f"{train}; code=$?; more; {train} || exit 99; exit $code")
    assert "Traceback" not in done.out + done.err, done.out + done.err
    assert done.code in (0, 1, 2)
    if done.code:
        assert re.search(r"No space left on device: '?\S+", done.out + done.err), done.out + done.err
    assert "sweep of 2 runs: 2 finished, 0 diverged, 0 failed" in done.out
