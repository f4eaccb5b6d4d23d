"""Sweeps on a real scheduler: what is submitted, interrupted, put into the queue again, and ends as it should."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from clusters import Cluster, wait_until
from commands import PROJECT, SGD, TINY, Train, assert_same_training, assert_same_weights

from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.states import state_of

pytestmark = pytest.mark.cluster

QUEUE = (
    "hydra.launcher.gpus_per_node=0",
    "hydra.launcher.cpus_per_task=1",
    "hydra.launcher.mem_gb=1",
    "hydra.launcher.timeout_min=30",
)
OFTEN = ("every.log=2", "every.checkpoint=1000", "every.held_out=1000", "every.pictures=1000")


def submit(cluster: Cluster, folder: Path, *overrides: str) -> subprocess.Popen[bytes]:
    """``python train.py -m`` on the cluster, with its output in a file."""
    environment = cluster.environment | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(PROJECT / "train.py"), "-m", *TINY, *QUEUE, *overrides]
    with open(folder / "out.txt", "wb") as out:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)


def output(folder: Path) -> str:
    return (folder / "out.txt").read_text()


def cut_off(cluster: Cluster, folder: Path, *, how: str, runs: int) -> None:
    """Warn the one job there is, or put it into the queue again, when all its runs are being trained."""
    wait_until(
        lambda: len([*(folder / "runs" / "adhoc").glob("*/metrics.csv")]) == runs, seconds=200, what=output(folder)
    )
    (job,) = cluster.queue()
    if how == "warned":
        cluster.run("scancel", "--signal=USR2", job)  # as the launcher asks SLURM to warn a job
    else:
        cluster.run("scontrol", "requeue", job)
    # What is put into the queue again waits two minutes there, unless it is told not to.
    wait_until(lambda: cluster.queue().get(job) == "PENDING", seconds=60, what="the job to be queued")
    cluster.run("scontrol", "update", f"JobId={job}", "StartTime=now")


def only_run(folder: Path) -> Path:
    (run,) = (folder / "runs" / "adhoc").glob("*,*")
    return run


def test_a_sweep_lives_on_without_the_process_that_submitted_it(cluster: Cluster, tmp_path: Path) -> None:
    sweep = ["generator_steps=4", "every.log=1", "learning_rate_scale=1,2,3,4,5,1e30", "hydra/launcher=slurm"]
    process = submit(cluster, tmp_path, *sweep)
    wait_until(lambda: "this terminal is no longer needed" in output(tmp_path), seconds=120, what=output(tmp_path))
    runs = tmp_path / "runs" / "adhoc"
    (broken,) = [run for run in runs.glob("*") if "learning_rate_scale=5" in run.name]
    (broken / "samples").write_text("in the way of the pictures")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(cluster.queue()) >= 1
    wait_until(lambda: not cluster.queue(), seconds=400, what="the queue")
    states = [state_of(RunDirectory(run), queued={}) for run in runs.glob("*,*")]
    assert Counter(state.status for state in states) == {"finished": 4, "diverged": 1, "failed": 1}
    (error,) = [state.error for state in states if state.status == "failed"]
    assert "samples is a file, and a folder is needed there" in str(error)

    (broken / "samples").unlink()
    again = submit(cluster, tmp_path, *sweep)
    assert again.wait(400) == 0, output(tmp_path)
    assert output(tmp_path).count("has ended, and is not submitted") == 5
    assert "1 of 6 runs submitted as job" in output(tmp_path)
    assert "sweep of 6 runs: 5 finished, 1 diverged, 0 failed" in output(tmp_path)


def test_a_job_prints_into_its_runs_own_log(cluster: Cluster, tmp_path: Path) -> None:
    process = submit(cluster, tmp_path, "generator_steps=2", "seed=3", "hydra/launcher=slurm")
    assert process.wait(200) == 0, output(tmp_path)
    log = (only_run(tmp_path) / "train.log").read_text()
    assert "finished at generator iteration 2" in log


@pytest.mark.parametrize("how", ["warned", "requeued"])
def test_a_job_that_is_cut_off_goes_on_and_ends_as_if_it_had_not_been(
    cluster: Cluster, train: Train, tmp_path: Path, how: str
) -> None:
    run = [*OFTEN, "generator_steps=1500", "seed=7"]
    assert train(*TINY, *run, "hydra.run.dir=whole").code == 0
    checkpoints = ["every.checkpoint=1000"] if how == "warned" else ["every.checkpoint=10"]
    process = submit(cluster, tmp_path, *run, *checkpoints, "hydra/launcher=slurm")
    cut_off(cluster, tmp_path, how=how, runs=1)
    assert process.wait(400) == 0, output(tmp_path)
    assert "sweep of 1 runs: 1 finished" in output(tmp_path)
    log = (only_run(tmp_path) / "train.log").read_text()
    assert "going on from generator iteration" in log
    if how == "warned":
        assert "interrupted by SIGUSR2 at generator iteration" in log
        assert "is in the queue again" in log
    assert_same_weights(only_run(tmp_path), tmp_path / "whole")
    rows = read_metrics(only_run(tmp_path) / "metrics.csv")
    assert list(rows) == list(read_metrics(tmp_path / "whole" / "metrics.csv"))


def test_runs_that_share_a_job_are_cut_off_and_go_on_together(cluster: Cluster, train: Train, tmp_path: Path) -> None:
    run = [*OFTEN, "generator_steps=1000"]
    assert train("-m", *TINY, *run, "seed=7,8", "study=whole").code == 0
    packed = ["hydra.launcher.runs_per_job=2", "hydra.launcher.runs_per_device=2"]
    process = submit(cluster, tmp_path, *run, "seed=7,8", "hydra/launcher=slurm", *packed)
    cut_off(cluster, tmp_path, how="warned", runs=2)
    assert process.wait(400) == 0, output(tmp_path)
    assert "sweep of 2 runs: 2 finished" in output(tmp_path)
    for ended in (tmp_path / "runs" / "adhoc").glob("*,*"):
        assert "going on from generator iteration" in (ended / "train.log").read_text()
        assert_same_weights(ended, train.folder / "runs" / "whole" / ended.name)


def test_a_run_over_two_nodes_is_cut_off_and_goes_on(cluster: Cluster, train: Train, tmp_path: Path) -> None:
    run = [*OFTEN, "generator_steps=600", "seed=7"]
    assert train(*TINY, *run, "trainer.devices=2", "hydra.run.dir=whole").code == 0
    nodes = ["trainer.devices=1", "trainer.nodes=2", "hydra/launcher=slurm_ddp"]
    process = submit(cluster, tmp_path, *run, *nodes)
    cut_off(cluster, tmp_path, how="warned", runs=1)
    assert process.wait(400) == 0, output(tmp_path)
    log = (only_run(tmp_path) / "train.log").read_text()
    assert log.count("is in the queue again") == 1
    assert "going on from generator iteration" in log and log.count("finished at generator iteration 600") == 1
    assert_same_weights(only_run(tmp_path), tmp_path / "whole")


def test_a_run_over_two_nodes_trains_what_one_process_trains(cluster: Cluster, train: Train, tmp_path: Path) -> None:
    run = [*SGD, "arch.generator.norm=none", "generator_steps=5", "seed=1"]
    assert train(*TINY, *run, "hydra.run.dir=alone").code == 0
    nodes = ["trainer.devices=1", "trainer.nodes=2", "hydra/launcher=slurm_ddp"]
    process = submit(cluster, tmp_path, *run, *nodes)
    assert process.wait(400) == 0, output(tmp_path)
    log = (only_run(tmp_path) / "train.log").read_text()
    assert "on 2 x cpu" in log and log.count("finished at generator iteration 5") == 1
    assert_same_training(only_run(tmp_path), tmp_path / "alone")


def test_what_contradicts_is_told_before_anything_is_submitted(cluster: Cluster, tmp_path: Path) -> None:
    process = submit(cluster, tmp_path, "generator_steps=2", "hydra/launcher=slurm", "hydra.launcher.nodes=2")
    assert process.wait(100) == 2
    assert "hydra.launcher.nodes=2 hydra.launcher.tasks_per_node=1 is not possible" in output(tmp_path)
    assert not cluster.queue()


def test_several_runs_share_a_job(cluster: Cluster, tmp_path: Path) -> None:
    packed = ["hydra.launcher.runs_per_job=3", "hydra.launcher.runs_per_device=2"]
    process = submit(cluster, tmp_path, "generator_steps=2", "seed=range(3)", "hydra/launcher=slurm", *packed)
    assert process.wait(400) == 0, output(tmp_path)
    (job,) = (path.name for path in (tmp_path / "runs" / "adhoc" / ".submitit").iterdir() if path.is_dir())
    assert f"3 of 3 runs submitted as job {job};" in output(tmp_path)
    assert "sweep of 3 runs: 3 finished" in output(tmp_path)
