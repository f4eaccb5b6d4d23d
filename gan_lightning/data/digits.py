"""Scikit-learn's handwritten digits: 1,797 images that come with the installed package."""

import torch
from sklearn.datasets import load_digits
from torch.nn.functional import interpolate

from gan_lightning.data.base import Split
from gan_lightning.data.images import ImageData
from gan_lightning.randomness import seeded_generator

HELD_OUT = 297


class Digits(ImageData):
    """The 8x8 digits, resized to ``image_shape``; the same 297 are held out in every run."""

    def load(self) -> tuple[Split, Split]:
        intensities, digits = load_digits(return_X_y=True)
        images = torch.tensor(intensities, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
        channels, height, width = self.image_shape
        resized = interpolate(images, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)
        pixels = (resized * 255).round().to(torch.uint8).expand(-1, channels, -1, -1).contiguous()
        labels = torch.tensor(digits)
        order = torch.randperm(len(pixels), generator=seeded_generator(0, "digits held out"))
        train, held_out = order[HELD_OUT:], order[:HELD_OUT]
        return Split(pixels[train], labels[train]), Split(pixels[held_out], labels[held_out])
