"""Commands as a user types them, for tests: in this process where the imports are slow, in another where it must be."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gan_lightning import cli

PROJECT = Path(__file__).parent.parent

TINY = (
    "trainer=cpu",
    "trainer.threads=1",
    "arch.generator.filters=2",
    "arch.critic.filters=2",
    "data.batch_size=8",
    "n_critic=1",
    "metrics=none",
)
"""A run of the default command that takes milliseconds an iteration."""


@dataclass(frozen=True)
class Ended:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


class Train:
    """``python train.py`` in this process and an empty folder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.monkeypatch, self.capsys, self.folder = monkeypatch, capsys, folder
        monkeypatch.chdir(folder)

    def __call__(self, *overrides: str) -> Ended:
        self.monkeypatch.setattr(sys, "argv", ["train.py", *overrides])
        code = 0
        try:
            cli.main()
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = self.capsys.readouterr()
        return Ended(code, out, err)

    def directory(self, *overrides: str) -> Path:
        """The run directory of these overrides."""
        return self.folder / "runs" / "adhoc" / cli.run_name(list(overrides))


def start_train(*overrides: str, folder: Path) -> subprocess.Popen[str]:
    """``python train.py`` as a process of its own, in ``folder``."""
    return start(PROJECT / "train.py", *overrides, folder=folder)


def start(*command: str | Path, folder: Path) -> subprocess.Popen[str]:
    """Python with a command, as a process of its own, in ``folder``."""
    line: Sequence[str] = [sys.executable, *map(str, command)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        line, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def ended(process: subprocess.Popen[str]) -> Ended:
    """What became of a process."""
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)
