"""Runs on their way into SLURM's queue, whose commands are played by small programs that note what they are asked."""

import os
import subprocess
from pathlib import Path

import pytest
from commands import TINY, Ended, Train

from gan_lightning.runs.directory import RunDirectory
from hydra_plugins.gan_lightning_launchers import SETUP

RUN = (*TINY, "generator_steps=1")
QUEUE = ("hydra/launcher=slurm", "hydra.launcher.wait=false", "hydra.launcher.gpus_per_node=0")


class Slurm:
    """A queue that takes every job as number 77, of one task or of three, and keeps its script.

    Attributes:
        folder: of the programs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        filled = r"77 PENDING\n77_0 PENDING\n77_1 PENDING\n77_2 PENDING\n"
        self.play("sbatch", f"""cat "$1" >> {folder}/script; printf '{filled}' > {folder}/queue; echo job 77""")
        self.play("srun", "exit 1")
        self.play("squeue", f"cat {folder}/queue")
        self.holds()

    def play(self, program: str, script: str) -> None:
        file = self.folder / program
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def holds(self, *lines: str) -> None:
        (self.folder / "queue").write_text("".join(f"{line}\n" for line in lines))

    def submitted(self) -> list[str]:
        """The options of the jobs that were submitted since this was last asked."""
        script = self.folder / "script"
        lines = script.read_text().splitlines() if script.exists() else []
        script.unlink(missing_ok=True)
        return [line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    folder = tmp_path / "slurm"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Slurm(folder)


def sweep(train: Train, *further: str) -> Ended:
    return train("-m", *RUN, "seed=0,1,2", *QUEUE, *further)


def test_a_run_is_submitted_until_it_is_in_the_queue_or_has_ended(train: Train, slurm: Slurm) -> None:
    assert train(*RUN, "seed=0").code == 0
    first = sweep(train)
    assert first.code == 0, first.out + first.err
    assert first.out.count("has ended, and is not submitted") == 1
    assert "2 of 3 runs submitted as job 77; this terminal is no longer needed" in first.out
    assert "array=0-1%2" in slurm.submitted()

    slurm.holds("77_0 RUNNING", "77_1 PENDING")
    slurm.play("sbatch", "exit 1")
    second = sweep(train)
    assert "is in the queue as job 77_0, running" in second.out
    assert "is in the queue as job 77_1, pending" in second.out
    assert "submitted" not in second.out.replace("not submitted", "")


def test_a_run_whose_job_has_left_the_queue_without_an_end_is_submitted_again(train: Train, slurm: Slurm) -> None:
    sweep(train)
    slurm.submitted()
    slurm.holds("77_1 RUNNING", "77_2 PENDING")
    again = sweep(train)
    assert again.out.count("is in the queue as job 77_") == 2
    assert "1 of 3 runs submitted as job 77" in again.out
    assert not any(option.startswith("array") for option in slurm.submitted())


def test_several_runs_make_a_job_and_none_that_has_ended_is_among_them(train: Train, slurm: Slurm) -> None:
    assert train(*RUN, "seed=1").code == 0
    done = sweep(train, "hydra.launcher.runs_per_job=2")
    assert "2 of 3 runs submitted as job 77" in done.out
    assert not any(option.startswith("array") for option in slurm.submitted())


def test_what_a_job_asks_for_stands_in_its_script(train: Train, slurm: Slurm) -> None:
    done = sweep(train, "hydra.launcher.partition=long", "hydra.launcher.timeout_min=90", "hydra.launcher.account=lab")
    assert done.code == 0, done.out + done.err
    asked = slurm.submitted()
    assert {"partition=long", "time=90", "account=lab", "nodes=1", "ntasks-per-node=1", "requeue"} <= set(asked)
    assert any(option.startswith("signal=USR2@120") for option in asked)
    assert not any(option.startswith("gpus") for option in asked)


@pytest.mark.parametrize("asked", ["3", None])
def test_tasks_of_a_job_get_the_cores_that_were_asked_for_if_any_were(asked: str | None) -> None:
    script = "; ".join([*SETUP, "echo ${SRUN_CPUS_PER_TASK-none}"])
    environment = {} if asked is None else {"SLURM_CPUS_PER_TASK": asked}
    said = subprocess.run(["/bin/sh", "-ec", script], env=environment, capture_output=True, text=True)
    assert (said.stdout.strip(), said.returncode) == (asked or "none", 0), said.stderr


def test_a_job_s_note_goes_with_the_end_of_its_run(train: Train, slurm: Slurm) -> None:
    sweep(train)
    runs = [RunDirectory(path) for path in (train.folder / "runs" / "adhoc").glob("*,*")]
    assert {run.noted_job for run in runs} == {"77_0", "77_1", "77_2"}
    assert train("-m", *RUN, "seed=0,1,2").code == 0
    assert {run.noted_job for run in runs} == {None}


def test_a_contradiction_is_told_before_anything_is_submitted(train: Train, slurm: Slurm) -> None:
    done = sweep(train, "hydra.launcher.timeout_min=1")
    assert done.code == 2
    assert "hydra.launcher.timeout_min=1 is not possible" in done.err
    assert slurm.submitted() == []


def test_what_sbatch_refuses_is_told_in_its_own_words(train: Train, slurm: Slurm) -> None:
    slurm.play("sbatch", "echo 'sbatch: error: invalid partition specified: gpuu' >&2; exit 1")
    done = sweep(train, "hydra.launcher.partition=gpuu")
    assert done.code == 2
    assert "sbatch: " in done.err and "invalid partition specified: gpuu" in done.err
    assert "Traceback" not in done.out + done.err


def test_data_may_lie_where_the_jobs_machine_alone_knows(train: Train, slurm: Slurm) -> None:
    done = sweep(train, "data=image_folder", "data.resolution=16", "data.root=${oc.env:OF_THE_JOB_ALONE}")
    assert done.code == 0, done.out + done.err
    assert "3 of 3 runs submitted" in done.out
