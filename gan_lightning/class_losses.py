"""What a critic's class scores add to the losses of both players."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from gan_lightning.ranges import NotNegative, checked


class AuxiliaryClassifier:
    r"""Cross-entropy of the critic's class scores: AC-GAN, arXiv:1610.09585, section 3.

    The critic learns to tell the classes of samples, the generator to make samples whose class it tells.

    Args:
        real: weight of the critic's loss on real samples, non-negative.
        fake: weight of the critic's loss on generated samples, non-negative.
        generator: weight of the generator's loss, non-negative.

    Raises:
        ValueError: if a weight is negative.
    """

    @checked
    def __init__(self, *, real: NotNegative, fake: NotNegative, generator: NotNegative) -> None:
        self.real, self.fake, self.generator = real, fake, generator

    def critic_term(
        self, real_classes: Tensor, fake_classes: Tensor, labels: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the critic's loss gains.

        Args:
            real_classes, fake_classes: the critic's class scores ``(B, classes)``, unbounded.
            labels: whole numbers ``(B,)``, the classes of the real samples and of the fakes made for them.

        Returns:
            A scalar, and the share of real and of generated samples whose class has the highest score.
        """
        term = self.real * cross_entropy(real_classes, labels)
        if self.fake:
            term = term + self.fake * cross_entropy(fake_classes, labels)
        told = {"real": accuracy(real_classes, labels), "fake": accuracy(fake_classes, labels)}
        return term, {f"class_accuracy_{which}": share for which, share in told.items()}

    def generator_term(self, fake_classes: Tensor, labels: Tensor) -> Tensor:
        """The scalar that the generator's loss gains.

        Args:
            fake_classes: class scores ``(B, classes)`` of its samples.
            labels: whole numbers ``(B,)``, the classes that they were made for.
        """
        return self.generator * cross_entropy(fake_classes, labels)


def accuracy(class_scores: Tensor, labels: Tensor) -> Tensor:
    """Share of samples whose class has the highest of the class scores ``(B, classes)``, a scalar without gradient."""
    return (class_scores.detach().argmax(1) == labels).float().mean()
