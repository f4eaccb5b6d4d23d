"""The paper's published numbers that reports set beside ours."""

from typing import NamedTuple


class Outcomes(NamedTuple):
    """How many architectures succeeded at one threshold, by objective: a row of Tables 2 and 5.

    Success is ``score > threshold``; ``baseline`` is the standard GAN, ``penalised`` is WGAN-GP.
    """

    threshold: float
    only_baseline: int
    only_penalised: int
    both: int
    neither: int

    @property
    def total(self) -> int:
        """Number of architectures in the row."""
        return sum(self[1:])

    @property
    def baseline(self) -> int:
        """Number of architectures on which the baseline succeeded."""
        return self.only_baseline + self.both

    @property
    def penalised(self) -> int:
        """Number of architectures on which the penalised objective succeeded."""
        return self.only_penalised + self.both


PAPERS_METHODS = "GAN", "WGAN-GP"
"""What the paper calls the two sides of `Outcomes`, baseline first."""

# Source: arXiv:1704.00028, Table 5 (app. B), of which Table 2 shows five rows: Inception score, ImageNet 32x32.
TABLE_5 = (
    Outcomes(1.0, 0, 8, 192, 0),
    Outcomes(1.5, 0, 50, 150, 0),
    Outcomes(2.0, 0, 60, 140, 0),
    Outcomes(2.5, 0, 74, 125, 1),
    Outcomes(3.0, 1, 88, 110, 1),
    Outcomes(3.5, 0, 111, 86, 3),
    Outcomes(4.0, 1, 126, 67, 6),
    Outcomes(4.5, 0, 136, 55, 9),
    Outcomes(5.0, 0, 147, 42, 11),
    Outcomes(5.5, 0, 148, 32, 20),
    Outcomes(6.0, 0, 145, 21, 34),
    Outcomes(6.5, 1, 131, 11, 57),
    Outcomes(7.0, 1, 104, 5, 90),
    Outcomes(7.5, 2, 67, 3, 128),
    Outcomes(8.0, 1, 34, 0, 165),
    Outcomes(8.5, 0, 6, 0, 194),
    Outcomes(9.0, 0, 0, 0, 200),
)


class Published(NamedTuple):
    """A method's published score, and its spread where one is given."""

    method: str
    score: float
    spread: float | None


# Source: arXiv:1704.00028, Table 3: Inception scores on CIFAR-10, by half of the table. The spread is over splits of
# one model's samples.
TABLE_3 = {
    "unsupervised": (
        Published("ALI", 5.34, 0.05),
        Published("BEGAN", 5.62, None),
        Published("DCGAN", 6.16, 0.07),
        Published("Improved GAN (-L+HA)", 6.86, 0.06),
        Published("EGAN-Ent-VI", 7.07, 0.10),
        Published("DFM", 7.72, 0.13),
        Published("WGAN-GP ResNet", 7.86, 0.07),
    ),
    "supervised": (
        Published("SteinGAN", 6.35, None),
        Published("DCGAN (with labels)", 6.58, None),
        Published("Improved GAN", 8.09, 0.07),
        Published("AC-GAN", 8.25, 0.07),
        Published("SGAN-no-joint", 8.37, 0.08),
        Published("WGAN-GP ResNet", 8.42, 0.10),
        Published("SGAN", 8.59, 0.12),
    ),
}

APPENDIX_C = (
    "The paper (arXiv:1704.00028, app. C): of 174 architectures, the two-sided penalty scored higher in 100 and the "
    "one-sided in 77, not significant at p < 0.05. The two add to 177, more than there were architectures, so they are "
    "quoted here and nothing is computed from them."
)
