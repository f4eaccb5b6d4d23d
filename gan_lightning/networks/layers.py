"""Layers of the original experiments: convolutions and their kin, initialisation, nonlinearities.

Deviation: at stride 2 and an even size, every layer here pads by kernel // 2 before and one less after, as PyTorch does
by itself, where TensorFlow's SAME padding has the larger share after. A net of these layers is the exact mirror image
of the original's, its images and kernels turned by 180 degrees: the same functions from the same initialisation,
without a padding of its own, which cost 11 to 27 % of a critic step. What picks pixels by their place has to pick the
mirrored ones: see ``WithoutFirst``.
"""

from math import sqrt
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_lightning.ranges import checked, one_of

Nonlinearity = Annotated[str, one_of("relu", "leaky_relu", "softplus", "tanh", "elu")]

HE, GLOROT = sqrt(2), 1.0
"""Gains of a convolution's initialisation. Source: the released code calls sqrt(2) "He", though it counts both fans."""


def initialise(
    layer: nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d, *, fan_in: float, fan_out: float, gain: float
) -> None:
    """Weights uniform with standard deviation gain·sqrt(2 / (fan_in + fan_out)), biases 0. Source: released code."""
    bound = gain * sqrt(6 / (fan_in + fan_out))
    nn.init.uniform_(layer.weight, -bound, bound)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def draw_weights(network: nn.Module, *, std: float) -> None:
    """Draw all matrices and kernels of a network anew, uniform with this standard deviation.

    Source: released code, ``gan_64x64.py``.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.uniform_(layer.weight, -sqrt(3) * std, sqrt(3) * std)


class Linear(nn.Linear):
    """Linear layer with Glorot initialisation."""

    def reset_parameters(self) -> None:
        initialise(self, fan_in=self.in_features, fan_out=self.out_features, gain=GLOROT)


class HeLinear(nn.Linear):
    """Linear layer with He initialisation, uniform with standard deviation sqrt(2 / fan_in)."""

    def reset_parameters(self) -> None:
        initialise(self, fan_in=self.in_features, fan_out=self.in_features, gain=HE)


class Conv(nn.Conv2d):
    """Convolution of an odd kernel: ``(B, C, n, n)`` to ``(B, C', ceil(n/stride), ceil(n/stride))``.

    Args:
        in_channels, out_channels, kernel, stride, bias: as torch's.
        gain: of the initialisation: ``HE``, ``GLOROT`` or a part of them.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int,
        stride: int = 1,
        bias: bool = True,
        gain: float = HE,
    ) -> None:
        self.gain = gain  # first: the base class draws the weights
        super().__init__(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=bias)

    def reset_parameters(self) -> None:
        area, (stride, _) = self.kernel_size[0] ** 2, self.stride
        fan_out = self.out_channels * area // stride**2
        initialise(self, fan_in=self.in_channels * area, fan_out=fan_out, gain=self.gain)


class Conv1d(nn.Conv1d):
    """Convolution of an odd kernel along sequences: ``(B, C, L)`` to ``(B, C', L)``."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int) -> None:
        super().__init__(in_channels, out_channels, kernel, padding=kernel // 2)

    def reset_parameters(self) -> None:
        (kernel,) = self.kernel_size
        initialise(self, fan_in=self.in_channels * kernel, fan_out=self.out_channels * kernel, gain=HE)


class Deconv(nn.ConvTranspose2d):
    """Transposed convolution of an odd kernel and stride 2, the adjoint of ``Conv``'s.

    ``(B, C, n, n)`` to ``(B, C', 2n, 2n)``.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 5) -> None:
        super().__init__(in_channels, out_channels, kernel, 2, padding=kernel // 2, output_padding=1)

    def reset_parameters(self) -> None:
        area = self.kernel_size[0] ** 2
        initialise(self, fan_in=self.in_channels * area / 4, fan_out=self.out_channels * area, gain=HE)


class WithoutFirst(nn.Module):
    """Maps ``(B, C, n, n)`` without their first row and column: the mirror image of TensorFlow's without its last.

    So MNIST's generator crops, and so a 1x1 convolution of stride 2 picks the bottom right pixel of each 2x2, which is
    the mirror image of the top left one that it picks in the original.
    """

    def forward(self, maps: Tensor) -> Tensor:
        return maps[..., 1:, 1:]


class Scale(nn.Module):
    """Multiplication by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, values: Tensor) -> Tensor:
        return self.factor * values


class Softplus(nn.Module):
    """softplus(2x + 2)/2 - 1, a smooth ReLU. Source: arXiv:1704.00028, Table 1."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(2 * input + 2) / 2 - 1


class Gate(nn.Module):
    """sigmoid(a)·tanh(b), with a the channels 0, 2, 4, … and b the channels 1, 3, 5, …: half as many as came in.

    Source: arXiv:1704.00028, section 5.2; which channel is which: released code, ``gan_64x64.py``.
    """

    def forward(self, maps: Tensor) -> Tensor:
        return torch.sigmoid(maps[:, ::2]) * torch.tanh(maps[:, 1::2])


@checked
def make_nonlinearity(nonlinearity: Nonlinearity) -> nn.Module:
    """A nonlinearity of Table 1 or appendix D by its name.

    Args:
        nonlinearity: ``relu``, ``leaky_relu`` (slope 0.2: released code), ``softplus`` (softplus(2x+2)/2 - 1),
            ``tanh`` or ``elu``.

    Raises:
        ValueError: for another name.
    """
    match nonlinearity:
        case "relu":
            return nn.ReLU()
        case "leaky_relu":
            return nn.LeakyReLU(0.2)
        case "softplus":
            return Softplus()
        case "tanh":
            return nn.Tanh()
        case _:
            return nn.ELU()
