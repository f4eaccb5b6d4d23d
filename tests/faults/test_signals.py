"""A run that is asked to stop keeps its state, says how to go on, and leaves no process behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from commands import PROJECT, start_session, wait_until
from fault_runs import Faults, run_of
from test_kills import assert_as_if_uninterrupted, whole  # noqa: F401 - the fixture

from gan_lightning.runs.directory import RunDirectory

LONG = run_of(steps=100_000, checkpoint=100_000)
"""Ended by a signal alone, and without a checkpoint but the one that it calls for."""


SWEEP = (*(each for each in LONG if not each.startswith("hydra.run.dir")), "seed=0,1")


def begun(run: Path) -> bool:
    """Whether training is under way."""
    return (run / "metrics.csv").exists()


def children_of(pid: int) -> set[int]:
    """The processes below a process, by the kernel's word."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(stat[1]) == pid:
                found |= {int(entry.name)} | children_of(int(entry.name))
    return found


def alive(pids: set[int]) -> set[int]:
    found = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            found.add(pid)
    return found


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGUSR1, 138)]
)
def test_a_signal_keeps_the_state_of_that_very_iteration(faults: Faults, number: signal.Signals, code: int) -> None:
    run = faults.folder / "run"
    process = faults.start(*LONG)
    wait_until(lambda: begun(run))
    os.kill(process.pid or 0, number)
    process.join(20)
    assert process.exitcode == code, faults.output
    result = RunDirectory(run).result
    assert result is not None and result.status == "running"
    step = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
    assert step == result.generator_step > 0
    line = f"interrupted by {number.name} at generator iteration {step}; the same command goes on from there"
    assert line in faults.output
    assert "Traceback" not in faults.output


SCONTROL = """#!/bin/sh
if [ "$1" = show ]; then echo "JobId=12 PreemptTime={preempted} RunTime=00:00:09"; else echo "$@" >> asked; fi
"""


def in_a_job(preempted: str = "None") -> None:
    """From now on, as in job 12 of a cluster whose ``scontrol`` notes what it is asked to do."""
    program = Path("scontrol")
    program.write_text(SCONTROL.format(preempted=preempted))
    program.chmod(0o755)
    os.environ |= {"SLURM_JOB_ID": "12", "PATH": f"{Path.cwd()}{os.pathsep}{os.environ['PATH']}"}


PREEMPTED = partial(in_a_job, "2026-01-31T12:00:00")


@pytest.mark.parametrize(
    ("number", "before", "asked"),
    [
        (signal.SIGUSR1, in_a_job, "requeue 12\n"),
        (signal.SIGUSR2, in_a_job, "requeue 12\n"),
        (signal.SIGTERM, PREEMPTED, "requeue 12\n"),
        (signal.SIGTERM, in_a_job, ""),
    ],
    ids=["USR1", "USR2", "preempted", "cancelled"],
)
def test_a_job_is_put_into_the_queue_again_ahead_of_its_end_and_not_if_it_is_cancelled(
    faults: Faults, number: signal.Signals, before: Callable[[], None], asked: str
) -> None:
    process = faults.start(*LONG, before=before)
    wait_until(lambda: begun(faults.folder / "run"))
    os.kill(process.pid or 0, number)
    process.join(20)
    assert process.exitcode == 128 + number, faults.output
    assert (faults.folder / "run" / "checkpoints" / "last.ckpt").exists()
    noted = faults.folder / "asked"
    assert (noted.read_text() if noted.exists() else "") == asked
    assert ("job 12 is in the queue again, and goes on from there" in faults.output) == bool(asked)
    assert RunDirectory(faults.folder / "run").noted_job == "12"


def test_a_run_that_was_interrupted_again_and_again_ends_as_if_it_had_not_been(faults: Faults, whole: Path) -> None:  # noqa: F811
    run = faults.folder / "run"
    interruptions = 0
    while interruptions < 8:
        process = faults.start(*run_of())
        said = len(faults.output)
        wait_until(lambda: process.exitcode is not None or len(faults.output) > said)  # noqa: B023
        process.terminate()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == 143, faults.output
        interruptions += 1
    assert interruptions > 0
    if process.exitcode:
        process = faults.start(*run_of())
        process.join()
    assert process.exitcode == 0, faults.output
    assert_as_if_uninterrupted(run, whole)


