"""The smallest networks that train on lines of text: one-hot real lines, generated ones a softmax."""

from torch import Tensor, nn


class Generator(nn.Module):
    """Latents of 3 numbers to lines ``(B, length, vocabulary)`` of probabilities."""

    def __init__(self, *, length: int, vocabulary: int) -> None:
        super().__init__()
        self.layer = nn.Linear(3, length * vocabulary)
        self.shape = (length, vocabulary)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layer(latent).unflatten(1, self.shape).softmax(-1)


class Critic(nn.Module):
    """Lines to scores."""

    def __init__(self, *, length: int, vocabulary: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(length * vocabulary, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(samples).squeeze(1)
