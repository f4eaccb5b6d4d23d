"""Whatever is broken in a run's directory, every command ends soon with the right result or one line that names it."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import pytest
import torch
from broken_runs import COMMANDS, DAMAGES, OTHER, Case, all_cases, secret, some_cases
from commands import TINY, Ended, weights

from gan_lightning import cli, evaluate, sample, study
from gan_lightning.report import __main__ as report
from gan_lightning.runs.directory import RunDirectory

TRAIN = [
    *TINY[:-1],
    "metrics.every=2",
    "metrics.samples=100",
    "metrics.splits=1",
    "every.checkpoint=2",
    "every.pictures=2",
    "every.log=1",
    "study=attacked",
]
LONGEST = 120  # seconds of a command, on a machine that has other things to do


@dataclass(frozen=True)
class Undamaged:
    """A study of a finished and an interrupted run, and what every command makes of it."""

    folder: Path
    weights: dict[str, Any]
    scores: dict[str, Any]
    outputs: dict[tuple[str, str], str]
    pictures: dict[str, bytes]


Run = Callable[[str, str], Ended]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on a run of the study in the present folder."""
    return lambda name, run: run_command(name, run, monkeypatch, capsys)


def run_command(name: str, run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ended:
    path = f"runs/attacked/{run}"
    programs: dict[str, tuple[Callable[[], Any], list[str]]] = {
        "resume": (cli.main, [*TRAIN, "generator_steps=6", f"hydra.run.dir={path}"]),
        "evaluate": (evaluate.main, [path]),
        "evaluate best": (evaluate.main, [path, "--checkpoint", "best"]),
        "sample": (sample.main, [path]),
        "report": (lambda: sys.exit(report.main()), ["attacked"]),
        "status": (study.main, ["status", "attacked", "--all"]),
    }
    program, arguments = programs[name]
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    capsys.readouterr()
    code = 0
    with ended_after(LONGEST):
        try:
            program()
        except SystemExit as error:
            code = int(error.code or 0)
    out, err = capsys.readouterr()
    return Ended(code, out, err)


class ended_after:
    """A block that raises if it takes longer than so many seconds, whatever it waits for."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def __enter__(self) -> None:
        self.before = signal.signal(signal.SIGALRM, self._raise)
        signal.alarm(self.seconds)

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self.before)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        pytest.fail(f"it took more than {self.seconds} s")


@pytest.fixture(scope="module")
def undamaged(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Undamaged]:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    folder = tmp_path_factory.mktemp("undamaged")
    with pytest.MonkeyPatch.context() as patch, capture.global_and_fixture_disabled():
        patch.chdir(folder)
        for run, steps, seed in (("attacked/finished", 6, 0), ("attacked/interrupted", 4, 0), (OTHER, 6, 1)):
            length = f"generator_steps={steps}"
            patch.setattr(sys, "argv", ["train", *TRAIN, length, f"seed={seed}", f"hydra.run.dir=runs/{run}"])
            cli.main()
    interrupted = RunDirectory(folder / "runs" / "attacked" / "interrupted")
    interrupted.record(status="running", generator_steps=6, error="interrupted by SIGTERM")
    result = RunDirectory(folder / "runs" / "attacked" / "finished").result
    assert result is not None and result.scores is not None
    expected = Undamaged(folder, weights(folder / "runs" / "attacked" / "finished"), result.scores, {}, {})
    yield expected


@pytest.fixture
def attacked(undamaged: Undamaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Run) -> Undamaged:
    """A copy of the study, in the present folder."""
    if not undamaged.outputs:
        for run in ("finished", "interrupted"):
            for name in ("evaluate", "evaluate best", "sample", "report", "status"):
                shutil.copytree(undamaged.folder, tmp_path / f"{name} {run}")
                monkeypatch.chdir(tmp_path / f"{name} {run}")
                done = command(name, run)
                assert done.code == 0, done.err
                undamaged.outputs[run, name] = done.out
                for picture in Path("runs/attacked", run, "samples").glob("grid-*"):
                    undamaged.pictures[run] = picture.read_bytes()
    shutil.copytree(undamaged.folder, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return undamaged


def check(case: Case, expected: Undamaged, command: Run) -> None:
    path = Path("runs/attacked", case.run, case.file).absolute()
    if not path.exists():
        pytest.skip("the run has no such file")
    DAMAGES[case.damage](path, Random(f"{case}"))
    before = contents(path.parents[len(Path(case.file).parts) - 1])
    theirs = secret(path).read_bytes() if case.damage == "link" else b""
    done = command(case.command, case.run)
    said = done.out + done.err
    assert "Traceback" not in said, said
    if case.damage == "link":
        assert secret(path).read_bytes() == theirs, "a link was followed"
    assert_nothing_is_lost(case, before)
    if done.code != 0:
        errors = [line for line in said.splitlines() if line.startswith(("error: ", "failed: "))]
        is_named = path.name in said or (case.file == "config.yaml" and f"attacked/{case.run} " in said)
        assert len(errors) == 1 and (is_named or not case.is_visible), said
    elif case.is_visible or case.file.endswith(".ckpt"):
        assert_right(case, expected, done, path)


def assert_right(case: Case, expected: Undamaged, done: Ended, path: Path) -> None:
    """A command that has succeeded has done what it does without the damage, or has named what it left out."""
    run = Path("runs/attacked", case.run)
    if case.command == "resume":
        if case.run == "interrupted" or path.suffix != ".ckpt":
            found = weights(run)
            assert all(torch.equal(found[name], value) for name, value in expected.weights.items())
        result = RunDirectory(run).result
        assert result is not None and result.status == "finished"
        assert result.scores == expected.scores
    elif case.command == "sample":
        assert next((run / "samples").glob("grid-*")).read_bytes() == expected.pictures[case.run]
    elif case.command.startswith("evaluate"):
        assert json.loads(done.out) == json.loads(expected.outputs[case.run, case.command])
    else:
        assert (
            done.out == expected.outputs[case.run, case.command]
            or path.name in done.out + done.err
            or (path.name == "result.json")
        ), done.out + done.err


def contents(run: Path) -> dict[str, bytes | None]:
    """What lies in a run's directory: of plain files the bytes."""
    return {
        str(path.relative_to(run)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
        for path in run.rglob("*")
    }


def assert_nothing_is_lost(case: Case, before: dict[str, bytes | None]) -> None:
    """Every other file is still there, and the damaged one's bytes too where they are a checkpoint's or a result's."""
    after = contents(Path("runs/attacked", case.run).absolute())
    missing = set(before) - set(after) - {case.file}
    assert not {name for name in missing if not name.startswith(".")}, missing
    if case.command != "resume":
        assert {name: after.get(name) for name in before} == before
    elif case.file == "result.json" or (case.file.endswith("last.ckpt") and case.damage != "remove"):
        there = [content for name, content in after.items() if name.startswith(case.file)]
        assert before.get(case.file) in there or case.damage in ("flip", "truncate", "remove") or case.is_visible


@pytest.mark.parametrize("case", some_cases(), ids=str)
def test_a_damaged_file_is_told_or_does_no_harm(case: Case, attacked: Undamaged, command: Run) -> None:
    check(case, attacked, command)


@pytest.mark.slow
@pytest.mark.parametrize("case", list(all_cases(1)), ids=str)
def test_every_file_damaged_in_every_way_is_told_or_does_no_harm(case: Case, attacked: Undamaged, command: Run) -> None:
    check(case, attacked, command)


@pytest.mark.parametrize(
    ("file", "command_name"),
    [("samples", "resume"), ("samples", "sample"), *(("checkpoints", name) for name in COMMANDS[:4])],
)
def test_nothing_is_read_or_written_through_a_folder_that_is_a_link(
    file: str, command_name: str, attacked: Undamaged, command: Run
) -> None:
    folder = Path("runs/attacked/interrupted", file)
    elsewhere = Path("elsewhere").absolute()
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
    done = command(command_name, "interrupted")
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before
    assert done.code == 2
    assert f"{file} is a link, and a folder is needed there" in done.err
    assert os.readlink(folder) == str(elsewhere)
