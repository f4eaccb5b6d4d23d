"""On what a run is trained."""

import pytest
import torch

from gan_lightning.runs.processes import check_devices, device_kind, limit_threads


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
    monkeypatch.setattr("gan_lightning.runs.processes.available_cores", lambda: 8)
    for changes in ({"devices": 2}, {"devices": 16}, {"threads": 3}):
        limit_threads(trainer(**changes))
    assert given == [4, 1, 3]
