"""Gradient penalties on a critic: arXiv:1704.00028, section 4 and appendix C."""

from collections.abc import Callable

import torch
from torch import Tensor


def interpolates(real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
    r"""Points on the straight lines between pairs, :math:`\hat x = \epsilon x + (1 - \epsilon)\tilde x`.

    Args:
        real: ``(B, *)``.
        fake: ``(B, *)``; the i-th is paired with the i-th real.
        epsilon: ``(B,)`` in [0, 1], one draw a pair, whatever the samples' shape.

    Returns:
        ``(B, *)``. Source: Algorithm 1, line 6.
    """
    epsilon = epsilon.reshape(-1, *[1] * (real.ndim - 1))
    return epsilon * real + (1 - epsilon) * fake


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


def two_sided(norm: Tensor) -> Tensor:
    r"""Mean of :math:`(\lVert\nabla D\rVert_2 - 1)^2`, the penalty term of WGAN-GP (arXiv:1704.00028), Eq. 3."""
    return (norm - 1).square().mean()


def one_sided(norm: Tensor) -> Tensor:
    r"""Mean of :math:`\max(0, \lVert\nabla D\rVert_2 - 1)^2`, arXiv:1704.00028, appendix C."""
    return (norm - 1).relu().square().mean()
