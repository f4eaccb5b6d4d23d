"""Images: bytes in the splits, floats for the networks, shapes that fit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from gan_lightning.data.base import Split
from gan_lightning.data.images import ImageData, dequantised, to_float


class Noise(ImageData):
    """29 images of noise, 11 more held out."""

    def load(self) -> tuple[Split, Split]:
        generator = torch.Generator().manual_seed(0)
        pixels = torch.randint(0, 256, (40, *self.image_shape), dtype=torch.uint8, generator=generator)
        return Split(pixels[:29]), Split(pixels[29:])


def noise(**changes: Any) -> Noise:
    return Noise(**{"image_shape": (1, 4, 4), "batch_size": 4, "n_critic": 2, "seed": 0, **changes})


def test_pixels_span_minus_one_to_one() -> None:
    assert to_float(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx([-1, -0.6, 1])


def test_images_are_scaled_after_their_transfer_and_labels_are_not(outline: Callable[..., Any]) -> None:
    pixels, labels = torch.full((2, 4, 1, 4, 4), 255, dtype=torch.uint8), torch.full((2, 4), 255)
    data = noise()
    data.trainer = outline()
    real, same = data.on_after_batch_transfer((pixels, labels), 0)
    assert real.dtype == torch.float32 and torch.equal(real, torch.ones(2, 4, 1, 4, 4))
    assert same is labels


def test_held_out_images_are_scaled(outline: Callable[..., Any]) -> None:
    data = noise()
    data.trainer = outline()
    images, _ = next(data.held_out_batches())
    assert torch.equal(images, to_float(data.splits[1].rows(torch.arange(4))[0]))


def test_reference_is_the_training_set_in_uint8() -> None:
    assert {block.dtype for block in noise().reference()} == {torch.uint8}


def test_provenance_tells_the_shape() -> None:
    assert noise(image_shape=(3, 8, 8)).provenance.startswith("Noise 3x8x8, sha256 ")


def test_dequantised_pixels_fill_the_interval_of_their_byte_and_no_other() -> None:
    pixels = torch.tensor([0, 100, 255], dtype=torch.uint8)
    lowest, highest = (dequantised(pixels, torch.full((3,), noise)).tolist() for noise in (0.0, 1 - 2**-24))
    assert lowest == [-1, -0.21875, 0.9921875]
    assert -0.9922 < highest[0] < -0.9921875 and -0.2110 < highest[1] < -0.2109375 and 0.9999 < highest[2] < 1


def test_generated_pixels_become_bytes_as_the_bytes_of_the_set_became_pixels() -> None:
    pixels = torch.arange(256, dtype=torch.uint8).expand(1000, 256)
    drawn = torch.rand(1000, 256, generator=torch.Generator().manual_seed(0))
    back = noise(dequantise=True).to_rows(dequantised(pixels, drawn))
    assert (back != pixels).float().mean() < 0.01  # half of them, if they were turned as those without noise
    assert noise().to_rows(torch.tensor([0.0, 0.99992])).tolist() == [127, 254]


BYTES = torch.arange(2 * 4 * 16, dtype=torch.uint8).view(2, 4, 1, 4, 4)
"""Pixels of an iteration's two critic batches, all of them different."""


@pytest.fixture
def real(outline: Callable[..., Any]) -> Callable[..., torch.Tensor]:
    """What networks see of ``BYTES``."""

    def transferred(*, step: int = 0, rank: int = 0, world_size: int = 1, **changes: Any) -> torch.Tensor:
        data = noise(**changes)
        data.trainer = outline(step=step, rank=rank, world_size=world_size)
        share = slice(rank * 4 // world_size, (rank + 1) * 4 // world_size)
        return data.on_after_batch_transfer((BYTES[:, share], None), 0)[0]

    return transferred


def test_dequantisation_noise_is_fresh_in_every_pixel_and_iteration(real: Callable[..., torch.Tensor]) -> None:
    first, second, other = (real(dequantise=True, **changes) for changes in ({}, {"step": 1}, {"seed": 1}))
    assert torch.equal(first, real(dequantise=True))
    assert not torch.equal(first, second) and not torch.equal(first, other)
    noise = first * 128 + 128 - BYTES
    assert 0 <= noise.min() < 0.1 and 0.9 < noise.max() < 1 and len(noise.unique()) > 120


def test_a_coin_for_every_critic_batch_mirrors_all_of_it_or_nothing(real: Callable[..., torch.Tensor]) -> None:
    plain = to_float(BYTES)
    mirrored: set[tuple[bool, ...]] = set()
    for step in range(20):
        flipped = real(flip=True, step=step)
        for batch, original in zip(flipped, plain, strict=True):
            assert torch.equal(batch, original) or torch.equal(batch, original.flip(-1))
        mirrored.add(tuple(not torch.equal(*pair) for pair in zip(flipped, plain, strict=True)))
    assert mirrored == {(False, False), (False, True), (True, False), (True, True)}


@pytest.mark.parametrize("world_size", [2, 4])
def test_shares_of_the_ranks_are_drawn_for_the_global_batch(world_size: int, real: Callable[..., torch.Tensor]) -> None:
    for step in range(4):
        drawn = {"step": step, "dequantise": True, "flip": True}
        shares = [real(rank=rank, world_size=world_size, **drawn) for rank in range(world_size)]
        assert torch.equal(torch.cat(shares, dim=1), real(**drawn))


def test_draws_for_held_out_images_are_the_same_every_time_and_fresh_in_every_batch(
    outline: Callable[..., Any],
) -> None:
    data = noise(dequantise=True)
    data.trainer = outline(step=3)
    first = [images for images, _ in data.held_out_batches()]
    data.trainer = outline(step=4)
    assert all(
        torch.equal(*pair) for pair in zip(first, (images for images, _ in data.held_out_batches()), strict=True)
    )
    noises = [(images * 128 % 1) for images in first]
    assert not torch.equal(noises[0], noises[1])


@pytest.mark.parametrize("name", ["dequantise", "flip"])
def test_a_switch_that_is_neither_on_nor_off_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^data.{name}=maybe is not possible: true or false is needed$"):
        noise(**{name: "maybe"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_shape": (2, 4, 4)}, "^data.image_shape.0=2 is not possible: 1 or 3 is needed$"),
        ({"image_shape": (1, 0, 0)}, "^data.image_shape.1=0 is not possible: a whole number of at least 1 is needed"),
        (
            {"image_shape": (1, "big", "big")},
            "^data.image_shape.1=big is not possible: a whole number of at least 1 is",
        ),
        ({"image_shape": (1, 4, 8)}, "is not .channels, resolution, resolution."),
        ({"resolution": 8}, r"data.image_shape=\[1, 4, 4\] is not"),
        ({"channels": 3}, r"data.image_shape=\[1, 4, 4\] is not"),
    ],
)
def test_shapes_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        noise(**changes)


def test_a_shape_that_a_published_set_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"data.image_shape=\[1, 4, 4\]: Noise is 3x32x32 or 1x28x28"):
        noise().require_shape((3, 32, 32), (1, 28, 28))
