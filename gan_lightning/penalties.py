"""Penalties on a critic: where its gradient's norm is taken, what is made of the norm, and the size of its weights."""

from collections.abc import Callable

import torch
from torch import Tensor

Points = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]
"""Where: real and fake samples ``(B, *)`` and ε ``(B,)`` to one or more sets of points ``(B, *)``."""

Distance = Callable[[Tensor], Tensor]
"""What: gradient norms ``(B,)`` to a scalar."""


def interpolates(real: Tensor, fake: Tensor, epsilon: Tensor) -> tuple[Tensor, ...]:
    r"""Points on the straight lines between pairs, :math:`\hat x = \epsilon x + (1 - \epsilon)\tilde x`.

    Args:
        real: ``(B, *)``.
        fake: ``(B, *)``; the i-th is paired with the i-th real.
        epsilon: ``(B,)`` in [0, 1], one draw a pair, whatever the samples' shape.

    Returns:
        One set ``(B, *)``. Source: arXiv:1704.00028, Algorithm 1, line 6.
    """
    epsilon = epsilon.reshape(-1, *[1] * (real.ndim - 1))
    return (epsilon * real + (1 - epsilon) * fake,)


def real_points(real: Tensor, fake: Tensor, epsilon: Tensor) -> tuple[Tensor, ...]:
    """The real samples ``(B, *)``, as in R1. Source: arXiv:1801.04406, Eq. 9."""
    return (real,)


def fake_points(real: Tensor, fake: Tensor, epsilon: Tensor) -> tuple[Tensor, ...]:
    """The generated samples ``(B, *)``, as in R2. Source: arXiv:1801.04406, Eq. 10."""
    return (fake,)


def real_and_fake_points(real: Tensor, fake: Tensor, epsilon: Tensor) -> tuple[Tensor, ...]:
    """Both sets of samples, each ``(B, *)``, as in R1 + R2. Source: arXiv:2501.05441, section 2.2."""
    return real, fake


def gradient_norm(critic: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    r"""Norm of the critic's gradient at each point, :math:`\lVert\nabla_x D(x)\rVert_2`.

    Args:
        critic: maps ``(B, *)`` to scores ``(B,)``; score ``i`` depends on sample ``i`` only.
        points: ``(B, *)``, floating point; detached before use.

    Returns:
        ``(B,)``, non-negative, differentiable in the critic's parameters; the sub-gradient at norm 0 is 0.

    Raises:
        ValueError: if ``critic`` does not return one score per sample.
    """

    def total_score(points: Tensor) -> Tensor:
        scores = critic(points)
        if scores.shape != points.shape[:1]:
            raise ValueError(
                f"the critic must return scores of shape {tuple(points.shape[:1])}, got {tuple(scores.shape)}"
            )
        return scores.sum()

    gradient = torch.func.grad(total_score)(points.detach())
    return torch.linalg.vector_norm(gradient.flatten(1), dim=1)


def two_sided(norm: Tensor, *, lipschitz: float = 1.0) -> Tensor:
    r"""Mean of :math:`(\lVert\nabla D\rVert_2 - K)^2`, the penalty term of WGAN-GP (arXiv:1704.00028), Eq. 3.

    Args:
        norm: ``(B,)``.
        lipschitz: K, positive; 1 in the paper, another where the samples are in other units than the paper's.
    """
    return (norm - lipschitz).square().mean()


def one_sided(norm: Tensor) -> Tensor:
    r"""Mean of :math:`\max(0, \lVert\nabla D\rVert_2 - 1)^2`, arXiv:1704.00028, appendix C."""
    return (norm - 1).relu().square().mean()


def squared_norm(norm: Tensor) -> Tensor:
    r"""Mean of :math:`\lVert\nabla D\rVert_2^2`, the zero-centred penalty of arXiv:1801.04406, Eq. 9 and 10."""
    return norm.square().mean()


def l1(weights: Tensor) -> Tensor:
    r""":math:`\sum |w|` over weights of any shape, a scalar."""
    return weights.abs().sum()


def l2(weights: Tensor) -> Tensor:
    r""":math:`\sum w^2` over weights of any shape, a scalar."""
    return weights.square().sum()
