"""The edge between the networks' images, floats in [-1, 1], and 8-bit pictures."""

import torch
from torch import Tensor

SCALE = 127.5
"""From floats x to bytes, by truncating ``(x + 1) * SCALE``. Source: the released DCGAN scripts of WGAN-GP
(arXiv:1704.00028), where only 1 itself becomes 255."""

DEQUANTISED_SCALE = 127.995
"""The same where every byte stands for an interval. Source: the released ``gan_cifar_resnet.py``.
Deviation: the released ``gan_64x64.py`` writes its samples so too, though its bytes stand for points."""


def to_uint8(images: Tensor, *, scale: float = SCALE) -> Tensor:
    """8-bit pictures from generated images.

    Args:
        images: any shape, floating point; values beyond [-1, 1] are clamped.
        scale: ``SCALE`` or ``DEQUANTISED_SCALE``, as images of the data became floats.

    Returns:
        uint8 of the same shape and device.
    """
    return ((images.float().clamp(-1, 1) + 1) * scale).to(torch.uint8)
