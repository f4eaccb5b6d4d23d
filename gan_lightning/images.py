"""The edge between the networks' images, floats in [-1, 1], and 8-bit pictures."""

import torch
from torch import Tensor


def to_uint8(images: Tensor) -> Tensor:
    """8-bit pictures from generated images.

    Source: the released DCGAN scripts of WGAN-GP (arXiv:1704.00028) truncate ``(x + 1) * 127.5`` to an integer, so
    that only 1 itself becomes 255.

    Args:
        images: any shape, floating point; values beyond [-1, 1] are clamped.

    Returns:
        uint8 of the same shape and device.
    """
    return ((images.float().clamp(-1, 1) + 1) * 127.5).to(torch.uint8)
