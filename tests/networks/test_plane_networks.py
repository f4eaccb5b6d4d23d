"""Networks of the plane: sizes, initial weights, and the generator that never learns."""

from collections.abc import Callable
from functools import partial
from math import sqrt

import lightning as L
import pytest
import torch
from omegaconf import DictConfig
from torch import nn

from gan_lightning.distributions import ring, swiss_roll
from gan_lightning.networks.plane import Critic, FixedGenerator, Generator
from gan_lightning.runs.build import build_module
from gan_lightning.runs.settings import resolve

Compose = Callable[..., DictConfig]
ROLL = ("data=swiss_roll", "method=wgan_gp_05")


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def fixed(**changes) -> FixedGenerator:
    return FixedGenerator(**{"latent_dim": 5, "distribution": swiss_roll, "noise": 1.0} | changes)


def latents(number: int) -> torch.Tensor:
    return torch.randn(number, 5, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("overrides", "generator", "critic"),
    [
        (["arch=toy"], 527_874, 527_361),
        (["arch=toy_deep"], 2_891_778, 2_891_265),
        (["arch=toy_deep", "arch.hidden_layers=11"], 2_629_122, 2_628_609),
        (["arch=toy_fixed"], 0, 527_361),
        ([], 527_874, 527_361),
    ],
)
def test_networks_have_as_many_parameters_as_the_original_ones(
    compose_config: Compose, overrides: list[str], generator: int, critic: int
) -> None:
    module = build_module(resolve(compose_config(*ROLL, *overrides)))
    assert (count(module.generator), count(module.critic)) == (generator, critic)


@pytest.mark.parametrize(
    ("network", "bounds"),
    [
        (lambda: Generator(latent_dim=2, dim=2, width=512, hidden_layers=3), [1.732051, 0.108253, 0.108253, 0.108042]),
        (lambda: Critic(dim=2, width=512, hidden_layers=3), [1.732051, 0.108253, 0.108253, 0.108148]),
    ],
)
def test_weights_start_within_the_released_codes_bounds_and_biases_at_zero(
    network: Callable[[], nn.Module], bounds: list[float]
) -> None:
    torch.manual_seed(0)
    layers = [layer for layer in network().modules() if isinstance(layer, nn.Linear)]
    for layer, bound in zip(layers, bounds, strict=True):
        assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.005)
        assert layer.weight.std().item() == pytest.approx(bound / sqrt(3), rel=0.07)
        assert not layer.bias.any()


def test_only_hidden_layers_are_bent() -> None:
    kinds = [type(layer).__name__ for layer in Critic(dim=2, width=4, hidden_layers=2).layers]
    assert kinds == ["HeLinear", "ReLU", "HeLinear", "ReLU", "Linear"]


def test_critic_scores_each_point() -> None:
    assert Critic(dim=2, width=4, hidden_layers=1)(torch.zeros(7, 2)).shape == (7,)


@pytest.mark.parametrize("width", [0, 2.5])
def test_network_without_units_is_refused(width: int) -> None:
    with pytest.raises(ValueError, match=f"^width={width} is not possible: a whole number of at least 1 is needed"):
        Critic(dim=2, width=width, hidden_layers=1)


def test_network_without_hidden_layers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^hidden_layers=0 is not possible: a whole number of at least 1 is needed"):
        Critic(dim=2, width=4, hidden_layers=0)


def test_fixed_generator_draws_its_distribution_plus_independent_unit_noise() -> None:
    with torch.no_grad():
        points, real = fixed()(latents(50_000)), swiss_roll(latents(50_000))
    torch.testing.assert_close(points.T.cov(), real.T.cov() + torch.eye(2), atol=0.03, rtol=0)
    both = torch.cat([real, points - real], dim=1).T.corrcoef()
    assert both[:2, 2:].abs().max() < 0.02


def test_fixed_generator_without_noise_draws_its_distribution() -> None:
    made = fixed(distribution=partial(ring, radius=1.5), noise=0.0)(latents(10))
    torch.testing.assert_close(made.detach(), ring(latents(10), radius=1.5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_dim": 4}, "^latent_dim=4 is not possible: a fixed generator needs 5$"),
        ({"noise": -1.0}, "^noise=-1.0 is not possible"),
    ],
)
def test_fixed_generator_refuses_what_it_cannot_use(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fixed(**changes)


@pytest.mark.parametrize("method", ["wgan_gp_05", "wgan_clip", "dcgan"])
def test_critic_learns_beside_a_fixed_generator_and_iterations_are_counted(
    compose_config: Compose, fit: Callable[..., L.Trainer], method: str
) -> None:
    overrides = ("arch=toy_fixed", "arch.critic.width=8", "n_critic=2", f"method={method}")
    module = build_module(resolve(compose_config("data=swiss_roll", *overrides)))
    before = [parameter.clone() for parameter in module.critic.parameters()]
    trainer = fit(module, (swiss_roll(latents(8)).expand(2, 8, 2), None), steps=3)
    assert trainer.global_step == 3
    assert not all(torch.equal(*pair) for pair in zip(before, module.critic.parameters(), strict=True))


def test_fixed_generator_draws_the_distribution_of_the_data(compose_config: Compose) -> None:
    settings = resolve(compose_config("data=eight_gaussians", "arch=toy_fixed"))
    assert settings["arch"]["generator"]["distribution"] == settings["data"]["distribution"]
    assert settings["arch"]["generator"]["distribution"]["_target_"].endswith("eight_gaussians")
