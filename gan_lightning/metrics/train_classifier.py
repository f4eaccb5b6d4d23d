"""``python -m gan_lightning.metrics.train_classifier NAME``: how the weights in the package were made.

Seconds for the digits, some minutes for MNIST, and for CIFAR-10 minutes on a GPU or many hours without one. Sets are
looked for as in a run (``$GAN_LIGHTNING_DATA``).
"""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from gan_lightning.atomic import atomic_file
from gan_lightning.data.base import Split
from gan_lightning.data.cifar10 import CIFAR10
from gan_lightning.data.digits import Digits
from gan_lightning.data.images import ImageData
from gan_lightning.data.mnist import MNIST
from gan_lightning.metrics.classifier import CLASSIFIERS, Classifier, shipped_weights

SEED = 0
LABEL_SMOOTHING = 0.007  # Without it the network is as sure about pure noise as about digits.
SHIFT = 4  # Source: arXiv:1512.03385, section 4.2


class Schedule(Protocol):
    """Sets an optimiser's learning rate before every one of ``total_steps`` batches."""

    def __call__(self, optimizer: Optimizer, *, total_steps: int) -> LRScheduler: ...


def constant_rate(optimizer: Optimizer, *, total_steps: int) -> LRScheduler:
    """The optimiser's own rate throughout."""
    return LambdaLR(optimizer, lambda _step: 1.0)


def unchanged(images: Tensor) -> Tensor:
    """The images themselves: no augmentation."""
    return images


