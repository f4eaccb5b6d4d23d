"""The networks of 28x28 digits, MNIST's and the essay's: the maps that they go through."""

from collections.abc import Callable

import pytest
import torch
from hooks import inputs_of, map_sizes
from omegaconf import DictConfig
from pairs import PAIRS, latents
from torch import nn

from gan_lightning.constraints import GradientPenalty
from gan_lightning.penalties import interpolates, two_sided
from gan_lightning.runs.settings import resolve
from gan_lightning.runs.targets import make

Compose = Callable[..., DictConfig]


def test_mnist_generator_crops_8_to_7_on_its_way_to_28() -> None:
    assert map_sizes(PAIRS["mnist"].generator(), latents(2)) == [4, 8, 7, 14, 28]


def test_mnist_critic_goes_from_28_to_4() -> None:
    assert map_sizes(PAIRS["mnist"].critic(), PAIRS["mnist"].images(2)) == [14, 7, 4]


def test_mnist_critics_first_layer_sees_pixels_between_0_and_1() -> None:
    critic = PAIRS["mnist"].critic()
    (first, *_) = (layer for layer in critic.modules() if isinstance(layer, nn.Conv2d))
    seen = inputs_of(first)
    critic(torch.linspace(-1, 1, 28 * 28).reshape(1, 1, 28, 28))
    torch.testing.assert_close(seen[0], torch.linspace(0, 1, 28 * 28).reshape(1, 1, 28, 28))


@pytest.mark.parametrize("method", ["wgan_gp_mnist", "wgan_clip", "dcgan", "lsgan"])
def test_mnists_critic_has_the_loss_that_the_original_has_of_pixels_between_0_and_1(
    compose_config: Compose, method: str
) -> None:
    settings = resolve(compose_config(f"method={method}", "arch=mnist", "data.resolution=28"))
    objective, constraint = make(settings["objective"]), make(settings["constraint"])
    critic, real, fake = PAIRS["mnist"].critic(), PAIRS["mnist"].images(3), PAIRS["mnist"].images(3)
    original, pixels = critic.get_submodule("layers"), [(images + 1) / 2 for images in (real, fake)]
    epsilon = torch.rand(3)
    term = constraint.penalty(critic, real, fake, epsilon=epsilon)
    ours, theirs = torch.tensor(0.0) if term is None else term[0], torch.tensor(0.0)
    if method == "wgan_gp_mnist":
        penalty = GradientPenalty(10.0, points=interpolates, distance=two_sided)
        theirs, _ = penalty.penalty(lambda images: original(images).squeeze(1), *pixels, epsilon=epsilon)
        assert theirs > 0
    torch.testing.assert_close(
        objective.critic_loss(critic(real), critic(fake)) + ours,
        objective.critic_loss(*(original(images).squeeze(1) for images in pixels)) + theirs,
    )


def test_essays_networks_go_from_1_to_28_and_back_in_four_convolutions_each() -> None:
    generator, critic = PAIRS["essay"].generator(), PAIRS["essay"].critic()
    assert map_sizes(generator, latents(2)) == [1, 4, 7, 14, 28]
    assert map_sizes(critic, PAIRS["essay"].images(2)) == [14, 7, 4, 1]
    for network in (generator, critic):
        assert sum(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in network.modules()) == 4
