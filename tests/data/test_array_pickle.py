"""Pickles of arrays, and of what is not arrays."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from gan_lightning.data.array_pickle import image_rows, load_arrays

ROWS = np.arange(24, dtype=np.uint8).reshape(2, 12)


def write(path: Path, content: object, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_of_every_protocol_are_read(protocol: int, tmp_path: Path) -> None:
    content = load_arrays(write(tmp_path / "batch", {"data": ROWS, "labels": [3, 1]}, protocol))
    assert np.array_equal(content["data"], ROWS) and content["labels"] == [3, 1]


def test_strings_of_python_2_are_read(tmp_path: Path) -> None:
    (tmp_path / "batch").write_bytes(b"\x80\x02}U\x04dataU\x03\xffABs.")
    assert load_arrays(tmp_path / "batch") == {"data": "\xffAB"}


class Malicious:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("was_run",)


@pytest.mark.parametrize("content", [Malicious(), {"data": Malicious()}, [Malicious()], {"data": [1, Malicious()]}])
def test_a_pickle_that_would_run_something_is_refused_before_it_runs(content: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"batch is not a whole pickle of arrays .*asks for posix.mkdir"):
        load_arrays(write(tmp_path / "batch", content))
    assert not Path("was_run").exists()


def test_an_array_of_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its arrays are not of numbers alone: O8"):
        load_arrays(write(tmp_path / "batch", {"data": np.array([Malicious()])}))
    assert not Path("was_run").exists()


def test_a_truncated_pickle_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "batch", {"data": ROWS, "labels": [3, 1]})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="batch is not a whole pickle of arrays"):
        load_arrays(path)


def test_a_pickle_of_something_else_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch holds a pickled list"):
        load_arrays(write(tmp_path / "batch", [1]))


def test_rows_hold_an_image_channel_by_channel() -> None:
    images, labels = image_rows(Path("batch"), {"data": ROWS, "labels": [3, 1]}, (3, 2, 2))
    assert images[1, 2].tolist() == [[20, 21], [22, 23]]
    assert labels.tolist() == [3, 1] and labels.dtype == np.int64


@pytest.mark.parametrize(
    "content",
    [
        {"data": ROWS},
        {"labels": [1, 2]},
        {"data": ROWS, "labels": [1]},
        {"data": ROWS[:, :-1], "labels": [1, 2]},
        {"data": ROWS.astype(np.int64), "labels": [1, 2]},
    ],
)
def test_arrays_that_are_not_images_with_labels_are_named(content: dict) -> None:
    with pytest.raises(ValueError, match="some/batch does not hold images"):
        image_rows(Path("some/batch"), content, (3, 2, 2))
