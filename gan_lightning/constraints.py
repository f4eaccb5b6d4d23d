"""What keeps a critic Lipschitz or smooth: a reparametrisation, a term in its loss, or a projection after its step."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from gan_lightning.penalties import Distance, Points, gradient_norm
from gan_lightning.ranges import Few, NotNegative, Positive, checked

Critic = Callable[[Tensor], Tensor]
Size = Callable[[Tensor], Tensor]
"""Weights of any shape to a scalar, such as the sum of their squares."""
Penalty = tuple[Tensor, dict[str, Tensor]]
"""The weighted term that the critic's loss gains, and what there is to log, by name."""


class Constraint:
    """Prepare, penalise and project a critic. Each hook does nothing unless a constraint says otherwise.

    Attributes:
        allows_batch_norm: whether a critic with batch norm is sound. It is not where gradients are taken sample by
            sample, so a constraint has to say that it is.
    """

    allows_batch_norm: ClassVar[bool] = False

    def prepare(self, critic: nn.Module) -> None:
        """Refuse the critic or reparametrise it in place; called once, before the optimisers are made.

        Raises:
            ValueError: if the critic has batch norm and the constraint does not allow it.
        """
        if not self.allows_batch_norm and any(isinstance(layer, _BatchNorm) for layer in critic.modules()):
            raise ValueError(
                f"arch.critic.norm=batch does not go with {type(self).__name__}: a gradient penalty takes the norm for "
                "each input independently, and batch norm makes every score depend on the whole batch "
                "(arXiv:1704.00028, section 4, 'No critic batch normalization'); allowed: layer, none"
            )
        self.reparametrise(critic)

    def reparametrise(self, critic: nn.Module) -> None:
        """Put another parametrisation under the critic's weights, in place."""

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, *, epsilon: Tensor) -> Penalty | None:
        """The weighted term added to the critic's loss, and what it was made of.

        Args:
            critic: maps samples ``(B, *)`` to scores ``(B,)``.
            real, fake: ``(B, *)``, paired.
            epsilon: ``(B,)``, uniform on [0, 1).

        Returns:
            A scalar and detached scalars by name, or ``None`` where nothing is added.
        """
        return None

    def project(self, critic: nn.Module) -> None:
        """Called after every critic step; changes the critic's parameters in place."""


class NoConstraint(Constraint):
    """The critic as the objective leaves it."""

    allows_batch_norm = True


class GradientPenalty(Constraint):
    r"""Adds :math:`\lambda \sum_{\text{sets}} \mathrm{distance}(\lVert\nabla D(x)\rVert_2)`.

    The penalties of WGAN-GP (arXiv:1704.00028, Eq. 3 and appendix C), R1 and R2 (arXiv:1801.04406, Eq. 9 and 10, where
    λ = γ/2) differ in where the norm is taken and in what is made of it.

    Args:
        weight: λ, non-negative.
        points: where: a function of ``penalties``, such as ``interpolates``; its sets are penalised one by one.
        distance: what is made of the norms: a function of ``penalties``, such as ``two_sided``.

    Raises:
        ValueError: if ``weight`` is negative.
    """

    @checked
    def __init__(self, weight: NotNegative, *, points: Points, distance: Distance) -> None:
        self.weight, self.points, self.distance = weight, points, distance

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, *, epsilon: Tensor) -> Penalty:
        norms = [gradient_norm(critic, points) for points in self.points(real, fake, epsilon)]
        term = self.weight * torch.stack([self.distance(norm) for norm in norms]).sum()
        return term, {"gradient_penalty": term.detach(), "gradient_norm": torch.cat(norms).detach().mean()}


