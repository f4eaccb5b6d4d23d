"""What holds for every pair: shapes, ranges, samples apart from each other, labels ignored, one size allowed."""

from functools import partial

import pytest
import torch
from pairs import OF_ANY_SIZE, PAIRS, SIZES, Pair, latents
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

every_pair = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)


def has_batch_norm(network: nn.Module) -> bool:
    return any(isinstance(layer, _BatchNorm) for layer in network.modules())


@every_pair
def test_samples_are_images_in_range_and_have_one_score_each(pair: Pair) -> None:
    samples = pair.generator()(100 * latents(4))
    assert samples.shape == (4, 1, pair.size, pair.size)
    assert -1 <= samples.min() < -0.2
    assert 0.2 < samples.max() <= 1
    assert pair.critic()(samples).shape == (4,)


@every_pair
def test_permuting_a_batch_permutes_its_scores(pair: Pair) -> None:
    critic, images, order = pair.critic().double(), pair.images(3).double(), torch.tensor([2, 0, 1])
    scores = critic(images)
    assert scores.unique().numel() == 3
    torch.testing.assert_close(critic(images[order]), scores[order])


@every_pair
def test_gradient_at_one_sample_ignores_the_others(pair: Pair) -> None:
    images = pair.images(3).requires_grad_()
    (gradient,) = torch.autograd.grad(pair.critic()(images)[1], images)
    assert gradient[1].any()
    assert not gradient[[0, 2]].any()


@every_pair
def test_samples_depend_on_each_other_where_there_is_batch_norm_alone(pair: Pair) -> None:
    generator, drawn = pair.generator().double(), latents(3).double()
    together, apart = generator(drawn)[:2], generator(drawn[:2])
    assert torch.allclose(together, apart) != has_batch_norm(generator)


@every_pair
def test_labels_do_not_change_what_is_unconditional(pair: Pair) -> None:
    labels = torch.tensor([1, 2, 3])
    generator, critic = pair.generator(), pair.critic()
    assert torch.equal(generator(latents(3), labels), generator(latents(3)))
    assert torch.equal(critic(pair.images(3), labels), critic(pair.images(3)))


@every_pair
@pytest.mark.parametrize("other", SIZES)
def test_images_of_another_size_are_refused_with_the_size_allowed(pair: Pair, other: int) -> None:
    makers = {pair.generator: pair.make_generator, pair.critic: pair.make_critic}
    for make in (make for make, made in makers.items() if _class(made) not in OF_ANY_SIZE and other != pair.size):
        with pytest.raises(
            ValueError, match=rf"^data\.resolution={other} does not fit this arch: {pair.size} is needed$"
        ):
            make(other)


def _class(maker: object) -> object:
    return maker.func if isinstance(maker, partial) else maker
