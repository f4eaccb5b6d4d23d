"""Gradient norms and penalties against closed forms, in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.penalties import (
    fake_points,
    gradient_norm,
    interpolates,
    one_sided,
    real_and_fake_points,
    real_points,
    squared_norm,
    two_sided,
)

B = 5
Critic = Callable[[Tensor], Tensor]


@pytest.fixture
def points() -> Tensor:
    return torch.randn(B, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def weight() -> Tensor:
    return torch.randn(48, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(2)
    layers = [nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1), nn.Flatten(0)]
    return nn.Sequential(*layers).double()


def linear(weight: Tensor) -> Critic:
    return lambda x: x.flatten(1) @ weight + 3


def test_linear_critic_has_its_slope_as_gradient_norm_at_every_point(points: Tensor, weight: Tensor) -> None:
    norm = gradient_norm(linear(weight), points)
    torch.testing.assert_close(norm, weight.norm().expand(B))


def test_gradient_norm_of_text_is_over_places_and_symbols() -> None:
    text = torch.randn(B, 8, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    weight = torch.randn(8 * 11, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(gradient_norm(linear(weight), text), weight.norm().expand(B))


def test_gradient_norm_of_half_the_squared_norm_is_each_samples_own_norm(points: Tensor) -> None:
    norm = gradient_norm(lambda x: x.flatten(1).square().sum(1) / 2, points)
    torch.testing.assert_close(norm, points.flatten(1).norm(dim=1))


@pytest.mark.parametrize("slope", [0.25, 1.0, 3.0])
def test_penalties_of_a_linear_critic_are_the_squared_distance_of_its_slope_from_one(
    points: Tensor, weight: Tensor, slope: float
) -> None:
    norm = gradient_norm(linear(slope * weight / weight.norm()), points)
    torch.testing.assert_close(two_sided(norm).item(), (slope - 1) ** 2)
    torch.testing.assert_close(two_sided(norm, lipschitz=0.5).item(), (slope - 0.5) ** 2)
    torch.testing.assert_close(one_sided(norm).item(), max(0.0, slope - 1) ** 2)
    torch.testing.assert_close(squared_norm(norm).item(), slope**2)


def test_penalties_are_means_over_samples() -> None:
    norm = torch.tensor([0.0, 3.0, 1.0, 1.0])
    assert (two_sided(norm).item(), one_sided(norm).item(), squared_norm(norm).item()) == (1.25, 1.0, 2.75)


def test_zero_critic_has_penalty_one_and_finite_gradients(points: Tensor) -> None:
    weight = torch.zeros(48, dtype=torch.float64, requires_grad=True)
    penalty = two_sided(gradient_norm(linear(weight), points))
    penalty.backward()
    assert penalty.item() == 1
    assert weight.grad is not None and weight.grad.isfinite().all()


def test_gradient_norm_agrees_with_autograd_in_value_and_in_the_critics_gradients(
    points: Tensor, network: nn.Module
) -> None:
    leaf = points.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(leaf).sum(), leaf, create_graph=True)
    theirs = gradient.square().sum((1, 2, 3)).sqrt()
    ours = gradient_norm(network, points)
    torch.testing.assert_close(ours, theirs)

    parameters = list(network.parameters())
    our_slopes, their_slopes = (
        torch.autograd.grad(two_sided(norm), parameters, allow_unused=True, materialize_grads=True)
        for norm in (ours, theirs)
    )
    assert our_slopes[0].abs().sum() > 0
    torch.testing.assert_close(our_slopes, their_slopes)


def test_points_get_no_gradient_from_the_penalty(points: Tensor, network: nn.Module) -> None:
    points.requires_grad_()
    two_sided(gradient_norm(network, points)).backward()
    assert points.grad is None


def test_gradient_norm_is_the_same_where_gradients_are_switched_off(points: Tensor, network: nn.Module) -> None:
    with torch.no_grad():
        norm = gradient_norm(network, points)
    assert not norm.requires_grad
    assert torch.equal(norm, gradient_norm(network, points))


@pytest.mark.parametrize("shape", [(B, 1), (1,), ()])
def test_critic_that_does_not_return_one_score_per_sample_is_refused(points: Tensor, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must return scores of shape \(5,\), got \("):
        gradient_norm(lambda x: x.sum() * torch.ones(shape, dtype=torch.float64), points)


def test_one_epsilon_mixes_all_pixels_of_a_sample_and_differs_between_samples() -> None:
    epsilon = torch.rand(B, generator=torch.Generator().manual_seed(3))
    (mixed,) = interpolates(torch.zeros(B, 3, 4, 4), torch.ones(B, 3, 4, 4), epsilon)
    torch.testing.assert_close(mixed, (1 - epsilon).view(B, 1, 1, 1).expand(B, 3, 4, 4))
    assert mixed.flatten(1)[:, 0].unique().numel() == B


@pytest.mark.parametrize("shape", [(B, 2), (B, 3, 4, 4)])
def test_epsilon_one_is_the_real_end_and_epsilon_zero_the_fake_end(shape: tuple[int, ...]) -> None:
    real, fake = torch.randn(2, *shape, generator=torch.Generator().manual_seed(4))
    assert torch.equal(interpolates(real, fake, torch.ones(B))[0], real)
    assert torch.equal(interpolates(real, fake, torch.zeros(B))[0], fake)


def test_other_points_are_the_samples_themselves() -> None:
    real, fake = torch.randn(2, B, 2, generator=torch.Generator().manual_seed(4))
    epsilon = torch.full((B,), 0.5)
    sets = [function(real, fake, epsilon) for function in (real_points, fake_points, real_and_fake_points)]
    for found, expected in zip(sets, [(real,), (fake,), (real, fake)], strict=True):
        assert len(found) == len(expected)
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
