"""Norms against their definitions: which statistics, whose scale and offset."""

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.networks.norms import BatchNorm, ConditionalBatchNorm, make_norm


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_layer_norm_normalises_each_sample_over_channels_and_pixels() -> None:
    norm, images = make_norm("layer", 4).double(), 3 * random(2, 4, 5, 5) + 1
    mean = images.mean((1, 2, 3), keepdim=True)
    variance = images.var((1, 2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(norm(images), (images - mean) / (variance + 1e-5).sqrt())
    torch.testing.assert_close(norm(images), nn.GroupNorm(1, 4).double()(images))


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_uses_the_statistics_of_the_batch_in_training_and_evaluation(training: bool) -> None:
    norm, images = make_norm("batch", 4).double().train(training), 3 * random(6, 4, 5, 5) + 1
    mean = images.mean((0, 2, 3), keepdim=True)
    variance = images.var((0, 2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(norm(images), (images - mean) / (variance + 1e-5).sqrt())
    assert not list(norm.buffers())


@pytest.mark.parametrize("name", ["batch", "layer"])
def test_norm_has_one_scale_at_one_and_one_offset_at_zero_a_channel(name: str) -> None:
    scale, offset = make_norm(name, 4).parameters()
    assert torch.equal(scale, torch.ones(4))
    assert torch.equal(offset, torch.zeros(4))


def test_norm_none_changes_nothing() -> None:
    images = random(2, 4, 5, 5)
    assert torch.equal(make_norm("none", 4)(images), images)


def test_unknown_norm_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"^norm=instance is not possible: one of batch, layer, none is needed$"):
        make_norm("instance", 4)


def test_batch_norm_of_features_has_statistics_and_scale_for_each() -> None:
    norm, features = make_norm("batch", 4).double(), 3 * random(6, 4) + 1
    expected = (features - features.mean(0)) / (features.var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(norm(features), expected)
    assert sum(parameter.numel() for parameter in norm.parameters()) == 8


def test_chunks_of_a_training_batch_have_statistics_of_their_own() -> None:
    whole, chunked, images = BatchNorm(4).double(), BatchNorm(4, chunks=2).double(), random(6, 4, 5, 5).cumsum(0)
    torch.testing.assert_close(chunked(images), torch.cat([whole(images[:3]), whole(images[3:])]))
    assert not torch.allclose(chunked(images), whole(images))


def test_chunks_are_one_in_evaluation() -> None:
    images = random(5, 4, 5, 5).cumsum(0)
    torch.testing.assert_close(BatchNorm(4, chunks=2).double().eval()(images), BatchNorm(4).double()(images))


def test_batch_that_the_chunks_do_not_divide_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match=r"^bn_chunks=2 is not possible: it must divide the batch, here 5$"):
        BatchNorm(4, chunks=2)(torch.zeros(5, 4, 2, 2))


def test_no_chunks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^chunks=0 is not possible: a whole number of at least 1 is needed"):
        BatchNorm(4, chunks=0)


def test_conditional_batch_norm_starts_as_batch_norm_whatever_the_label() -> None:
    images, labels = random(6, 4, 5, 5), torch.tensor([0, 1, 2, 0, 1, 2])
    norm = ConditionalBatchNorm(4, classes=3).double()
    torch.testing.assert_close(norm(images, labels), BatchNorm(4).double()(images))


def test_conditional_batch_norm_has_a_scale_and_an_offset_of_each_class_and_statistics_of_all() -> None:
    images, labels = random(6, 4, 5, 5), torch.tensor([0, 1, 2, 0, 1, 2])
    norm = ConditionalBatchNorm(4, classes=3, chunks=2).double()
    nn.init.normal_(norm.scale)
    nn.init.normal_(norm.offset)
    plain = BatchNorm(4, chunks=2).double()(images)
    for made, sample, label in zip(norm(images, labels), plain, labels, strict=True):
        torch.testing.assert_close(made, sample * norm.scale[label, :, None, None] + norm.offset[label, :, None, None])


def test_conditional_batch_norm_needs_labels() -> None:
    with pytest.raises(ValueError, match=r"^labels are needed: this network is conditional$"):
        ConditionalBatchNorm(4, classes=3)(torch.zeros(2, 4, 2, 2), None)
