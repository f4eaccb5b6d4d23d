"""Every pair of networks of the paper's experiments on images, a few channels wide."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from gan_lightning.networks import (
    cifar_dcgan,
    cifar_resnet,
    dcgan,
    dcgan64,
    essay,
    mnist,
    resnet64,
    resnet101,
    resnet128,
)

LATENT_DIM = 8
SIZES = (28, 32, 64, 128)


@dataclass(frozen=True)
class Pair:
    """How to make a generator and a critic of images of so many rows and columns."""

    make_generator: Callable[..., nn.Module]
    make_critic: Callable[..., nn.Module]
    size: int

    def generator(self, size: int | None = None) -> nn.Module:
        torch.manual_seed(0)
        return self.make_generator(latent_dim=LATENT_DIM, image_shape=(1, size or self.size, size or self.size))

    def critic(self, size: int | None = None) -> nn.Module:
        torch.manual_seed(0)
        return self.make_critic(image_shape=(1, size or self.size, size or self.size))

    def images(self, count: int) -> Tensor:
        drawn = torch.rand(count, 1, self.size, self.size, generator=torch.Generator().manual_seed(1))
        return 2 * drawn - 1


def latents(count: int) -> Tensor:
    return torch.randn(count, LATENT_DIM, generator=torch.Generator().manual_seed(2))


DCGAN = {"depth": None, "nonlinearity": "leaky_relu"}
DCGAN_CRITIC = partial(dcgan.Critic, filters=2, norm="layer", **DCGAN)
OF_ANY_SIZE = (dcgan.Generator, dcgan.Critic)

PAIRS = {
    "mnist": Pair(partial(mnist.Generator, filters=2, norm="none"), partial(mnist.Critic, filters=2, norm="none"), 28),
    "essay": Pair(partial(essay.Generator, filters=2), partial(essay.Critic, filters=2), 28),
    "cifar_dcgan": Pair(partial(cifar_dcgan.Generator, filters=2), DCGAN_CRITIC, 32),
    "cifar_resnet": Pair(partial(cifar_resnet.Generator, filters=4), partial(cifar_resnet.Critic, filters=4), 32),
    "cifar_resnet in words": Pair(
        partial(cifar_resnet.Generator, filters=4, upsampled_conv=2), partial(cifar_resnet.Critic, filters=4), 32
    ),
    "dcgan64": Pair(partial(dcgan.Generator, filters=2, norm="none", **DCGAN), DCGAN_CRITIC, 64),
    "constant": Pair(partial(dcgan64.ConstantFiltersGenerator, filters=2), DCGAN_CRITIC, 64),
    "perceptron": Pair(partial(dcgan64.PerceptronGenerator, width=8), DCGAN_CRITIC, 64),
    "gated": Pair(
        partial(dcgan64.GatedGenerator, filters=2, norm="batch"),
        partial(dcgan64.GatedCritic, filters=2, norm="layer"),
        64,
    ),
    "resnet101": Pair(
        partial(resnet101.Generator, filters=2, norm="none"), partial(resnet101.Critic, filters=2, norm="layer"), 64
    ),
    "resnet64": Pair(
        partial(resnet64.Generator, filters=2, norm="batch"), partial(resnet64.Critic, filters=2, norm="layer"), 64
    ),
    "resnet128": Pair(partial(resnet128.Generator, filters=2), partial(resnet128.Critic, filters=2, norm="layer"), 128),
}
