"""The data module of anything with rows: where they live, how they are shared out, what they are known by."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from points import Critic, Generator
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.utils.data import DataLoader

from gan_lightning.constraints import GradientPenalty
from gan_lightning.data import base
from gan_lightning.data.base import Batch, Iterations, MappedRows, RealData, Split
from gan_lightning.module import AdversarialModule
from gan_lightning.objectives import Wasserstein
from gan_lightning.penalties import interpolates, two_sided
from gan_lightning.randomness import RandomStreams


class Points(RealData):
    """40 points of the plane, 11 of them held out, mapped from a file; point i is labelled i."""

    def load(self) -> tuple[Split, Split]:
        path = Path("points.npy")
        np.save(path, np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32))
        labels = torch.arange(40)
        return Split(MappedRows(path, 0, 29), labels[:29]), Split(MappedRows(path, 29, 40), labels[29:])


def points(**changes: Any) -> Points:
    return Points(**{"batch_size": 4, "n_critic": 2, "seed": 0, **changes})


def first(loader: Iterations | DataLoader, length: int = 6) -> list[Tensor]:
    return [samples for samples, _ in islice(loader, length)]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "RESIDENT_BYTES", 10)


def test_small_sets_live_on_the_device(outline: Callable[..., Any]) -> None:
    data = points()
    data.trainer = outline()
    loader = data.train_dataloader()
    assert isinstance(loader, Iterations) and isinstance(loader.split.samples, Tensor)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("step", [0, 9])
def test_large_sets_stream_the_batches_that_small_ones_have(
    workers: int, step: int, outline: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = points(workers=workers)
    data.trainer = outline(step=step)
    resident = first(data.train_dataloader())
    monkeypatch.setattr(base, "RESIDENT_BYTES", 10)
    loader = data.train_dataloader()
    assert isinstance(loader, DataLoader)
    assert all(torch.equal(*pair) for pair in zip(first(loader), resident, strict=True))


@pytest.mark.usefixtures("large")
def test_streamed_shares_of_two_ranks_make_up_the_global_batch(outline: Callable[..., Any]) -> None:
    def streamed(**ranks: int) -> list[Tensor]:
        data = points(workers=1)
        data.trainer = outline(**ranks)
        return first(data.train_dataloader(), 3)

    shares = zip(streamed(rank=0, world_size=2), streamed(rank=1, world_size=2), strict=True)
    whole = streamed()
    assert all(torch.equal(torch.cat(pair, dim=1), one) for pair, one in zip(shares, whole, strict=True))


def test_more_workers_than_cores_are_not_started(
    large: None, outline: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "available_cores", lambda: [0])
    data = points(workers=5)
    data.trainer = outline()
    loader = data.train_dataloader()
    assert isinstance(loader, DataLoader) and loader.num_workers == 1


@pytest.fixture
def held_out(outline: Callable[..., Any]) -> Callable[..., list[list[int]]]:
    """Which held-out points the batches of a rank consist of."""

    def numbers(rank: int = 0, world_size: int = 1, **changes: Any) -> list[list[int]]:
        data = points(**changes)
        data.trainer = outline(rank=rank, world_size=world_size)
        return [labels.tolist() for _, labels in data.held_out_batches() if labels is not None]

    return numbers


def test_held_out_batches_are_shared_out_and_leftovers_dropped(held_out: Callable[..., list[list[int]]]) -> None:
    assert held_out() == [[29, 30, 31, 32], [33, 34, 35, 36]]
    assert held_out(rank=0, world_size=2) == [[29, 30], [33, 34]]
    assert held_out(rank=1, world_size=2) == [[31, 32], [35, 36]]


def test_a_held_out_set_smaller_than_a_batch_comes_as_one_batch(held_out: Callable[..., list[list[int]]]) -> None:
    assert held_out(batch_size=20) == [list(range(29, 40))]


def test_the_held_out_loss_takes_an_evenly_spread_share_whatever_the_seed(
    held_out: Callable[..., list[list[int]]],
) -> None:
    assert held_out(held_out_samples=5, batch_size=5) == [[29, 31, 33, 35, 37]]
    assert held_out(held_out_samples=5, batch_size=2, seed=1) == [[29, 31], [33, 35]]
    assert held_out(held_out_samples=1) == [[29]]


@pytest.mark.parametrize("limit", [11, 12, 1000, None])
def test_a_limit_that_the_held_out_set_does_not_reach_changes_nothing(
    limit: int | None, held_out: Callable[..., list[list[int]]]
) -> None:
    assert held_out(held_out_samples=limit, batch_size=11) == [list(range(29, 40))]


def test_reference_is_the_training_set_once_as_stored() -> None:
    data = points()
    blocks = list(data.reference(10))
    assert [len(block) for block in blocks] == [10, 10, 9]
    assert torch.equal(torch.cat(blocks), data.splits[0].to(torch.device("cpu")).samples)


def test_a_batch_larger_than_the_training_set_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data.batch_size=30 exceeds the training set of 29 samples"):
        points(batch_size=30).prepare()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "data.batch_size=0 is not possible: a whole number of at least 1 is needed"),
        ({"batch_size": "many"}, "data.batch_size=many is not possible: a whole number"),
        ({"n_critic": 0}, "^data.n_critic=0 is not possible"),
        ({"held_out_samples": 0}, "data.held_out_samples=0 is not possible"),
        ({"held_out_samples": 0.1}, "data.held_out_samples=0.1 is not possible"),
        ({"workers": -1}, "data.workers=-1 is not possible: a whole number of at least 0 is needed"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        points(**changes)


class InMemory(RealData):
    """Four training samples and a held-out one, given by the test."""

    def load(self) -> tuple[Split, Split]:
        return self.train, self.held_out


def in_memory(train: Split, held_out: Split) -> InMemory:
    data = InMemory(batch_size=4, n_critic=1, seed=0)
    data.train, data.held_out = train, held_out
    return data


ROWS, LABELS = torch.arange(10.0).view(5, 2), torch.tensor([1, 0, 2, 0, 3])


def test_classes_are_counted_over_both_splits_and_absent_without_labels() -> None:
    assert in_memory(Split(ROWS[:4], LABELS[:4]), Split(ROWS[4:], LABELS[4:])).classes == 4
    assert in_memory(Split(ROWS[:4]), Split(ROWS[4:])).classes is None


def test_provenance_depends_on_every_sample_and_label_and_on_nothing_else() -> None:
    def provenance(rows: Tensor = ROWS, labels: Tensor | None = LABELS, place: str = "a.npy") -> str:
        np.save(place, rows.numpy())
        splits = (
            Split(MappedRows(Path(place), *part), None if labels is None else labels[slice(*part)])
            for part in ((0, 4), (4, 5))
        )
        return in_memory(*splits).provenance

    other_rows, other_labels = ROWS.clone(), LABELS.clone()
    other_rows[4, 1], other_labels[0] = -1, 3
    different = [provenance(), provenance(other_rows), provenance(labels=other_labels), provenance(labels=None)]
    assert len(set(different)) == 4
    assert all(text.startswith("InMemory 2, sha256 ") for text in different)
    assert provenance(place="b.npy") == provenance()
    assert in_memory(Split(ROWS[:4], LABELS[:4]), Split(ROWS[4:], LABELS[4:])).provenance == provenance()


def sgd(network: nn.Module) -> Optimizer:
    return SGD(network.parameters(), lr=0.1)


class Seen(L.Callback):
    """The real batches of every iteration."""

    def __init__(self) -> None:
        self.real: list[Tensor] = []

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        self.real.append(batch[0].clone())


class NoisyPoints(Points):
    """Points that networks see with noise."""

    def to_real(self, rows: Tensor, streams: RandomStreams) -> Tensor:
        return rows + streams.uniform("noise", *rows.shape)


def train(steps: int, checkpoint: str | None = None, kind: type[Points] = Points) -> tuple[L.Trainer, list[Tensor]]:
    torch.manual_seed(0)
    module = AdversarialModule(
        Generator(),
        Critic(),
        objective=Wasserstein(),
        constraint=GradientPenalty(10.0, points=interpolates, distance=two_sided),
        generator_optimizer=sgd,
        critic_optimizer=sgd,
        latent_dim=3,
        seed=0,
    )
    seen = Seen()
    trainer = L.Trainer(
        max_steps=steps,
        accelerator="cpu",
        callbacks=[seen],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(module, kind(batch_size=4, n_critic=2, seed=0), ckpt_path=checkpoint)
    return trainer, seen.real


@pytest.mark.parametrize("resident_bytes", [2**30, 10])
def test_points_train_and_a_resumed_training_goes_on_with_the_batches_it_would_have_had(
    resident_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "RESIDENT_BYTES", resident_bytes)
    uninterrupted, whole = train(7)
    half, start = train(2)
    half.save_checkpoint("half.ckpt")
    resumed, rest = train(7, "half.ckpt")
    assert [batch.shape for batch in whole] == 7 * [(2, 4, 2)]
    assert set(whole[0].flatten().tolist()) <= set(
        points().splits[0].to(torch.device("cpu")).samples.flatten().tolist()
    )
    assert all(torch.equal(*pair) for pair in zip(start + rest, whole, strict=True))
    for name, weights in resumed.lightning_module.state_dict().items():
        assert torch.equal(weights, uninterrupted.lightning_module.state_dict()[name]), name


@pytest.mark.parametrize("resident_bytes", [2**30, 10])
def test_what_is_drawn_for_a_batch_is_a_function_of_the_iteration_it_is_trained_on(
    resident_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were batches transferred when they are read ahead, their noise would be that of an earlier iteration."""
    monkeypatch.setattr(base, "RESIDENT_BYTES", resident_bytes)
    _, plain = train(6)
    uninterrupted, whole = train(6, kind=NoisyPoints)
    for step in range(6):
        streams = RandomStreams(0, "real", "train", step, rank=0, world_size=1, device=torch.device("cpu"))
        noise = torch.stack([streams.uniform("noise", 4, 2) for _ in range(2)])
        assert torch.equal(whole[step], plain[step] + noise), step
    half, start = train(2, kind=NoisyPoints)
    half.save_checkpoint("half.ckpt")
    resumed, rest = train(6, "half.ckpt", kind=NoisyPoints)
    assert all(torch.equal(*pair) for pair in zip(start + rest, whole, strict=True))
    for name, weights in resumed.lightning_module.state_dict().items():
        assert torch.equal(weights, uninterrupted.lightning_module.state_dict()[name]), name


def test_data_that_draw_nothing_begin_no_stream(outline: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RandomStreams, "_stream", None)
    data = points()
    data.trainer = outline()
    rows = torch.zeros(2, 4, 2)
    assert torch.equal(data.on_after_batch_transfer((rows, None), 0)[0], rows)
    assert len(list(data.held_out_batches())) == 2


@pytest.mark.parametrize(("number", "held"), [(20, 2), (5, 1), (1, 1), (14, 1), (16, 2)])
def test_a_tenth_and_at_least_one_is_held_out_and_always_the_same(number: int, held: int) -> None:
    train, held_out = base.held_out_order(number, 0.1)
    assert len(held_out) == held and sorted([*train.tolist(), *held_out.tolist()]) == list(range(number))
    assert all(torch.equal(*pair) for pair in zip(base.held_out_order(number, 0.1), (train, held_out), strict=True))
