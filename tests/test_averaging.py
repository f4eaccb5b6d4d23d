"""Averages of the generator: decays against their definitions, updates by hand."""

from math import sqrt

import pytest
import torch
from torch import nn

from gan_lightning.averaging import ExponentialAverage, PowerFunctionAverage, power_of_width


def layer(value: float) -> nn.BatchNorm1d:
    network = nn.BatchNorm1d(1)
    for tensor in (network.weight, network.running_mean):
        assert tensor is not None
        tensor.data.fill_(value)
    return network


def test_weight_counts_half_after_the_half_life() -> None:
    average = ExponentialAverage(1000)
    assert average.decay(7, 100) ** 10 == pytest.approx(0.5)


def test_ramp_up_bounds_the_half_life_by_a_share_of_the_samples_so_far() -> None:
    average = ExponentialAverage(1000, ramp_up=0.5)
    assert average.decay(1, 100) == pytest.approx(0.5**2)  # half-life 50
    assert average.decay(10, 100) == pytest.approx(0.5**0.2)  # half-life 500
    assert average.decay(1000, 100) == ExponentialAverage(1000).decay(1000, 100)


@pytest.mark.parametrize(("relative_width", "gamma"), [(0.05, 16.97), (0.1, 6.94)])
def test_power_is_the_papers_for_its_two_widths(relative_width: float, gamma: float) -> None:
    assert power_of_width(relative_width) == pytest.approx(gamma, abs=0.005)


@pytest.mark.parametrize("relative_width", [0.01, 0.05, 0.2, 0.28])
def test_power_has_the_width_it_was_made_for(relative_width: float) -> None:
    gamma = power_of_width(relative_width)
    assert sqrt((gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3))) == pytest.approx(relative_width)


def test_power_function_average_weighs_its_steps_by_the_power_of_their_time() -> None:
    average = PowerFunctionAverage(0.1)
    steps, weights = 2000, torch.zeros(2000, dtype=torch.float64)
    for step in range(1, steps + 1):
        decay = average.decay(step, 1)
        weights *= decay
        weights[step - 1] += 1 - decay
    times = torch.arange(1, steps + 1, dtype=torch.float64) / steps
    expected = times**average.gamma / (times**average.gamma).sum()
    torch.testing.assert_close(weights, expected, atol=2e-5, rtol=0)
    mean = (weights * times).sum()
    assert ((weights * times.square()).sum() - mean.square()).sqrt().item() == pytest.approx(0.1, rel=0.01)


def test_average_in_words_has_every_number() -> None:
    words = [str(ExponentialAverage(half_life)) for half_life in (1_234_567, 1_234_568)]
    words += [
        str(ExponentialAverage(1000, ramp_up=0.05)),
        str(ExponentialAverage(1000)),
        str(PowerFunctionAverage(0.1)),
    ]
    assert words[0] == "exponential moving average, half-life 1234567 samples"
    assert words[2] == "exponential moving average, half-life 1000 samples, at most 0.05 of those so far"
    assert len(set(words)) == len(words)


def test_update_moves_parameters_towards_the_network_and_copies_its_buffers() -> None:
    average, network = layer(1.0), layer(5.0)
    ExponentialAverage(100).update(average, network, step=1, samples=200)  # two half-lives: a quarter is kept
    assert average.weight.item() == 4.0
    assert average.running_mean is not None and average.running_mean.item() == 5.0
    assert network.weight.item() == 5.0


@pytest.mark.parametrize(("name", "value"), [("half_life", 0.0), ("half_life", -1.0), ("ramp_up", 0.0)])
def test_exponential_average_refuses_what_is_not_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{name}={value} is not possible: a positive number is needed$"):
        ExponentialAverage(**({"half_life": 100.0} | {name: value}))


@pytest.mark.parametrize("relative_width", [0.0, 0.3, float("nan")])
def test_power_function_average_refuses_a_width_out_of_range(relative_width: float) -> None:
    with pytest.raises(ValueError, match=r"^relative_width=.* is not possible: a number above 0 .* 0\.28 at most$"):
        PowerFunctionAverage(relative_width)
