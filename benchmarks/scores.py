"""Seconds that scoring takes, ours against torch-fidelity's own ``calculate_metrics`` on the same images.

    python -m benchmarks.scores --images 50000

Both run Inception's architecture over the images and compute the Inception score. The network's weights are made up,
drawn at random: the scores mean nothing, and are told only because both must find the same. Prints JSON.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch_fidelity
from torch import Tensor
from torch.utils.data import Dataset
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from gan_lightning.metrics.image_scorer import ImageScorer
from gan_lightning.sampling import BLOCK


class Pictures(Dataset[Tensor]):
    """Images as torch-fidelity reads them, one at a time."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]


def made_up_weights(folder: Path) -> Path:
    """A file of weights of Inception's shape: wide enough that scores differ between images."""
    torch.manual_seed(0)
    module = "torch_fidelity.feature_extractor_inceptionv3"
    with (
        mock.patch.object(FeatureExtractorInceptionV3, "load_state_dict"),
        mock.patch(f"{module}.load_state_dict_from_url", lambda *_, **__: {}),
    ):
        weights = FeatureExtractorInceptionV3("inception-v3-compat", ["logits"]).state_dict()
    wider = {name: value * 6**0.5 for name, value in weights.items() if value.ndim == 4}
    file = folder / "weights.pth"
    torch.save(weights | wider | {"fc.weight": weights["fc.weight"] * 30}, file)
    return file


def timed(call: Callable[[], dict[str, float]]) -> tuple[float, dict[str, float]]:
    """Seconds of a call, and what it returned."""
    start = time.perf_counter()
    found = call()
    return round(time.perf_counter() - start, 2), found


def measure(count: int, weights: Path, *, device: str) -> dict[str, Any]:
    """Both on the same images."""
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    scorer = ImageScorer(
        extractor="inception-v3-compat",
        prefix="inception",
        scores=["isc"],
        samples=count,
        splits=10,
        seed=0,
        weights=str(weights),
    )
    loading, _ = timed(lambda: scorer.prepare() or {})
    scorer.score_images(images[: 2 * BLOCK].split(BLOCK), device=device)  # warm
    ours, our_scores = timed(lambda: scorer.score_images(images.split(BLOCK), device=device))
    theirs, their_scores = timed(
        lambda: torch_fidelity.calculate_metrics(
            input1=Pictures(images),
            isc=True,
            cuda=device == "cuda",
            batch_size=BLOCK,
            samples_shuffle=False,
            verbose=False,
            save_cpu_ram=device == "cpu",
            cache=False,
            feature_extractor="inception-v3-compat",
            feature_extractor_weights_path=str(weights),
        )
    )
    return {
        "images": count,
        "seconds": {"ours": ours, "calculate_metrics": theirs, "loading the weights": loading},
        "images_per_second": {"ours": round(count / ours, 1), "calculate_metrics": round(count / theirs, 1)},
        "scores": {
            "ours": our_scores["inception_score"],
            "calculate_metrics": their_scores["inception_score_mean"],
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000, help="a multiple of 100 (default: 50,000)")
    parser.add_argument("--output", type=Path, help="JSON file to write as well")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments.images, made_up_weights(Path(folder)), device=device)
    hardware = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    text = json.dumps({"hardware": hardware, "torch": torch.__version__, **result}, indent=2)
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
