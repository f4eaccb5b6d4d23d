"""The networks of MNIST: arXiv:1704.00028, Figure 5b, as in the released ``gan_mnist.py``."""

from torch import Tensor, nn

from gan_lightning.networks.layers import Conv, Deconv, Linear, WithoutFirst, make_nonlinearity
from gan_lightning.networks.norms import Norm, make_norm
from gan_lightning.networks.sizes import require_resolution, scaled
from gan_lightning.ranges import ImageShape


class Generator(nn.Module):
    """Latents ``(B, latent_dim)`` to images ``(B, C, 28, 28)`` in [-1, 1], by maps of 4, 8 cropped to 7, 14 and 28.

    Deviation: the original's pixels are in [0, 1], behind a sigmoid; here they are stretched to [-1, 1].

    Args:
        latent_dim: size of the latent.
        image_shape: ``(C, 28, 28)``.
        filters: channels of the 14x14 map, before ``width_scale``.
        norm: on every layer but the last, the first's over its features one by one: ``batch``, ``layer`` or ``none``.
        width_scale: factor on ``filters``.

    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self, *, latent_dim: int, image_shape: ImageShape, filters: int, norm: Norm, width_scale: float = 1.0
    ) -> None:
        super().__init__()
        require_resolution(image_shape, 28)
        width = scaled("filters", filters, width_scale)
        self.layers = nn.Sequential(
            Linear(latent_dim, 64 * width),
            make_norm(norm, 64 * width),
            nn.ReLU(),
            nn.Unflatten(1, (4 * width, 4, 4)),
            Deconv(4 * width, 2 * width),
            make_norm(norm, 2 * width),
            nn.ReLU(),
            WithoutFirst(),
            Deconv(2 * width, width),
            make_norm(norm, width),
            nn.ReLU(),
            Deconv(width, image_shape[0]),
            nn.Sigmoid(),
        )

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """Images ``(B, C, 28, 28)``; labels are ignored."""
        return 2 * self.layers(latent) - 1


class Critic(nn.Module):
    """Images ``(B, C, 28, 28)`` in [-1, 1] to unbounded scores ``(B,)``; the arguments are the generator's.

    The norm is on every layer but the first and the last. The scores are those of the original's critic, which sees
    pixels in [0, 1], so that losses are the original's; the gradient at our images is half of its own. A penalty that
    wants the original's norm 1 wants ours to be 1/2: see ``conf/method/wgan_gp_mnist.yaml``.
    """

    def __init__(self, *, image_shape: ImageShape, filters: int, norm: Norm, width_scale: float = 1.0) -> None:
        super().__init__()
        require_resolution(image_shape, 28)
        width = scaled("filters", filters, width_scale)
        self.layers = nn.Sequential(
            Conv(image_shape[0], width, kernel=5, stride=2),
            make_nonlinearity("leaky_relu"),
            Conv(width, 2 * width, kernel=5, stride=2),
            make_norm(norm, 2 * width),
            make_nonlinearity("leaky_relu"),
            Conv(2 * width, 4 * width, kernel=5, stride=2),
            make_norm(norm, 4 * width),
            make_nonlinearity("leaky_relu"),
            nn.Flatten(),
            Linear(64 * width, 1),
        )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Scores ``(B,)``; labels are ignored."""
        return self.layers((images + 1) / 2).squeeze(1)
