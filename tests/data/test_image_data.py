"""The data module: where its images live, how they are shared out, what it refuses."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from gan_lightning.data import base
from gan_lightning.data.base import Batch, ImageData, Iterations, MappedImages, Split, to_float


class Noise(ImageData):
    """40 images of noise, 11 of them held out, mapped from a file."""

    def load(self) -> tuple[Split, Split]:
        path = Path("noise.npy")
        np.save(path, np.random.default_rng(0).integers(0, 256, (40, *self.image_shape), dtype=np.uint8))
        labels = torch.arange(40)
        return Split(MappedImages(path, 0, 29), labels[:29]), Split(MappedImages(path, 29, 40), labels[29:])


def noise(**changes: Any) -> Noise:
    return Noise(**{"image_shape": (1, 4, 4), "batch_size": 4, "n_critic": 2, "seed": 0, **changes})


def first(loader: Iterations | DataLoader, length: int = 6) -> list[Tensor]:
    return [images for images, _ in islice(loader, length)]


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "RESIDENT_BYTES", 10)


def test_pixels_span_minus_one_to_one() -> None:
    assert to_float(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx([-1, -0.6, 1])


def test_small_sets_live_on_the_device(outline: Callable[..., Any]) -> None:
    data = noise()
    data.trainer = outline()
    loader = data.train_dataloader()
    assert isinstance(loader, Iterations) and isinstance(loader.split.images, Tensor)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("step", [0, 9])
def test_large_sets_stream_the_batches_that_small_ones_have(
    workers: int, step: int, outline: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = noise(workers=workers)
    data.trainer = outline(step=step)
    resident = first(data.train_dataloader())
    monkeypatch.setattr(base, "RESIDENT_BYTES", 10)
    loader = data.train_dataloader()
    assert isinstance(loader, DataLoader)
    assert all(torch.equal(*pair) for pair in zip(first(loader), resident, strict=True))


@pytest.mark.usefixtures("large")
def test_streamed_shares_of_two_ranks_make_up_the_global_batch(outline: Callable[..., Any]) -> None:
    def streamed(**ranks: int) -> list[Tensor]:
        data = noise(workers=1)
        data.trainer = outline(**ranks)
        return first(data.train_dataloader(), 3)

    shares = zip(streamed(rank=0, world_size=2), streamed(rank=1, world_size=2), strict=True)
    whole = streamed()
    assert all(torch.equal(torch.cat(pair, dim=1), one) for pair, one in zip(shares, whole, strict=True))


def test_more_workers_than_cores_are_not_started(
    large: None, outline: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "available_cores", lambda: 1)
    data = noise(workers=5)
    data.trainer = outline()
    loader = data.train_dataloader()
    assert isinstance(loader, DataLoader) and loader.num_workers == 1


def test_held_out_batches_are_shared_out_and_leftovers_dropped(outline: Callable[..., Any]) -> None:
    def labels(**ranks: int) -> list[list[int]]:
        data = noise()
        data.trainer = outline(**ranks)
        return [labels.tolist() for _, labels in data.held_out_batches() if labels is not None]

    assert labels() == [[29, 30, 31, 32], [33, 34, 35, 36]]
    assert labels(rank=0, world_size=2) == [[29, 30], [33, 34]]
    assert labels(rank=1, world_size=2) == [[31, 32], [35, 36]]


def test_a_held_out_set_smaller_than_a_batch_comes_as_one_batch(outline: Callable[..., Any]) -> None:
    data = noise(batch_size=20)
    data.trainer = outline()
    (images, _), *others = data.held_out_batches()
    assert len(images) == 11 and not others
    assert images.dtype == torch.float32 and images.min() >= -1 and images.max() <= 1


def test_reference_is_the_training_set_once_in_uint8() -> None:
    data = noise()
    blocks = list(data.reference(10))
    assert [len(block) for block in blocks] == [10, 10, 9]
    assert torch.equal(torch.cat(blocks), data.splits[0].to(torch.device("cpu")).images)


def test_a_batch_larger_than_the_training_set_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data.batch_size=30 exceeds the training set of 29 images"):
        noise(batch_size=30).prepare()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 0}, "data.batch_size=0 must be a whole number, 1 or more"),
        ({"batch_size": "many"}, "data.batch_size=many must be"),
        ({"n_critic": 0}, "data.n_critic=0 must be"),
        ({"workers": -1}, "data.workers=-1 must be a whole number, 0 or more"),
        ({"image_shape": (2, 4, 4)}, "channels are 1 or 3"),
        ({"image_shape": (1, 0, 0)}, "resolution a whole number above 0"),
        ({"image_shape": (1, "big", "big")}, "resolution a whole number above 0"),
        ({"image_shape": (1, 4, 8)}, "is not .channels, resolution, resolution."),
        ({"resolution": 8}, r"data.image_shape=\[1, 4, 4\] is not"),
        ({"channels": 3}, r"data.image_shape=\[1, 4, 4\] is not"),
    ],
)
def test_numbers_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        noise(**changes)


def test_a_shape_that_a_published_set_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data.image_shape=\[1, 4, 4\]: Noise is 3x32x32 or 1x28x28"):
        noise().require_shape((3, 32, 32), (1, 28, 28))


class Recorder(L.LightningModule):
    """Remembers the real images it was given; one optimiser step an iteration."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen: list[Tensor] = []

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self.seen.append(batch[0].clone())
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        optimizer.zero_grad()
        self.manual_backward(self.weight.square())
        optimizer.step()


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # Lightning's own
@pytest.mark.filterwarnings("ignore:.*LeafSpec:DeprecationWarning")
@pytest.mark.parametrize("resident_bytes", [2**30, 10])
def test_a_resumed_training_goes_on_with_the_batches_it_would_have_had(
    resident_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "RESIDENT_BYTES", resident_bytes)

    def fit(steps: int, checkpoint: str | None = None) -> tuple[L.Trainer, list[Tensor]]:
        trainer = L.Trainer(
            max_steps=steps,
            accelerator="cpu",
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
        module = Recorder()
        trainer.fit(module, noise(workers=2), ckpt_path=checkpoint)
        return trainer, module.seen

    _, uninterrupted = fit(7)
    trainer, start = fit(3)
    trainer.save_checkpoint("half.ckpt")
    _, rest = fit(7, "half.ckpt")
    assert uninterrupted[0].dtype == torch.float32
    assert all(torch.equal(*pair) for pair in zip(start + rest, uninterrupted, strict=True))
