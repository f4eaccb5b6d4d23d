"""The generator of arXiv:1704.00028, Figure 3, as in the released ``gan_cifar.py``; its critic is ``dcgan.Critic``."""

from torch import Tensor, nn

from gan_lightning.networks.layers import Deconv, Linear
from gan_lightning.networks.norms import BatchNorm
from gan_lightning.networks.sizes import require_resolution, scaled
from gan_lightning.ranges import ImageShape


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 32, 32)`` in [-1, 1].

    It differs from the DCGAN family's of that size in its first norm, which is over the linear layer's features one by
    one, before they are maps.

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 32, 32)``.
        filters: channels of the 16x16 map, before ``width_scale``.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, *, latent_dim: int, image_shape: ImageShape, filters: int, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 32)
        width = scaled("filters", filters, width_scale)
        self.layers = nn.Sequential(
            Linear(latent_dim, 64 * width),
            BatchNorm(64 * width),
            nn.ReLU(),
            nn.Unflatten(1, (4 * width, 4, 4)),
            Deconv(4 * width, 2 * width),
            BatchNorm(2 * width),
            nn.ReLU(),
            Deconv(2 * width, width),
            BatchNorm(width),
            nn.ReLU(),
            Deconv(width, image_shape[0]),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 32, 32)``; labels are ignored."""
        return self.layers(latent)
