"""The digits of the essay "Better GANs: Gradient Penalisation": four convolutions from 28x28 to 1x1, four back.

The essay says no more of them. Ours: kernels, channels, norms and nonlinearities, which are DCGAN's (arXiv:1511.06434),
and PyTorch's own layers with their own initialisation.
"""

from torch import Tensor, nn

from gan_lightning.networks.norms import BatchNorm
from gan_lightning.networks.sizes import require_resolution, scaled
from gan_lightning.ranges import ImageShape


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 28, 28)`` in [-1, 1], by maps of 1, 4, 7, 14 and 28.

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 28, 28)``.
        filters: channels of the 14x14 map, before ``width_scale``.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(self, *, latent_dim: int, image_shape: ImageShape, filters: int, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 28)
        width = scaled("filters", filters, width_scale)
        self.layers = nn.Sequential(
            nn.Unflatten(1, (latent_dim, 1, 1)),
            nn.ConvTranspose2d(latent_dim, 4 * width, kernel_size=4),
            BatchNorm(4 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, kernel_size=3, stride=2, padding=1),
            BatchNorm(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, kernel_size=4, stride=2, padding=1),
            BatchNorm(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, image_shape[0], kernel_size=4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 28, 28)``; labels are ignored."""
        return self.layers(latent)


class Critic(nn.Module):
    """Images ``(B, C, 28, 28)`` to unbounded scores ``(B,)``, by the generator's maps backwards, without a norm.

    The arguments are the generator's.
    """

    def __init__(self, *, image_shape: ImageShape, filters: int, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 28)
        width = scaled("filters", filters, width_scale)
        self.layers = nn.Sequential(
            nn.Conv2d(image_shape[0], width, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, kernel_size=3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, kernel_size=4),
        )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; labels are ignored."""
        return self.layers(images).flatten()
