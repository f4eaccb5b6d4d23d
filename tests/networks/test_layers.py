"""Layers against TensorFlow's conventions, computed independently."""

from math import log, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_lightning.networks.layers import (
    GLOROT,
    HE,
    Conv,
    Conv1d,
    Deconv,
    Gate,
    HeLinear,
    Linear,
    WithoutFirst,
    draw_weights,
    make_nonlinearity,
)

Layer = Linear | HeLinear | Conv | Conv1d | Deconv


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def mirrored(values: Tensor) -> Tensor:
    """Turned by 180 degrees in the plane."""
    return values.flip(-1, -2)


def same_convolution(images: np.ndarray, kernel: np.ndarray, *, stride: int) -> np.ndarray:
    """TensorFlow's SAME convolution by its definition: of the padding, floor(total / 2) stands before."""
    batch, _, size, _ = images.shape
    out, width = -(-size // stride), kernel.shape[-1]
    before = max((out - 1) * stride + width - size, 0) // 2
    result = np.zeros((batch, len(kernel), out, out))
    for i, j, u, v in np.ndindex(out, out, width, width):
        row, column = i * stride + u - before, j * stride + v - before
        if 0 <= row < size and 0 <= column < size:
            result[:, :, i, j] += images[:, :, row, column] @ kernel[:, :, u, v].T
    return result


@pytest.mark.parametrize(("kernel", "stride"), [(5, 2), (3, 2), (5, 1), (3, 1), (1, 1)])
def test_convolution_is_the_mirror_image_of_tensorflows_same_convolution(kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    conv = Conv(2, 3, kernel=kernel, stride=stride).double()
    images = random(2, 2, 8, 8)
    with torch.no_grad():
        expected = same_convolution(mirrored(images).numpy(), mirrored(conv.weight).numpy(), stride=stride)
        np.testing.assert_allclose(mirrored(conv(images)).numpy(), expected, atol=1e-12)


def test_1x1_convolution_of_stride_2_is_tensorflows_mirror_image_without_the_first_row_and_column() -> None:
    torch.manual_seed(0)
    conv = Conv(2, 3, kernel=1, stride=2).double()
    images = random(2, 2, 8, 8)
    with torch.no_grad():
        expected = same_convolution(mirrored(images).numpy(), conv.weight.numpy(), stride=2)
        np.testing.assert_allclose(mirrored(conv(WithoutFirst()(images))).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("kernel", [3, 5])
def test_deconvolution_is_the_adjoint_of_the_convolution(kernel: int) -> None:
    torch.manual_seed(0)
    conv, deconv = Conv(2, 3, kernel=kernel, stride=2).double(), Deconv(3, 2, kernel=kernel).double()
    deconv.weight = conv.weight
    large, small = random(1, 2, 16, 16), random(1, 3, 8, 8, seed=1)
    torch.testing.assert_close((conv(large) * small).sum(), (large * deconv(small)).sum())


def test_convolution_along_sequences_keeps_their_length() -> None:
    assert Conv1d(2, 3, kernel=5)(torch.ones(1, 2, 7)).shape == (1, 3, 7)


def assert_uniform(weight: Tensor, bound: float) -> None:
    """Within [-bound, bound], and as wide as so many draws are."""
    count = weight.numel()
    assert bound * (1 - 10 / count) < weight.abs().max().item() <= bound + 1e-6
    assert weight.std().item() == pytest.approx(bound / sqrt(3), rel=2 / sqrt(count))


@pytest.mark.parametrize(
    ("make", "bound"),
    [
        (lambda: HeLinear(2, 512), 1.732051),
        (lambda: HeLinear(512, 512), 0.108253),
        (lambda: Linear(512, 1), 0.108148),
        (lambda: Linear(512, 2), 0.108042),
        (lambda: Conv(3, 128, kernel=5, stride=2), 0.117108),
        (lambda: Conv(128, 256, kernel=5, stride=2), 0.050000),
        (lambda: Conv(1, 64, kernel=5, stride=2), 0.168034),
        (lambda: Conv(3, 128, kernel=3), 0.100887),
        (lambda: Conv(128, 128, kernel=3), 0.072169),
        (lambda: Deconv(512, 256), 0.035355),
        (lambda: Deconv(128, 3), 0.117108),
        (lambda: Deconv(64, 1), 0.168034),
        (lambda: Linear(128, 8192), 0.026854),
        (lambda: Linear(8192, 1), 0.027062),
        (lambda: Conv(128, 128, kernel=1, gain=GLOROT), 0.153093),
        (lambda: Conv(3, 128, kernel=1, gain=GLOROT), 0.214013),
        (lambda: Conv(128, 3, kernel=3, gain=GLOROT), 0.071338),
        (lambda: Conv(128, 128, kernel=3, gain=HE / 2), 0.036084),
        (lambda: Linear(128, 2048), 0.052511),
        (lambda: Linear(128, 1), 0.215666),
        (lambda: Linear(128, 10), 0.208514),
        (lambda: Conv(512, 256, kernel=1), 0.125000),
        (lambda: Conv(256, 256, kernel=3), 0.051031),
        (lambda: Conv(512, 4 * 256, kernel=1, gain=GLOROT), 0.062500),
        (lambda: Conv(16, 32, kernel=3, stride=2), 0.235702),
        (lambda: Conv(32, 64, kernel=1, stride=2, gain=GLOROT), 0.353553),
        (lambda: Conv1d(512, 512, kernel=5), 0.048412),
        (lambda: Linear(128, 16384), 0.019062),
        (lambda: Linear(16384, 1), 0.019136),
    ],
)
def test_weights_start_uniform_within_the_released_codes_bound_and_biases_at_zero(make, bound: float) -> None:
    torch.manual_seed(0)
    layer: Layer = make()
    assert_uniform(layer.weight, bound)
    assert layer.bias is not None and not layer.bias.any()


def test_drawing_weights_anew_gives_every_layer_one_standard_deviation_and_leaves_its_bias() -> None:
    torch.manual_seed(0)
    layers = torch.nn.Sequential(Linear(128, 512), Conv(64, 64, kernel=5), Deconv(64, 64))
    draw_weights(layers, std=0.02)
    for layer in layers:
        assert_uniform(layer.get_parameter("weight"), 0.034641)
        assert not layer.get_parameter("bias").any()


def test_gate_takes_even_channels_through_a_sigmoid_and_odd_ones_through_a_tanh() -> None:
    maps = random(2, 6, 3, 3)
    gated = Gate()(maps)
    assert gated.shape == (2, 3, 3, 3)
    for channel in range(3):
        even, odd = maps[:, 2 * channel], maps[:, 2 * channel + 1]
        torch.testing.assert_close(gated[:, channel], odd.tanh() / (1 + (-even).exp()))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("relu", [0, 0, 2]),
        ("leaky_relu", [-0.2, 0, 2]),
        ("softplus", [log(2) / 2 - 1, log(1 + np.e**2) / 2 - 1, log(1 + np.e**6) / 2 - 1]),
        ("tanh", [-0.76159415595, 0, 0.96402758007]),
        ("elu", [-0.63212055883, 0, 2]),
    ],
)
def test_nonlinearities_of_table_1_and_appendix_d_have_their_values(name: str, values: list[float]) -> None:
    output = make_nonlinearity(name)(torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(output, torch.tensor(values, dtype=torch.float64))


def test_softplus_of_table_1_is_about_the_identity_for_large_inputs() -> None:
    output = make_nonlinearity("softplus")(torch.tensor([50.0, 1000.0], dtype=torch.float64))
    torch.testing.assert_close(output, torch.tensor([50.0, 1000.0], dtype=torch.float64))


def test_unknown_nonlinearity_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(
        ValueError, match=r"^nonlinearity=gelu is not possible: one of relu, leaky_relu, softplus, tanh, elu is needed$"
    ):
        make_nonlinearity("gelu")