def in_a_session_of_its_own(folder: Path, *command: str) -> subprocess.Popen[str]:
    """A command in a process group that can be signalled as a whole, with its output in a file."""
    return start_session(command, folder=folder, output=folder / "out.txt")


TRAIN = (sys.executable, str(PROJECT / "train.py"))
TWO = (*LONG, "trainer.devices=2", "data.batch_size=8")


def gone(pids: set[int]) -> None:
    """No process of these is left after ten seconds."""
    wait_until(lambda: not alive(pids), seconds=10)


@pytest.mark.parametrize("whom", ["parent", "one rank", "process group"])
def test_two_processes_keep_one_state_and_leave_nobody(tmp_path: Path, whom: str) -> None:
    process = in_a_session_of_its_own(tmp_path, *TRAIN, *TWO)
    wait_until(lambda: begun(tmp_path / "run") or process.poll() is not None, seconds=120)
    children = children_of(process.pid)
    assert len(children) >= 2, (tmp_path / "out.txt").read_text()
    if whom == "process group":
        os.killpg(process.pid, signal.SIGTERM)
    else:
        os.kill(process.pid if whom == "parent" else max(children), signal.SIGTERM)
    assert process.wait(60) == 143, (tmp_path / "out.txt").read_text()
    gone(children)
    step = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
    output = (tmp_path / "out.txt").read_text()
    assert f"interrupted by SIGTERM at generator iteration {step}; the same command goes on" in output
    assert "Traceback" not in output


def test_processes_whose_parent_is_killed_end_and_let_go_of_the_run(tmp_path: Path) -> None:
    process = in_a_session_of_its_own(tmp_path, *TRAIN, *TWO)
    wait_until(lambda: begun(tmp_path / "run") or process.poll() is not None, seconds=120)
    children = children_of(process.pid)
    process.kill()
    process.wait()
    assert RunDirectory(tmp_path / "run").is_held or not alive(children), "a rank trains without the lock"
    gone(children)
    assert not RunDirectory(tmp_path / "run").is_held


def test_a_killed_rank_is_a_failure_that_the_same_command_mends(tmp_path: Path) -> None:
    process = in_a_session_of_its_own(tmp_path, *TRAIN, *TWO)
    wait_until(lambda: begun(tmp_path / "run") or process.poll() is not None, seconds=120)
    children = children_of(process.pid)
    ranks = [child for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]
    os.kill(max(ranks), signal.SIGKILL)
    output = tmp_path / "out.txt"
    assert process.wait(90) == 1, output.read_text()
    gone(children)
    result = RunDirectory(tmp_path / "run").result
    assert result is not None and result.status == "failed"
    assert "failed: process 1 terminated with signal SIGKILL" in output.read_text()
    assert "Traceback" not in output.read_text()


def test_torchruns_processes_end_with_it(tmp_path: Path) -> None:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    process = in_a_session_of_its_own(tmp_path, *torchrun, TRAIN[1], *TWO)
    wait_until(lambda: begun(tmp_path / "run") or process.poll() is not None, seconds=120)
    children = children_of(process.pid)
    assert len(children) >= 2, (tmp_path / "out.txt").read_text()
    process.kill()
    process.wait()
    gone(children)
    wait_until(lambda: not RunDirectory(tmp_path / "run").is_held, seconds=10)


def test_under_nohup_a_hangup_and_ctrl_c_are_ignored(tmp_path: Path) -> None:
    ignoring = "trap '' HUP INT; exec " + " ".join([*TRAIN, *run_of(steps=60)])
    process = in_a_session_of_its_own(tmp_path, "sh", "-c", ignoring)
    wait_until(lambda: begun(tmp_path / "run") or process.poll() is not None, seconds=120)
    os.killpg(process.pid, signal.SIGHUP)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 0, (tmp_path / "out.txt").read_text()


