"""Points of the plane, drawn from a distribution."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from gan_lightning.atomic import atomic_file
from gan_lightning.data.base import RealData, Split
from gan_lightning.distributions import LATENTS, Distribution
from gan_lightning.randomness import seeded_generator
from gan_lightning.ranges import Count, needed

EXTENT = 2.0
"""The plane is shown on [-2, 2]². Source: igul222/nn. Deviation: [-3, 3]² in the released code."""


@dataclass(kw_only=True, eq=False, repr=False)
class PlaneData(RealData):
    """Points of the plane, float32 ``(N, 2)``, which networks see as they are; the same ones in every run.

    Deviation: the released code draws its 8 Gaussians and Swiss roll without end; here a set is large and finite, so
    that it has a held-out part, and which points form an iteration is known.

    Args:
        label: what people call the distribution.
        distribution: of the points.
        points, held_out_points: how many are drawn for training, and beside it.
        dim: of the points, which architectures ask for.

    Raises:
        ValueError: if ``dim`` is not 2, or a number of points is not positive.
    """

    label: str
    distribution: Distribution
    points: Count
    held_out_points: Count
    dim: Annotated[Literal[2], needed("a plane has 2")] = 2
    shown: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        self.title = self.label

    def load(self) -> tuple[Split, Split]:
        return Split(self.draw(self.points, "training")), Split(self.draw(self.held_out_points, "held out"))

    def draw(self, count: int, purpose: str) -> Tensor:
        """Points ``(count, 2)`` on the CPU, a function of how many and what for."""
        return self.distribution(torch.randn(count, LATENTS, generator=seeded_generator(0, "points", purpose)))

    def show(self, samples: Tensor, path: Path) -> Path:
        """Generated points ``(N, 2)`` over as many real ones, as PNG; what lies beyond [-2, 2]² is not seen."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4, 4), dpi=100)
        panel = figure.add_axes((0, 0, 1, 1), xlim=(-EXTENT, EXTENT), ylim=(-EXTENT, EXTENT), xticks=[], yticks=[])
        for points, colour in ((self.draw(len(samples), "shown"), "#e69f00"), (samples.cpu(), "#0072b2")):
            panel.scatter(*points.T.numpy(), s=5, color=colour, alpha=0.6, linewidths=0)
        file = path.with_name(f"{path.name}.png")
        with atomic_file(file) as temporary:
            figure.savefig(temporary, format="png")
        return file
