"""The cache: read once, whole or not at all, and packed on from where a process was cut off."""

import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import ended, start

from gan_lightning.data import base
from gan_lightning.data import cache as cache_module
from gan_lightning.data.base import MappedRows, Split, sha256_of
from gan_lightning.data.cache import Block, Blocks, cache_folder, cached_splits, listing

SHAPE = (1, 2, 2)


def block(*values: int, labelled: bool = True) -> Block:
    images = np.array(values, dtype=np.uint8)[:, None, None, None].repeat(2, 2).repeat(2, 3)
    return images, np.array(values) if labelled else None


def splits(train: list[Block], held_out: list[Block]) -> Callable[[], tuple[Blocks, Blocks]]:
    def blocks(part: list[Block]) -> Blocks:
        return Blocks([lambda block=block: block for block in part], sum(len(images) for images, _ in part))

    return lambda: (blocks(train), blocks(held_out))


def cached(
    blocks: Callable[[], tuple[Blocks, Blocks]], name: str = "a", shape: tuple[int, ...] = SHAPE
) -> tuple[Split, Split]:
    return cached_splits({"set": name}, blocks, row_shape=shape)


def values(split: Split) -> list[int]:
    return split.to(torch.device("cpu")).samples[:, 0, 0, 0].tolist()


def failing(error: BaseException | None = None) -> Callable[[], tuple[Blocks, Blocks]]:
    """One block can be read, and nothing after it."""

    def fail() -> Block:
        raise error or ValueError("broken")

    return lambda: (Blocks([lambda: block(1), fail], 2), Blocks([lambda: block(2)], 1))


def test_blocks_become_one_array_of_training_then_held_out_samples(cache: Path) -> None:
    train, held_out = cached(splits([block(1, 2), block(3)], [block(4)]))
    assert isinstance(train.samples, MappedRows)
    assert (values(train), values(held_out)) == ([1, 2, 3], [4])
    assert train.labels is not None and train.labels.tolist() == [1, 2, 3]
    assert held_out.labels is not None and held_out.labels.tolist() == [4]
    (array,) = cache.rglob("rows.npy")
    stored = np.load(array)
    assert stored.dtype == np.uint8 and stored.shape == (4, *SHAPE)
    assert sorted(path.name for path in array.parent.iterdir()) == ["description.json", "labels.npy", "rows.npy"]


def test_the_second_time_nothing_is_asked_for() -> None:
    cached(splits([block(1, labelled=False)], [block(2, labelled=False)]))

    def asked() -> tuple[Blocks, Blocks]:
        raise AssertionError("asked for blocks")

    train, held_out = cached(asked)
    assert (values(train), values(held_out), train.labels) == ([1], [2], None)


def test_digests_are_those_of_the_content_and_not_taken_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    cached(splits([block(1, 2), block(3)], [block(4)]))
    found = cached(failing())
    expected = [split.to(torch.device("cpu")).digests() for split in found]
    monkeypatch.setattr(MappedRows, "__getitem__", None)
    monkeypatch.setattr(base, "sha256_of", lambda array: sha256_of(array) if array.dtype == np.int64 else "read anew")
    assert [split.digests() for split in found] == expected
    assert expected[0] != expected[1]


def test_another_description_or_shape_is_another_array() -> None:
    cached(splits([block(1)], [block(2)]))
    with pytest.raises(ValueError, match="broken"):
        cached(failing(), name="b")
    with pytest.raises(ValueError, match="broken"):
        cached(failing(), shape=(1, 4, 1))


def test_what_cannot_be_read_leaves_nothing(cache: Path) -> None:
    with pytest.raises(ValueError, match="broken"):
        cached(failing())
    assert not [path for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert values(cached(splits([block(7)], [block(8)]))[0]) == [7]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("no space left")])
