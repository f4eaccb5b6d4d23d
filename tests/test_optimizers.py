"""RMSprop against its scalar formula, and the decay of the rate."""

from copy import deepcopy
from math import sqrt

import pytest
import torch
from torch import Tensor

from gan_lightning.optimizers import LinearDecay, RMSprop

GRADIENTS = [3.0, -0.5, 1e-6, 0.0, 20.0]


def parameter(value: float = 1.0) -> Tensor:
    return torch.tensor([value], dtype=torch.float64, requires_grad=True)


def steps(optimizer: torch.optim.Optimizer, weight: Tensor, gradients: list[float]) -> list[float]:
    path = []
    for gradient in gradients:
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
        path.append(weight.item())
    return path


def test_rmsprop_follows_its_formula_step_by_step() -> None:
    weight = parameter()
    path = steps(RMSprop([weight], 0.01, alpha=0.8, eps=1e-3), weight, GRADIENTS)

    w, mean_square, expected = 1.0, 1.0, []
    for g in GRADIENTS:
        mean_square = 0.8 * mean_square + 0.2 * g * g
        w -= 0.01 * g / sqrt(mean_square + 1e-3)
        expected.append(w)
    assert path == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("gradient", [2.0, 1e-5])
def test_first_rmsprop_step_is_tensorflows(gradient: float) -> None:
    weight = parameter(0.0)
    (moved,) = steps(RMSprop([weight], 5e-5), weight, [gradient])
    assert moved == pytest.approx(-5e-5 * gradient / sqrt(0.9 + 0.1 * gradient**2 + 1e-10), rel=1e-12)


def test_first_step_of_torchs_own_rmsprop_is_thousands_of_times_longer_for_a_tiny_gradient() -> None:
    ours, theirs = parameter(0.0), parameter(0.0)
    (our,) = steps(RMSprop([ours], 5e-5), ours, [1e-5])
    (their,) = steps(torch.optim.RMSprop([theirs], 5e-5, alpha=0.9, eps=1e-10), theirs, [1e-5])
    assert their / our > 1e5


def test_rmsprop_adds_weight_decay_to_the_gradient_of_its_group_alone() -> None:
    decayed, plain, reference = parameter(2.0), parameter(2.0), parameter(2.0)
    optimizer = RMSprop([{"params": [decayed], "weight_decay": 0.5}, {"params": [plain]}], 0.1)
    for weight in (decayed, plain):
        weight.grad = torch.full_like(weight, 3.0)
    optimizer.step()
    (expected,) = steps(RMSprop([reference], 0.1), reference, [3.0 + 0.5 * 2.0])
    assert decayed.item() == expected
    assert plain.item() == pytest.approx(2 - 0.1 * 3 / sqrt(0.9 + 0.9 + 1e-10))
    assert decayed.grad is not None and decayed.grad.item() == 3.0


def test_rmsprop_goes_on_from_its_state_dict_as_if_it_had_not_stopped() -> None:
    weight, resumed = parameter(), parameter()
    optimizer = RMSprop([weight], 0.01)
    steps(optimizer, weight, GRADIENTS[:2])
    with torch.no_grad():
        resumed.copy_(weight)
    fresh = RMSprop([resumed], 0.5)
    fresh.load_state_dict(deepcopy(optimizer.state_dict()))
    assert steps(fresh, resumed, GRADIENTS[2:]) == steps(optimizer, weight, GRADIENTS[2:])


def test_rmsprop_leaves_parameters_without_a_gradient() -> None:
    weight = parameter()
    RMSprop([weight], 0.01).step()
    assert weight.item() == 1.0


def test_rmsprop_returns_the_loss_of_its_closure() -> None:
    weight = parameter()
    optimizer = RMSprop([weight], 0.01)

    def closure() -> float:
        loss = weight.square().sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 1.0
    assert weight.item() < 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", 0.0),
        ("lr", float("nan")),
        ("alpha", 1.0),
        ("alpha", -0.1),
        ("eps", 0.0),
        ("weight_decay", -1e-3),
    ],
)
def test_rmsprop_refuses_arguments_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}={value} is not possible: a (positive )?number "):
        RMSprop([parameter()], **({"lr": 0.01} | {name: value}))


def test_linear_decay_falls_from_one_to_zero() -> None:
    decay = LinearDecay(100_000)
    assert 2e-4 * decay(50_000) == pytest.approx(1e-4)
    assert [decay(step) for step in (0, 25_000, 100_000, 100_001)] == [1, 0.75, 0, 0]


@pytest.mark.parametrize("steps", [0, -1])
def test_linear_decay_refuses_a_length_that_is_not_positive(steps: int) -> None:
    with pytest.raises(ValueError, match=r"^steps=.* is not possible: a whole number of at least 1 is needed"):
        LinearDecay(steps)
