"""CIFAR-10's residual networks: how labels reach them, where they upsample, what the critic returns."""

from typing import Any

import pytest
import torch
from hooks import inputs_of
from torch import Tensor, nn

from gan_lightning.networks.cifar_resnet import Critic, Generator, first_down_block
from gan_lightning.networks.norms import BatchNorm, ConditionalBatchNorm

SHAPE = (3, 32, 32)
LATENTS = torch.randn(6, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def generator(**changes: Any) -> Generator:
    torch.manual_seed(0)
    return Generator(**{"latent_dim": 8, "image_shape": SHAPE, "filters": 4, "classes": 3} | changes)


def conditional_norms(network: nn.Module) -> list[ConditionalBatchNorm]:
    return [layer for layer in network.modules() if isinstance(layer, ConditionalBatchNorm)]


def test_labels_make_no_difference_before_training() -> None:
    network = generator()
    assert torch.equal(network(LATENTS, LABELS), network(LATENTS, LABELS.flip(0)))


@pytest.mark.parametrize("table", ["scale", "offset"])
@pytest.mark.parametrize("norm", range(6))
def test_labels_reach_the_generator_through_every_conditional_batch_norm(norm: int, table: str) -> None:
    network = generator()
    nn.init.uniform_(conditional_norms(network)[norm].get_parameter(table))
    assert not torch.equal(network(LATENTS, LABELS), network(LATENTS, LABELS.flip(0)))


def test_labels_reach_the_generator_in_no_other_way() -> None:
    network = generator()
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    for norm in conditional_norms(network):
        for table in (norm.scale, norm.offset):
            table.data.copy_(table.data[0].expand_as(table))
    assert torch.equal(network(LATENTS, LABELS), network(LATENTS, LABELS.flip(0)))


def test_last_batch_norm_is_never_conditional() -> None:
    plain = [layer for layer in generator().layers if isinstance(layer, BatchNorm)]
    assert len(plain) == 1 and plain[0].affine
    assert len(conditional_norms(generator())) == 6
    assert not conditional_norms(generator(classes=None))


def test_conditional_generator_needs_labels() -> None:
    with pytest.raises(ValueError, match=r"^labels are needed: this network is conditional$"):
        generator()(LATENTS)


@pytest.mark.parametrize("classes", [None, 3])
def test_halves_of_a_training_batch_do_not_see_each_other(classes: int | None) -> None:
    halved, whole = generator(classes=classes, bn_chunks=2), generator(classes=classes)
    apart = torch.cat([whole(LATENTS[:3], LABELS[:3]), whole(LATENTS[3:], LABELS[3:])])
    torch.testing.assert_close(halved(LATENTS, LABELS), apart)
    torch.testing.assert_close(halved.eval()(LATENTS, LABELS), whole(LATENTS, LABELS))


@pytest.mark.parametrize(("upsampled_conv", "sizes"), [(1, [8, 8]), (2, [4, 8])])
def test_upsampling_precedes_the_convolution_asked_for(upsampled_conv: int, sizes: list[int]) -> None:
    network = generator(upsampled_conv=upsampled_conv)
    first_block = network.get_submodule("layers.2.branch")
    seen = [inputs_of(layer) for layer in first_block.modules() if isinstance(layer, nn.Conv2d)]
    network(LATENTS, LABELS)
    assert [given[0].shape[2] for given in seen] == sizes


def test_other_places_of_upsampling_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^upsampled_conv=3 is not possible: 1 or 2 is needed$"):
        generator(upsampled_conv=3)


def test_critic_has_class_scores_where_there_are_classes() -> None:
    images = torch.rand(2, *SHAPE)
    scores, class_scores = Critic(image_shape=SHAPE, filters=4, classes=10)(images)
    assert (scores.shape, class_scores.shape) == ((2,), (2, 10))
    assert isinstance(Critic(image_shape=SHAPE, filters=4)(images), Tensor)


def test_critics_first_block_sees_dark_pixels() -> None:
    torch.manual_seed(0)
    block, images = first_down_block(3, 4), -torch.rand(2, *SHAPE)
    assert block.branch(images).var() > 1e-4


def test_critic_scores_the_mean_of_what_is_active_in_its_last_maps() -> None:
    torch.manual_seed(0)
    critic = Critic(image_shape=SHAPE, filters=4)
    seen = inputs_of(critic.score)
    critic(torch.rand(2, *SHAPE))
    assert seen[0].shape == (2, 4)
    assert (seen[0] >= 0).all()
