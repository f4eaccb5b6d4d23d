"""Runs in processes that start at once, since what is slow to import has been imported before they are forked."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from commands import TINY


def run_of(*, steps: int = 40, checkpoint: int = 3) -> tuple[str, ...]:
    """The overrides of a run of some seconds."""
    often = ("every.log=2", "every.pictures=20", f"every.checkpoint={checkpoint}")
    return (*TINY, *often, f"generator_steps={steps}", "hydra.run.dir=run")


def train_in(folder: Path, overrides: tuple[str, ...], before: Callable[[], None] | None) -> None:
    """``python train.py`` in this process, with its output in a file."""
    os.chdir(folder)
    out = os.open(folder / "out.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    process._parent_process = None  # as if typed: no child of the tests that would have to end with them
    import torch

    from gan_lightning import cli

    torch.set_num_threads(1)
    if before is not None:
        before()
    sys.argv = ["train.py", *overrides]
    cli.main()


@dataclass
class Faults:
    """Starts runs in a folder and looks at what they leave."""

    folder: Path
    context: Any
    started: list[BaseProcess] = field(default_factory=list)

    def start(self, *overrides: str, before: Callable[[], None] | None = None) -> BaseProcess:
        """Start ``python train.py`` as a process of its own.

        Args:
            overrides: of the run.
            before: function of a module, called in that process before.
        """
        started = self.context.Process(target=train_in, args=(self.folder, overrides, before))
        started.start()
        self.started.append(started)
        return started

    @property
    def output(self) -> str:
        file = self.folder / "out.txt"
        return file.read_text() if file.exists() else ""
