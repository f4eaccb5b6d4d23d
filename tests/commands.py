"""Commands as a user types them, for tests: in this process where the imports are slow, in another where it must be."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from gan_lightning import cli, study
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.result import Result
from gan_lightning.runs.settings import Settings

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

SGD = ("optimizer._target_=torch.optim.SGD", "~optimizer.betas")
"""Steps in proportion to the gradient: Adam's first ones are of the full rate, also for one that is nearly rounding."""

STARTED: list[subprocess.Popen[str]] = []


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


def run_study(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code and output of ``python -m gan_lightning.study`` in this process."""
    code = 0
    try:
        study.main(arguments)
    except SystemExit as error:
        code = int(error.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def begin_run(run: Path, **changes: Any) -> RunDirectory:
    """A run's directory as its start leaves it: at iteration 100 of 1,000, unless ``changes`` say otherwise."""
    known: dict[str, Any] = {
        "status": "running",
        "study": "s",
        "method": "m",
        "label": "m",
        "seed": 0,
        "generator_steps": 1000,
        "generator_step": 100,
        "seconds": 50.0,
    }
    result, directory = Result(**(known | changes)), RunDirectory(run)
    directory.begin({"generator_steps": result.generator_steps}, result)
    return directory


def own_module(name: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the user's own in a folder, which is found for the length of a test."""
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)


def change_settings(run: Path, settings: dict[str, Any]) -> None:
    """Write other settings into a run, into its checkpoints too: whoever can write the one can write the other."""
    OmegaConf.save(OmegaConf.create(settings), run / "config.yaml")
    for path in (run / "checkpoints").glob("*.ckpt"):
        content = torch.load(path, weights_only=True)
        torch.save(content | {"settings": settings}, path)


def assert_same_weights(run: Path, other: Path) -> None:
    ours, theirs = weights(run), weights(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def assert_same_training(run: Path, other: Path) -> None:
    """Weights of two runs with SGD, without batch norm, differ by the order in which gradients are summed alone."""
    theirs = weights(other)
    for name, value in weights(run).items():
        torch.testing.assert_close(theirs[name], value, atol=1e-6, rtol=1e-6)


def weights(run: Path) -> dict[str, Any]:
    """Those that a run's last checkpoint holds."""
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def wait_until(condition: Callable[[], object], *, seconds: float = 60.0, what: str = "", every: float = 0.005) -> None:
    """Wait until something holds, and fail if it does not in time.

    Args:
        condition: that is to hold.
        seconds: until it has to.
        what: it is, in words.
        every: seconds between two looks.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(every)


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody has, so many."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def for_processes(*folders: Path) -> Iterator[None]:
    """Within it processes of the tests find each other on this machine, and modules in these folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLOO_SOCKET_IFNAME", "lo")
        patch.setenv("PYTHONPATH", os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")]))
        yield


def run_claimed(settings: Settings, directory: RunDirectory) -> str:
    """A run by settings alone, in its directory."""
    from gan_lightning.runs.run import run

    with directory.claimed() as lock:
        return run(settings, directory, lock=lock)


def start_train(*overrides: str, folder: Path) -> subprocess.Popen[str]:
    """``python train.py`` as a process of its own, in ``folder``."""
    return start(PROJECT / "train.py", *overrides, folder=folder)


def start(*command: str | Path, folder: Path, path: Path = PROJECT) -> subprocess.Popen[str]:
    """Python with a command, as a process of its own, in ``folder``, that finds its own modules in ``path`` first."""
    return start_session([sys.executable, *map(str, command)], folder=folder, environment={"PYTHONPATH": str(path)})


def start_session(
    command: Sequence[str], *, folder: Path, output: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """A command in a process group that can be signalled as a whole, and does not outlive its test.

    Args:
        command: with its arguments.
        folder: that it is started in.
        output: file that what it prints is added to; ``None`` for pipes.
        environment: variables beside those of the tests.
    """
    variables = os.environ | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"} | dict(environment or {})
    out = err = subprocess.PIPE
    with nullcontext() if output is None else open(output, "a") as file:
        if file is not None:
            out = err = file
        process = subprocess.Popen(
            command, cwd=folder, env=variables, text=True, stdout=out, stderr=err, start_new_session=True
        )
    STARTED.append(process)
    return process


def end_started() -> None:
    """Kill what is left of what was started."""
    while STARTED:
        process = STARTED.pop()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ended(process: subprocess.Popen[str]) -> Ended:
    """What became of a process."""
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)
