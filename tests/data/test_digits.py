"""Scikit-learn's digits."""

import pytest
import torch

from gan_lightning.data.digits import Digits


def digits(size: int = 16, channels: int = 1, seed: int = 0) -> Digits:
    return Digits(image_shape=(channels, size, size), batch_size=64, n_critic=5, seed=seed)


def test_the_same_297_digits_are_held_out_in_every_run() -> None:
    (train, held_out), (_, other) = digits(seed=1).splits, digits(seed=2).splits
    assert (len(train), len(held_out)) == (1500, 297)
    assert torch.equal(held_out.rows(torch.arange(297))[0], other.rows(torch.arange(297))[0])


def test_digits_span_the_range_of_bytes_at_their_own_size() -> None:
    images = digits(8).splits[0].rows(torch.arange(1500))[0]
    assert images.dtype == torch.uint8 and (images.min(), images.max()) == (0, 255)
    assert len(images.unique()) == 17  # the published intensities are 0 … 16


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (32, 3)])
def test_digits_are_resized_and_their_channels_are_equal(size: int, channels: int) -> None:
    images, labels = digits(size, channels).splits[0].rows(torch.arange(100))
    assert images.shape == (100, channels, size, size)
    assert torch.equal(images[:, :1].expand_as(images), images)
    assert labels is not None and set(labels.tolist()) == set(range(10))
