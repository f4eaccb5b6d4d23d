"""What is done to a critic: refused, penalised, projected."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.constraints import (
    Constraint,
    GradientPenalty,
    NoConstraint,
    NormClipping,
    Penalty,
    Size,
    SpectralNorm,
    WeightClipping,
    WeightDecay,
    WeightNorm,
)
from gan_lightning.networks.norms import make_norm
from gan_lightning.penalties import (
    interpolates,
    l1,
    l2,
    one_sided,
    real_and_fake_points,
    real_points,
    squared_norm,
    two_sided,
)

EPSILON = torch.tensor([0.0, 0.5, 0.9])


def wgan_gp(weight: float) -> GradientPenalty:
    return GradientPenalty(weight, points=interpolates, distance=two_sided)


def one_sided_penalty(weight: float) -> GradientPenalty:
    return GradientPenalty(weight, points=interpolates, distance=one_sided)


def r1(weight: float) -> GradientPenalty:
    return GradientPenalty(weight, points=real_points, distance=squared_norm)


def r1_r2(weight: float) -> GradientPenalty:
    return GradientPenalty(weight, points=real_and_fake_points, distance=squared_norm)


PENALTIES = [wgan_gp(10.0), one_sided_penalty(10.0), r1(5.0), r1_r2(0.5)]
OTHERS = [NoConstraint(), WeightClipping(0.01), SpectralNorm(1), WeightNorm(), NormClipping(1.0)]


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
        (wgan_gp(10.0), 3.0, 40.0),
        (wgan_gp(10.0), 0.5, 2.5),
        (wgan_gp(0.1), 3.0, 0.4),
        (one_sided_penalty(10.0), 3.0, 40.0),
        (one_sided_penalty(10.0), 0.5, 0.0),
        (r1(5.0), 3.0, 45.0),
        (r1_r2(0.5), 3.0, 9.0),  # γ/2 of each of the two sets
    ],
)
def test_penalty_of_a_linear_critic_is_weighted_and_named(constraint: Constraint, slope: float, term: float) -> None:
    penalty = constraint.penalty(linear_critic(slope), torch.randn(3, 2), torch.randn(3, 2), epsilon=EPSILON)
    assert penalty is not None
    torch.testing.assert_close(penalty[0].item(), term, atol=1e-5, rtol=1e-5)
    measures = {name: value.item() for name, value in penalty[1].items()}
    assert measures == pytest.approx({"gradient_penalty": term, "gradient_norm": slope}, abs=1e-5)
    assert not any(value.requires_grad for value in penalty[1].values())


@pytest.mark.parametrize(
    ("constraint", "places"),
    [(wgan_gp(10.0), [EPSILON]), (r1(5.0), [torch.ones(3)]), (r1_r2(0.5), [torch.ones(3), torch.zeros(3)])],
)
def test_penalty_is_taken_at_its_points(constraint: Constraint, places: list[Tensor]) -> None:
    seen: list[Tensor] = []

    def critic(points: Tensor) -> Tensor:
        seen.append(points.detach().clone())
        return points.sum(1)

    constraint.penalty(critic, torch.ones(3, 2), torch.zeros(3, 2), epsilon=EPSILON)
    assert len(seen) == len(places)
    assert all(torch.equal(points, place.view(3, 1).expand(3, 2)) for points, place in zip(seen, places, strict=True))


@pytest.mark.parametrize("constraint", OTHERS)
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


@pytest.mark.parametrize(
    "constraint", [*PENALTIES, NoConstraint(), SpectralNorm(1), WeightNorm(), WeightDecay(0.1, size=l2)]
)
def test_constraint_without_projection_leaves_the_critic_as_it_is(constraint: Constraint) -> None:
    critic = critic_with("layer")
    before = [p.clone() for p in critic.parameters()]
    constraint.project(critic)
    assert all(torch.equal(old, new) for old, new in zip(before, critic.parameters(), strict=True))


@pytest.mark.parametrize("constraint", PENALTIES)
def test_gradient_penalty_refuses_batch_norm_with_the_papers_reason(constraint: Constraint) -> None:
    with pytest.raises(ValueError, match=r"norm=batch .* each input independently.*section 4.*allowed: layer, none"):
        constraint.prepare(critic_with("batch"))


def test_constraint_of_ones_own_refuses_batch_norm_unless_it_says_otherwise() -> None:
    class Own(Constraint):
        def penalty(self, critic: object, real: Tensor, fake: Tensor, *, epsilon: Tensor) -> Penalty:
            return real.sum(), {}

    class Indifferent(Own):
        allows_batch_norm = True

    with pytest.raises(ValueError, match=r"^arch\.critic\.norm=batch does not go with Own: "):
        Own().prepare(critic_with("batch"))
    Indifferent().prepare(critic_with("batch"))


@pytest.mark.parametrize("constraint", [*PENALTIES, *OTHERS])
@pytest.mark.parametrize("norm", ["layer", "none"])
def test_every_constraint_takes_critics_without_batch_norm(constraint: Constraint, norm: str) -> None:
    constraint.prepare(critic_with(norm))


@pytest.mark.parametrize("constraint", OTHERS)
def test_constraint_without_penalty_takes_batch_norm(constraint: Constraint) -> None:
    constraint.prepare(critic_with("batch"))


def test_spectral_norm_gives_a_known_matrix_the_norm_one() -> None:
    layer = nn.Linear(3, 3, bias=False)
    layer.weight.data = torch.diag(torch.tensor([4.0, 2.0, 1.0]))
    SpectralNorm(1).prepare(layer)
    for _ in range(30):
        layer(torch.ones(1, 3))
    torch.testing.assert_close(layer.weight.detach(), torch.diag(torch.tensor([1.0, 0.5, 0.25])))


def test_spectral_norm_of_every_layer_is_one_and_kernels_count_as_matrices() -> None:
    critic, images = critic_with("layer"), torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    SpectralNorm(1).prepare(critic)
    for _ in range(200):
        critic(images)
    matrices = [layer.weight.detach().flatten(1) for layer in critic if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert [matrix.shape for matrix in matrices] == [(4, 9), (1, 16)]
    norms = torch.stack([torch.linalg.matrix_norm(matrix, ord=2) for matrix in matrices])
    torch.testing.assert_close(norms, torch.ones(2), atol=1e-4, rtol=0)


def test_power_iteration_rests_in_evaluation_mode() -> None:
    critic = critic_with("none")
    SpectralNorm(1).prepare(critic)
    critic.eval()
    before = {name: value.clone() for name, value in critic.state_dict().items()}
    critic(torch.randn(2, 1, 4, 4))
    assert all(torch.equal(before[name], value) for name, value in critic.state_dict().items())


def test_weight_norm_gives_every_unit_the_norm_one_whatever_training_does() -> None:
    critic = critic_with("batch")
    directions = [nn.functional.normalize(layer.weight.detach().flatten(1)) for layer in (critic[0], critic[-1])]
    WeightNorm().prepare(critic)
    for layer, direction in zip((critic[0], critic[-1]), directions, strict=True):
        torch.testing.assert_close(layer.weight.detach().flatten(1), direction)
    optimizer = torch.optim.SGD(critic.parameters(), lr=10.0)
    critic(torch.randn(8, 1, 4, 4)).sum().backward()
    optimizer.step()
    for layer, direction in zip((critic[0], critic[-1]), directions, strict=True):
        norms = layer.weight.detach().flatten(1).norm(dim=1)
        torch.testing.assert_close(norms, torch.ones_like(norms))
        assert not torch.allclose(layer.weight.detach().flatten(1), direction)


@pytest.mark.parametrize(("bound", "norm"), [(2.0, 2.0), (5.0, 3.0)])
def test_norm_clipping_scales_a_layer_back_to_its_bound_and_leaves_biases(bound: float, norm: float) -> None:
    critic = linear_critic(3.0)
    bias = critic[0].bias.detach().clone()
    NormClipping(bound).project(critic)
    torch.testing.assert_close(critic[0].weight.detach(), torch.tensor([[0.6, 0.8]]) * norm)
    assert torch.equal(critic[0].bias, bias)


def test_norm_clipping_takes_weights_that_are_zero() -> None:
    critic = linear_critic(0.0)
    NormClipping(1.0).project(critic)
    assert not critic[0].weight.any()


@pytest.mark.parametrize(("size", "term"), [(l1, 0.5 * 4.2), (l2, 0.5 * 9.0)])
def test_weight_decay_adds_the_size_of_weights_and_not_of_biases(size: Size, term: float) -> None:
    critic, constraint = linear_critic(3.0), WeightDecay(0.5, size=size)
    constraint.prepare(critic)
    penalty = constraint.penalty(critic, torch.ones(3, 2), torch.zeros(3, 2), epsilon=EPSILON)
    assert penalty[0].item() == pytest.approx(term)
    assert {name: value.item() for name, value in penalty[1].items()} == {"weight_penalty": pytest.approx(term)}
    penalty[0].backward()
    assert critic[0].weight.grad is not None and critic[0].bias.grad is None


def test_negative_weight_decay_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^weight=-1\.0 is not possible: a number of at least 0 is needed$"):
        WeightDecay(-1.0, size=l1)


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_negative_penalty_weight_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match=r"^weight=.* is not possible: a number of at least 0 is needed$"):
        wgan_gp(weight)


def test_no_power_iteration_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^iterations=0 is not possible: a whole number of at least 1 is needed"):
        SpectralNorm(0)


@pytest.mark.parametrize("clipping", [WeightClipping, NormClipping])
@pytest.mark.parametrize("bound", [0.0, -0.01, float("nan")])
def test_clipping_bound_that_is_not_positive_is_refused(clipping: Callable[[float], object], bound: float) -> None:
    with pytest.raises(ValueError, match=r"^bound=.* is not possible: a positive number is needed$"):
        clipping(bound)
