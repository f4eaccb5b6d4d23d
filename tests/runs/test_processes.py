"""On what a run is trained."""

import subprocess
import sys

import pytest
import torch

from gan_lightning.runs.processes import check_devices, device_kind, limit_threads, share_of_cores
from gan_lightning.runs.world import World


def trainer(**changes: object) -> dict[str, object]:
    return {"accelerator": "auto", "devices": 1, "threads": None} | changes


@pytest.mark.parametrize(
    ("gpus", "changes", "message"),
    [
        (0, {"accelerator": "tpu"}, r"trainer\.accelerator=tpu is unknown; allowed: auto, cpu, gpu"),
        (0, {"accelerator": "gpu"}, r"trainer\.accelerator=gpu is not possible: no GPU is found"),
        (2, {"devices": 3}, r"trainer\.devices=3 is not possible: 2 found; allowed: up to 2"),
    ],
)
def test_devices_that_are_not_there_are_refused(
    monkeypatch: pytest.MonkeyPatch, gpus: int, changes: dict[str, object], message: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(ValueError, match=f"^{message}"):
        check_devices(trainer(**changes))


def test_several_processes_share_a_cpu_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    check_devices(trainer(devices=3))


@pytest.mark.parametrize(("accelerator", "kind"), [("auto", "cuda"), ("gpu", "cuda"), ("cpu", "cpu")])
def test_gpu_is_taken_unless_the_cpu_is_asked_for(monkeypatch: pytest.MonkeyPatch, accelerator: str, kind: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_kind(trainer(accelerator=accelerator)) == kind


def test_cores_are_shared_out_over_the_processes_unless_threads_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", given.append)
    monkeypatch.setattr("gan_lightning.runs.processes.number_of_cores", lambda: 8)
    for changes in ({"devices": 2}, {"devices": 16}, {"threads": 3}):
        limit_threads(trainer(**changes))
    assert given == [4, 1, 3]


@pytest.mark.parametrize(
    ("launcher", "given", "cores"),
    [("SLURM", "3", 3), ("SLURM", None, 2), ("torchrun", None, 2), ("torchrun", "4", 1), (None, "4", 1)],
)
def test_a_task_of_slurms_has_the_cores_that_were_asked_for_it(
    monkeypatch: pytest.MonkeyPatch, launcher: str | None, given: str | None, cores: int
) -> None:
    """A task that starts four processes itself, or has torchrun start them, shares out its cores among them."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {*range(8)}, raising=False)
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    if given is not None:
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", given)
    world = None if launcher is None else World(0, 4, 0, 0, address="here", port=1, launcher=launcher)
    assert share_of_cores(4, world) == cores


def test_processes_part_before_python_ends_unless_they_have_lost_each_other() -> None:
    """Threads of gloo's that outlive Python abort the process, in one of two small runs of three processes."""
    program = """
import atexit, sys
from torch import distributed
atexit.register(lambda: print("parted" if not distributed.is_initialized() else "together"))  # after all others
from gan_lightning.runs.processes import connect, give_up_others, meeting_place
from gan_lightning.runs.world import own_world
store = meeting_place()
connect(own_world(0, 1, store.port), {"accelerator": "cpu", "devices": 1})
if sys.argv[1] == "lost":
    give_up_others()
"""
    for ending, printed in (("well", "parted"), ("lost", "together")):
        done = subprocess.run([sys.executable, "-c", program, ending], capture_output=True, text=True)
        assert (done.returncode, done.stdout.split()) == (0, [printed]), done.stderr
