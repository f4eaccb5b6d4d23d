"""Which GPU and which cores each of several runs side by side gets."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from gan_lightning.runs.packing import InSlot, Slots, make_slots
from gan_lightning.runs.processes import number_of_cores

CORES = list(range(8))


def trainer(**changes: Any) -> dict[str, Any]:
    return {"devices": 1, "threads": None} | changes


@pytest.mark.parametrize(
    ("gpus", "changes", "runs_per_device", "expected"),
    [
        (["0", "1"], {}, None, [("0",), ("1",)]),
        (["2", "7"], {}, 2, [("2",), ("7",), ("2",), ("7",)]),
        (["0", "1", "2", "3", "4"], {"devices": 2}, None, [("0", "1"), ("2", "3")]),
        ([], {}, None, [()] * 8),
        ([], {"threads": 4}, None, [()] * 2),
        ([], {"threads": 2, "devices": 2}, None, [()] * 2),
        ([], {"threads": 16}, None, [()]),
        ([], {"threads": 4}, 3, [()] * 3),
    ],
)
def test_every_device_has_its_runs(
    gpus: list[str], changes: dict[str, Any], runs_per_device: int | None, expected: list[tuple[str, ...]]
) -> None:
    slots = make_slots(trainer(**changes), gpus=gpus, cores=CORES, number=8, runs_per_device=runs_per_device)
    assert list(slots.gpus) == expected


def test_cores_are_shared_out_without_overlap_and_without_rest() -> None:
    for runs in (1, 2, 3, 5, 8):
        slots = make_slots(trainer(), gpus=[], cores=CORES, number=8, runs_per_device=runs)
        assert sorted(core for share in slots.cores for core in share) == CORES
        assert max(map(len, slots.cores)) - min(map(len, slots.cores)) <= 1


def test_more_runs_than_cores_share_them_evenly() -> None:
    slots = make_slots(trainer(), gpus=[], cores=[0, 1], number=2, runs_per_device=5)
    assert slots.cores == ((0, 1),) * 5
    assert slots.shares == (1,) * 5


def test_runs_of_a_job_that_sees_cores_of_others_are_bound_to_none_and_count_on_its_own_alone() -> None:
    slots = make_slots(trainer(), gpus=[], cores=CORES, number=4, runs_per_device=2)
    assert slots.cores == (tuple(CORES),) * 2
    assert slots.shares == (2, 2)


@pytest.mark.parametrize(
    ("gpus", "changes", "runs_per_device", "message"),
    [
        (["0"], {}, 0, r"runs_per_device=0 is not possible"),
        (["0"], {"devices": 2}, None, r"trainer\.devices=2 is not possible: 1 GPUs are found"),
    ],
)
def test_what_there_is_no_place_for_is_refused(
    gpus: list[str], changes: dict[str, Any], runs_per_device: int | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_slots(trainer(**changes), gpus=gpus, cores=CORES, number=8, runs_per_device=runs_per_device)


def look(_: object) -> tuple[str | None, set[int]]:
    assert number_of_cores() == 1
    return os.environ.get("CUDA_VISIBLE_DEVICES"), os.sched_getaffinity(0)


def work(slots: Slots, folder: Path, found: Any, end: Any) -> None:
    in_slot = InSlot(look, slots, folder)
    found.put((in_slot(None), in_slot(None)))
    end.wait(60)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no cores can be chosen on this system")
def test_worker_processes_take_slots_that_are_free_and_keep_them(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    slots = Slots(gpus=(("4",), ("6", "7")), cores=((core,), (core,)), shares=(1, 1))
    context = multiprocessing.get_context("fork")
    found: Any = context.SimpleQueue()

    def started() -> tuple[Any, Any]:
        end = context.Event()
        process = context.Process(target=work, args=(slots, tmp_path, found, end))
        process.start()
        return process, end

    (first, first_ends), seen = started(), [found.get()]
    (second, second_ends), _ = started(), seen.append(found.get())
    first_ends.set()
    first.join()
    (third, third_ends), _ = started(), seen.append(found.get())
    for end, process in ((second_ends, second), (third_ends, third)):
        end.set()
        process.join()
    assert seen == [(("4", {core}),) * 2, (("6,7", {core}),) * 2, (("4", {core}),) * 2]
