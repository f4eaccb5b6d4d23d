"""Which real samples form iteration t."""

import pickle
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from gan_lightning.data.base import Iterations, MappedRows, Split

SIZE, BATCH, CRITIC = 50, 8, 3


def numbered() -> Split:
    """Image i is filled with i, and so is its label."""
    numbers = torch.arange(SIZE)
    return Split(numbers.to(torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2).contiguous(), numbers)


def mapped(folder: Path) -> Split:
    split = numbered()
    np.save(folder / "images.npy", split.samples)
    return Split(MappedRows(folder / "images.npy", 0, SIZE), split.labels)


def iterations(split: Split | None = None, *, first_step: int = 0, seed: int = 0, **ranks: int) -> Iterations:
    return Iterations(
        split or numbered(), batch_size=BATCH, n_critic=CRITIC, seed=seed, first_step=lambda: first_step, **ranks
    )


def numbers(iterable, length: int) -> torch.Tensor:
    """Images of the first iterations ``(length, n_critic, B)`` by their numbers."""
    return torch.stack([images[:, :, 0, 0, 0] for images, _ in islice(iterable, length)])


def test_iteration_started_at_a_step_is_the_tail_of_the_one_started_at_zero() -> None:
    whole = numbers(iterations(), 12)
    for step in (1, 2, 5, 11):
        assert torch.equal(numbers(iterations(first_step=step), 12 - step), whole[step:])


@pytest.mark.parametrize(
    ("step", "drawn"),
    [
        (0, [[30, 11, 14, 22, 21, 18, 1, 35], [29, 32, 46, 44, 20, 23, 19, 33], [28, 12, 42, 15, 39, 13, 38, 24]]),
        (7, [[8, 12, 18, 10, 34, 23, 6, 13], [11, 4, 26, 39, 44, 15, 38, 42], [9, 28, 19, 27, 31, 16, 33, 7]]),
        (100, [[37, 41, 5, 44, 33, 22, 43, 3], [10, 49, 25, 31, 19, 36, 13, 20], [40, 17, 27, 18, 6, 47, 21, 30]]),
    ],
)
def test_batches_of_an_iteration_are_those_of_earlier_versions(step: int, drawn: list[list[int]]) -> None:
    assert numbers(iterations(first_step=step), 1)[0].tolist() == drawn


def test_no_epoch_repeats_an_image_and_incomplete_batches_are_dropped() -> None:
    batches_an_epoch = SIZE // BATCH
    drawn = numbers(iterations(), 2 * batches_an_epoch).flatten(0, 1)[: 2 * batches_an_epoch]
    for epoch in drawn.split(batches_an_epoch):
        assert len(epoch.unique()) == batches_an_epoch * BATCH


def test_epochs_and_seeds_differ() -> None:
    epochs = numbers(iterations(), SIZE // BATCH).flatten().split(SIZE // BATCH * BATCH)
    assert not torch.equal(epochs[0], epochs[1])
    assert not torch.equal(numbers(iterations(seed=1), 3), numbers(iterations(), 3))


def test_every_image_is_drawn_sooner_or_later() -> None:
    assert len(numbers(iterations(), 20).unique()) == SIZE


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_shares_of_the_ranks_make_up_the_global_batch(world_size: int) -> None:
    shares = [numbers(iterations(rank=rank, world_size=world_size), 7) for rank in range(world_size)]
    assert torch.equal(torch.cat(shares, dim=2), numbers(iterations(), 7))


def test_labels_belong_to_their_images() -> None:
    for images, labels in islice(iterations(), 7):
        assert images.shape == (CRITIC, BATCH, 1, 2, 2) and images.dtype == torch.uint8
        assert labels is not None and torch.equal(images[..., 0, 0, 0], labels)


def test_images_without_labels_come_with_none() -> None:
    assert next(iter(iterations(Split(numbered().samples))))[1] is None


def test_a_batch_that_the_processes_cannot_share_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data.batch_size=8 cannot be shared out over 3 processes"):
        iterations(world_size=3)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("first_step", [0, 4])
def test_workers_give_the_batches_of_the_resident_path_in_order(workers: int, first_step: int, tmp_path: Path) -> None:
    loader = DataLoader(iterations(mapped(tmp_path), first_step=first_step), batch_size=None, num_workers=workers)
    assert torch.equal(numbers(loader, 9), numbers(iterations(first_step=first_step), 9))


def test_iterations_travel_to_a_process_that_shares_no_memory(tmp_path: Path) -> None:
    content = pickle.dumps(iterations(mapped(tmp_path), first_step=5))
    assert torch.equal(numbers(pickle.loads(content), 4), numbers(iterations(first_step=5), 4))


def test_mapped_rows_travel_as_their_path(tmp_path: Path) -> None:
    np.save(tmp_path / "large.npy", np.zeros((1000, 1, 32, 32), np.uint8))
    rows = MappedRows(tmp_path / "large.npy", 100, 300, "c0ffee")
    assert len(pickle.dumps(rows)) < 1000
    copy = pickle.loads(pickle.dumps(rows))
    assert (len(copy), copy.digest()) == (200, "c0ffee")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_work_under_every_start_method(method: str, tmp_path: Path) -> None:
    loader = DataLoader(
        iterations(mapped(tmp_path), first_step=2), batch_size=None, num_workers=2, multiprocessing_context=method
    )
    assert torch.equal(numbers(loader, 5), numbers(iterations(first_step=2), 5))
