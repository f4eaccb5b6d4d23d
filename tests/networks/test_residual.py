"""Residual blocks: what is added to what, and that a shortcut's input stays as it is."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.networks import resnet64, resnet101, resnet128, text
from gan_lightning.networks.residual import Residual, down_block, plain_block, up_block


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def no_norm(channels: int) -> nn.Module:
    return nn.Identity()


def with_branch_at_zero(block: Residual) -> Residual:
    for parameter in block.branch.parameters():
        nn.init.zeros_(parameter)
    return block


@pytest.mark.parametrize(
    ("block", "input"),
    [
        (plain_block(4, norm=no_norm), random(2, 4, 8, 8)),
        (resnet101.plain_block(4, norm=nn.BatchNorm2d), random(2, 4, 8, 8)),
        (text.block(4), random(2, 4, 8)),
    ],
)
def test_plain_block_whose_branch_is_zero_changes_nothing_not_even_what_is_negative(
    block: Residual, input: Tensor
) -> None:
    assert torch.equal(with_branch_at_zero(block)(input), input)


def test_up_blocks_shortcut_is_a_convolution_of_the_upsampled_input() -> None:
    torch.manual_seed(0)
    block, maps = with_branch_at_zero(up_block(4, 6, norm=no_norm)), random(2, 4, 8, 8)
    upsampled = maps.repeat_interleave(2, 2).repeat_interleave(2, 3)
    weight = next(block.shortcut.parameters())
    torch.testing.assert_close(block(maps), F.conv2d(upsampled, weight))


@pytest.mark.parametrize("make", [down_block, resnet128.down_block])
def test_down_blocks_shortcut_is_a_convolution_of_the_pooled_input(make: Callable[..., Residual]) -> None:
    torch.manual_seed(0)
    block, maps = with_branch_at_zero(make(4, 6, norm=no_norm)), random(2, 4, 8, 8)
    pooled = maps.unflatten(3, (4, 2)).unflatten(2, (4, 2)).mean((3, 5))
    weight = next(block.shortcut.parameters())
    torch.testing.assert_close(block(maps), F.conv2d(pooled, weight))


@pytest.mark.parametrize("make", [up_block, down_block])
def test_bias_that_is_left_out_is_the_first_convolutions(make: Callable[..., Residual]) -> None:
    def biased(bias: bool) -> list[bool]:
        convolutions = [
            layer for layer in make(4, 6, norm=no_norm, bias=bias).modules() if isinstance(layer, nn.Conv2d)
        ]
        return [layer.bias is not None for layer in convolutions]

    assert biased(True) == [True, True, True]
    assert biased(False) == [False, True, True]


@pytest.mark.parametrize(
    ("make", "channels"), [(resnet101.plain_block, (4,)), (resnet101.up_block, (4, 2)), (resnet101.down_block, (4, 8))]
)
def test_bottlenecks_branch_ends_in_a_norm_and_counts_0_3_times(
    make: Callable[..., Residual], channels: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    branch = make(*channels, norm=nn.BatchNorm2d).branch(random(8, 4, 8, 8))
    torch.testing.assert_close(
        branch.std((0, 2, 3), correction=0), torch.full((branch.shape[1],), 0.3), rtol=0.01, atol=0
    )


def test_texts_branch_counts_0_3_times() -> None:
    torch.manual_seed(0)
    block, texts = text.block(4), random(2, 4, 8)
    _, first, _, second, _ = block.branch
    torch.testing.assert_close(block(texts), texts + 0.3 * second(first(texts.relu()).relu()))


@pytest.mark.parametrize("make", [resnet101.Generator, resnet101.Critic])
def test_net_of_101_layers_has_101_beside_four_shortcuts(make: Callable[..., nn.Module]) -> None:
    latent = {"latent_dim": 8} if make is resnet101.Generator else {}
    with torch.device("meta"):
        network = make(**latent, image_shape=(3, 64, 64), filters=2, norm="none")
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    names = [name for name, layer in network.named_modules() if isinstance(layer, kinds)]
    assert sum("shortcut" in name for name in names) == 4
    assert sum("shortcut" not in name for name in names) == 101


def test_bottlenecks_last_convolution_has_no_bias() -> None:
    convolutions = [layer for layer in resnet101.plain_block(4, norm=no_norm).modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.bias is not None for layer in convolutions] == [True, True, False]


def test_output_of_101_layers_is_a_fifth_of_the_last_layers() -> None:
    torch.manual_seed(0)
    critic = resnet101.Critic(image_shape=(1, 64, 64), filters=2, norm="layer")
    generator = resnet101.Generator(latent_dim=8, image_shape=(1, 64, 64), filters=2, norm="layer")
    images, latents = random(2, 1, 64, 64), random(2, 8)
    assert isinstance(critic.layers[-2], nn.Linear) and isinstance(generator.layers[-3], nn.Conv2d)
    torch.testing.assert_close(critic(images), critic.layers[:-1](images).squeeze(1) / 5)
    torch.testing.assert_close(generator(latents), (generator.layers[:-2](latents) / 5).tanh())


def test_64x64_critic_scores_its_last_maps_as_they_are() -> None:
    critic = resnet64.Critic(image_shape=(1, 64, 64), filters=2, norm="layer")
    last_block, flatten, _ = critic.layers[-3:]
    assert isinstance(last_block, Residual) and isinstance(flatten, nn.Flatten)


def test_128x128_critic_scores_the_mean_of_its_last_maps_as_they_are() -> None:
    torch.manual_seed(0)
    critic = resnet128.Critic(image_shape=(1, 128, 128), filters=2, norm="layer")
    images = random(2, 1, 128, 128)
    maps = critic.layers(images)
    assert maps.shape == (2, 16, 8, 8)
    assert (maps < 0).any()
    torch.testing.assert_close(critic(images), critic.score(maps.mean((2, 3))).squeeze(1))
