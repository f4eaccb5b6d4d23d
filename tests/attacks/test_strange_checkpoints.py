"""Forged checkpoints, whose checksums are right, are read or refused in one line, in bounded time and memory.

They are read in a process of its own, which says what came of each and would take a crash with it.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("read_checkpoints.py")


def read(*arguments: str, folder: Path) -> dict[str, Any]:
    """What the program says of the checkpoints that it was told to read."""
    command = [sys.executable, PROGRAM, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.returncode} at {done.stderr.splitlines()[-1:]}: {done.stdout}"
    return json.loads(done.stdout)


def test_no_checkpoint_runs_what_it_holds(tmp_path: Path) -> None:
    assert set(read("traps", folder=tmp_path)["found"]) == {"refused"}
    assert not any(tmp_path.iterdir())


def test_no_checkpoint_takes_time_or_memory_without_end(tmp_path: Path) -> None:
    said = read("bombs", folder=tmp_path)
    assert set(said["found"]) == {"read", "refused"} and said["megabytes"] < 1000


def test_checkpoints_of_other_steps_are_read_or_refused(tmp_path: Path) -> None:
    assert set(read("mutations", "0", "200", folder=tmp_path)["found"]) == {"read", "refused"}


@pytest.mark.slow
def test_many_checkpoints_of_other_steps_are_read_or_refused(tmp_path: Path) -> None:
    assert set(read("mutations", "200", "5000", folder=tmp_path)["found"]) == {"read", "refused"}