@pytest.mark.parametrize("launcher", ["basic", "joblib"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_sweep_stops_as_a_whole_and_goes_on_as_a_whole(tmp_path: Path, launcher: str, number: signal.Signals) -> None:
    tiny = [part for part in LONG if not part.startswith("hydra.run.dir")]
    sweep = [*TRAIN, "-m", *tiny, "seed=range(3)", f"hydra/launcher={launcher}"]
    sweep += ["hydra.launcher.n_jobs=2"] if launcher == "joblib" else []
    process = in_a_session_of_its_own(tmp_path, *sweep)
    runs = tmp_path / "runs" / "adhoc"
    wait_until(lambda: any(begun(run) for run in runs.glob("*")) or process.poll() is not None, seconds=120)
    children = children_of(process.pid)
    os.killpg(process.pid, number)  # as a terminal does
    assert process.wait(60) == 128 + number, (tmp_path / "out.txt").read_text()
    gone(children)
    output = (tmp_path / "out.txt").read_text()
    assert "sweep of 3 runs: 0 finished, 0 diverged, 0 failed" in output
    assert f"interrupted by {number.name}; the same command goes on" in output
    assert "Traceback" not in output
    begun_runs = [run for run in runs.iterdir() if run.is_dir() and RunDirectory(run).result is not None]
    assert 1 <= len(begun_runs) <= 2
    for run in begun_runs:
        assert (run / "checkpoints" / "last.ckpt").exists()


def test_a_killed_sweep_leaves_no_worker(tmp_path: Path) -> None:
    tiny = [part for part in LONG if not part.startswith("hydra.run.dir")]
    sweep = [*TRAIN, "-m", *tiny, "seed=range(3)", "hydra/launcher=joblib", "hydra.launcher.runs_per_device=2"]
    process = in_a_session_of_its_own(tmp_path, *sweep)
    runs = tmp_path / "runs" / "adhoc"
    wait_until(lambda: any(begun(run) for run in runs.glob("*")) or process.poll() is not None, seconds=120)
    children = children_of(process.pid)
    assert len(children) >= 2
    process.kill()
    process.wait()
    gone(children)


def signalled_while_building() -> None:
    """From now on, a SIGTERM comes when the parts of a run have been built: before any process of it is started."""
    from gan_lightning.runs import run

    build = run.build

    def built_and_signalled(*arguments: object) -> object:
        parts = build(*arguments)  # pyright: ignore[reportArgumentType]
        os.kill(os.getpid(), signal.SIGTERM)
        return parts

    run.build = built_and_signalled  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("overrides", [LONG, TWO], ids=["one process", "two"])
def test_a_signal_before_training_is_not_forgotten(faults: Faults, overrides: tuple[str, ...]) -> None:
    process = faults.start(*overrides, before=signalled_while_building)
    process.join(60)
    assert process.exitcode == 143, faults.output
    assert RunDirectory(faults.folder / "run").result is None


def signalled_while_composing() -> None:
    """From now on, a SIGTERM comes when a sweep has been looked at, before its launcher has it."""
    from gan_lightning.runs.sweep import SweepSummary

    look = SweepSummary.on_multirun_start

    def looked_and_signalled(*arguments: object, **named: object) -> None:
        look(*arguments, **named)  # pyright: ignore[reportArgumentType]
        os.kill(os.getpid(), signal.SIGTERM)

    SweepSummary.on_multirun_start = looked_and_signalled


@pytest.mark.parametrize("launcher", ["basic", "joblib"])
def test_a_signal_before_a_sweep_has_begun_begins_none_of_its_runs(faults: Faults, launcher: str) -> None:
    sweep = ("-m", *SWEEP, f"hydra/launcher={launcher}")
    process = faults.start(*sweep, before=signalled_while_composing)
    process.join(60)
    assert process.exitcode == 143, faults.output
    assert "0 finished, 0 diverged, 0 failed, 2 missing" in faults.output
    assert "interrupted by SIGTERM; the same command goes on" in faults.output