def shifted_and_mirrored(images: Tensor) -> Tensor:
    """Each image as a random crop of itself within a black border of ``SHIFT`` pixels, half of them mirrored.

    Args:
        images: uint8 ``(B, C, H, W)``.

    Returns:
        Images of the same shape, dtype and device. The draws are from the CPU's global generator on every device.
    """
    count, _, height, width = images.shape
    top, left = torch.randint(2 * SHIFT + 1, (2, count, 1))
    rows, columns = top + torch.arange(height), left + torch.arange(width)
    columns = torch.where(torch.rand(count, 1) < 0.5, columns.flip(1), columns)
    rows, columns = rows.to(images.device), columns.to(images.device)
    number = torch.arange(count, device=images.device)[:, None, None]
    return F.pad(images, [SHIFT] * 4)[number, :, rows[:, :, None], columns[:, None, :]].movedim(3, 1)


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained.

    Args:
        data: makes the set, whose files are the published ones if the argument is true. Its training images are trained
            on, at their own size; its held-out images only measure the accuracy.
        epochs, batch_size: of the training.
        optimizer: of the classifier's parameters.
        schedule: of the learning rate.
        augment: uint8 ``(B, C, H, W)`` to other images of the same classes, for every batch anew.
        gpu: whether a GPU is used where there is one. The weights then depend on its kind.
    """

    data: Callable[[bool], ImageData]
    epochs: int
    batch_size: int
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    schedule: Schedule = constant_rate
    augment: Callable[[Tensor], Tensor] = unchanged
    gpu: bool = False

    @property
    def device(self) -> torch.device:
        """Where the classifier is trained and the whole set lives."""
        return torch.device("cuda" if self.gpu and torch.cuda.is_available() else "cpu")


RECIPES = {
    "digits_classifier": Recipe(
        data=lambda _verify: Digits(image_shape=(1, 8, 8), batch_size=1, n_critic=1, seed=SEED),
        epochs=30,
        batch_size=60,
        optimizer=partial(Adam, lr=2e-3),
    ),
    "mnist_classifier": Recipe(
        data=lambda verify: MNIST(image_shape=(1, 28, 28), batch_size=1, n_critic=1, seed=SEED, verify=verify),
        epochs=10,
        batch_size=100,
        optimizer=partial(Adam, lr=1e-3),
    ),
    "cifar10_classifier": Recipe(
        data=lambda verify: CIFAR10(image_shape=(3, 32, 32), batch_size=1, n_critic=1, seed=SEED, verify=verify),
        epochs=60,
        batch_size=512,
        optimizer=partial(SGD, momentum=0.9, nesterov=True, weight_decay=5e-4),  # at the schedule's rate
        # On average about 0.4: the paper's 0.1 for a batch of 128, scaled with the batch (arXiv:1706.02677).
        schedule=partial(OneCycleLR, max_lr=0.8, cycle_momentum=False),
        augment=shifted_and_mirrored,
        gpu=True,
    ),
}
"""By the name of the classifier."""


def train(name: str, *, verify: bool = True) -> dict[str, Tensor]:
    """Train a classifier: on a CPU, the same weights every time on one kind of machine and one thread.

    Args:
        name: which one.
        verify: insist on the published files of its set.

    Returns:
        Its weights as they are kept. Global random states are left as found.
    """
    recipe = RECIPES[name]
    images, labels = everything(recipe.data(verify).splits[0].to(recipe.device))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        classifier = CLASSIFIERS[name]().to(recipe.device)
        optimizer = recipe.optimizer(classifier.parameters())
        steps = recipe.epochs * -(-len(images) // recipe.batch_size)
        schedule = recipe.schedule(optimizer, total_steps=steps)
        for _ in range(recipe.epochs):
            for batch in torch.randperm(len(images)).to(recipe.device).split(recipe.batch_size):
                optimizer.zero_grad()
                _, logits = classifier(recipe.augment(images[batch]))
                F.cross_entropy(logits, labels[batch], label_smoothing=LABEL_SMOOTHING).backward()
                optimizer.step()
                schedule.step()
    return kept(classifier)


def kept(classifier: Classifier) -> dict[str, Tensor]:
    """Weights and batch norm's statistics in half precision, on the CPU.

    Batch norm's counters of batches are left out, integers that nothing reads and that loading does not miss.
    """
    state = classifier.state_dict()
    return {name: weights.half().cpu() for name, weights in state.items() if weights.is_floating_point()}


def everything(split: Split) -> tuple[Tensor, Tensor]:
    """All images, uint8 ``(N, C, H, W)``, and their labels ``(N,)``."""
    images, labels = split.rows(torch.arange(len(split)))
    return images, cast(Tensor, labels)


@torch.no_grad()
def read_rightly(classifier: Classifier, held_out: Split) -> int:
    """How many of the images get their own label from the classifier, which is on their device and put in eval mode."""
    images, labels = everything(held_out)
    classifier.eval()
    logits = torch.cat([classifier(block)[1] for block in images.split(1000)])
    return int((logits.argmax(1) == labels).sum())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.metrics.train_classifier", description=__doc__)
    parser.add_argument("name", choices=RECIPES, help="which classifier")
    parser.add_argument("--output", type=Path, metavar="FILE", help="of the weights; by default the package's own")
    parser.add_argument("--unverified", action="store_true", help="accept a set whose files are not the published ones")
    arguments = parser.parse_args()
    output = arguments.output or shipped_weights(arguments.name)
    if not output.parent.is_dir():
        parser.error(f"--output={output} is not possible: there is no such folder")
    torch.set_num_threads(1)
    try:
        accuracy = train_and_keep(arguments.name, output, verify=not arguments.unverified)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(f"{output}: reads {accuracy} rightly")


def train_and_keep(name: str, output: Path, *, verify: bool) -> str:
    """Train a classifier, write its weights, with how they were made, and say how much they read rightly."""
    recipe = RECIPES[name]
    weights, classifier = train(name, verify=verify), CLASSIFIERS[name]().to(recipe.device)
    classifier.load_state_dict(weights)
    held_out = recipe.data(verify).splits[1].to(recipe.device)
    accuracy = f"{read_rightly(classifier, held_out)} of {len(held_out)} held-out images"
    made_by = f"python -m gan_lightning.metrics.train_classifier {name}"
    with atomic_file(output) as temporary:
        save_file(weights, temporary, metadata={"made by": made_by, "reads rightly": accuracy})
    return accuracy


if __name__ == "__main__":
    main()
