"""How far the n-grams of generated text are from those of real text."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from torch import Tensor

from gan_lightning.ranges import Samples, Seed, checked, needed
from gan_lightning.sampling import Sampler

AT_A_TIME = 2**24
"""Symbols that are counted before the counts are merged: they bound the memory."""

SYMBOL_BITS = 15
"""A symbol's number has at most so many: four of them make a whole number of 64 bits."""

Lengths = Annotated[
    Sequence[Literal[1, 2, 3, 4]],
    needed("some of 1, 2, 3, 4 are needed, rising", holds=lambda some: list(some) == sorted(set(some)) != []),
]

Counts = tuple[np.ndarray, np.ndarray]
"""n-grams as whole numbers ``(K,)``, rising, and how often each occurs ``(K,)``."""


class NgramScorer:
    """Jensen-Shannon divergence between the n-gram distributions of samples and of the training text.

    Scores are named ``js_1``, ``js_2``, … by n; 0 is the lowest, 1 the highest possible, and the last decides which
    generator is best. Few samples have n-grams of their own by chance:
    ``floor_js_n`` of the protocol is the divergence of as many real lines, the first, from all others.
    Source: the released code of arXiv:1704.00028, ``gan_language.py`` and ``language_helpers.py``.

    Args:
        lengths: the numbers n, some of 1 to 4, rising.
        samples: how many lines are drawn from the generator, positive.
        seed: of the evaluation latents.

    Raises:
        ValueError: if an argument is out of its range.
    """

    higher_is_better = False

    @checked
    def __init__(self, *, lengths: Lengths, samples: Samples, seed: Seed) -> None:
        self.lengths, self.samples, self.seed = tuple(lengths), samples, seed
        self._reference: list[Counts] = []
        self._floor: list[float] = []

    @property
    def monitor(self) -> str:
        """The name of the score that decides which generator is best."""
        return f"js_{self.lengths[-1]}"

    def prepare(self) -> None:
        """Nothing is needed."""

    def check_reference(self, count: int, first: Tensor) -> None:
        """Make sure, before any long work, that real samples are lines of text, long enough, and more than are drawn.

        Raises:
            ValueError: if they are not.
        """
        if first.ndim != 2 or first.is_floating_point():
            shape = "x".join(map(str, first.shape[1:]))
            raise ValueError(f"metrics=ngrams scores lines of text; these data are samples of {shape}, {first.dtype}")
        if first.shape[1] < self.lengths[-1]:
            raise ValueError(
                f"metrics.lengths={list(self.lengths)} is not possible: lines have {first.shape[1]} symbols"
            )
        if count <= self.samples:
            raise ValueError(f"{count} lines of real text are too few: more than metrics.samples={self.samples}")

    def score(self, sampler: Sampler, reference: Iterable[Tensor] | None = None) -> dict[str, float]:
        """Draw samples and score them; every process draws all of them.

        Args:
            sampler: of lines ``(B, length)``, as symbol numbers.
            reference: real lines in batches ``(B, length)``, likewise; kept, so later calls do not read it.

        Returns:
            Score name to value in [0, 1].

        Raises:
            ValueError: if the reference is missing, or as :meth:`check_reference`.
        """
        if not self._reference:
            self._read(reference)
        lines = sampler.samples(self.samples, seed=self.seed, purpose="evaluation latents").cpu()
        own = [count_ngrams(lines, length) for length in self.lengths]
        divergences = map(jensen_shannon, own, self._reference)
        return {f"js_{length}": value for length, value in zip(self.lengths, divergences, strict=True)}

    def protocol(self) -> dict[str, Any]:
        """What a number depends on besides the generator, in plain types; ``reference_ngrams`` counts the windows
        of the shortest length in real text."""
        floor = {f"floor_js_{length}": value for length, value in zip(self.lengths, self._floor, strict=False)}
        ngrams = int(self._reference[0][1].sum()) if self._reference else None
        return {"samples": self.samples, "seed": self.seed, "reference_ngrams": ngrams, **floor}

    def _read(self, reference: Iterable[Tensor] | None) -> None:
        lines = torch.cat(list(reference or [torch.empty(0, 0, dtype=torch.uint8)]))
        self.check_reference(len(lines), lines)
        for length in self.lengths:
            first, others = (count_ngrams(part, length) for part in (lines[: self.samples], lines[self.samples :]))
            self._floor.append(jensen_shannon(first, others))
            self._reference.append(merged([first, others]))


def count_ngrams(lines: Tensor, length: int) -> Counts:
    """How often each n-gram occurs: every window of ``length`` symbols inside a line.

    Args:
        lines: symbol numbers ``(N, places)`` below 2^15, on the CPU, with at least ``length`` places.
        length: n, 1 to 4.
    """
    places = lines.shape[1] - length + 1
    parts = []
    for some in lines.split(max(1, AT_A_TIME // lines.shape[1])):
        codes = np.zeros((len(some), places), np.int64)
        for place in range(length):
            codes = codes << SYMBOL_BITS | some[:, place : place + places].numpy()
        parts.append(np.unique(codes, return_counts=True))
    return merged(parts)


def merged(parts: Sequence[Counts]) -> Counts:
    """The counts of several texts together."""
    codes, place = np.unique(np.concatenate([codes for codes, _ in parts]), return_inverse=True)
    return codes, np.bincount(place, np.concatenate([counts for _, counts in parts])).astype(np.int64)


def jensen_shannon(one: Counts, other: Counts) -> float:
    r""":math:`\tfrac12 (\mathrm{KL}(p \Vert m) + \mathrm{KL}(q \Vert m))` in bits, with :math:`m = (p + q)/2`."""
    codes = np.union1d(one[0], other[0])
    p, q = (_shares(counts, codes) for counts in (one, other))
    mean = (p + q) / 2
    return float((_divergence(p, mean) + _divergence(q, mean)) / 2)


def _shares(counts: Counts, codes: np.ndarray) -> np.ndarray:
    shares = np.zeros(len(codes))
    shares[np.searchsorted(codes, counts[0])] = counts[1] / counts[1].sum()
    return shares


def _divergence(p: np.ndarray, q: np.ndarray) -> float:
    there = p > 0
    return float((p[there] * np.log2(p[there] / q[there])).sum())
