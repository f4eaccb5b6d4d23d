"""``python -m gan_lightning.metrics.train_classifier NAME``: how the weights in the package were made.

Seconds for the digits and some minutes for MNIST, which is looked for as in a run (``$GAN_LIGHTNING_DATA``).
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from gan_lightning.data.base import Split
from gan_lightning.data.digits import Digits
from gan_lightning.data.images import ImageData
from gan_lightning.data.mnist import MNIST
from gan_lightning.metrics.classifier import CLASSIFIERS, Classifier, shipped_weights

SEED = 0
LABEL_SMOOTHING = 0.007  # Without it the network is as sure about pure noise as about digits.


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained, by Adam.

    Args:
        data: its training images are trained on, at their own size; its held-out images only measure the accuracy.
        epochs, batch_size, learning_rate: of the training.
    """

    data: Callable[[], ImageData]
    epochs: int
    batch_size: int
    learning_rate: float


RECIPES = {
    "digits_classifier": Recipe(
        data=lambda: Digits(image_shape=(1, 8, 8), batch_size=1, n_critic=1, seed=SEED),
        epochs=30,
        batch_size=60,
        learning_rate=2e-3,
    ),
    "mnist_classifier": Recipe(
        data=lambda: MNIST(image_shape=(1, 28, 28), batch_size=1, n_critic=1, seed=SEED),
        epochs=10,
        batch_size=100,
        learning_rate=1e-3,
    ),
}
"""By the name of the classifier."""


def train(name: str) -> dict[str, Tensor]:
    """Train a classifier: the same weights every time on one kind of machine and one thread.

    Returns:
        Its weights as they are kept, in half precision. Global random states are left as found.
    """
    recipe = RECIPES[name]
    images, labels = everything(recipe.data().splits[0])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        classifier = CLASSIFIERS[name]()
        optimizer = torch.optim.Adam(classifier.parameters(), lr=recipe.learning_rate)
        for _ in range(recipe.epochs):
            for batch in torch.randperm(len(images)).split(recipe.batch_size):
                optimizer.zero_grad()
                _, logits = classifier(images[batch])
                F.cross_entropy(logits, labels[batch], label_smoothing=LABEL_SMOOTHING).backward()
                optimizer.step()
    return {name: weights.half() for name, weights in classifier.state_dict().items()}


def everything(split: Split) -> tuple[Tensor, Tensor]:
    """All images, uint8 ``(N, C, H, W)``, and their labels ``(N,)``."""
    images, labels = split.rows(torch.arange(len(split)))
    return images, cast(Tensor, labels)


@torch.no_grad()
def read_rightly(classifier: Classifier, held_out: Split) -> int:
    """How many of the images get their own label."""
    images, labels = everything(held_out)
    logits = torch.cat([classifier(block)[1] for block in images.split(1000)])
    return int((logits.argmax(1) == labels).sum())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.metrics.train_classifier", description=__doc__)
    parser.add_argument("name", choices=RECIPES, help="which classifier")
    name = parser.parse_args().name
    torch.set_num_threads(1)
    weights, classifier, held_out = train(name), CLASSIFIERS[name](), RECIPES[name].data().splits[1]
    classifier.load_state_dict(weights)
    accuracy = f"{read_rightly(classifier, held_out)} of {len(held_out)} held-out images"
    made_by = f"python -m gan_lightning.metrics.train_classifier {name}"
    save_file(weights, shipped_weights(name), metadata={"made by": made_by, "reads rightly": accuracy})
    print(f"{shipped_weights(name)}: reads {accuracy} rightly")


if __name__ == "__main__":
    main()
