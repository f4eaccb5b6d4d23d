"""Processes that start at once, for runs that are to be disturbed."""

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_runs import Faults


@pytest.fixture(scope="session")
def forking() -> Iterator[Any]:
    context = multiprocessing.get_context("forkserver")
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    context.set_forkserver_preload(["fault_runs", "gan_lightning.cli", "gan_lightning.runs.run", "matplotlib.pyplot"])
    with pytest.MonkeyPatch.context() as patch:  # it finds modules by its environment alone
        patch.setenv("PYTHONPATH", os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")]))
        yield context


@pytest.fixture
def faults(tmp_path: Path, forking: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made = Faults(tmp_path, forking)
    yield made
    for process in made.started:
        if process.is_alive():
            process.kill()
        process.join()
