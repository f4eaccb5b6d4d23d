"""Small classifiers of handwritten digits: what Inception is to photographs, for runs without internet.

Their weights travel with the package as ``weights/NAME.safetensors``, so a score is the same number on every machine.
``python -m gan_lightning.metrics.train_classifier NAME`` made them. ``digits_classifier`` reads 291 of scikit-learn's
297 held-out digits rightly (98.0 %), ``mnist_classifier`` 9,922 of MNIST's 10,000 test images (99.2 %). Their scores
have the published formulae and another network, hence another name.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.registry import register_feature_extractor

WEIGHTS = Path(__file__).parent / "weights"
CLASSES = 10


class Classifier(nn.Module):
    """Three convolutions and two linear layers.

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
        """Features and class scores.

        Args:
            images: uint8 ``(B, C, H, W)``, of any size; channels are averaged.

        Returns:
            Features ``(B, 64)`` of the layer before the last, and logits ``(B, 10)``.
        """
        grey = images.float().mean(1, keepdim=True)
        if grey.shape[2] == grey.shape[3] == self.size - 2 * self.border:
            grey = F.pad(grey, [self.border] * 4)
        else:
            grey = F.interpolate(grey, size=(self.size, self.size), mode="bilinear", antialias=True)
        features = self.features(grey / 127.5 - 1)
        return features, self.logits(features)


CLASSIFIERS: dict[str, Callable[[], Classifier]] = {
    "digits_classifier": partial(Classifier, size=16, border=0, width=16),
    "mnist_classifier": partial(Classifier, size=32, border=2, width=32),
}
"""By the name of the extractor: the network, its weights not loaded yet."""


def shipped_weights(name: str) -> Path:
    """The file of a classifier's weights inside the package."""
    return WEIGHTS / f"{name}.safetensors"


class ClassifierExtractor(FeatureExtractorBase):
    """A classifier as a feature extractor of torch-fidelity, with the layers ``features`` and ``logits``."""

    def __init__(
        self,
        name: str,
        features_list: Sequence[str],
        feature_extractor_weights_path: str | None = None,
        **_options: object,
    ) -> None:
        super().__init__(name, list(features_list))
        self.classifier = CLASSIFIERS[name]()
        self.classifier.load_state_dict(load_file(feature_extractor_weights_path or shipped_weights(name)))

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
