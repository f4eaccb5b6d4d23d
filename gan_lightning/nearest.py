"""Does a generator repeat its training set? The training images nearest to samples, and how near real ones come."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from gan_lightning.atomic import atomic_file
from gan_lightning.data.base import Split
from gan_lightning.metrics import Scorer
from gan_lightning.metrics.features import load_extractor
from gan_lightning.metrics.image_scorer import ImageScorer, rgb

BLOCK = 500
"""Training images that are compared at a time."""

COMPARED = 500
"""Held-out images, at most, whose nearest training images say what is near."""

Features = Callable[[Tensor], Tensor]
"""Of images, uint8 ``(B, C, H, W)``, ``(B, size)``."""


@dataclass(frozen=True)
class Nearest:
    """The nearest training images of some images.

    Attributes:
        places: their places in the training set ``(N, K)``, the nearest first.
        distances: Euclidean, ``(N, K)``.
    """

    places: Tensor
    distances: Tensor


def features_by(scorer: Scorer | None) -> tuple[Features, str]:
    """How images are compared, and that in words: by the features of the scorer's network, by pixels where it has none.

    Raises:
        ValueError, FileNotFoundError: if the network's weights are not to be had.
    """
    if not isinstance(scorer, ImageScorer):
        return lambda images: images.flatten(1).float() / 255, "pixels in [0, 1]"
    network = load_extractor(scorer.extractor, ["fid"], weights=scorer.weights).network
    return lambda images: network(rgb(images))[0].flatten(1).float(), f"features of {scorer.extractor}"


@torch.no_grad()
def nearest(images: Tensor, training: Split, *, count: int, features: Features) -> Nearest:
    """The nearest images of a training set, all of which are looked at, in blocks.

    Args:
        images: uint8 ``(N, C, H, W)``.
        training: the set.
        count: how many for each image, of no more than the set has.
        features: by which images are compared.
    """
    asked = features(images)
    distances, places = torch.empty(len(images), 0), torch.empty(len(images), 0, dtype=torch.long)
    for first, block in tqdm(list(blocks_of(training)), unit="block", disable=None):
        rows = training.rows(torch.arange(first, block))[0]
        found = torch.cdist(asked, features(rows.cpu()), compute_mode="donot_use_mm_for_euclid_dist")
        distances = torch.cat([distances, found], 1)
        places = torch.cat([places, torch.arange(first, block).expand(len(images), -1)], 1)
        distances, kept = distances.topk(min(count, distances.shape[1]), largest=False)
        places = places.gather(1, kept)
    return Nearest(places, distances)


def blocks_of(training: Split) -> Iterator[tuple[int, int]]:
    """First and last row, the latter excluded, of every block."""
    return ((first, min(first + BLOCK, len(training))) for first in range(0, len(training), BLOCK))


def draw_nearest(file: Path, images: Tensor, found: Nearest, training: Split, *, words: str, usual: float) -> None:
    """A row for each sample: itself, then its nearest training images with their distances.

    Args:
        file: the PNG to write.
        images: uint8 ``(N, C, H, W)``.
        found: their neighbours.
        training: the set that those are of.
        words: how images were compared.
        usual: the median distance of held-out images from their nearest training image.
    """
    from matplotlib.figure import Figure

    count = found.places.shape[1]
    figure = Figure(figsize=(1.1 * (count + 1), 1.25 * len(images) + 0.6), dpi=100, layout="constrained")
    panels = figure.subplots(len(images), count + 1, squeeze=False)
    for row, image in enumerate(images):
        shown = [image, *training.rows(found.places[row])[0]]
        titles = ["sample", *(f"{distance:.3g}" for distance in found.distances[row].tolist())]
        for panel, picture, title in zip(panels[row], shown, titles, strict=True):
            panel.imshow(rgb(picture[None].cpu())[0].permute(1, 2, 0).numpy(), interpolation="nearest")
            panel.set_title(title, fontsize=8)
            panel.set_axis_off()
    figure.suptitle(f"nearest training images by {words}; held-out ones are {usual:.3g} away in the median", fontsize=8)
    with atomic_file(file) as temporary:
        figure.savefig(temporary, format="png")
