"""The cache: read once, whole or not at all."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_lightning.data import base
from gan_lightning.data.base import MappedRows, Split, sha256_of
from gan_lightning.data.cache import Block, cache_folder, cached_splits, listing

SHAPE = (1, 2, 2)


def block(*values: int, labelled: bool = True) -> Block:
    images = np.array(values, dtype=np.uint8)[:, None, None, None].repeat(2, 2).repeat(2, 3)
    return images, np.array(values) if labelled else None


def values(split: Split) -> list[int]:
    return split.to(torch.device("cpu")).samples[:, 0, 0, 0].tolist()


def failing() -> Iterator[Block]:
    yield block(1)
    raise ValueError("broken")


def test_blocks_become_one_array_of_training_then_held_out_images(cache: Path) -> None:
    train, held_out = cached_splits({"set": "a"}, [block(1, 2), block(3)], [block(4)], image_shape=SHAPE)
    assert isinstance(train.samples, MappedRows)
    assert (values(train), values(held_out)) == ([1, 2, 3], [4])
    assert train.labels is not None and train.labels.tolist() == [1, 2, 3]
    (array,) = cache.rglob("images.npy")
    stored = np.load(array)
    assert stored.dtype == np.uint8 and stored.shape == (4, *SHAPE)


def test_the_second_time_nothing_is_read() -> None:
    cached_splits({"set": "a"}, [block(1, labelled=False)], [block(2, labelled=False)], image_shape=SHAPE)
    train, held_out = cached_splits({"set": "a"}, failing(), failing(), image_shape=SHAPE)
    assert (values(train), values(held_out), train.labels) == ([1], [2], None)


def test_digests_are_those_of_the_content_and_not_taken_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    cached_splits({"set": "a"}, [block(1, 2), block(3)], [block(4)], image_shape=SHAPE)
    splits = cached_splits({"set": "a"}, failing(), failing(), image_shape=SHAPE)
    expected = [split.to(torch.device("cpu")).digests() for split in splits]
    monkeypatch.setattr(MappedRows, "__getitem__", None)
    monkeypatch.setattr(base, "sha256_of", lambda array: sha256_of(array) if array.dtype == np.int64 else "read anew")
    assert [split.digests() for split in splits] == expected
    assert expected[0] != expected[1]


def test_another_description_or_shape_is_another_array() -> None:
    cached_splits({"set": "a"}, [block(1)], [block(2)], image_shape=SHAPE)
    with pytest.raises(ValueError, match="broken"):
        cached_splits({"set": "b"}, failing(), [], image_shape=SHAPE)
    with pytest.raises(ValueError, match="broken"):
        cached_splits({"set": "a"}, failing(), [], image_shape=(1, 4, 1))


def test_a_failed_reading_leaves_nothing_that_looks_whole(cache: Path) -> None:
    with pytest.raises(ValueError, match="broken"):
        cached_splits({"set": "a"}, failing(), [], image_shape=SHAPE)
    assert not [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"]
    train, _ = cached_splits({"set": "a"}, [block(7)], [block(8)], image_shape=SHAPE)
    assert values(train) == [7]


def test_what_a_killed_process_left_is_cleared_away(cache: Path) -> None:
    cached_splits({"set": "a"}, [block(1)], [block(2)], image_shape=SHAPE)
    (folder,) = (path for path in (cache / "images").iterdir() if path.is_dir())
    folder.rename(folder.with_suffix(".part"))
    train, _ = cached_splits({"set": "a"}, [block(3)], [block(4)], image_shape=SHAPE)
    assert values(train) == [3]
    assert not folder.with_suffix(".part").exists()


def test_broken_cached_images_are_named_with_the_remedy(cache: Path) -> None:
    cached_splits({"set": "a"}, [block(1)], [block(2)], image_shape=SHAPE)
    (array,) = cache.rglob("images.npy")
    array.write_bytes(array.read_bytes()[:-3])
    with pytest.raises(ValueError, match=f"the cached images in {array.parent} are broken: delete that folder"):
        cached_splits({"set": "a"}, [], [], image_shape=SHAPE)


def test_cache_folder_is_below_home_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "gan_lightning"


def test_listing_changes_with_names_sizes_and_times(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("x")
    second.write_text("x")
    listings = {listing([first]), listing([second]), listing([first, second])}
    first.write_text("xy")
    listings.add(listing([first]))
    os.utime(first, ns=(1, 1))
    listings.add(listing([first]))
    assert len(listings) == 5 and listing([first]) in listings


def test_two_that_ask_at_once_read_the_pictures_once() -> None:
    readings: list[int] = []

    def slow() -> Iterator[Block]:
        readings.append(1)
        time.sleep(0.2)
        yield block(1)

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(cached_splits, {"set": "a"}, slow(), [block(2)], image_shape=SHAPE) for _ in range(2)]
    assert [values(future.result()[0]) for future in asked] == [[1], [1]] and len(readings) == 1
