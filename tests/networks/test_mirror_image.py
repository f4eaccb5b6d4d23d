"""Whole networks against TensorFlow's padding: with kernels turned by 180 degrees, images come out turned."""

from copy import deepcopy

import pytest
import torch
from pairs import PAIRS, latents
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks.layers import Conv, Deconv, WithoutFirst

CONVOLUTIONAL = sorted(set(PAIRS) - {"essay", "perceptron"})
"""Essay: no TensorFlow code to compare with; perceptron: no convolution."""


def mirrored(values: Tensor) -> Tensor:
    """Turned by 180 degrees in the plane."""
    return values.flip(-1, -2)


class SameConv(nn.Module):
    """A convolution's twin with TensorFlow's SAME padding: floor(total / 2) before, the rest after."""

    def __init__(self, conv: Conv) -> None:
        super().__init__()
        self.kernel, self.bias, self.stride = mirrored(conv.weight), conv.bias, conv.stride[0]

    def forward(self, maps: Tensor) -> Tensor:
        size, width = maps.shape[-1], self.kernel.shape[-1]
        total = max((-(-size // self.stride) - 1) * self.stride + width - size, 0)
        before, after = total // 2, total - total // 2
        return F.conv2d(F.pad(maps, (before, after) * 2), self.kernel, self.bias, self.stride)


class SameDeconv(nn.Module):
    """A transposed convolution's twin: not padded, then cropped where the SAME convolution that it inverts pads."""

    def __init__(self, deconv: Deconv) -> None:
        super().__init__()
        self.kernel, self.bias = mirrored(deconv.weight), deconv.bias

    def forward(self, maps: Tensor) -> Tensor:
        before, size = {5: 1, 3: 0}[self.kernel.shape[-1]], 2 * maps.shape[-1]
        made = F.conv_transpose2d(maps, self.kernel, self.bias, stride=2)
        return made[..., before : before + size, before : before + size]


class WithoutLast(nn.Module):
    """Maps without their last row and column."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps[..., :-1, :-1]


class Mirrored(nn.Module):
    """A layer between features and places, whose places are numbered from the other end."""

    def __init__(self, layer: nn.Flatten | nn.Unflatten) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, values: Tensor) -> Tensor:
        return self.layer(mirrored(values)) if isinstance(self.layer, nn.Flatten) else mirrored(self.layer(values))


class MirroredShuffle(nn.Module):
    """Depth to space, whose four pixels are numbered from the other end."""

    def forward(self, maps: Tensor) -> Tensor:
        return F.pixel_shuffle(maps.unflatten(1, (-1, 2, 2)).flip(2, 3).flatten(1, 3), 2)


def tensorflow_twin(network: nn.Module) -> nn.Module:
    """The network with turned kernels and TensorFlow's conventions."""
    twin = deepcopy(network)
    for parent in list(twin.modules()):
        for name, layer in list(parent.named_children()):
            setattr(parent, name, in_tensorflow(layer))
    return twin


def in_tensorflow(layer: nn.Module) -> nn.Module:
    match layer:
        case Conv():
            return SameConv(layer)
        case Deconv():
            return SameDeconv(layer)
        case WithoutFirst():
            return WithoutLast()
        case nn.PixelShuffle():
            return MirroredShuffle()
        case nn.Flatten() | nn.Unflatten():
            return Mirrored(layer)
    return layer


def with_drawn_biases(network: nn.Module) -> nn.Module:
    for layer in network.modules():
        if isinstance(layer, Conv | Deconv) and layer.bias is not None:
            nn.init.normal_(layer.bias, std=0.1)
    return network.double()


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@torch.no_grad()
def test_generator_draws_the_mirror_image_of_tensorflows(name: str) -> None:
    generator = with_drawn_biases(PAIRS[name].generator())
    samples = generator(latents(2).double())
    assert not torch.allclose(samples, mirrored(samples), atol=1e-3)
    torch.testing.assert_close(tensorflow_twin(generator)(latents(2).double()), mirrored(samples))


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@torch.no_grad()
def test_critic_scores_an_image_as_tensorflows_its_mirror_image(name: str) -> None:
    critic, images = with_drawn_biases(PAIRS[name].critic()), PAIRS[name].images(2).double()
    scores = critic(images)
    assert not torch.allclose(critic(mirrored(images)), scores, atol=1e-9)
    torch.testing.assert_close(tensorflow_twin(critic)(mirrored(images)), scores)