def test_a_packing_that_is_cut_off_goes_on_with_the_block_it_was_at(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(type(error)):
        cached(failing(error))
    read: list[int] = []

    def reading(value: int) -> Callable[[], Block]:
        return lambda: (read.append(value), block(value, value))[1]

    with caplog.at_level(logging.INFO, logger="gan_lightning"):
        train, held_out = cached(lambda: (Blocks([reading(9), reading(2)], 3), Blocks([reading(3)], 2)))
    assert read == [2, 3]
    assert (values(train), values(held_out)) == ([1, 2, 2], [3, 3])
    assert train.labels is not None and train.labels.tolist() == [1, 2, 2]
    assert caplog.messages == ["packing a: going on at 1 of about 5 samples"]


def test_a_block_that_was_written_and_not_noted_is_written_once(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cached(failing(KeyboardInterrupt()))
    (progress,) = cache.rglob("progress.json")
    progress.write_text("[]")
    train, held_out = cached(splits([block(5), block(6)], [block(7)]))
    assert (values(train), values(held_out)) == ([5, 6], [7])
    assert train.labels is not None and train.labels.tolist() == [5, 6]


def pack(*, killed_at: int | None = None) -> None:
    """Six blocks of four, the last held out; the process is killed when it comes to one of them."""

    def read(number: int) -> Block:
        if number == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return np.full((4, *SHAPE), number, np.uint8), np.full(4, number)

    reads = [partial(read, number) for number in range(6)]
    cached(lambda: (Blocks(reads[:5], 20), Blocks(reads[5:], 4)))


@pytest.mark.slow
def test_a_killed_process_leaves_what_ends_as_if_it_had_not_been_killed(cache: Path, tmp_path: Path) -> None:
    def content() -> dict[str, bytes]:
        (array,) = cache.rglob("rows.npy")
        return {path.name: path.read_bytes() for path in array.parent.iterdir()}

    pack()
    whole = content()
    shutil.rmtree(cache)
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    program = f"import sys; sys.path += {folders}; import test_cache; test_cache.pack(killed_at=3)"
    assert ended(start("-c", program, folder=tmp_path)).code == -signal.SIGKILL
    (part,) = cache.rglob("*.part")
    assert json.loads((part / "progress.json").read_text()) == [4, 4, 4]
    pack()
    assert content() == whole


def test_long_packing_says_now_and_then_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = iter([0.0, 10.0, 40.0, 50.0, 80.0])
    monkeypatch.setattr(cache_module.time, "monotonic", lambda: next(seconds))
    with caplog.at_level(logging.INFO, logger="gan_lightning"):
        cached(splits([block(*[7] * 500) for _ in range(3)], [block(1)]))
    assert caplog.messages == [
        "packing a: 1,000 of about 1,501 samples, 0:00:20 to go",
        "packing a: 1,501 of about 1,501 samples, 0:00:00 to go",
    ]


def test_too_little_room_is_said_before_anything_is_read(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda folder: _Usage(free=2 * 10**9))

    def huge() -> tuple[Blocks, Blocks]:
        return Blocks([lambda: block(1)], 10**9), Blocks([], 0)

    with pytest.raises(OSError, match=r"^the packed samples need 4\.0 GB in \S*sets, where 2\.0 GB are free: [^\n]*$"):
        cached(huge)
    assert not list(cache.rglob("*.npy"))


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


@pytest.mark.parametrize(
    "change", ["cut", "shorter", "wider", "of another type", "no labels", "empty labels", "other labels"]
)
def test_broken_cached_samples_are_named_with_the_remedy(change: str, cache: Path) -> None:
    cached(splits([block(1)], [block(2)]))
    (array,) = cache.rglob("rows.npy")
    labels = array.with_name("labels.npy")
    match change:
        case "cut":
            array.write_bytes(array.read_bytes()[:-3])
        case "shorter":
            np.save(array, np.zeros((1, *SHAPE), np.uint8))
        case "wider":
            np.save(array, np.zeros((2, 1, 2, 3), np.uint8))
        case "of another type":
            np.save(array, np.zeros((2, *SHAPE), np.int8))
        case "no labels":
            labels.unlink()
        case "empty labels":
            labels.write_bytes(b"")
        case "other labels":
            np.save(labels, np.zeros(3, np.int64))
    with pytest.raises(
        ValueError, match=rf"the cached samples in {array.parent} are broken \(.*\): move that folder away"
    ):
        cached(failing())


@pytest.mark.parametrize("name", ["rows.npy", "labels.npy"])
def test_a_packing_whose_rows_are_cut_short_does_not_go_on_with_zeros(name: str, cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cached(failing(KeyboardInterrupt()))
    (array,) = cache.rglob(name)
    array.write_bytes(array.read_bytes()[:-1])
    with pytest.raises(ValueError, match=rf"the packing in {array.parent} cannot go on \({name} is cut short\)"):
        cached(splits([block(1), block(2)], [block(3)]))
    assert array.is_file()


def test_a_packing_whose_rows_are_gone_is_named_with_the_remedy(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cached(failing(KeyboardInterrupt()))
    (array,) = cache.rglob("rows.npy")
    array.unlink()
    with pytest.raises(ValueError, match=rf"the packing in {array.parent} cannot go on \(.*\): move that folder away"):
        cached(splits([block(1), block(2)], [block(3)]))


@pytest.mark.parametrize("content", ["", "[4, ", "5", "null", '{"a": 1}', '["4"]', "[-4]", "[4.5]"])
def test_a_packing_whose_progress_is_broken_is_named_with_the_remedy(content: str, cache: Path) -> None:
    cached(splits([block(1)], [block(2)]))
    (folder,) = (path for path in (cache / "sets").iterdir() if path.is_dir())
    part = folder.rename(folder.with_suffix(".part"))
    (part / "progress.json").write_text(content)
    with pytest.raises(ValueError, match=rf"the packing in {part} cannot go on \(.*\): move that folder away"):
        cached(splits([block(1)], [block(2)]))
    assert (part / "rows.npy").is_file()


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


def test_two_that_ask_at_once_read_the_samples_once() -> None:
    readings: list[int] = []

    def slow() -> Block:
        readings.append(1)
        time.sleep(0.2)
        return block(1)

    def blocks() -> Any:
        return Blocks([slow], 1), Blocks([lambda: block(2)], 1)

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(cached, blocks) for _ in range(2)]
    assert [values(future.result()[0]) for future in asked] == [[1], [1]] and len(readings) == 1
