"""Pickles of arrays as strangers and broken disks leave them: read rightly or refused in one line, whatever they hold.

They are read in a process of its own, which says what came of each and would take a crash with it.
"""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from gan_lightning.data.array_pickle import image_rows

PROGRAM = Path(__file__).with_name("read_pickles.py")


def read(*arguments: str) -> dict[str, Any]:
    """What the program says of the pickles that it was told to read."""
    done = subprocess.run([sys.executable, PROGRAM, *arguments], capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{done.returncode} at {done.stderr.splitlines()[-1:]}: {done.stdout}"
    return json.loads(done.stdout)


def assert_held(said: dict[str, Any]) -> None:
    assert set(said["found"]) <= {"read", "refused"}
    assert said["whole"], "numpy's own types have changed"


def test_mutated_batches_of_every_protocol_are_read_or_refused_and_numpy_stays_as_it_is() -> None:
    said = read("mutations", "0", "100")
    assert_held(said)
    assert said["found"]["read"] + said["found"]["refused"] == 700 and said["found"]["read"] > 20


@pytest.mark.slow
def test_many_mutated_batches_are_read_or_refused_and_numpy_stays_as_it_is() -> None:
    assert_held(read("mutations", "100", "10000"))


def test_short_pickles_that_would_take_all_memory_or_time_are_refused_within_bounds() -> None:
    said = read("bombs")
    assert_held(said)
    assert set(said["found"]) == {"refused"} and said["megabytes"] < 1000


VALUES = (
    *(np.zeros((6, 48), kind) for kind in ("u1", "i1", ">u2", "f8")),
    *(np.zeros(shape, np.uint8) for shape in ((6, 3, 4, 4), (48, 6), (6,), (), (0, 48), (6, 48, 0), (6, 47))),
    *(np.array([0, 1, 2, 3, 4, label]) for label in (5, -1, 2**62, 0.5)),
    np.array([2**64 - 1] * 6),
    *([0, 1, 2, 3, 4, label] for label in (5, -1, 2**63, 10**5000, 0.5, float("nan"), True, None, "5", b"5", [5])),
    *((), [], [[]] * 6, ["9" * 10**6] * 6, "labels", b"labels", 5, None, {}),
)


@pytest.mark.parametrize("seed", range(300))
def test_images_are_made_of_rows_that_fit_and_of_nothing_else(seed: int) -> None:
    random = Random(seed)
    content = {key: random.choice(VALUES) for key in ("data", "labels") if random.random() < 0.95}
    try:
        images, labels = image_rows(Path("some/batch"), content, (3, 4, 4))
    except ValueError as error:
        assert str(error).startswith("some/batch does not hold images") and len(str(error)) < 400
        assert len(str(error).splitlines()) == 1
    else:
        assert images.dtype == np.uint8 and images.shape == (len(content["labels"]), 3, 4, 4)
        assert labels.tolist() == [int(label) for label in content["labels"]] and labels.dtype == np.int64
