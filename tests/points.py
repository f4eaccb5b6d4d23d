"""The smallest networks that train: for tests of data whose samples are points of the plane."""

from torch import Tensor, nn


class Generator(nn.Module):
    """Latents of 3 numbers to points of the plane."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layer(latent)


class Critic(nn.Module):
    """Points to scores."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(samples).squeeze(1)
