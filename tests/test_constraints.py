"""What is done to a critic: refused, penalised, projected."""

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.constraints import (
    Constraint,
    GradientPenalty,
    NoConstraint,
    OneSidedGradientPenalty,
    WeightClipping,
)
from gan_lightning.networks.layers import make_norm

EPSILON = torch.tensor([0.0, 0.5, 0.9])
EVERY = [NoConstraint(), GradientPenalty(10.0), OneSidedGradientPenalty(10.0), WeightClipping(0.01)]


def linear_critic(slope: float) -> nn.Sequential:
    layer = nn.Linear(2, 1)
    layer.weight.data = torch.tensor([[0.6, 0.8]]) * slope
    return nn.Sequential(layer, nn.Flatten(0))


def critic_with(norm: str) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), make_norm(norm, 4), nn.ReLU(), nn.Flatten(), nn.Linear(16, 1))


@pytest.mark.parametrize(
    ("constraint", "slope", "term"),
    [
        (GradientPenalty(10.0), 3.0, 40.0),
        (GradientPenalty(10.0), 0.5, 2.5),
        (GradientPenalty(0.1), 3.0, 0.4),
        (OneSidedGradientPenalty(10.0), 3.0, 40.0),
        (OneSidedGradientPenalty(10.0), 0.5, 0.0),
    ],
)
def test_penalty_is_weighted_and_comes_with_its_gradient_norms(
    constraint: Constraint, slope: float, term: float
) -> None:
    penalty = constraint.penalty(linear_critic(slope), torch.randn(3, 2), torch.randn(3, 2), epsilon=EPSILON)
    assert penalty is not None
    torch.testing.assert_close(penalty[0].item(), term, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(penalty[1].detach(), torch.full((3,), slope))


def test_penalty_is_taken_between_the_pairs() -> None:
    seen: list[Tensor] = []

    def critic(points: Tensor) -> Tensor:
        seen.append(points.detach().clone())
        return points.sum(1)

    GradientPenalty(10.0).penalty(critic, torch.ones(3, 2), torch.zeros(3, 2), epsilon=EPSILON)
    assert torch.equal(seen[0], EPSILON.view(3, 1).expand(3, 2))


@pytest.mark.parametrize("constraint", [NoConstraint(), WeightClipping(0.01)])
def test_constraint_without_penalty_adds_nothing(constraint: Constraint) -> None:
    assert constraint.penalty(linear_critic(3.0), torch.ones(3, 2), torch.zeros(3, 2), epsilon=EPSILON) is None


def test_clipping_bounds_every_parameter_norm_scales_and_biases_included() -> None:
    critic = critic_with("batch")
    for parameter in critic.parameters():
        parameter.data[0] = -7.0
    WeightClipping(0.01).project(critic)
    largest = torch.stack([p.detach().abs().max() for p in critic.parameters()])
    torch.testing.assert_close(largest, torch.full_like(largest, 0.01))
    assert all(p.requires_grad for p in critic.parameters())


def test_clipping_leaves_what_is_within_the_bound() -> None:
    critic = linear_critic(1.0)
    WeightClipping(0.7).project(critic)
    weight = next(critic.parameters())
    torch.testing.assert_close(weight.detach(), torch.tensor([[0.6, 0.7]]))


@pytest.mark.parametrize("constraint", EVERY[:3])
def test_constraint_without_projection_leaves_the_critic_as_it_is(constraint: Constraint) -> None:
    critic = critic_with("layer")
    before = [p.clone() for p in critic.parameters()]
    constraint.project(critic)
    assert all(torch.equal(old, new) for old, new in zip(before, critic.parameters(), strict=True))


@pytest.mark.parametrize("constraint", [GradientPenalty(10.0), OneSidedGradientPenalty(10.0)])
def test_gradient_penalty_refuses_batch_norm_with_the_papers_reason(constraint: Constraint) -> None:
    with pytest.raises(ValueError, match=r"norm=batch .* each input independently.*section 4.*allowed: layer, none"):
        constraint.prepare(critic_with("batch"))


@pytest.mark.parametrize("constraint", EVERY)
@pytest.mark.parametrize("norm", ["layer", "none"])
def test_every_constraint_takes_critics_without_batch_norm(constraint: Constraint, norm: str) -> None:
    constraint.prepare(critic_with(norm))


@pytest.mark.parametrize("constraint", [NoConstraint(), WeightClipping(0.01)])
def test_constraint_without_penalty_takes_batch_norm(constraint: Constraint) -> None:
    constraint.prepare(critic_with("batch"))


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
@pytest.mark.parametrize("kind", [GradientPenalty, OneSidedGradientPenalty])
def test_negative_penalty_weight_is_refused(kind: type[GradientPenalty], weight: float) -> None:
    with pytest.raises(ValueError, match=r"constraint\.weight=.* must not be negative"):
        kind(weight)


@pytest.mark.parametrize("bound", [0.0, -0.01, float("nan")])
def test_clipping_bound_that_is_not_positive_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match=r"constraint\.bound=.* must be positive"):
        WeightClipping(bound)
