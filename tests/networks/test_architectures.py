"""The architectures as ``conf/arch`` has them: parameter counts, norms by method, labels, what is one override."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from omegaconf import DictConfig
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gan_lightning.runs.settings import resolve
from gan_lightning.runs.targets import make

Compose = Callable[..., DictConfig]

# Source: two independent counts, one by the released network-building functions, one by plain PyTorch builds.
# What is asked for, rows of an image and its channels: parameters of the generator and of the critic.
COUNTS = {
    ("arch=mnist",): (28, 1, 1_554_177, 1_030_145),
    ("arch=mnist", "objective=dcgan"): (28, 1, 1_554_177, 1_030_145),
    ("arch=mnist", "objective=wgan_clip"): (28, 1, 1_562_753, 1_030_913),
    ("arch=cifar_dcgan",): (32, 3, 5_179_907, 4_114_689),
    ("arch=cifar_dcgan", "objective=wgan_clip"): (32, 3, 5_179_907, 4_116_225),
    ("arch=cifar_dcgan", "objective=dcgan"): (32, 3, 5_179_907, 4_116_225),
    ("arch=cifar_dcgan", "arch.width_scale=0.5"): (32, 3, 1_565_955, 1_033_345),
    ("arch=cifar_dcgan", "arch.width_scale=0.5", "objective=dcgan"): (32, 3, 1_565_955, 1_034_113),
    ("arch=cifar_resnet",): (32, 3, 1_204_483, 1_053_825),
    ("arch=cifar_resnet", "arch.generator.upsampled_conv=2"): (32, 3, 1_204_483, 1_053_825),
    ("arch=cifar_resnet_conditional",): (32, 3, 1_218_307, 1_055_115),
    ("arch=cifar_resnet_conditional", "arch.critic.classes=null"): (32, 3, 1_218_307, 1_053_825),
    ("arch=dcgan64",): (64, 3, 5_364_739, 4_316_545),
    ("arch=dcgan64", "objective=lsgan"): (64, 3, 5_364_739, 4_316_545),
    ("arch=dcgan64_tanh",): (64, 3, 5_364_739, 4_316_545),
    ("arch=dcgan64_constant",): (64, 3, 444_291, 4_316_545),
    ("arch=dcgan64_mlp",): (64, 3, 7_157_760, 4_316_545),
    ("arch=dcgan64_no_norm",): (64, 3, 5_362_819, 4_314_753),
    ("arch=dcgan64_gated",): (64, 3, 10_724_675, 8_624_897),
    ("arch=dcgan64_gated", "objective=wgan_clip"): (64, 3, 10_724_675, 8_624_897),
    ("arch=resnet101",): (64, 3, 9_189_587, 7_618_801),
    ("arch=resnet101", "objective=dcgan"): (64, 3, 9_189_587, 7_618_801),
    ("arch=resnet64",): (64, 3, 8_540_483, 7_491_841),
    ("arch=resnet128",): (128, 3, 8_544_515, 47_757_697),
}
TEXT = ("arch=text", "+data.length=32")


@pytest.fixture
def pair(compose_config: Compose) -> Callable[..., tuple[nn.Module, nn.Module]]:
    """Generator and critic of an architecture, without memory for their weights: shapes are all that is looked at."""

    def built(*overrides: str, size: int = 16, channels: int = 1) -> tuple[nn.Module, nn.Module]:
        image = (f"data.resolution={size}", f"data.channels={channels}")
        arch: dict[str, Any] = resolve(compose_config(*overrides, *image))["arch"]
        with torch.device("meta"):
            return make(arch["generator"]), make(arch["critic"])

    return built


Build = Callable[..., tuple[nn.Module, nn.Module]]


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def norms(network: nn.Module) -> set[str]:
    kinds = {_BatchNorm: "batch", nn.GroupNorm: "layer"}
    return {name for layer in network.modules() for kind, name in kinds.items() if isinstance(layer, kind)}


@pytest.mark.parametrize("overrides", COUNTS, ids=" ".join)
def test_parameter_counts_are_those_of_the_released_networks(pair: Build, overrides: tuple[str, ...]) -> None:
    size, channels, *expected = COUNTS[overrides]
    generator, critic = pair(*overrides, size=size, channels=channels)
    assert [parameters(generator), parameters(critic)] == expected
    samples = generator(*inputs(overrides))
    assert samples.shape == (2, channels, size, size)
    scores = critic(samples)
    assert (scores if isinstance(scores, torch.Tensor) else scores[0]).shape == (2,)


def inputs(overrides: tuple[str, ...]) -> list[torch.Tensor]:
    latents = torch.empty(2, 128, device="meta")
    is_conditional = "conditional" in overrides[0]
    return [latents, torch.empty(2, dtype=torch.int64, device="meta")] if is_conditional else [latents]


@pytest.mark.parametrize("vocabulary", [100, 255])
def test_parameter_counts_of_text_follow_the_vocabulary(pair: Build, vocabulary: int) -> None:
    generator, critic = pair(*TEXT, f"+data.vocabulary={vocabulary}")
    assert parameters(generator) == 15_225_856 + 513 * vocabulary
    assert parameters(critic) == 13_129_217 + 512 * vocabulary


@pytest.mark.parametrize(
    ("arch", "size", "objective", "expected"),
    [
        ("mnist", 28, "wgan_gp", (set(), set())),
        ("mnist", 28, "dcgan", (set(), set())),
        ("mnist", 28, "wgan_clip", ({"batch"}, {"batch"})),
        ("mnist", 28, "wgan_clip method=wgan_clip_tight", ({"batch"}, {"batch"})),
        ("mnist", 28, "wgan_clip constraint=gradient_penalty", (set(), set())),
        ("cifar_dcgan", 32, "wgan_gp", ({"batch"}, set())),
        ("cifar_dcgan", 32, "dcgan", ({"batch"}, {"batch"})),
        ("cifar_dcgan", 32, "wgan_clip", ({"batch"}, {"batch"})),
        ("cifar_resnet", 32, "wgan_clip", ({"batch"}, set())),
        ("dcgan64", 64, "wgan_gp", ({"batch"}, {"layer"})),
        ("dcgan64", 64, "lsgan", ({"batch"}, {"batch"})),
        ("dcgan64_constant", 64, "wgan_gp", (set(), {"layer"})),
        ("dcgan64_mlp", 64, "dcgan", (set(), {"batch"})),
        ("dcgan64_no_norm", 64, "wgan_clip", (set(), set())),
        ("dcgan64_gated", 64, "wgan_gp", ({"batch"}, {"layer"})),
        ("resnet101", 64, "dcgan", ({"batch"}, {"batch"})),
        ("resnet64", 64, "wgan_gp", ({"batch"}, {"layer"})),
        ("resnet128", 128, "wgan_gp", ({"batch"}, {"layer"})),
        ("essay_small", 28, "wgan_gp", ({"batch"}, set())),
    ],
)
def test_norms_follow_the_method_as_in_the_released_code(
    pair: Build, arch: str, size: int, objective: str, expected: tuple[set[str], set[str]]
) -> None:
    generator, critic = pair(f"arch={arch}", *f"objective={objective}".split(), size=size)
    assert (norms(generator), norms(critic)) == expected


def test_essays_networks_differ_in_width_alone(pair: Build) -> None:
    small, large = pair("arch=essay_small", size=28), pair("arch=essay_large", size=28)
    for narrow, wide in zip(small, large, strict=True):
        assert [type(layer) for layer in narrow.modules()] == [type(layer) for layer in wide.modules()]
        assert parameters(wide) > 7 * parameters(narrow)


@pytest.mark.parametrize(
    ("arch", "size", "width"),
    [
        ("mnist", 28, "filters=64"),
        ("dcgan64_mlp", 64, "width=512"),
        ("resnet101", 64, "filters=32"),
        ("resnet64", 64, "filters=64"),
    ],
)
def test_width_that_is_not_whole_is_refused_in_one_line(pair: Build, arch: str, size: int, width: str) -> None:
    with pytest.raises(ValueError, match=rf"^{width} times width_scale=0\.001 must be a positive integer, got [^\n]*$"):
        pair(f"arch={arch}", "arch.width_scale=0.001", size=size)


def test_odd_width_of_the_101_layers_is_refused_in_one_line(pair: Build) -> None:
    with pytest.raises(ValueError, match=r"^filters=32 times width_scale=0\.03125 must be even, got 1$"):
        pair("arch=resnet101", "arch.width_scale=0.03125", size=64)
