"""The networks of 28x28 digits, MNIST's and the essay's: the maps that they go through."""

import torch
from hooks import inputs_of, map_sizes
from pairs import PAIRS, latents
from torch import nn


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


def test_mnist_critic_has_the_gradients_that_the_original_has_of_pixels_between_0_and_1() -> None:
    critic = PAIRS["mnist"].critic()
    images = PAIRS["mnist"].images(3).requires_grad_()
    pixels = ((images.detach() + 1) / 2).requires_grad_()
    (ours,) = torch.autograd.grad(critic(images).sum(), images)
    (original,) = torch.autograd.grad(critic.get_submodule("layers")(pixels).sum(), pixels)
    torch.testing.assert_close(ours, original)


def test_essays_networks_go_from_1_to_28_and_back_in_four_convolutions_each() -> None:
    generator, critic = PAIRS["essay"].generator(), PAIRS["essay"].critic()
    assert map_sizes(generator, latents(2)) == [1, 4, 7, 14, 28]
    assert map_sizes(critic, PAIRS["essay"].images(2)) == [14, 7, 4, 1]
    for network in (generator, critic):
        assert sum(isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) for layer in network.modules()) == 4
