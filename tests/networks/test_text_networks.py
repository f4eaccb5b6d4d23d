"""The networks of texts: distributions over symbols, place by place."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from gan_lightning.networks.text import Critic, Generator

LENGTH, VOCABULARY = 8, 11


def generator() -> Generator:
    torch.manual_seed(0)
    return Generator(latent_dim=4, length=LENGTH, vocabulary=VOCABULARY, width=16)


def critic() -> Critic:
    torch.manual_seed(0)
    return Critic(length=LENGTH, vocabulary=VOCABULARY, width=16)


def texts(count: int) -> Tensor:
    symbols = torch.randint(VOCABULARY, (count, LENGTH), generator=torch.Generator().manual_seed(1))
    return one_hot(symbols, VOCABULARY).float()


def test_generated_texts_are_distributions_over_the_symbols_at_every_place() -> None:
    made = generator()(torch.randn(3, 4, generator=torch.Generator().manual_seed(1)))
    assert made.shape == (3, LENGTH, VOCABULARY)
    assert (made > 0).all()
    torch.testing.assert_close(made.sum(2), torch.ones(3, LENGTH))
    assert made.std(1).max() > 0.01


def test_real_and_generated_texts_have_one_score_each() -> None:
    assert critic()(texts(3)).shape == (3,)
    assert critic()(generator()(torch.ones(3, 4))).shape == (3,)


def test_score_depends_on_the_order_of_symbols() -> None:
    batch = texts(3)
    assert not torch.allclose(critic()(batch), critic()(batch.flip(1)))


def test_gradient_at_one_text_ignores_the_others() -> None:
    batch = texts(3).requires_grad_()
    (gradient,) = torch.autograd.grad(critic()(batch)[1], batch)
    assert gradient[1].any()
    assert not gradient[[0, 2]].any()


def test_generated_texts_do_not_depend_on_each_other() -> None:
    latents = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(generator()(latents)[:2], generator()(latents[:2]))


def test_critic_reads_symbols_and_not_places_as_channels() -> None:
    assert critic().layers[0].get_parameter("weight").shape == (16, VOCABULARY, 1)
