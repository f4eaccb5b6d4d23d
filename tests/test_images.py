import torch

from gan_lightning.images import to_uint8


def test_ends_of_the_range_become_black_and_white() -> None:
    assert to_uint8(torch.tensor([-1.0, 1.0])).tolist() == [0, 255]


def test_values_in_between_are_truncated_not_rounded() -> None:
    # (x + 1) * 127.5 is 127.5, 191.25, 254.99 and 0.996.
    assert to_uint8(torch.tensor([0.0, 0.5, 0.99992, -0.9922])).tolist() == [127, 191, 254, 0]


def test_values_beyond_the_range_are_clamped_instead_of_wrapped_around() -> None:
    assert to_uint8(torch.tensor([-1.5, 1.5])).tolist() == [0, 255]


def test_shape_stays_and_half_precision_is_accepted() -> None:
    images = to_uint8(torch.ones(2, 3, 4, 5, dtype=torch.bfloat16))
    assert images.shape == (2, 3, 4, 5)
    assert images.dtype == torch.uint8
