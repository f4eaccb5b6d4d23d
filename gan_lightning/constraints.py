"""What keeps a critic Lipschitz: a term added to its loss, or a projection after its step."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gan_lightning.penalties import gradient_norm, interpolates, one_sided, two_sided

Critic = Callable[[Tensor], Tensor]


class Constraint:
    """Prepare, penalise and project a critic. Each hook does nothing unless a constraint says otherwise."""

    def prepare(self, critic: nn.Module) -> None:
        """Called once before training.

        Raises:
            ValueError: if the constraint is unsound for this critic.
        """

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, *, epsilon: Tensor) -> tuple[Tensor, Tensor] | None:
        """The weighted term added to the critic's loss, and the gradient norms ``(B,)`` that it was made of.

        Args:
            critic: maps samples ``(B, *)`` to scores ``(B,)``.
            real, fake: ``(B, *)``, paired.
            epsilon: ``(B,)``, uniform on [0, 1).

        Returns:
            ``None`` where nothing is added.
        """
        return None

    def project(self, critic: nn.Module) -> None:
        """Called after every critic step; changes the critic's parameters in place."""


class NoConstraint(Constraint):
    """The critic as the objective leaves it."""


class GradientPenalty(Constraint):
    r"""Adds :math:`\lambda\,\mathbb{E}[(\lVert\nabla D(\hat x)\rVert_2 - 1)^2]`, arXiv:1704.00028, Eq. 3.

    Args:
        weight: λ, non-negative; 10 in all of the paper's experiments.

    Raises:
        ValueError: if ``weight`` is negative.
    """

    def __init__(self, weight: float) -> None:
        if not weight >= 0:
            raise ValueError(f"constraint.weight={weight} must not be negative")
        self.weight = weight

    def prepare(self, critic: nn.Module) -> None:
        """Refuse batch norm, with the paper's reason.

        Raises:
            ValueError: if the critic has a batch norm layer.
        """
        if any(isinstance(layer, _BatchNorm) for layer in critic.modules()):
            raise ValueError(
                "arch.critic.norm=batch does not go with a gradient penalty: that takes the gradient's norm for each "
                "input independently, and batch norm makes every score depend on the whole batch (arXiv:1704.00028, "
                "section 4, 'No critic batch normalization'); allowed: layer, none"
            )

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, *, epsilon: Tensor) -> tuple[Tensor, Tensor]:
        norm = gradient_norm(critic, interpolates(real, fake, epsilon))
        return self.weight * self._distance(norm), norm

    def _distance(self, norm: Tensor) -> Tensor:
        return two_sided(norm)


class OneSidedGradientPenalty(GradientPenalty):
    r"""Adds :math:`\lambda\,\mathbb{E}[\max(0, \lVert\nabla D(\hat x)\rVert_2 - 1)^2]`.

    Source: arXiv:1704.00028, appendix C.
    """

    def _distance(self, norm: Tensor) -> Tensor:
        return one_sided(norm)


class WeightClipping(Constraint):
    """Clamps every parameter of the critic to [-bound, bound], arXiv:1701.07875, Algorithm 1, line 7.

    Biases and norm scales are clamped too, as in the released code of the WGAN-GP paper.

    Args:
        bound: c, positive.

    Raises:
        ValueError: if ``bound`` is not positive.
    """

    def __init__(self, bound: float) -> None:
        if not bound > 0:
            raise ValueError(f"constraint.bound={bound} must be positive")
        self.bound = bound

    @torch.no_grad()
    def project(self, critic: nn.Module) -> None:
        for parameter in critic.parameters():
            parameter.clamp_(-self.bound, self.bound)
