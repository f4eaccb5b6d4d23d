"""The layers of every network in the order in which samples go through them, beside the original's tables."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from gan_lightning.networks.layers import Gate, Scale, Softplus, WithoutFirst
from gan_lightning.networks.norms import BatchNorm
from gan_lightning.runs.settings import resolve
from gan_lightning.runs.targets import make

Compose = Callable[..., DictConfig]

PLAIN = {
    BatchNorm: "batch",
    nn.GroupNorm: "layer",
    nn.ReLU: "relu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    Gate: "gate",
    Softplus: "softplus",
    nn.ELU: "elu",
}
"""Layers that change no shape, or only halve the channels."""

RESIZING = {nn.Upsample: "up", nn.AvgPool2d: "pool", nn.PixelShuffle: "shuffle", WithoutFirst: "crop"}


def order(network: nn.Module, *inputs: Any) -> list[str]:
    """A word a layer: weight layers with kernel and what leaves them, ``conv5 64@14``; ``leaky`` has a slope of 0.2."""
    words: list[str] = []
    for layer in (layer for layer in network.modules() if not list(layer.children())):
        layer.register_forward_hook(lambda layer, given, output: words.extend(word(layer, output)))
    network(*inputs)
    return words


def word(layer: nn.Module, output: Tensor) -> list[str]:
    shape = "@".join(map(str, output.shape[1:3]))
    if isinstance(layer, nn.Linear):
        return [f"linear {shape}"]
    if isinstance(layer, nn.ConvTranspose2d):
        return [f"deconv{layer.kernel_size[0]} {shape}"]
    if isinstance(layer, nn.Conv1d | nn.Conv2d):
        return [f"conv{layer.kernel_size[0]} {shape}"]
    if isinstance(layer, nn.LeakyReLU):
        return ["leaky"] if layer.negative_slope == 0.2 else [str(layer)]
    if isinstance(layer, Scale):
        return [f"times {layer.factor}"]
    for kind, name in (PLAIN | RESIZING).items():
        if isinstance(layer, kind):
            return [f"{name} {shape}" if kind in RESIZING else name]
    return [] if isinstance(layer, nn.Identity | nn.Flatten | nn.Unflatten) else [str(layer)]


def words(line: str) -> list[str]:
    return [each.strip() for each in line.split(",") if each.strip()]


def up_block(before: int, after: int, size: int) -> str:
    """All residual generators: upsampled before the first convolution, and so the shortcut, here after its own."""
    shortcut = f"conv1 {after}@{size}, up {after}@{2 * size},"
    first = f"batch, relu, up {before}@{2 * size}, conv3 {after}@{2 * size},"
    return f"{shortcut} {first} batch, relu, conv3 {after}@{2 * size},"


def down_block(before: int, after: int, size: int, *, norm: str, strided: bool = False) -> str:
    """Pooled after the second convolution; at 128x128 that one has the stride."""
    half = size // 2
    shortcut = f"pool {before}@{half}, conv1 {after}@{half},"
    second = f"conv3 {after}@{half}," if strided else f"conv3 {after}@{size}, pool {after}@{half},"
    return f"{shortcut} {norm} relu, conv3 {before}@{size}, {norm} relu, {second}"


def plain_block(channels: int, size: int, *, norm: str) -> str:
    return f"{norm} relu, conv3 {channels}@{size}, " * 2


def bottleneck(before: int, after: int, size: int, *, norm: str, middle: str = "conv3") -> str:
    """The 101 layers: a ReLU before each convolution, one norm at the end of the branch, then times 0.3."""
    later = {"conv3": size, "deconv3": 2 * size, "strided": size // 2}[middle]
    shortcut = {
        "conv3": "",
        "deconv3": f"conv1 {4 * after}@{size}, shuffle {after}@{2 * size},",
        "strided": f"crop {before}@{size - 1}, conv1 {after}@{size // 2},",
    }[middle]
    kind = "conv3" if middle == "strided" else middle
    branch = f"relu, conv1 {before // 2}@{size}, relu, {kind} {after // 2}@{later}, relu, conv1 {after}@{later},"
    return f"{shortcut} {branch} {norm}, times 0.3,"


def dcgan64(norm: str, hidden: str) -> str:
    """gan_64x64.py, the DCGAN's generator."""
    act = f"{norm} {hidden},"
    return f"linear 8192, {act} deconv5 256@8, {act} deconv5 128@16, {act} deconv5 64@32, {act} deconv5 3@64, tanh"


def dcgan64_critic(norm: str, hidden: str) -> str:
    """gan_64x64.py, the DCGAN's discriminator: the first layer is never normalised."""
    act = f"{norm} {hidden},"
    return f"conv5 64@32, {hidden}, conv5 128@16, {act} conv5 256@8, {act} conv5 512@4, {act} linear 1"


CRITIC64 = dcgan64_critic("layer,", "leaky")
RESIDUAL_TEXT = "relu, conv5 512@32, relu, conv5 512@32, times 0.3," * 5

