"""The losses at scores whose loss is known."""

from math import log

import pytest
import torch
from torch import Tensor

from gan_lightning.objectives import Hinge, LeastSquares, NonSaturating, Objective, Relativistic, Wasserstein

LN3 = log(3)  # a logit of ln 3 is a probability of 3/4


def scores(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def unasked() -> Tensor:
    raise AssertionError("the real scores were computed for an objective that does not want them")


def test_wasserstein_critic_loss_is_mean_fake_score_minus_mean_real_score() -> None:
    assert Wasserstein().critic_loss(scores(1, 2, 6), scores(0, -1)).item() == -3.5


def test_wasserstein_generator_loss_is_minus_mean_fake_score() -> None:
    assert Wasserstein().generator_loss(scores(0, -1), unasked).item() == 0.5


def test_wasserstein_estimate_is_minus_the_critic_loss() -> None:
    measures = Wasserstein().measures(scores(1, 2, 6), scores(0, -1))
    assert {name: value.item() for name, value in measures.items()} == {"wasserstein_estimate": 3.5}


@pytest.mark.parametrize("objective", [NonSaturating(), LeastSquares()])
def test_other_objectives_estimate_no_distance(objective: Objective) -> None:
    assert objective.measures(scores(1), scores(0)) == {}


@pytest.mark.parametrize(
    ("real", "fake", "loss"),
    [
        (0.0, 0.0, log(2)),
        (LN3, -LN3, log(4 / 3)),
        (LN3, LN3, (log(4 / 3) + log(4)) / 2),
        (-LN3, LN3, log(4)),
    ],
)
def test_standard_critic_loss_is_half_the_two_cross_entropies(real: float, fake: float, loss: float) -> None:
    torch.testing.assert_close(NonSaturating().critic_loss(scores(real), scores(fake)).item(), loss)


@pytest.mark.parametrize(("fake", "loss"), [(0.0, log(2)), (LN3, log(4 / 3)), (-LN3, log(4))])
def test_non_saturating_generator_loss_is_the_cross_entropy_with_real(fake: float, loss: float) -> None:
    torch.testing.assert_close(NonSaturating().generator_loss(scores(fake), unasked).item(), loss)


def test_standard_losses_neither_overflow_nor_lose_their_gradient_at_extreme_scores() -> None:
    real, fake, generated = scores(-1000), scores(1000), scores(-1000)
    critic_loss = NonSaturating().critic_loss(real, fake)
    generator_loss = NonSaturating().generator_loss(generated, unasked)
    (critic_loss + generator_loss).backward()
    assert (critic_loss.item(), generator_loss.item()) == (1000, 1000)
    assert [x.grad.item() for x in (real, fake, generated) if x.grad is not None] == [-0.5, 0.5, -1]


def test_standard_loss_is_the_mean_over_the_batch() -> None:
    loss = NonSaturating().critic_loss(scores(LN3, 0), scores(0, 0, 0))
    torch.testing.assert_close(loss.item(), ((log(4 / 3) + log(2)) / 2 + log(2)) / 2)


@pytest.mark.parametrize(("real", "fake", "loss"), [((1,), (0,), 0), ((0,), (1,), 1), ((1, 3), (0, 2), 2)])
def test_least_squares_critic_loss_is_half_the_squared_distances_from_one_and_zero(
    real: tuple[float, ...], fake: tuple[float, ...], loss: float
) -> None:
    assert LeastSquares().critic_loss(scores(*real), scores(*fake)).item() == loss


def test_least_squares_generator_loss_is_the_whole_squared_distance_from_one() -> None:
    assert LeastSquares().generator_loss(scores(0, 3), unasked).item() == 2.5


@pytest.mark.parametrize(
    ("real", "fake", "loss"),
    [((1,), (-1,), 0), ((3,), (-2,), 0), ((0,), (0,), 2), ((0.5, -1), (0, -3), 1.25 + 0.5), ((-1,), (2,), 5)],
)
def test_hinge_critic_loss_is_what_scores_lack_of_a_margin_of_one(
    real: tuple[float, ...], fake: tuple[float, ...], loss: float
) -> None:
    assert Hinge().critic_loss(scores(*real), scores(*fake)).item() == loss


def test_hinge_generator_loss_is_minus_the_mean_score_beyond_the_margin_too() -> None:
    assert Hinge().generator_loss(scores(-3, 5), unasked).item() == -1


@pytest.mark.parametrize(
    ("real", "fake", "critic", "generator"),
    [
        ((0.0,), (0.0,), log(2), log(2)),
        ((5 + LN3,), (5.0,), log(4 / 3), log(4)),
        ((LN3, 0.0), (0.0, LN3), (log(4 / 3) + log(4)) / 2, (log(4) + log(4 / 3)) / 2),
    ],
)
def test_relativistic_losses_are_those_of_the_paired_differences(
    real: tuple[float, ...], fake: tuple[float, ...], critic: float, generator: float
) -> None:
    losses = (
        Relativistic().critic_loss(scores(*real), scores(*fake)),
        Relativistic().generator_loss(scores(*fake), lambda: scores(*real)),
    )
    torch.testing.assert_close([loss.item() for loss in losses], [critic, generator])


@pytest.mark.parametrize("objective", [Wasserstein(), NonSaturating(), LeastSquares(), Hinge()])
def test_critic_wants_high_real_scores_and_the_generator_high_fake_ones(objective: Objective) -> None:
    real, fake, generated = scores(0.5), scores(0.5), scores(0.5)
    objective.critic_loss(real, fake).backward()
    objective.generator_loss(generated, unasked).backward()
    assert real.grad is not None and real.grad.item() < 0
    assert fake.grad is not None and fake.grad.item() > 0
    assert generated.grad is not None and generated.grad.item() < 0
