"""The losses of the two players: one class a published pair, each a pure function of scores."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import softplus


class Objective(ABC):
    """A pair of losses on critic scores of shape ``(B,)``; both players minimise theirs.

    Labels play no part here: a conditional critic has them already in its scores.
    """

    @abstractmethod
    def critic_loss(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        """Scalar that the critic minimises, given unbounded scores ``(B,)`` of real and fake samples."""

    @abstractmethod
    def generator_loss(self, fake_scores: Tensor, real_scores: Callable[[], Tensor]) -> Tensor:
        """Scalar that the generator minimises.

        Args:
            fake_scores: ``(B,)``, of its samples.
            real_scores: called without arguments, gives the scores ``(B,)`` of as many real samples, without gradient;
                they are computed only then.
        """

    def measures(self, real_scores: Tensor, fake_scores: Tensor) -> dict[str, Tensor]:
        """What else the scores tell, by name; nothing unless an objective says so."""
        return {}


class Wasserstein(Objective):
    r"""The WGAN value function, arXiv:1704.00028, Eq. 2: the critic maximises
    :math:`\mathbb{E}[D(x)] - \mathbb{E}[D(\tilde x)]`, the generator minimises it."""

    def critic_loss(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        r""":math:`\mathbb{E}[D(\tilde x)] - \mathbb{E}[D(x)]`, minus the Wasserstein estimate."""
        return fake_scores.mean() - real_scores.mean()

    def generator_loss(self, fake_scores: Tensor, real_scores: Callable[[], Tensor]) -> Tensor:
        r""":math:`-\mathbb{E}[D(\tilde x)]`, Algorithm 1, line 12."""
        return -fake_scores.mean()

    def measures(self, real_scores: Tensor, fake_scores: Tensor) -> dict[str, Tensor]:
        r"""The Wasserstein estimate :math:`\mathbb{E}[D(x)] - \mathbb{E}[D(\tilde x)]`."""
        return {"wasserstein_estimate": real_scores.mean() - fake_scores.mean()}


class NonSaturating(Objective):
    r"""The standard GAN, arXiv:1704.00028, Eq. 1 and the paragraph below it: the scores are logits, and the generator
    maximises :math:`\mathbb{E}[\log D(\tilde x)]` instead of minimising :math:`\mathbb{E}[\log(1 - D(\tilde x))]`."""

    def critic_loss(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        r""":math:`-\tfrac12 (\mathbb{E}[\log\sigma(D(x))] + \mathbb{E}[\log(1 - \sigma(D(\tilde x)))])`.

        Deviation: half of Eq. 1, as in the released code. The factor is seen only beside a penalty or weight decay.
        """
        return (softplus(-real_scores).mean() + softplus(fake_scores).mean()) / 2

    def generator_loss(self, fake_scores: Tensor, real_scores: Callable[[], Tensor]) -> Tensor:
        r""":math:`-\mathbb{E}[\log\sigma(D(\tilde x))]`."""
        return softplus(-fake_scores).mean()


class LeastSquares(Objective):
    """LSGAN with targets 1 for real and 0 for fake, arXiv:1611.04076, Eq. 9."""

    def critic_loss(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        r""":math:`\tfrac12 (\mathbb{E}[(D(x) - 1)^2] + \mathbb{E}[D(\tilde x)^2])`."""
        return ((real_scores - 1).square().mean() + fake_scores.square().mean()) / 2

    def generator_loss(self, fake_scores: Tensor, real_scores: Callable[[], Tensor]) -> Tensor:
        r""":math:`\mathbb{E}[(D(\tilde x) - 1)^2]`.

        Deviation: twice the generator's Eq. 9, as in the released code.
        """
        return (fake_scores - 1).square().mean()


class Hinge(Objective):
    """The hinge loss of arXiv:1705.02894, Eq. 11 and 12, in the form of arXiv:1802.05957, Eq. 16 and 17."""

    def critic_loss(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        r""":math:`\mathbb{E}[\max(0, 1 - D(x))] + \mathbb{E}[\max(0, 1 + D(\tilde x))]`."""
        return (1 - real_scores).relu().mean() + (1 + fake_scores).relu().mean()

    def generator_loss(self, fake_scores: Tensor, real_scores: Callable[[], Tensor]) -> Tensor:
        r""":math:`-\mathbb{E}[D(\tilde x)]`."""
        return -fake_scores.mean()


class Relativistic(Objective):
    r"""The relativistic pairing GAN, arXiv:2501.05441, Eq. 2 with :math:`f(t) = -\log(1 + e^{-t})`.

    The critic wants the i-th real sample to score above the i-th generated one, the generator below it.
    """

    def critic_loss(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        r""":math:`\mathbb{E}[\mathrm{softplus}(D(\tilde x) - D(x))]`."""
        return softplus(fake_scores - real_scores).mean()

    def generator_loss(self, fake_scores: Tensor, real_scores: Callable[[], Tensor]) -> Tensor:
        r""":math:`\mathbb{E}[\mathrm{softplus}(D(x) - D(\tilde x))]`."""
        return softplus(real_scores() - fake_scores).mean()