NETWORKS = {
    "mnist method=wgan_clip": (  # gan_mnist.py
        "linear 4096, batch, relu, deconv5 128@8, batch, relu, crop 128@7, deconv5 64@14, batch, relu, deconv5 1@28, "
        "sigmoid",
        "conv5 64@14, leaky, conv5 128@7, batch, leaky, conv5 256@4, batch, leaky, linear 1",
    ),
    "mnist method=wgan_gp_mnist": (
        "linear 4096, relu, deconv5 128@8, relu, crop 128@7, deconv5 64@14, relu, deconv5 1@28, sigmoid",
        "conv5 64@14, leaky, conv5 128@7, leaky, conv5 256@4, leaky, linear 1",
    ),
    "cifar_dcgan method=dcgan": (  # gan_cifar.py
        "linear 8192, batch, relu, deconv5 256@8, batch, relu, deconv5 128@16, batch, relu, deconv5 3@32, tanh",
        "conv5 128@16, leaky, conv5 256@8, batch, leaky, conv5 512@4, batch, leaky, linear 1",
    ),
    "cifar_resnet": (  # gan_cifar_resnet.py
        f"linear 2048, {up_block(128, 128, 4)} {up_block(128, 128, 8)} {up_block(128, 128, 16)} batch, relu, "
        "conv3 3@32, tanh",
        "pool 3@16, conv1 128@16, conv3 128@32, relu, conv3 128@32, pool 128@16, "
        f"{down_block(128, 128, 16, norm='')} {plain_block(128, 8, norm='')} {plain_block(128, 8, norm='')} "
        "relu, linear 1",
    ),
    "dcgan64": (dcgan64("batch,", "relu"), CRITIC64),
    "dcgan64 method=lsgan": (dcgan64("batch,", "relu"), dcgan64_critic("batch,", "leaky")),
    "dcgan64_no_norm": (dcgan64("", "relu"), dcgan64_critic("", "leaky")),
    "dcgan64_tanh": (dcgan64("batch,", "tanh"), dcgan64_critic("layer,", "tanh")),
    "dcgan64_constant": (  # gan_64x64.py
        "linear 1024, relu, deconv5 64@8, relu, deconv5 64@16, relu, deconv5 64@32, relu, deconv5 3@64, tanh",
        CRITIC64,
    ),
    "dcgan64_mlp": ("linear 512, relu, " * 4 + "linear 12288, tanh", CRITIC64),
    "dcgan64_gated": (  # gan_64x64.py
        "linear 16384, batch, gate, deconv5 512@8, batch, gate, deconv5 256@16, batch, gate, deconv5 128@32, batch, "
        "gate, deconv5 3@64, tanh",
        "conv5 128@32, gate, conv5 256@16, layer, gate, conv5 512@8, layer, gate, conv5 1024@4, layer, gate, linear 1",
    ),
    "resnet101": (  # gan_64x64.py
        "linear 8192,"
        + "".join(
            bottleneck(width, width, size, norm="batch") * 6
            + bottleneck(width, width // 2, size, norm="batch", middle="deconv3")
            for width, size in ((512, 4), (256, 8), (128, 16), (64, 32))
        )
        + bottleneck(32, 32, 64, norm="batch") * 5
        + "conv1 3@64, times 0.2, tanh",
        "conv1 32@64,"
        + bottleneck(32, 32, 64, norm="layer") * 5
        + "".join(
            bottleneck(width, 2 * width, size, norm="layer", middle="strided")
            + bottleneck(2 * width, 2 * width, size // 2, norm="layer") * 6
            for width, size in ((32, 64), (64, 32), (128, 16), (256, 8))
        )
        + "linear 1, times 0.2",
    ),
    "resnet64": (  # gan_64x64.py
        f"linear 8192, {up_block(512, 512, 4)} {up_block(512, 256, 8)} {up_block(256, 128, 16)} "
        f"{up_block(128, 64, 32)} batch, relu, conv3 3@64, tanh",
        "conv3 64@64,"
        + "".join(
            down_block(before, after, size, norm="layer,")
            for before, after, size in ((64, 128, 64), (128, 256, 32), (256, 512, 16), (512, 512, 8))
        )
        + "linear 1",
    ),
    "resnet128": (  # igul222/nn, wgan_imagenet128.py
        f"linear 8192, {up_block(512, 512, 4)} {up_block(512, 256, 8)} {up_block(256, 128, 16)} "
        f"{up_block(128, 64, 32)} batch, relu, up 64@128, conv5 3@128, tanh",
        "conv5 128@64,"
        + "".join(
            down_block(width, 2 * width, size, norm="layer,", strided=True)
            for width, size in ((128, 64), (256, 32), (512, 16))
        )
        + plain_block(1024, 8, norm="layer,") * 2
        + "linear 1",
    ),
    "text": (  # gan_language.py
        f"linear 16384, {RESIDUAL_TEXT} conv1 256@32",
        f"conv1 512@32, {RESIDUAL_TEXT} linear 1",
    ),
    "toy": ("linear 512, relu, " * 3 + "linear 2", "linear 512, relu, " * 3 + "linear 1"),  # gan_toy.py
    "toy_deep": ("linear 512, relu, " * 12 + "linear 2", "linear 512, relu, " * 12 + "linear 1"),
}
DATA = {
    "mnist": ["data.resolution=28"],
    "text": ["data=text_file"],
    "toy": ["data=swiss_roll"],
    "toy_deep": ["data=swiss_roll"],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_stand_in_the_order_of_the_original(compose_config: Compose, name: str) -> None:
    arch, *overrides = name.split()
    size = 128 if arch == "resnet128" else 32 if arch.startswith("cifar") else 64
    data = DATA.get(arch, [f"data.resolution={size}", "data.channels=3"])
    settings = resolve(compose_config(f"arch={arch}", *overrides, *data))
    with torch.device("meta"):
        generator, critic = (make(settings["arch"][player]) for player in ("generator", "critic"))
        latent = torch.empty(2, settings["latent_dim"])
        samples = generator(latent)
    found = order(generator, latent), order(critic, samples)
    assert found == (words(NETWORKS[name][0]), words(NETWORKS[name][1]))
