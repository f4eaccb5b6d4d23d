"""Inception score, FID and KID of a generator, and the same formulae with another network."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed, nn

from gan_lightning.images import to_uint8
from gan_lightning.randomness import seeded_generator

if TYPE_CHECKING:
    from gan_lightning.metrics.features import Extractor

EXTRACTORS = ("inception-v3-compat", "digits_classifier")
SCORES = ("isc", "fid", "kid")


class Scorer:
    """Scores a generator: features of its samples by a torch-fidelity extractor, the formulae by torch-fidelity.

    The samples come in blocks, whose latents are a function of the seed and the block's index. The blocks are shared
    out over the processes of ``torch.distributed`` and their features put back in order, so a score does not depend on
    the number of processes, batch norm over the block included.

    Scores are named ``PREFIX_score`` and ``PREFIX_score_std``, ``PREFIX_fid`` and ``PREFIX_kid``; with the prefix
    ``inception`` the latter two are plain ``fid`` and ``kid``, which have it in their names.

    Source: Salimans et al. (arXiv:1606.03498) for the Inception score, in the contiguous splits of the original and
    with the population's standard deviation over splits; Heusel et al. (arXiv:1706.08500), Eq. 6, for FID; Binkowski et
    al. (arXiv:1801.01401), section 4, for KID.

    Args:
        extractor: the network, ``inception-v3-compat`` or ``digits_classifier``.
        prefix: what the scores are named for; ``inception`` is reserved for that network.
        scores: which of ``isc``, ``fid`` and ``kid``; the first decides which generator is best.
        samples: how many images are drawn from the generator, a multiple of ``block_size``.
        splits: over how many parts of the samples the Inception score is averaged.
        seed: of the evaluation latents.
        weights: file of the extractor's weights; None for the extractor's own.
        block_size: how many images the generator makes at a time. Source: the released code scores in blocks of 100.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        *,
        extractor: str,
        prefix: str,
        scores: Sequence[str],
        samples: int,
        splits: int,
        seed: int,
        weights: str | None = None,
        block_size: int = 100,
    ) -> None:
        self.extractor = extractor
        self.prefix = prefix
        self.scores = tuple(scores)
        self.samples = samples
        self.splits = splits
        self.seed = seed
        self.weights = weights
        self.block_size = block_size
        self._check()
        self._loaded: Extractor | None = None
        self._reference: dict[str, Tensor] | None = None

    def _check(self) -> None:
        if self.extractor not in EXTRACTORS:
            raise ValueError(f"metrics.scorer.extractor={self.extractor}; allowed: {', '.join(EXTRACTORS)}")
        if self.prefix == "inception" and self.extractor != "inception-v3-compat":
            raise ValueError(f"metrics.scorer.prefix=inception: {self.extractor} does not give an Inception score")
        if not self.scores or set(self.scores) - set(SCORES) or len(set(self.scores)) < len(self.scores):
            raise ValueError(f"metrics.scores={list(self.scores)}; allowed: one or more of {', '.join(SCORES)}")
        if self.block_size < 1:
            raise ValueError(f"metrics.scorer.block_size={self.block_size}; allowed: 1 and more")
        if self.samples < 2 or self.samples % self.block_size:
            raise ValueError(f"metrics.samples={self.samples}; allowed: multiples of {self.block_size}, from 2 on")
        if not 1 <= self.splits <= self.samples:
            raise ValueError(f"metrics.splits={self.splits}; allowed: 1 to metrics.samples={self.samples}")

    @property
    def monitor(self) -> str:
        """The name of the score that decides which generator is best."""
        return self._names(self.scores[0])[0]

    @property
    def higher_is_better(self) -> bool:
        """Whether the best generator has the highest ``monitor``."""
        return self.scores[0] == "isc"

    @property
    def needs_reference(self) -> bool:
        """Whether the scores compare with real images."""
        return self.scores != ("isc",)

    def _names(self, score: str) -> tuple[str, ...]:
        if score == "isc":
            return f"{self.prefix}_score", f"{self.prefix}_score_std"
        return (score if self.prefix == "inception" else f"{self.prefix}_{score}",)

    def prepare(self) -> None:
        """Make sure that the extractor can be used: weights found or downloaded, and loaded.

        Raises:
            FileNotFoundError: if the weights are missing and cannot be had.
            ValueError: if the weights file is not one of this extractor.
        """
        self._load()

    def score(
        self,
        generator: nn.Module,
        *,
        latent_dim: int,
        device: torch.device,
        reference: Iterable[Tensor] | None = None,
    ) -> dict[str, float]:
        """Draw samples and score them. Every process of ``torch.distributed`` calls this and gets the same numbers.

        Modes and gradients of the generator and the global random states are left as found.

        Args:
            generator: maps latents ``(B, latent_dim)``, standard normal, to images ``(B, C, H, W)`` in [-1, 1].
            latent_dim: size of the latents.
            device: where the generator is, and the extractor shall be.
            reference: real images, uint8 ``(B, C, H, W)``, all of them and in the same batches in every process. Needed
                for ``fid`` and ``kid``; their features are kept, so later calls do not read it again.

        Returns:
            Score name to value.

        Raises:
            ValueError: if the reference is needed and missing or has fewer than two images, or if images are not uint8
                with one or three channels.
        """
        self._check_reference(reference)
        rank, processes = _rank_and_processes()
        with torch.no_grad(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            blocks = self._blocks(generator, latent_dim, device=device)
            samples = self._features(blocks, device=device, gather=True)
            if self.needs_reference and reference is not None and self._reference is None:
                self._reference = self._features(_numbered(reference, rank, processes), device=device, gather=True)
        self._check_counts(samples)
        return _from_first_process(lambda: self._formulae(samples), device=device)

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
            ValueError: as in :meth:`score`, and if there are fewer images than splits, or fewer than two.
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
        import torch_fidelity

        loaded = self._load()
        return {
            "extractor": self.extractor,
            "weights_sha256": loaded.weights_sha256,
            "layers": dict(loaded.layers),
            "samples": self.samples,
            "splits": self.splits,
            "block_size": self.block_size,
            "seed": self.seed,
            "reference": None if self._reference is None else _count(self._reference),
            "torch_fidelity": torch_fidelity.__version__,
        }

    def _load(self) -> "Extractor":
        if self._loaded is None:
            from gan_lightning.metrics.features import load_extractor

            self._loaded = load_extractor(self.extractor, self.scores, weights=self.weights)
        return self._loaded

    def _check_reference(self, reference: Iterable[Tensor] | None) -> None:
        if self.needs_reference and reference is None and self._reference is None:
            raise ValueError(f"metrics.scores={list(self.scores)}: FID and KID need reference images; none are given")

    def _blocks(self, generator: nn.Module, latent_dim: int, *, device: torch.device) -> Iterator[tuple[int, Tensor]]:
        """This process's blocks: the number of the first image, and the images.

        Every process has at least one: where there are more processes than blocks, some are made twice.
        """
        rank, processes = _rank_and_processes()
        blocks = self.samples // self.block_size
        for block in range(rank % blocks, blocks, processes):
            stream = seeded_generator(self.seed, "evaluation latents", block)
            latent = torch.randn(self.block_size, latent_dim, generator=stream).to(device)
            yield block * self.block_size, to_uint8(generator(latent))

    def _features(
        self, numbered: Iterable[tuple[int, Tensor]], *, device: torch.device, gather: bool
    ) -> dict[str, Tensor]:
        from gan_lightning.metrics.features import FeatureBank

        network = self._load().network.to(device)
        bank = FeatureBank(network.get_requested_features_list(), gather=gather).to(device)
        for first, images in numbered:
            bank.update(first, network(_rgb(images).to(device)))
        if not bank.update_called:
            raise ValueError("no images to score or to compare with: an empty set was given")
        return bank.compute()

    def _check_counts(self, samples: dict[str, Tensor]) -> None:
        count = _count(samples)
        if count < max(2, self.splits):
            raise ValueError(f"{count} images to score; at least 2, and metrics.splits={self.splits}, are needed")
        if self._reference is not None and _count(self._reference) < 2:
            raise ValueError(f"{_count(self._reference)} reference images; FID and KID need at least 2")

    def _formulae(self, samples: dict[str, Tensor]) -> dict[str, float]:
        from gan_lightning.metrics import formulae

        values: list[float] = []
        for score, layer in self._load().layers.items():
            if score == "isc":
                values.extend(formulae.inception_score(samples[layer], self.splits))
            elif self._reference is not None:
                distance = formulae.frechet_distance if score == "fid" else formulae.kernel_distance
                values.append(distance(samples[layer], self._reference[layer]))
        names = [name for score in self.scores for name in self._names(score)]
        return dict(zip(names, values, strict=True))


def _count(features: dict[str, Tensor]) -> int:
    return len(next(iter(features.values())))


def _rank_and_processes() -> tuple[int, int]:
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def _numbered(batches: Iterable[Tensor], rank: int = 0, processes: int = 1) -> Iterator[tuple[int, Tensor]]:
    """One process's share of the batches, each with the number of its first image.

    Every process takes the first batch too, so that none comes with empty hands.
    """
    first = 0
    for index, images in enumerate(batches):
        if index == 0 or index % processes == rank:
            yield first, images
        first += len(images)


def _rgb(images: Tensor) -> Tensor:
    """Images ``(B, 3, H, W)``, uint8, from those with one or three channels."""
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images to score are {images.dtype} {tuple(images.shape)}; allowed: uint8 (B, 1 or 3, H, W)")
    return images.expand(-1, 3, -1, -1)


def _from_first_process(compute: Callable[[], dict[str, float]], *, device: torch.device) -> dict[str, float]:
    """The first process computes, and all get its result."""
    rank, processes = _rank_and_processes()
    result = [compute() if rank == 0 else {}]
    if processes > 1:
        distributed.broadcast_object_list(result, src=0, device=device)
    return result[0]
