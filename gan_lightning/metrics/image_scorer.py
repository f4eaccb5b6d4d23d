"""Scores of images: Inception score, FID, KID, precision and recall, and the same formulae with another network."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

import torch
import torch_fidelity
from torch import Tensor

from gan_lightning import sampling
from gan_lightning.metrics import formulae
from gan_lightning.metrics.classifier import CLASSIFIERS
from gan_lightning.metrics.features import Extractor, FeatureBank, load_extractor
from gan_lightning.parallel import from_first, rank_and_processes
from gan_lightning.ranges import Samples, Seed, checked, needed, one_of
from gan_lightning.sampling import Sampler

ExtractorName = Annotated[str, one_of("inception-v3-compat", *CLASSIFIERS)]
Blocks = Annotated[
    Samples,
    needed(f"a multiple of {sampling.BLOCK} is needed, and of 10**7 at most", holds=lambda n: n % sampling.BLOCK == 0),
]
ScoreNames = Annotated[
    Sequence[Literal["isc", "fid", "kid", "prc"]],
    needed("some of isc, fid, kid, prc are needed, each once", holds=lambda some: len(set(some)) == len(some) > 0),
]
NAMES = {
    "isc": ("score", "score_std"),
    "fid": ("fid",),
    "kid": ("kid",),
    "prc": ("precision", "recall"),
}
"""What each of the scores puts out; a prefix comes before."""


class ImageScorer:
    """Scores images: features of samples by a torch-fidelity extractor, the formulae by torch-fidelity.

    The blocks of samples are shared out over the processes of ``torch.distributed`` and their features put back in
    order, so a score does not depend on the number of processes, batch norm over the block included.

    Scores are named ``PREFIX_score`` and ``PREFIX_score_std``, ``PREFIX_fid``, ``PREFIX_kid``, ``PREFIX_precision`` and
    ``PREFIX_recall``; with the prefix ``inception`` the latter four are plain ``fid``, ``kid``, ``precision`` and
    ``recall``, since they are known by these names with that network.

    Source: Salimans et al. (arXiv:1606.03498) for the Inception score, in the contiguous splits of the original and
    with the population's standard deviation over splits; Heusel et al. (arXiv:1706.08500), Eq. 6, for FID; Binkowski et
    al. (arXiv:1801.01401), section 4, for KID; Kynkäänniemi et al. (arXiv:1904.06991), section 2, for precision and
    recall.

    Args:
        extractor: the network, ``inception-v3-compat`` or one of ``CLASSIFIERS``.
        prefix: what the scores are named for; ``inception`` is reserved for that network.
        scores: which of ``isc``, ``fid``, ``kid`` and ``prc``; the first decides which generator is best, by its
            precision where that is ``prc``.
        samples: how many images are drawn from the generator, a multiple of ``sampling.BLOCK``.
        splits: over how many parts of the samples the Inception score is averaged.
        seed: of the evaluation latents.
        weights: file of the extractor's weights; None for the extractor's own.

    Raises:
        ValueError: if an argument is out of its range.
    """

    @checked
    def __init__(
        self,
        *,
        extractor: ExtractorName,
        prefix: str,
        scores: ScoreNames,
        samples: Blocks,
        splits: Samples,
        seed: Seed,
        weights: str | None = None,
    ) -> None:
        self.extractor = extractor
        self.prefix = prefix
        self.scores = tuple(scores)
        self.samples = samples
        self.splits = splits
        self.seed = seed
        self.weights = weights
        if prefix == "inception" and extractor != "inception-v3-compat":
            raise ValueError(f"metrics.prefix=inception: {extractor} does not give an Inception score")
        if splits > samples:
            raise ValueError(f"metrics.splits={splits} is not possible: at most metrics.samples={samples}")
        self._loaded: Extractor | None = None
        self._reference: dict[str, Tensor] | None = None

    @property
    def monitor(self) -> str:
        """The name of the score that decides which generator is best."""
        return self._names(self.scores[0])[0]

    @property
    def higher_is_better(self) -> bool:
        """Whether the best generator has the highest ``monitor``."""
        return self.scores[0] in ("isc", "prc")

    @property
    def needs_reference(self) -> bool:
        """Whether the scores compare with real images."""
        return self.scores != ("isc",)

    def _names(self, score: str) -> tuple[str, ...]:
        plain = self.prefix == "inception" and score != "isc"
        return tuple(name if plain else f"{self.prefix}_{name}" for name in NAMES[score])

    def prepare(self) -> None:
        """Make sure that the extractor can be used: weights found or downloaded, and loaded.

        Raises:
            FileNotFoundError: if the weights are missing and cannot be had.
            ValueError: if the weights file is not one of this extractor.
        """
        self._load()

    def check_reference(self, count: int, first: Tensor) -> None:
        """Make sure, before any long work, that real samples are images, and enough for the scores that need them.

        Raises:
            ValueError: if they are not.
        """
        rgb(first)
        if self.needs_reference and count < self._least:
            raise ValueError(f"{count} reference images; at least {self._least} are needed")

    def score(self, sampler: Sampler, reference: Iterable[Tensor] | None = None) -> dict[str, float]:
        """Draw samples and score them. Every process of ``torch.distributed`` calls this and gets the same numbers.

        Args:
            sampler: of images, uint8 ``(B, C, H, W)``; the extractor goes to its device.
            reference: real images, uint8 ``(B, C, H, W)``, all of them and in the same batches in every process. Needed
                for all scores but ``isc``; their features are kept, so later calls do not read it again.

        Returns:
            Score name to value.

        Raises:
            ValueError: if the reference is needed and missing or has too few images, or if images are not uint8 with
                one or three channels.
        """
        self._check_reference(reference)
        rank, processes = rank_and_processes()
        device = sampler.device
        blocks = sampler.blocks(
            self.samples, seed=self.seed, purpose="evaluation latents", rank=rank, processes=processes
        )
        with torch.no_grad():
            samples = self._features(blocks, device=device, gather=True)
            if self.needs_reference and reference is not None and self._reference is None:
                self._reference = self._features(_numbered(reference, rank, processes), device=device, gather=True)
        self._check_counts(samples)
        return _from_first_process(lambda: self._formulae(samples))

    def score_images(
        self,
        images: Iterable[Tensor],
        *,
        device: torch.device | str = "cpu",
        reference: Iterable[Tensor] | None = None,
    ) -> dict[str, float]:
        """Score given images, e.g. real ones, in this process alone.

        Args:
            images: batches, uint8 ``(B, C, H, W)``; their order is the order of the splits.
            device: where the extractor shall be.
            reference: as in :meth:`score`.

        Returns:
            Score name to value.

        Raises:
            ValueError: as in :meth:`score`, and if there are fewer images than splits or than the formulae need.
        """
        self._check_reference(reference)
        device = torch.device(device)
        with torch.no_grad():
            samples = self._features(_numbered(images), device=device, gather=False)
            if self.needs_reference and reference is not None and self._reference is None:
                self._reference = self._features(_numbered(reference), device=device, gather=False)
        self._check_counts(samples)
        return self._formulae(samples)

    def protocol(self) -> dict[str, Any]:
        """What a number depends on besides the generator, in plain types; ``reference`` counts the real images."""
        loaded = self._load()
        return {
            "extractor": self.extractor,
            "weights_sha256": loaded.weights_sha256,
            "layers": dict(loaded.layers),
            "samples": self.samples,
            "splits": self.splits,
            "block_size": sampling.BLOCK,
            "seed": self.seed,
            "reference": None if self._reference is None else _count(self._reference),
            **({"prc": formulae.PRC_PROTOCOL} if "prc" in self.scores else {}),
            "torch_fidelity": torch_fidelity.__version__,
        }

    def _load(self) -> Extractor:
        if self._loaded is None:
            self._loaded = load_extractor(self.extractor, self.scores, weights=self.weights)
        return self._loaded

    def _check_reference(self, reference: Iterable[Tensor] | None) -> None:
        if self.needs_reference and reference is None and self._reference is None:
            raise ValueError(f"metrics.scores={list(self.scores)}: all but isc need reference images; none are given")

    def _features(
        self, numbered: Iterable[tuple[int, Tensor]], *, device: torch.device, gather: bool
    ) -> dict[str, Tensor]:
        network = self._load().network.to(device)
        bank = FeatureBank(network.get_requested_features_list(), gather=gather).to(device)
        for first, images in numbered:
            bank.update(first, network(rgb(images).to(device)))
        if not bank.update_called:
            raise ValueError("no images to score or to compare with: an empty set was given")
        return bank.compute()

    @property
    def _least(self) -> int:
        """The fewest images that the formulae can do with."""
        return formulae.PRC_NEIGHBOURS + 1 if "prc" in self.scores else 2

    def _check_counts(self, samples: dict[str, Tensor]) -> None:
        if _count(samples) < max(self._least, self.splits):
            few = f"{_count(samples)} images to score"
            raise ValueError(f"{few}; at least {self._least}, and metrics.splits={self.splits}, are needed")
        if self._reference is not None and _count(self._reference) < self._least:
            raise ValueError(f"{_count(self._reference)} reference images; at least {self._least} are needed")

    def _formulae(self, samples: dict[str, Tensor]) -> dict[str, float]:
        reference = self._reference or {}
        values: list[float] = []
        for score, layer in self._load().layers.items():
            match score:
                case "isc":
                    values.extend(formulae.inception_score(samples[layer], self.splits))
                case "fid":
                    values.append(formulae.frechet_distance(samples[layer], reference[layer]))
                case "kid":
                    values.append(formulae.kernel_distance(samples[layer], reference[layer]))
                case "prc":
                    values.extend(formulae.precision_and_recall(samples[layer], reference[layer]))
        names = [name for score in self.scores for name in self._names(score)]
        return dict(zip(names, values, strict=True))


def _count(features: dict[str, Tensor]) -> int:
    return len(next(iter(features.values())))


def _numbered(batches: Iterable[Tensor], rank: int = 0, processes: int = 1) -> Iterator[tuple[int, Tensor]]:
    """One process's share of the batches, each with the number of its first image.

    Every process takes the first batch too, so that none comes with empty hands.
    """
    first = 0
    for index, images in enumerate(batches):
        if index == 0 or index % processes == rank:
            yield first, images
        first += len(images)


def rgb(images: Tensor) -> Tensor:
    """Images ``(B, 3, H, W)``, uint8, from those with one or three channels."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        shape = "x".join(map(str, images.shape[1:]))
        raise ValueError(
            f"metrics of images score uint8 images of 1 or 3 channels; these data are samples of {shape}, "
            f"{images.dtype}"
        )
    return images.expand(-1, 3, -1, -1)


def _from_first_process(compute: Callable[[], dict[str, float]]) -> dict[str, float]:
    """The first process computes, and all get its result."""
    rank, _ = rank_and_processes()
    return from_first(compute() if rank == 0 else {})
