"""Networks of the plane: fully connected ones as in ``gan_toy.py``, and a generator that never learns."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from gan_lightning.distributions import LATENTS, Distribution
from gan_lightning.networks.layers import HeLinear, Linear
from gan_lightning.ranges import Few


def perceptron(inputs: int, outputs: int, *, width: int, hidden_layers: int) -> nn.Sequential:
    """So many hidden layers of ``width`` ReLUs with He initialisation, and a linear layer with Glorot's.

    Raises:
        ValueError: if there is no hidden layer, or none of its units.
    """
    for name, value in (("hidden_layers", hidden_layers), ("width", width)):
        if type(value) is not int or value < 1:
            raise ValueError(f"{name}={value} is not possible: a whole number of at least 1 is needed")
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

    def __init__(self, *, latent_dim: int, dim: int, width: int, hidden_layers: Few) -> None:
        super().__init__()
        self.layers = perceptron(latent_dim, dim, width=width, hidden_layers=hidden_layers)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Points ``(B, dim)``; labels are ignored."""
        return self.layers(latent)


class Critic(nn.Module):
    """Points ``(B, dim)`` to unbounded scores ``(B,)``; the arguments are the generator's."""

    def __init__(self, *, dim: int, width: int, hidden_layers: Few) -> None:
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

    def __init__(self, *, latent_dim: int, distribution: Distribution, noise: float) -> None:
        super().__init__()
        if latent_dim != LATENTS + 2:
            raise ValueError(f"latent_dim={latent_dim} is not possible: a fixed generator needs {LATENTS + 2}")
        if not noise >= 0:
            raise ValueError(f"arch.generator.noise={noise} is not possible: it must not be negative")
        self.distribution, self.noise = distribution, noise
        self.nothing = nn.Parameter(torch.empty(0))

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Points ``(B, 2)``; labels are ignored."""
        return self.distribution(latent) + self.noise * latent[:, LATENTS:] + self.nothing.sum()
