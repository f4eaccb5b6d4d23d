"""The character language model: arXiv:1704.00028, section 5.5 and Table 4, as in the released ``gan_language.py``."""

from torch import Tensor, nn

from gan_lightning.networks.layers import Conv1d, Linear, Scale
from gan_lightning.networks.residual import Residual
from gan_lightning.networks.sizes import scaled

BLOCKS = 5


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to a distribution over the symbols at each place, ``(B, length, vocabulary)``.

    Args:
        latent_dim: size of the latent.
        length: symbols of a text.
        vocabulary: how many symbols there are.
        width: channels, before ``width_scale``.
        width_scale: factor on ``width``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, *, latent_dim: int, length: int, vocabulary: int, width: int, width_scale: float = 1.0) -> None:
        super().__init__()
        channels = scaled("width", width, width_scale)
        self.layers = nn.Sequential(
            Linear(latent_dim, channels * length),
            nn.Unflatten(1, (channels, length)),
            *(block(channels) for _ in range(BLOCKS)),
            Conv1d(channels, vocabulary, kernel=1),
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Non-negative ``(B, length, vocabulary)``, sum 1 at each place; labels are ignored."""
        return self.layers(latent).transpose(1, 2).softmax(2)


class Critic(nn.Module):
    """Texts ``(B, length, vocabulary)``, one-hot or softened, to unbounded scores ``(B,)``.

    The arguments are the generator's.
    """

    def __init__(self, *, length: int, vocabulary: int, width: int, width_scale: float = 1.0) -> None:
        super().__init__()
        channels = scaled("width", width, width_scale)
        self.layers = nn.Sequential(
            Conv1d(vocabulary, channels, kernel=1),
            *(block(channels) for _ in range(BLOCKS)),
            nn.Flatten(),
            Linear(channels * length, 1),
        )

    def forward(self, texts: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; labels are ignored."""
        return self.layers(texts.transpose(1, 2)).squeeze(1)


def block(channels: int) -> Residual:
    """Two convolutions of five places, each behind a ReLU, ``(B, C, L)`` to the same; the branch counts 0.3 times."""
    return Residual(
        nn.ReLU(),
        Conv1d(channels, channels, kernel=5),
        nn.ReLU(),
        Conv1d(channels, channels, kernel=5),
        Scale(0.3),
        shortcut=nn.Identity(),
    )
