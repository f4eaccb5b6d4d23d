"""Scores on the way, of fewer samples than the final one's."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor

from gan_lightning.metrics.scorer import Scorer
from gan_lightning.sampling import Sampler


class Interim:
    """A scorer whose names say how many samples it takes, such as ``inception_score_1000``.

    Scores of different numbers of samples have different biases: they are comparable with their own kind alone, and
    must not share a curve.

    Args:
        scorer: of ``samples`` samples.
        samples: how many it takes.
    """

    def __init__(self, scorer: Scorer, samples: int) -> None:
        self.scorer, self.samples = scorer, samples

    @property
    def monitor(self) -> str:
        """The name of the score that decides which generator is best."""
        return self._named(self.scorer.monitor)

    @property
    def higher_is_better(self) -> bool:
        """Whether the best generator has the highest ``monitor``."""
        return self.scorer.higher_is_better

    def prepare(self) -> None:
        """As the scorer's."""
        self.scorer.prepare()

    def check_reference(self, count: int, first: Tensor) -> None:
        """As the scorer's."""
        self.scorer.check_reference(count, first)

    def score(self, sampler: Sampler, reference: Iterable[Tensor] | None = None) -> dict[str, float]:
        """As the scorer's, under the names with the number of samples."""
        return {self._named(name): value for name, value in self.scorer.score(sampler, reference).items()}

    def protocol(self) -> dict[str, Any]:
        """As the scorer's."""
        return self.scorer.protocol()

    def _named(self, name: str) -> str:
        return f"{name}_{self.samples}"
