"""Small classifiers: what Inception is to photographs, for runs without internet.

Their weights travel with the package as ``weights/NAME.safetensors``, so a score is the same number on every machine.
``python -m gan_lightning.metrics.train_classifier NAME`` made them. ``digits_classifier`` reads 291 of scikit-learn's
297 held-out digits rightly (98.0 %), ``mnist_classifier`` 9,922 of MNIST's 10,000 test images (99.2 %), and
``cifar10_classifier`` 8,962 of CIFAR-10's 10,000 (89.6 %); it was trained on one NVIDIA H100, on a lossy copy of the
set (JPEG at 30 dB). Their scores have the published formulae and another network, hence another name.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import IO

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.registry import register_feature_extractor

WEIGHTS = Path(__file__).parent / "weights"
CLASSES = 10


class Classifier(nn.Module, ABC):
    """A network that tells ten classes apart."""

    @abstractmethod
    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features and class scores; in evaluation mode, those of an image depend on no other of its batch.

        Args:
            images: uint8 ``(B, C, H, W)``, of any size, with one or three channels.

        Returns:
            Features ``(B, size)`` of the layer before the last, and logits ``(B, 10)``.
        """


class PlainClassifier(Classifier):
    """Three convolutions and two linear layers, for grey images: channels are averaged. Features are ``(B, 64)``.

    Args:
        size: side of the images that the first convolution sees; 16 or 32.
        border: images whose side is ``size - 2 * border`` get so many zeros on each side; all others are resized to
            ``size`` (bilinear, antialiased).
        width: channels of the first convolution; the next two have twice and four times as many.
    """

    def __init__(self, *, size: int, border: int, width: int) -> None:
        super().__init__()
        self.size, self.border = size, border
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, stride=size // 16, padding=1),  # to 4x4, from 16x16 and 32x32 alike
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4 * width * 4**2, 64),
            nn.ReLU(),
        )
        self.logits = nn.Linear(64, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        grey = images.float().mean(1, keepdim=True)
        if grey.shape[2] == grey.shape[3] == self.size - 2 * self.border:
            grey = F.pad(grey, [self.border] * 4)
        else:
            grey = F.interpolate(grey, size=(self.size, self.size), mode="bilinear", antialias=True)
        features = self.features(grey / 127.5 - 1)
        return features, self.logits(features)


class ResidualClassifier(Classifier):
    """ResNet-20 for colour images, of arXiv:1512.03385, section 4.2; grey ones are repeated to three channels.

    Deviation: a shortcut between two widths is a 1x1 convolution (option B there), not padded with zeros (option A).

    Args:
        size: side of the images that the first convolution sees; all others are resized to it (bilinear, antialiased).
        width: channels of the first stage; the next two have twice and four times as many. Features are
            ``(B, 4 * width)``. Deviation: the paper's is 16.
    """

    def __init__(self, *, size: int, width: int) -> None:
        super().__init__()
        self.size = size
        blocks = [_Block(width, width) for _ in range(3)]
        for before in (width, 2 * width):
            blocks += [_Block(before, 2 * before, stride=2), *(_Block(2 * before, 2 * before) for _ in range(2))]
        self.features = nn.Sequential(
            *_convolution(3, width, kernel=3), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.logits = nn.Linear(4 * width, CLASSES)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        colour = images.expand(-1, 3, -1, -1).float()
        if colour.shape[2:] != (self.size, self.size):
            colour = F.interpolate(colour, size=(self.size, self.size), mode="bilinear", antialias=True)
        features = self.features(colour / 127.5 - 1)
        return features, self.logits(features)


class _Block(nn.Module):
    """Two convolutions beside a shortcut: ``(B, before, H, W)`` to ``(B, after, H / stride, W / stride)``."""

    def __init__(self, before: int, after: int, *, stride: int = 1) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *_convolution(before, after, kernel=3, stride=stride), nn.ReLU(), *_convolution(after, after, kernel=3)
        )
        same = before == after and stride == 1
        self.shortcut = nn.Sequential(*([] if same else _convolution(before, after, kernel=1, stride=stride)))

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.shortcut(maps) + self.residual(maps))


def _convolution(before: int, after: int, *, kernel: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    """A convolution and its batch norm."""
    convolution = nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False)
    return convolution, nn.BatchNorm2d(after)


CLASSIFIERS: dict[str, Callable[[], Classifier]] = {
    "digits_classifier": partial(PlainClassifier, size=16, border=0, width=16),
    "mnist_classifier": partial(PlainClassifier, size=32, border=2, width=32),
    "cifar10_classifier": partial(ResidualClassifier, size=32, width=20),
}
"""By the name of the extractor: the network, its weights not loaded yet."""


def shipped_weights(name: str) -> Path:
    """The file of a classifier's weights inside the package."""
    return WEIGHTS / f"{name}.safetensors"


class ClassifierExtractor(FeatureExtractorBase):
    """A classifier as a feature extractor of torch-fidelity, with the layers ``features`` and ``logits``.

    Its weights are the package's own, or those that ``torch.save`` wrote to a given file.
    """

    def __init__(
        self,
        name: str,
        features_list: Sequence[str],
        feature_extractor_weights_path: str | IO[bytes] | None = None,
        **_options: object,
    ) -> None:
        super().__init__(name, list(features_list))
        self.classifier = CLASSIFIERS[name]()
        file = feature_extractor_weights_path
        weights = load_file(shipped_weights(name)) if file is None else torch.load(file, weights_only=True)
        self.classifier.load_state_dict(weights)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return "features", "logits"

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return {"isc": "logits", "fid": "features", "kid": "features", "prc": "features"}[metric]

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, input: Tensor) -> tuple[Tensor, ...]:
        """The requested layers, each ``(B, size)``, of uint8 images ``(B, C, H, W)``."""
        features, logits = self.classifier(input)
        layers = {"features": features, "logits": logits}
        return tuple(layers[name] for name in self.features_list)


for _name in CLASSIFIERS:
    register_feature_extractor(_name, ClassifierExtractor)
