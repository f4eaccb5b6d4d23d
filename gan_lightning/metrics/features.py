"""Feature extractors, and the features of a set of images gathered over all processes."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlparse

import torch
from torch import Tensor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY
from torch_fidelity.utils import create_feature_extractor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from gan_lightning.data.files import said
from gan_lightning.data.roots import user_path
from gan_lightning.metrics.classifier import CLASSIFIERS, shipped_weights
from gan_lightning.metrics.weights import Weights, as_file, read_weights

log = logging.getLogger(__name__)


class Extractor(NamedTuple):
    """A network that turns images into features, and where it comes from."""

    network: FeatureExtractorBase
    layers: dict[str, str]
    weights_sha256: str


def load_extractor(extractor: str, scores: Sequence[str], *, weights: str | None) -> Extractor:
    """Load an extractor to the CPU, for the layers that the scores need. Global random states are left as found.

    Its file is read once, by ourselves: torch-fidelity would run what a pickle says. Weights other than the published
    ones are told.

    Args:
        extractor: its name in torch-fidelity's registry.
        scores: any of ``isc``, ``fid``, ``kid`` and ``prc``.
        weights: a file of its weights; None for the extractor's own: in the package, or downloaded if missing.

    Raises:
        FileNotFoundError: if the given file does not exist, or if there is no file and no internet.
        ValueError: if the file does not hold the weights of this extractor.
    """
    registered = FEATURE_EXTRACTORS_REGISTRY[extractor]
    layers = {score: registered.get_default_feature_layer_for_metric(score) for score in scores}
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        path = _weights_file(extractor, weights)
        try:
            read = read_weights(path)
            network = _network(extractor, list(dict.fromkeys(layers.values())), read)
        except (ValueError, OSError) as error:
            reason = said(error)
            raise ValueError(f"metrics.weights: {path} does not hold the weights of {extractor} ({reason})") from error
    if not _is_published(extractor, read.sha256):
        log.warning(
            "metrics.weights: %s is not the published file of %s (sha256 %s…): its scores are comparable with its own "
            "alone",
            *(path, extractor, read.sha256[:16]),
        )
    return Extractor(network, layers, read.sha256)


def _network(extractor: str, layers: list[str], weights: Weights) -> FeatureExtractorBase:
    """The network with its weights.

    Raises:
        ValueError: if these are another network's, by name or shape, or not finite.
    """
    try:
        network = create_feature_extractor(
            extractor, layers, cuda=False, verbose=False, feature_extractor_weights_path=as_file(weights.tensors)
        )
    except RuntimeError as error:  # what torch says of names and shapes that do not fit
        raise ValueError(said(error)) from error
    for name, tensor in network.state_dict().items():
        if not tensor.isfinite().all():
            raise ValueError(f"{name} is not finite")
    return network


def _is_published(extractor: str, sha256: str) -> bool:
    if extractor in CLASSIFIERS:
        return sha256 == hashlib.sha256(shipped_weights(extractor).read_bytes()).hexdigest()
    return sha256.startswith(_inception_file().stem.rpartition("-")[2])


def _weights_file(extractor: str, given: str | None) -> Path:
    if given is not None:
        path = user_path(given)
        if not path.is_file():
            raise FileNotFoundError(f"metrics.weights={given}: no such file")
        return path
    return shipped_weights(extractor) if extractor in CLASSIFIERS else _inception_weights()


def _inception_file() -> Path:
    """Where torch-fidelity keeps the weights, whose name ends in the first digits of their SHA-256."""
    return Path(torch.hub.get_dir(), "checkpoints", Path(urlparse(URL_INCEPTION_V3).path).name)


def _inception_weights() -> Path:
    path = _inception_file()
    if not path.is_file():
        checksum = path.stem.rpartition("-")[2]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(URL_INCEPTION_V3, str(path), hash_prefix=checksum, progress=False)
        except (OSError, RuntimeError) as error:
            raise FileNotFoundError(
                f"the Inception weights are not in {path} and cannot be downloaded ({error}); connect to the internet, "
                f"or give metrics.weights=FILE, a copy of {URL_INCEPTION_V3}"
            ) from error
    return path


class FeatureBank(Metric):
    """Features of numbered images, gathered over the processes and put back in the order of the numbers.

    So what is computed from them does not depend on how the images were shared out. An image that several processes
    bring counts once; each process brings at least one.

    Args:
        layers: names of the extractor's layers.
        gather: whether to gather over the processes of ``torch.distributed``, if there are several.
    """

    numbers: list[Tensor]

    def __init__(self, layers: Sequence[str], *, gather: bool) -> None:
        super().__init__(sync_on_compute=gather)
        self.layers = tuple(layers)
        self.add_state("numbers", [], dist_reduce_fx="cat")
        for layer in self.layers:
            self.add_state(f"layer_{layer}", [], dist_reduce_fx="cat")

    def update(self, first: int, features: Sequence[Tensor]) -> None:
        """Add a batch.

        Args:
            first: the number of the batch's first image; the others follow it.
            features: one ``(B, size)`` for each layer.
        """
        self.numbers.append(torch.arange(first, first + len(features[0]), device=self.device))
        for layer, values in zip(self.layers, features, strict=True):
            getattr(self, f"layer_{layer}").append(values)

    def compute(self) -> dict[str, Tensor]:
        """Layer name to features ``(images, size)``, in the order of the images' numbers, on the CPU."""
        numbers = dim_zero_cat(self.numbers).cpu()
        return {layer: _ordered(dim_zero_cat(getattr(self, f"layer_{layer}")).cpu(), numbers) for layer in self.layers}


def _ordered(values: Tensor, numbers: Tensor) -> Tensor:
    ordered = values.new_empty(int(numbers.max()) + 1, *values.shape[1:])
    ordered[numbers] = values
    return ordered
