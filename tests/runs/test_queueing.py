"""What is looked at before runs go into SLURM's queue."""

import os
from pathlib import Path
from typing import Any

import pytest
from commands import begin_run

from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.queueing import check_limit, check_request, queued_jobs

REQUEST = {
    "nodes": 1,
    "tasks_per_node": 1,
    "gpus_per_node": 2,
    "timeout_min": 60,
    "signal_delay_s": 120,
    "processes_by_slurm": False,
    "runs_per_job": 1,
    "runs_per_device": 1,
}
BY_SLURM = {"processes_by_slurm": True, "tasks_per_node": 2}


def settings(**trainer: Any) -> dict[str, Any]:
    asked = {"accelerator": "auto", "devices": 2, "nodes": 1} | trainer
    return {"trainer": asked, "every": {"checkpoint": 500}}


def test_a_run_on_one_node_is_one_task_of_slurms_and_on_several_a_task_a_process() -> None:
    check_request(REQUEST, settings())
    check_request(REQUEST | BY_SLURM | {"nodes": 3}, settings(nodes=3))


def test_runs_that_share_a_job_share_its_gpus() -> None:
    check_request(REQUEST | {"runs_per_job": 8, "gpus_per_node": 4}, settings())
    check_request(REQUEST | {"runs_per_job": 8, "gpus_per_node": 4}, settings(devices=1))


@pytest.mark.parametrize(
    ("changes", "trainer", "message"),
    [
        ({"tasks_per_node": 2}, {}, "allowed: 1 and 1, or hydra/launcher=slurm_ddp"),
        ({}, {"nodes": 2}, r"trainer\.nodes=2 is not possible with hydra/launcher=slurm:"),
        (BY_SLURM | {"tasks_per_node": 4}, {}, "tasks_per_node=4 is not possible .* allowed: 1 and 2$"),
        (BY_SLURM | {"nodes": 2}, {}, "allowed: 1 and 2$"),
        ({"gpus_per_node": 4}, {}, r"gpus_per_node=4 is not possible with trainer\.devices=2: allowed: as many"),
        ({"gpus_per_node": 3, "runs_per_job": 2}, {}, r"gpus_per_node=3 is not possible .*: allowed: a multiple of it"),
        ({"gpus_per_node": 0}, {"accelerator": "gpu"}, r"trainer\.accelerator=gpu is not possible"),
        ({"timeout_min": 2}, {}, r"timeout_min=2 is not possible: .*signal_delay_s=120 .*; allowed: 7 and more$"),
        ({"timeout_min": 6}, {}, r"timeout_min=6 is not possible: "),
        (
            {"runs_per_device": 0},
            {},
            r"runs_per_device=0 is not possible: allowed: 1 to hydra\.launcher\.runs_per_job=1",
        ),
        (BY_SLURM | {"gpus_per_task": 1}, {}, "gpus_per_task is not possible with hydra/launcher=slurm_ddp"),
        ({"runs_per_device": 2}, {}, r"runs_per_device=2 is not possible"),
        ({"runs_per_job": 0}, {}, r"runs_per_job=0"),
        (BY_SLURM | {"runs_per_job": 2}, {}, r"runs_per_job=2 is not possible: allowed: 1 with .*slurm_ddp"),
    ],
)
def test_what_contradicts_the_run_is_refused(changes: dict[str, Any], trainer: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_request(REQUEST | changes, settings(**trainer))


def test_gpus_can_be_asked_for_in_other_ways() -> None:
    check_request(REQUEST | {"gpus_per_node": 0, "gres": "gpu:a100:2"}, settings(accelerator="gpu"))
    check_request(REQUEST | {"timeout_min": 7}, settings())


def test_gpus_do_not_count_for_a_run_on_the_cpu() -> None:
    check_request(REQUEST | {"gpus_per_node": 0}, settings(accelerator="cpu"))


def test_a_limit_that_no_checkpoint_is_reached_within_is_refused_once_the_speed_is_known(tmp_path: Path) -> None:
    check_limit(REQUEST, settings(), RunDirectory(tmp_path / "run"))
    directory = begin_run(tmp_path / "run", generator_step=10, seconds=70.0)
    check_limit(REQUEST, settings(), directory)  # 500 iterations in 58 minutes
    directory.record(seconds=73.0)
    with pytest.raises(
        ValueError, match=r"timeout_min=60 is not possible: run took 61 minutes for every\.checkpoint=500"
    ):
        check_limit(REQUEST, settings(), directory)


def fake_squeue(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "squeue"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_queue_is_asked_for_each_job_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "asked"
    script = f"""echo "$@" >> {log}
case "$@" in
*--jobs=7) echo "7_0 RUNNING"; echo "7_1 PENDING";;
*--jobs=8) echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1;;
esac"""
    fake_squeue(tmp_path, monkeypatch, script)
    assert queued_jobs(["7_0", "7_1", "7_2", "8"]) == {"7_0": "RUNNING", "7_1": "PENDING"}
    assert len(log.read_text().splitlines()) == 2


def test_without_jobs_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_squeue(tmp_path, monkeypatch, "exit 1")
    assert queued_jobs([]) == {}
    with pytest.raises(OSError, match=r"^squeue: "):
        queued_jobs(["9"])
