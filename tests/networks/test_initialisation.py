"""Which layer of which network starts from which distribution."""

from collections.abc import Callable
from fnmatch import fnmatch
from math import prod, sqrt

import pytest
import torch
from torch import nn

from gan_lightning.networks import (
    cifar_dcgan,
    cifar_resnet,
    dcgan,
    dcgan64,
    mnist,
    resnet64,
    resnet101,
    resnet128,
    text,
)

HE, GLOROT, HALVED_HE, HALVED_GLOROT = sqrt(2), 1.0, sqrt(2) / 2, 0.5

LATENT = {"latent_dim": 64}
WIDE = {"filters": 32, "norm": "none"}


def of(size: int) -> dict[str, tuple[int, int, int]]:
    return {"image_shape": (3, size, size)}


# Networks, and gains by pattern of the layer's name; the first that fits. Source: the released code's table of layers.
GAINS: dict[str, tuple[Callable[[], nn.Module], dict[str, float]]] = {
    "CIFAR-10 ResNet, generator": (
        lambda: cifar_resnet.Generator(**of(32), **LATENT, filters=32),
        {"layers.0": GLOROT, "*shortcut*": GLOROT, "*branch*": HE, "layers.7": GLOROT},
    ),
    "CIFAR-10 ResNet, generator in words": (
        lambda: cifar_resnet.Generator(**of(32), **LATENT, filters=32, upsampled_conv=2),
        {"layers.0": GLOROT, "*shortcut*": GLOROT, "*branch*": HE, "layers.7": GLOROT},
    ),
    "CIFAR-10 ResNet, critic": (
        lambda: cifar_resnet.Critic(**of(32), filters=32, classes=10),
        {"*score*": GLOROT, "*shortcut*": GLOROT, "*branch*": HE},
    ),
    "64x64 ResNet, generator": (
        lambda: resnet64.Generator(**of(64), **LATENT, **WIDE),
        {"layers.0": GLOROT, "*shortcut*": GLOROT, "*branch*": HE, "layers.8": HE},
    ),
    "64x64 ResNet, critic": (
        lambda: resnet64.Critic(**of(64), **WIDE),
        {"layers.0": GLOROT, "*shortcut*": GLOROT, "*branch*": HE, "layers.6": GLOROT},
    ),
    "128x128 ResNet, generator": (
        lambda: resnet128.Generator(**of(128), **LATENT, filters=32),
        {
            "layers.0": GLOROT,
            "*shortcut*": HALVED_GLOROT,
            "*branch.3": HALVED_HE,
            "*branch*": HE,
            "layers.9": HALVED_GLOROT,
        },
    ),
    "128x128 ResNet, critic": (
        lambda: resnet128.Critic(**of(128), **WIDE),
        {"layers.0": HE, "*shortcut*": GLOROT, "*branch*": HE, "score": GLOROT},
    ),
    "101 layers, generator": (
        lambda: resnet101.Generator(**of(64), **LATENT, **WIDE),
        {"layers.0": GLOROT, "*shortcut*": GLOROT, "*branch*": HE, "layers.*": GLOROT},
    ),
    "101 layers, critic": (
        lambda: resnet101.Critic(**of(64), **WIDE),
        {"*shortcut*": GLOROT, "*branch*": HE, "layers.*": GLOROT},
    ),
    "MNIST, generator": (
        lambda: mnist.Generator(image_shape=(1, 28, 28), **LATENT, **WIDE),
        {"layers.0": GLOROT, "layers.*": HE},
    ),
    "MNIST, critic": (
        lambda: mnist.Critic(image_shape=(1, 28, 28), **WIDE),
        {"layers.9": GLOROT, "layers.*": HE},
    ),
    "CIFAR-10 DCGAN, generator": (
        lambda: cifar_dcgan.Generator(**of(32), **LATENT, filters=32),
        {"layers.0": GLOROT, "layers.*": HE},
    ),
    "DCGAN, generator": (
        lambda: dcgan.Generator(**of(32), **LATENT, **WIDE, depth=8, nonlinearity="relu"),
        {"layers.0": GLOROT, "layers.*": HE},
    ),
    "DCGAN, critic": (
        lambda: dcgan.Critic(**of(32), **WIDE, depth=4, nonlinearity="relu"),
        {"layers.9": GLOROT, "layers.*": HE},
    ),
    "constant filters": (
        lambda: dcgan64.ConstantFiltersGenerator(**of(64), **LATENT, filters=32),
        {"layers.0": GLOROT, "layers.*": HE},
    ),
    "gated, generator": (
        lambda: dcgan64.GatedGenerator(**of(64), **LATENT, filters=8, norm="none"),
        {"layers.0": GLOROT, "layers.*": HE},
    ),
    "gated, critic": (
        lambda: dcgan64.GatedCritic(**of(64), filters=8, norm="none"),
        {"layers.12": GLOROT, "layers.*": HE},
    ),
    "text, generator": (
        lambda: text.Generator(**LATENT, length=8, vocabulary=30, width=32),
        {"layers.0": GLOROT, "layers.*": HE},
    ),
    "text, critic": (
        lambda: text.Critic(length=8, vocabulary=30, width=32),
        {"layers.7": GLOROT, "layers.*": HE},
    ),
}


def gain(layer: nn.Module) -> float:
    """The gain that a layer's weights have, with fans as TensorFlow counts them."""
    weight = layer.get_parameter("weight")
    transposed = isinstance(layer, nn.ConvTranspose2d)
    outputs, inputs, area = weight.shape[transposed], weight.shape[1 - transposed], prod(weight.shape[2:])
    pixels = prod(layer.stride) if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) else 1
    fan_in = inputs * area / (pixels if transposed else 1)
    fan_out = outputs * area / (1 if transposed else pixels)
    return weight.std().item() / sqrt(2 / (fan_in + fan_out))


def weight_layers(network: nn.Module) -> dict[str, nn.Module]:
    kinds = nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, kinds)}


@pytest.mark.parametrize("name", GAINS)
def test_layers_start_with_the_released_codes_gains_and_biases_at_zero(name: str) -> None:
    make, gains = GAINS[name]
    torch.manual_seed(0)
    used = set()
    for path, layer in weight_layers(make()).items():
        pattern = next(pattern for pattern in gains if fnmatch(path, pattern))
        used.add(pattern)
        assert gain(layer) == pytest.approx(gains[pattern], rel=0.2), path
        assert layer.bias is None or not layer.get_parameter("bias").any()
    assert used == set(gains)


def test_perceptrons_hidden_layers_start_with_hes_variance_and_its_output_with_glorots() -> None:
    torch.manual_seed(0)
    *hidden, last = weight_layers(dcgan64.PerceptronGenerator(**of(64), **LATENT, width=32)).values()
    assert len(hidden) == 4
    for layer in hidden:
        weight = layer.get_parameter("weight")
        assert weight.std().item() == pytest.approx(sqrt(2 / weight.shape[1]), rel=0.1)
    assert gain(last) == pytest.approx(GLOROT, rel=0.05)


def test_64x64_dcgan_asks_for_a_standard_deviation_of_0_02_in_both_networks(compose_config: Callable) -> None:
    arch = compose_config("arch=dcgan64").arch
    assert (arch.generator.initial_std, arch.critic.initial_std) == (0.02, 0.02)


def test_critics_of_the_constant_filters_and_of_the_perceptron_start_as_the_64x64_dcgans(
    compose_config: Callable,
) -> None:
    critics = [compose_config(f"arch=dcgan64{name}").arch.critic for name in ("", "_constant", "_mlp")]
    assert critics[0] == critics[1] == critics[2]
