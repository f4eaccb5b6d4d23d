"""A small classifier of handwritten digits: what Inception is to photographs, for runs without internet.

The network, its training on scikit-learn's digits (once, in seconds, kept in the user's cache folder), and the
feature extractor for torch-fidelity. Its scores have the published formulae and another network, hence another name.
"""

import io
import os
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.registry import register_feature_extractor

from gan_lightning.data.cache import cache_folder
from gan_lightning.randomness import seeded_generator

NAME = "digits_classifier"
CACHE_FILE = "digits_classifier_v1.pt"  # Raise the version with any change of the network or its training.

SIZE = 16
CLASSES = 10
HELD_OUT = 297
SEED = 0
EPOCHS = 30
BATCH_SIZE = 60
LEARNING_RATE = 2e-3
LABEL_SMOOTHING = 0.007  # Without it the network is as sure about pure noise as about digits.


class DigitsClassifier(nn.Module):
    """Three convolutions and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * (SIZE // 4) ** 2, 64),
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
        resized = F.interpolate(grey, size=(SIZE, SIZE), mode="bilinear", antialias=True)
        features = self.features(resized / 127.5 - 1)
        return features, self.logits(features)


def digits() -> tuple[Tensor, Tensor, Tensor]:
    """scikit-learn's 1,797 digits.

    Returns:
        Images, uint8 ``(1797, 1, 8, 8)``; labels, int64 ``(1797,)``; and a fixed order, int64 ``(1797,)``, whose last
        ``HELD_OUT`` entries are never trained on.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = torch.from_numpy(images).reshape(-1, 1, 8, 8) * (255 / 16)
    order = torch.randperm(len(labels), generator=seeded_generator(SEED, NAME, "held out"))
    return pixels.round().to(torch.uint8), torch.from_numpy(labels), order


def train() -> DigitsClassifier:
    """Train the classifier: the same weights every time on one kind of machine, whatever else the process does.

    Runs on the CPU, on one thread, under its own seeds; global random states and the thread count are left as found.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(False), torch.enable_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            return _train()
    finally:
        torch.set_num_threads(threads)


def _train() -> DigitsClassifier:
    images, labels, order = digits()
    classifier = DigitsClassifier()
    optimizer = torch.optim.Adam(classifier.parameters(), lr=LEARNING_RATE)
    for _ in range(EPOCHS):
        shuffled = order[: len(order) - HELD_OUT][torch.randperm(len(order) - HELD_OUT)]
        for batch in shuffled.split(BATCH_SIZE):
            optimizer.zero_grad()
            _, logits = classifier(images[batch])
            F.cross_entropy(logits, labels[batch], label_smoothing=LABEL_SMOOTHING).backward()
            optimizer.step()
    return classifier


def cached_weights() -> Path:
    """The file with the classifier's weights, which is made if it is missing or damaged.

    It lies in ``$XDG_CACHE_HOME/gan_lightning``, or ``~/.cache/gan_lightning``. It is written in one move, so processes
    that come at the same time each put the same whole file there.

    Raises:
        ValueError: if the folder cannot be written to.
    """
    folder = cache_folder()
    path = folder / CACHE_FILE
    if not _is_whole(path):
        buffer = io.BytesIO()
        torch.save(train().state_dict(), buffer)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write_whole(path, buffer.getvalue())
        except OSError as error:
            raise ValueError(
                f"cannot write {path} ({error.strerror}); set XDG_CACHE_HOME to a folder that can"
            ) from error
    return path


def _is_whole(path: Path) -> bool:
    try:
        DigitsClassifier().load_state_dict(torch.load(path, weights_only=True))
    except (OSError, RuntimeError, EOFError, TypeError, pickle.UnpicklingError):
        return False
    return True


def _write_whole(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


class DigitsExtractor(FeatureExtractorBase):
    """The classifier as a feature extractor of torch-fidelity, with the layers ``features`` and ``logits``."""

    def __init__(
        self,
        name: str,
        features_list: Sequence[str],
        feature_extractor_weights_path: str | None = None,
        **_options: object,
    ) -> None:
        super().__init__(name, list(features_list))
        self.classifier = DigitsClassifier()
        path = feature_extractor_weights_path or cached_weights()
        self.classifier.load_state_dict(torch.load(path, weights_only=True))

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


register_feature_extractor(NAME, DigitsExtractor)
