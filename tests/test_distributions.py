"""Distributions of the plane against the geometry of the released code."""

from collections.abc import Callable
from functools import partial
from math import pi

import pytest
import torch
from sklearn.datasets import make_swiss_roll
from torch import Tensor

from gan_lightning.distributions import LATENTS, Distribution, eight_gaussians, ring, swiss_roll, twenty_five_gaussians
from gan_lightning.metrics.wasserstein import wasserstein_distance

ALL: list[Distribution] = [eight_gaussians, twenty_five_gaussians, swiss_roll, partial(ring, radius=1.0)]


def latents(count: int) -> Tensor:
    return torch.randn(count, LATENTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def without_noise(count: int) -> Tensor:
    return latents(count) * torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)


def cells(points: Tensor) -> tuple[Tensor, Tensor]:
    """The different points among many, and how often each comes."""
    return torch.unique(points.mul(1e9).round().div(1e9) + 0.0, dim=0, return_counts=True)


def noise(distribution: Distribution) -> Tensor:
    return distribution(latents(20_000)) - distribution(without_noise(20_000))


def test_eight_gaussians_lie_on_a_circle_in_steps_of_45_degrees_equally_often() -> None:
    centres, counts = cells(eight_gaussians(without_noise(8000)))
    assert counts.tolist() == pytest.approx([1000] * 8, rel=0.15)
    torch.testing.assert_close(centres.norm(dim=1), torch.full((8,), 1.41443, dtype=torch.float64), atol=1e-5, rtol=0)
    degrees = torch.atan2(centres[:, 1], centres[:, 0]).rad2deg().round() % 360
    assert sorted(degrees.tolist()) == [0, 45, 90, 135, 180, 225, 270, 315]


def test_twenty_five_gaussians_lie_on_a_square_grid_equally_often() -> None:
    centres, counts = cells(twenty_five_gaussians(without_noise(25_000)))
    assert counts.tolist() == pytest.approx([1000] * 25, rel=0.15)
    lines = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0], dtype=torch.float64) * 0.707214
    torch.testing.assert_close(centres, torch.cartesian_prod(lines, lines), atol=1e-6, rtol=0)
    assert centres.max().item() == pytest.approx(1.414427, abs=1e-6)


def test_swiss_roll_is_scikit_learns() -> None:
    points, angle = make_swiss_roll(1000, noise=0.0, random_state=0)
    uniform = torch.tensor((angle / (1.5 * pi) - 1) / 2)
    latent = torch.stack([torch.special.ndtri(uniform), *torch.zeros(2, 1000, dtype=torch.float64)], dim=1)
    torch.testing.assert_close(swiss_roll(latent), torch.tensor(points[:, [0, 2]] / 7.5))


def test_swiss_rolls_angle_is_uniform_and_its_radius_in_the_published_range() -> None:
    radius = swiss_roll(without_noise(20_000)).norm(dim=1)
    assert (radius.min().item(), radius.max().item()) == pytest.approx((0.6283, 1.8850), abs=1e-3)
    assert radius.mean().item() == pytest.approx((0.6283 + 1.8850) / 2, abs=0.01)


@pytest.mark.parametrize(
    ("distribution", "std"), [(eight_gaussians, 0.0141443), (twenty_five_gaussians, 0.0176803), (swiss_roll, 0.0333333)]
)
def test_noise_is_gaussian_of_the_published_size_and_the_same_in_all_directions(
    distribution: Distribution, std: float
) -> None:
    covariance = noise(distribution).T.cov()
    torch.testing.assert_close(covariance, std**2 * torch.eye(2, dtype=torch.float64), atol=0.03 * std**2, rtol=0)
    assert noise(distribution).mean(0).abs().max() < 0.03 * std


@pytest.mark.parametrize("distribution", ALL)
@pytest.mark.parametrize("number", [-40.0, 40.0])
def test_no_latent_is_too_far_out(distribution: Callable[[Tensor], Tensor], number: float) -> None:
    points = distribution(torch.tensor([[number, 0.0, 0.0]]))
    assert points.dtype == torch.float32
    assert points.norm() < 2.01


@pytest.mark.parametrize("distribution", ALL)
def test_numbers_beyond_the_third_are_not_looked_at(distribution: Distribution) -> None:
    more = torch.cat([latents(5), torch.ones(5, 2, dtype=torch.float64)], dim=1)
    assert torch.equal(distribution(more), distribution(latents(5)))


def test_two_rings_of_the_same_latents_are_coupled_optimally_along_their_rays() -> None:
    inner, outer = ring(latents(200), radius=1.2), ring(latents(200), radius=1.5)
    torch.testing.assert_close(outer / inner, torch.full_like(inner, 1.25))
    assert wasserstein_distance(inner.numpy(), outer.numpy()) == pytest.approx(0.3, abs=1e-9)
