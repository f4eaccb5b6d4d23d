"""Layers against TensorFlow's conventions, computed independently."""

from math import log, sqrt

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gan_lightning.networks.layers import Conv, Deconv, Linear, make_nonlinearity, make_norm

Layer = Linear | Conv | Deconv


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


def test_deconvolution_is_the_adjoint_of_the_convolution() -> None:
    torch.manual_seed(0)
    conv, deconv = Conv(2, 3, kernel=5, stride=2).double(), Deconv(3, 2).double()
    deconv.weight = conv.weight
    large, small = random(1, 2, 16, 16), random(1, 3, 8, 8, seed=1)
    torch.testing.assert_close((conv(large) * small).sum(), (large * deconv(small)).sum())


@pytest.mark.parametrize(
    ("make", "bound"),
    [
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
    ],
)
def test_weights_start_uniform_within_the_released_codes_bound_and_biases_at_zero(make, bound: float) -> None:
    torch.manual_seed(0)
    layer: Layer = make()
    assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.005)
    assert layer.weight.abs().max().item() <= bound + 1e-6
    assert layer.weight.std().item() == pytest.approx(bound / sqrt(3), rel=0.05)
    assert layer.bias is not None and not layer.bias.any()


def test_layer_norm_normalises_each_sample_over_channels_and_pixels() -> None:
    norm, images = make_norm("layer", 4).double(), 3 * random(2, 4, 5, 5) + 1
    mean = images.mean((1, 2, 3), keepdim=True)
    variance = images.var((1, 2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(norm(images), (images - mean) / (variance + 1e-5).sqrt())
    torch.testing.assert_close(norm(images), nn.GroupNorm(1, 4).double()(images))


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_uses_the_statistics_of_the_batch_in_training_and_evaluation(training: bool) -> None:
    norm, images = make_norm("batch", 4).double().train(training), 3 * random(6, 4, 5, 5) + 1
    mean = images.mean((0, 2, 3), keepdim=True)
    variance = images.var((0, 2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(norm(images), (images - mean) / (variance + 1e-5).sqrt())
    assert not list(norm.buffers())


@pytest.mark.parametrize("name", ["batch", "layer"])
def test_norm_has_one_scale_at_one_and_one_offset_at_zero_a_channel(name: str) -> None:
    scale, offset = make_norm(name, 4).parameters()
    assert torch.equal(scale, torch.ones(4))
    assert torch.equal(offset, torch.zeros(4))


def test_norm_none_changes_nothing() -> None:
    images = random(2, 4, 5, 5)
    assert torch.equal(make_norm("none", 4)(images), images)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("relu", [0, 0, 2]),
        ("leaky_relu", [-0.2, 0, 2]),
        ("softplus", [log(2) / 2 - 1, log(1 + np.e**2) / 2 - 1, log(1 + np.e**6) / 2 - 1]),
        ("tanh", [-0.76159415595, 0, 0.96402758007]),
    ],
)
def test_nonlinearities_of_table_1_have_their_values(name: str, values: list[float]) -> None:
    output = make_nonlinearity(name)(torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(output, torch.tensor(values, dtype=torch.float64))


def test_softplus_of_table_1_is_about_the_identity_for_large_inputs() -> None:
    output = make_nonlinearity("softplus")(torch.tensor([50.0, 1000.0], dtype=torch.float64))
    torch.testing.assert_close(output, torch.tensor([50.0, 1000.0], dtype=torch.float64))


def test_unknown_norm_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"^norm=instance is unknown; allowed: batch, layer, none$"):
        make_norm("instance", 4)


def test_unknown_nonlinearity_is_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"^nonlinearity=elu is unknown; allowed: relu, leaky_relu, softplus, tanh$"):
        make_nonlinearity("elu")
