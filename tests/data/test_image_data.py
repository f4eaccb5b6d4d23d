"""Images: bytes in the splits, floats for the networks, shapes that fit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from gan_lightning.data.base import Split
from gan_lightning.data.images import ImageData, to_float


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


def test_images_are_scaled_after_their_transfer_and_labels_are_not() -> None:
    pixels, labels = torch.full((2, 4, 1, 4, 4), 255, dtype=torch.uint8), torch.full((2, 4), 255)
    real, same = noise().on_after_batch_transfer((pixels, labels), 0)
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_shape": (2, 4, 4)}, "channels are 1 or 3"),
        ({"image_shape": (1, 0, 0)}, "resolution a whole number above 0"),
        ({"image_shape": (1, "big", "big")}, "resolution a whole number above 0"),
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
