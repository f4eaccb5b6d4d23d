"""Averages of the generator's weights over training: arXiv:2312.02696, section 3 and appendix C."""

from abc import ABC, abstractmethod
from typing import Annotated

import numpy as np
import torch
from torch import nn

from gan_lightning.ranges import Positive, checked, needed

Width = Annotated[
    Positive, needed("a number above 0 is needed, and of 0.28 at most", holds=lambda share: share <= 0.28)
]


class Averaging(ABC):
    """An exponential moving average whose decay may change as training goes on."""

    @abstractmethod
    def decay(self, step: int, samples: int) -> float:
        """How much of the average is kept by the update after generator iteration ``step``, counted from 1.

        Args:
            step: generator iteration that has just ended.
            samples: generated samples an iteration, over all processes.

        Returns:
            β in [0, 1].
        """

    @abstractmethod
    def __str__(self) -> str:
        """The average in words, with every number that makes it what it is: it stands in the protocol of scores."""

    @torch.no_grad()
    def update(self, average: nn.Module, network: nn.Module, *, step: int, samples: int) -> None:
        r"""One update, :math:`\hat\theta \leftarrow \beta \hat\theta + (1 - \beta)\theta`; buffers are copied.

        Args:
            average: changed in place; a copy of ``network``.
            network: as its optimiser left it.
            step, samples: as in :meth:`decay`.
        """
        weight = 1 - self.decay(step, samples)
        for mean, parameter in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(parameter, weight)
        for copy, buffer in zip(average.buffers(), network.buffers(), strict=True):
            copy.copy_(buffer)


class ExponentialAverage(Averaging):
    """The traditional average: a weight counts half after ``half_life`` samples.

    Args:
        half_life: in generated samples, positive.
        ramp_up: the half-life is at most this share of the samples so far, so that the first, random weights are soon
            forgotten; ``None`` for a constant one.

    Raises:
        ValueError: if an argument is not positive.
    """

    @checked
    def __init__(self, half_life: Positive, *, ramp_up: Positive | None = None) -> None:
        self.half_life, self.ramp_up = half_life, ramp_up

    def decay(self, step: int, samples: int) -> float:
        half_life = self.half_life if self.ramp_up is None else min(self.half_life, self.ramp_up * step * samples)
        return 0.5 ** (samples / half_life)

    def __str__(self) -> str:
        ramp_up = "" if self.ramp_up is None else f", at most {self.ramp_up} of those so far"
        return f"exponential moving average, half-life {self.half_life} samples{ramp_up}"


class PowerFunctionAverage(Averaging):
    r"""A profile that grows with training, :math:`\beta(t) = (1 - 1/t)^{\gamma + 1}`, arXiv:2312.02696, Eq. 3.

    It needs no half-life, gives the first weights no weight at all, and fits every run length.

    Args:
        relative_width: σ_rel, the standard deviation of the profile as a share of the run so far, in (0, 0.28]; the
            paper's are 0.05 and 0.1.

    Raises:
        ValueError: if ``relative_width`` is out of its range.
    """

    @checked
    def __init__(self, relative_width: Width) -> None:
        self.relative_width, self.gamma = relative_width, power_of_width(relative_width)

    def decay(self, step: int, samples: int) -> float:
        return (1 - 1 / step) ** (self.gamma + 1)

    def __str__(self) -> str:
        return f"power function average, relative width {self.relative_width}"


def power_of_width(relative_width: float) -> float:
    r"""γ of a profile with :math:`\sigma_{rel}^2 = (\gamma + 1)(\gamma + 2)^{-2}(\gamma + 3)^{-1}`.

    Source: arXiv:2312.02696, appendix C.1.
    """
    inverse = relative_width**-2
    return float(np.roots([1, 7, 16 - inverse, 12 - inverse]).real.max())
