"""Sweeps: which directories their runs have, and how they are counted."""

from collections.abc import Callable

import pytest
from commands import Train, begin_run
from hydra_plugins.hydra_joblib_launcher.joblib_launcher import JoblibLauncher
from joblib.externals.loky.process_executor import TerminatedWorkerError
from omegaconf import DictConfig

from gan_lightning import cli
from gan_lightning.runs import sweep
from gan_lightning.runs.directory import InUse, RunDirectory
from gan_lightning.runs.result import Result, write_result
from gan_lightning.runs.settings import Settings


@pytest.fixture
def started(train: Train, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the directories of runs that were started; they end at once."""
    names: list[str] = []

    def lead(settings: object, directory: RunDirectory) -> str:
        names.append(directory.path.name)
        result = Result(
            status="finished",
            study="adhoc",
            method="dcgan",
            label="GAN",
            seed=0,
            generator_steps=1,
            generator_step=1,
            seconds=0.0,
        )
        write_result(directory.result_file, result)
        return "finished"

    monkeypatch.setattr(cli, "lead", lead)
    return names


def test_summary_counts_the_directories_that_the_runs_had(train: Train, started: list[str]) -> None:
    done = train("-m", "seed=0,1", "decay=none,linear", "generator_steps=9")
    assert (done.code, done.err) == (0, "")
    assert started == [
        "decay=none,seed=0",
        "decay=linear,generator_steps=9,seed=0",
        "decay=none,seed=1",
        "decay=linear,generator_steps=9,seed=1",
    ]
    assert "sweep of 4 runs: 4 finished, 0 diverged, 0 failed" in done.out


def test_options_are_swept_by_a_pattern_of_their_names(train: Train, started: list[str]) -> None:
    assert train("-m", "objective=glob([w*,h*],exclude=*gp)").code == 0
    assert started == ["objective=hinge", "objective=wgan_clip"]


def test_a_fault_of_what_looks_at_a_sweep_ends_it(
    train: Train, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "run_names", lambda *_: 1 / 0)
    done = train("-m", "seed=0,1")
    assert done.code == 2 and "Callback SweepSummary.on_multirun_start raised ZeroDivisionError" in done.err
    assert not started


def test_run_length_is_swept_where_something_follows_it(train: Train, started: list[str]) -> None:
    assert train("-m", "decay=linear", "generator_steps=9,10").code == 0
    assert started == ["decay=linear,generator_steps=10", "decay=linear,generator_steps=9"][::-1]


def test_key_inside_a_node_with_a_target_may_be_added(train: Train, started: list[str]) -> None:
    assert train("+optimizer.weight_decay=0.1", "++generator_steps=4", "++hydra.verbose=false").code == 0
    assert started == ["+optimizer.weight_decay=0.1"]


def test_sweep_of_which_a_run_left_nothing_has_not_succeeded(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "lead", lambda settings, directory: "finished")
    done = train("-m", "seed=0,1")
    assert done.code == 1
    assert "sweep of 2 runs: 0 finished, 0 diverged, 0 failed, 2 missing" in done.out


def test_a_run_that_raises_anything_at_all_fails_alone(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def lead(settings: Settings, directory: RunDirectory) -> str:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(cli, "lead", lead)
    done = train("-m", "seed=0,1")
    assert done.code == 1
    assert "sweep of 2 runs: 0 finished, 0 diverged, 2 failed" in done.out
    assert done.out.count("CUDA out of memory") == 4  # where it failed, and in the summary


def test_a_run_that_somebody_else_has_is_left_to_them(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_use(settings: object, directory: RunDirectory) -> str:
        raise InUse("another process is running it")

    monkeypatch.setattr(cli, "lead", in_use)
    done = train("-m", "seed=0,1")
    assert done.out.count("left to the process that has it") == 2
    assert not list((train.folder / "runs").glob("*/*/refused.txt"))
    alone = train("seed=0")
    assert (alone.code, alone.err) == (2, "error: another process is running it\n")


@pytest.mark.parametrize("is_held", [True, False])
def test_a_sweep_of_which_a_run_was_left_running_has_not_succeeded(
    train: Train, monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    def leave(settings: Settings, directory: RunDirectory) -> str:
        begin_run(directory.path)
        return "failed"  # and there was no room to say so

    monkeypatch.setattr(cli, "lead", leave)
    monkeypatch.setattr(RunDirectory, "is_held", is_held)
    done = train("-m", "seed=0,1")
    assert done.code == 1
    assert f"0 finished, 0 diverged, 0 failed, 2 {'running' if is_held else 'stale'}" in done.out


def test_a_refusal_that_cannot_be_written_down_leaves_the_other_runs_alone(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    (train.directory("seed=0", "arch.critic.norm=batch") / "refused.txt" / "full").mkdir(parents=True)
    done = train("-m", "seed=0,1", "arch.critic.norm=batch")
    assert done.code == 1
    assert done.out.count("refused: ") == 2
    assert "refused.txt" in done.out and "sweep of 2 runs: 0 finished, 0 diverged, 2 failed" in done.out
    assert "Traceback" not in done.out + done.err


def test_joblib_is_the_launcher_that_packs(compose_hydra: Callable[..., DictConfig]) -> None:
    launcher = compose_hydra("hydra/launcher=joblib", "hydra.launcher.runs_per_device=3").hydra.launcher
    assert launcher._target_ == "hydra_plugins.gan_lightning_launchers.PackedLauncher"
    assert (launcher.runs_per_device, launcher.n_jobs) == (3, None)


def test_a_sweep_whose_worker_was_killed_says_so_and_counts_its_runs(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise TerminatedWorkerError

    monkeypatch.setattr(JoblibLauncher, "launch", killed)
    done = train("-m", "seed=0,1", "trainer=cpu", "hydra/launcher=joblib")
    assert done.code == 1
    assert "a worker process was killed, for want of memory perhaps; the same command goes on" in done.out
    assert "sweep of 2 runs: 0 finished, 0 diverged, 0 failed, 2 missing" in done.out
    assert "Traceback" not in done.out + done.err


@pytest.mark.parametrize("name", ["slurm", "slurm_ddp"])
def test_slurms_request_follows_the_devices(compose_hydra: Callable[..., DictConfig], name: str) -> None:
    config = compose_hydra(f"hydra/launcher={name}", "trainer=ddp", "trainer.devices=4", "trainer.nodes=2")
    launcher = config.hydra.launcher
    assert launcher._target_ == "hydra_plugins.gan_lightning_launchers.QueueLauncher"
    by_slurm = name == "slurm_ddp"
    assert launcher.processes_by_slurm == by_slurm
    assert (launcher.nodes, launcher.tasks_per_node) == ((2, 4) if by_slurm else (1, 1))
    assert launcher.gpus_per_node == 4


def test_without_slurm_its_launcher_says_so_in_one_line(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(train.folder))
    done = train("-m", "seed=0,1", "hydra/launcher=slurm")
    assert done.code == 2
    assert done.err == "error: hydra/launcher=slurm is not possible here: no sbatch is found; allowed: basic, joblib\n"
