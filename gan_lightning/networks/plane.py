"""Networks of the plane: fully connected ones as in ``gan_toy.py``, and a generator that never learns."""

from itertools import pairwise
from typing import Annotated

import torch
from torch import Tensor, nn

from gan_lightning.distributions import LATENTS, Distribution
from gan_lightning.networks.layers import HeLinear, Linear
from gan_lightning.ranges import Count, Few, NotNegative, checked, needed

FixedLatents = Annotated[int, needed(f"a fixed generator needs {LATENTS + 2}", holds=lambda size: size == LATENTS + 2)]


@checked
def perceptron(inputs: int, outputs: int, *, width: Count, hidden_layers: Few) -> nn.Sequential:
    """So many hidden layers of ``width`` ReLUs with He initialisation, and a linear layer with Glorot's.

    Raises:
        ValueError: if there is no hidden layer, or none of its units.
    """
    sizes = [inputs, *[width] * hidden_layers]
    hidden = [(HeLinear(before, after), nn.ReLU()) for before, after in pairwise(sizes)]
    return nn.Sequential(*(layer for pair in hidden for layer in pair), Linear(width, outputs))


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to points ``(B, dim)``, unbounded.

    Args:
        latent_dim: size of the latent.
        dim: of the points.
        width, hidden_layers: of the perceptron.

    Raises:
        ValueError: if there is no hidden layer, or none of its units.
    """

    def __init__(self, *, latent_dim: int, dim: int, width: Count, hidden_layers: Few) -> None:
        super().__init__()
        self.layers = perceptron(latent_dim, dim, width=width, hidden_layers=hidden_layers)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Points ``(B, dim)``; labels are ignored."""
        return self.layers(latent)


class Critic(nn.Module):
    """Points ``(B, dim)`` to unbounded scores ``(B,)``; the arguments are the generator's."""

    def __init__(self, *, dim: int, width: Count, hidden_layers: Few) -> None:
        super().__init__()
        self.layers = perceptron(dim, 1, width=width, hidden_layers=hidden_layers)

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; labels are ignored."""
        return self.layers(points).squeeze(1)


class FixedGenerator(nn.Module):
    """Latents ``(B, latent_dim)`` to points ``(B, 2)`` of a given distribution plus Gaussian noise; nothing learns.

    Its one parameter is empty: the generator's step, which is the clock of training, has nothing to move.

    Deviation: the released code adds the noise to the real batch that the critic sees beside it. Here the points are
    drawn by themselves, as a generator's are, so that Algorithm 1 mixes independent pairs.

    Args:
        latent_dim: size of the latent: the distribution's numbers, then two for the noise.
        distribution: of the points without noise.
        noise: its standard deviation, non-negative.

    Raises:
        ValueError: if ``latent_dim`` or ``noise`` is out of its range.
    """

    @checked
    def __init__(self, *, latent_dim: FixedLatents, distribution: Distribution, noise: NotNegative) -> None:
        super().__init__()
        self.distribution, self.noise = distribution, noise
        self.nothing = nn.Parameter(torch.empty(0))

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Points ``(B, 2)``; labels are ignored."""
        return self.distribution(latent) + self.noise * latent[:, LATENTS:] + self.nothing.sum()
