"""What a scorer is, of whatever kind of samples."""

from collections.abc import Iterable
from typing import Any, Protocol

from torch import Tensor

from gan_lightning.sampling import Sampler


class Scorer(Protocol):
    """Turns samples into numbers. Images bring their own kind, as do points and text; nothing is inherited."""

    @property
    def monitor(self) -> str:
        """The name of the score that decides which generator is best."""
        ...

    @property
    def higher_is_better(self) -> bool:
        """Whether the best generator has the highest ``monitor``."""
        ...

    def prepare(self) -> None:
        """Make sure, before any long work, that whatever is needed is at hand.

        Raises:
            FileNotFoundError, ValueError: in one line, if something is missing or broken.
        """
        ...

    def check_reference(self, count: int, first: Tensor) -> None:
        """Make sure, before any long work, that real samples are of a kind to compare with, and enough.

        Args:
            count: how many there are.
            first: of them, some ``(B, *)``, as :meth:`score` gets them.

        Raises:
            ValueError: in one line, if they are not.
        """
        ...

    def score(self, sampler: Sampler, reference: Iterable[Tensor] | None = None) -> dict[str, float]:
        """Draw samples and score them. Every process of ``torch.distributed`` calls this and gets the same numbers.

        Args:
            sampler: of the generator, its samples in the form in which real ones are stored.
            reference: real samples in batches, the same in every process, for scores that compare with them.

        Returns:
            Score name to value.
        """
        ...

    def protocol(self) -> dict[str, Any]:
        """What the numbers depend on besides the generator and the data, in plain types."""
        ...