class SpectralNorm(Constraint):
    """Divides every weight matrix and kernel of the critic by its largest singular value, arXiv:1802.05957, Eq. 8.

    A kernel ``(C', C, h, w)`` counts as a matrix ``(C', C h w)``. Torch's own parametrisation estimates the singular
    value by power iteration, which goes on by itself while the critic is in training mode: here once a critic step.

    Args:
        iterations: steps of power iteration at a time, positive; the paper's is 1.

    Raises:
        ValueError: if ``iterations`` is not positive.
    """

    allows_batch_norm = True

    @checked
    def __init__(self, iterations: Few) -> None:
        self.iterations = iterations

    def reparametrise(self, critic: nn.Module) -> None:
        for layer in _layers(critic):
            spectral_norm(layer, n_power_iterations=self.iterations)


class WeightNorm(Constraint):
    r"""Gives the weights of every unit the norm 1: :math:`w = v / \lVert v \rVert_2`.

    Weight normalisation, arXiv:1602.07868, Eq. 2, with g = 1: torch's own parametrisation, its scales g not trained,
    since a scale that is trained constrains nothing.
    Source: arXiv:1704.00028, section 3, which names weight normalisation among the constraints tried and says no more.
    """

    allows_batch_norm = True

    def reparametrise(self, critic: nn.Module) -> None:
        for layer in _layers(critic):
            weight_norm(layer)
            scale = layer.get_parameter("parametrizations.weight.original0")
            scale.requires_grad_(False).fill_(1.0)


class WeightDecay(Constraint):
    r"""Adds :math:`\lambda \sum \mathrm{size}(w)` over the critic's weight matrices and kernels: a soft constraint.

    Source: arXiv:1704.00028, section 3, which names L1 and L2 decay among the constraints tried and says no more.

    Args:
        weight: λ, non-negative.
        size: of the weights of a layer: a function of ``penalties``, ``l1`` or ``l2``.

    Raises:
        ValueError: if ``weight`` is negative.
    """

    allows_batch_norm = True

    @checked
    def __init__(self, weight: NotNegative, *, size: Size) -> None:
        self.weight, self.size = weight, size
        self._weights: list[nn.Parameter] = []

    def prepare(self, critic: nn.Module) -> None:
        super().prepare(critic)
        self._weights = [parameter for parameter in critic.parameters() if parameter.ndim > 1]

    def penalty(self, critic: Critic, real: Tensor, fake: Tensor, *, epsilon: Tensor) -> Penalty:
        term = self.weight * torch.stack([self.size(weights) for weights in self._weights]).sum()
        return term, {"weight_penalty": term.detach()}


class NormClipping(Constraint):
    r"""Scales each weight matrix and kernel of the critic back to a norm of at most c, :math:`\lVert w \rVert \le c`.

    Source: arXiv:1704.00028, section 3, which names L2 norm clipping among the constraints tried and says no more.

    Args:
        bound: c, positive; of all weights of a layer together.

    Raises:
        ValueError: if ``bound`` is not positive.
    """

    allows_batch_norm = True

    @checked
    def __init__(self, bound: Positive) -> None:
        self.bound = bound

    @torch.no_grad()
    def project(self, critic: nn.Module) -> None:
        for weights in (parameter for parameter in critic.parameters() if parameter.ndim > 1):
            weights.mul_((self.bound / torch.linalg.vector_norm(weights)).clamp(max=1.0))


class WeightClipping(Constraint):
    """Clamps every parameter of the critic to [-bound, bound], arXiv:1701.07875, Algorithm 1, line 7.

    Biases and norm scales are clamped too, as in the released code of the WGAN-GP paper.

    Args:
        bound: c, positive.

    Raises:
        ValueError: if ``bound`` is not positive.
    """

    allows_batch_norm = True

    @checked
    def __init__(self, bound: Positive) -> None:
        self.bound = bound

    @torch.no_grad()
    def project(self, critic: nn.Module) -> None:
        for parameter in critic.parameters():
            parameter.clamp_(-self.bound, self.bound)


def _layers(critic: nn.Module) -> list[nn.Module]:
    """Those that have a weight matrix or a kernel."""
    return [layer for layer in critic.modules() if isinstance(layer, nn.Linear | _ConvNd)]
