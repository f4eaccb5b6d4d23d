"""Processes that a launcher started: torchrun, and SLURM by what it leaves in the environment."""

import json
import sys
from pathlib import Path
from typing import Any

from commands import PROJECT, SGD, TINY, Ended, Train, assert_same_training, ended, free_ports, start, start_session

RUN = (*TINY[:-1], *SGD, "arch.generator.norm=none", "generator_steps=5", "metrics.samples=300", "metrics.splits=1")


def torchrun(*overrides: str, folder: Path, processes: int = 2, program: str = str(PROJECT / "train.py")) -> Ended:
    options = ["--nproc-per-node", str(processes), "--master-port", str(*free_ports(1))]
    return ended(start("-m", "torch.distributed.run", *options, program, *overrides, folder=folder))


def result(run: Path) -> dict[str, Any]:
    return json.loads((run / "result.json").read_text())


def assert_trained_alike(one: Path, two: Path) -> None:
    assert_same_training(one, two)
    scores = [result(run)["scores"]["final"]["digits_score"] for run in (one, two)]
    assert abs(scores[0] - scores[1]) < 1e-3 * scores[0]


def test_torchrun_trains_what_one_process_trains_and_only_one_of_its_processes_speaks(
    train: Train, tmp_path: Path
) -> None:
    assert train(*RUN, "hydra.run.dir=one").code == 0
    both = torchrun(*RUN, "trainer.devices=2", "hydra.run.dir=two", folder=tmp_path)
    assert both.code == 0, both.out + both.err
    assert_trained_alike(tmp_path / "one", tmp_path / "two")
    assert both.out.count("finished at generator iteration 5") == 1
    again = torchrun(*RUN, "trainer.devices=2", "hydra.run.dir=two", folder=tmp_path)
    assert again.code == 0, again.out + again.err
    assert again.out.count("already finished, nothing to do") == 1


def test_torchrun_trains_the_runs_of_a_sweep_one_after_the_other_by_all_its_processes(tmp_path: Path) -> None:
    sweep = torchrun("-m", *RUN, "trainer.devices=2", "seed=0,1", folder=tmp_path)
    assert sweep.code == 0, sweep.out + sweep.err
    assert sweep.out.count("sweep of 2 runs: 2 finished, 0 diverged, 0 failed") == 1
    assert sweep.out.count("finished at generator iteration 5") == 2
    packed = torchrun("-m", *RUN, "trainer.devices=2", "seed=0,1", "hydra/launcher=joblib", folder=tmp_path)
    assert packed.code != 0
    assert "hydra/launcher=joblib is not possible in one of 2 processes that torchrun started" in packed.err


def test_processes_of_torchrun_evaluate_what_one_does(train: Train, tmp_path: Path) -> None:
    assert train(*TINY, "generator_steps=2", "hydra.run.dir=run").code == 0
    evaluate = ["-m", "gan_lightning.evaluate", "run", "metrics=digits_classifier", "metrics.samples=700"]
    alone = ended(start(*evaluate, folder=tmp_path))
    assert alone.code == 0, alone.err
    for processes in (2, 3):
        together = torchrun(*evaluate[1:], folder=tmp_path, processes=processes, program="-m")
        assert together.code == 0, together.err
        assert json.loads(together.out) == json.loads(alone.out)


def test_a_mistake_under_torchrun_is_one_line_and_nobody_waits(tmp_path: Path) -> None:
    wrong = torchrun(*RUN, "trainer.devices=1", folder=tmp_path)
    assert wrong.code != 0
    assert (wrong.out + wrong.err).count("error: trainer.devices=1 trainer.nodes=1 are 1 processes") == 1
    missing = torchrun(*RUN, "trainer.devices=2", "data=imagenet32", "data.root=nowhere", folder=tmp_path)
    assert missing.code != 0
    assert (missing.out + missing.err).count("error: data.root=nowhere is not an existing folder") == 1


def test_tasks_of_slurm_find_each_other_by_its_variables(train: Train, tmp_path: Path) -> None:
    assert train(*RUN, "hydra.run.dir=one").code == 0
    step = {
        "SLURM_JOB_ID": "4711",
        "SLURM_STEP_ID": "0",
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
    }
    overrides = [*RUN, "trainer.devices=1", "trainer.nodes=2", "hydra.run.dir=two"]
    tasks = []
    for rank in range(2):
        own = {
            "SLURM_PROCID": str(rank),
            "SLURM_NODEID": str(rank),
            "SLURM_LOCALID": "0",
            "MASTER_ADDR": "127.0.0.1",
        }
        command = [sys.executable, str(PROJECT / "train.py"), *overrides]
        tasks.append(start_session(command, folder=tmp_path, environment=step | own))
    first, second = map(ended, tasks)
    assert first.code == second.code == 0, first.out + first.err + second.err
    assert "finished at generator iteration 5" in first.out and "finished" not in second.out
    assert_trained_alike(tmp_path / "one", tmp_path / "two")
