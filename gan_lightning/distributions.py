"""Distributions of the plane, each a function of standard normal latents: for real points and for fixed generators."""

from collections.abc import Callable
from math import pi

import torch
from torch import Tensor

from gan_lightning.ranges import Positive, checked

LATENTS = 3
"""Numbers that a point is made of: the first says where it lies, the other two are its noise."""

Distribution = Callable[[Tensor], Tensor]
"""Standard normal latents ``(N, LATENTS)``, or more, to points ``(N, 2)``; what is more is not looked at."""


def eight_gaussians(latent: Tensor) -> Tensor:
    """Eight equally likely Gaussians on a circle: radius 2, standard deviation 0.02, both divided by 1.414.

    Args:
        latent: standard normal ``(N, 3)``.

    Returns:
        ``(N, 2)``. Source: released code, ``gan_toy.py``.
    """
    angle = _choice(latent[:, 0], 8) * (pi / 4)
    return (2 * _direction(angle) + 0.02 * latent[:, 1:3]) / 1.414


def twenty_five_gaussians(latent: Tensor) -> Tensor:
    """Equally likely Gaussians on the grid {-4, -2, 0, 2, 4}²: standard deviation 0.05, all divided by 2.828.

    Args:
        latent: standard normal ``(N, 3)``.

    Returns:
        ``(N, 2)``. Source: released code, ``gan_toy.py``.
    """
    cell = _choice(latent[:, 0], 25)
    column = (cell / 5).floor()
    grid = 2 * torch.stack([column, cell - 5 * column], dim=1) - 4
    return (grid + 0.05 * latent[:, 1:3]) / 2.828


def swiss_roll(latent: Tensor) -> Tensor:
    """A spiral (t cos t, t sin t), t uniform on [1.5π, 4.5π], with noise of standard deviation 0.25, divided by 7.5.

    Args:
        latent: standard normal ``(N, 3)``.

    Returns:
        ``(N, 2)``. Source: released code, ``gan_toy.py``: two coordinates of scikit-learn's Swiss roll.
    """
    angle = 1.5 * pi * (1 + 2 * _uniform(latent[:, 0]))
    return (angle[:, None] * _direction(angle) + 0.25 * latent[:, 1:3]) / 7.5


@checked
def ring(latent: Tensor, *, radius: Positive) -> Tensor:
    """A circle around the origin, uniform in its angle and without noise.

    Two rings of the same latents are coupled optimally: each point lies on the other's ray, and |x| is a potential,
    1-Lipschitz, that grows along the ray by the distance of the two.

    Args:
        latent: standard normal ``(N, 3)``.
        radius: positive.

    Returns:
        ``(N, 2)``.

    Raises:
        ValueError: if ``radius`` is not positive.
    """
    return radius * _direction(2 * pi * _uniform(latent[:, 0]))


def _uniform(normal: Tensor) -> Tensor:
    """Uniform on [0, 1], from standard normal numbers of any shape."""
    return torch.special.ndtr(normal)


def _choice(normal: Tensor, count: int) -> Tensor:
    """Whole numbers 0 … count - 1, equally likely; far in the tail the distribution function rounds to 1."""
    return (count * _uniform(normal)).floor().clamp(max=count - 1)


def _direction(angle: Tensor) -> Tensor:
    """Unit vectors ``(N, 2)`` of angles ``(N,)``."""
    return torch.stack([angle.cos(), angle.sin()], dim=1)
