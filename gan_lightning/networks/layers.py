"""Layers of the original experiments: their convolutions, initialisation, norms and nonlinearities."""

from math import sqrt

from torch import Tensor, nn
from torch.nn import functional as F

NORMS = ("batch", "layer", "none")
NONLINEARITIES = ("relu", "leaky_relu", "softplus", "tanh")


def initialise(
    layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, *, fan_in: float, fan_out: float, gain: float
) -> None:
    """Weights uniform with standard deviation gain·sqrt(2 / (fan_in + fan_out)), biases 0.

    Source: released code. Gain 1 is Glorot's, for linear layers; sqrt(2) is what the code calls "He" for convolutions.
    """
    bound = gain * sqrt(6 / (fan_in + fan_out))
    nn.init.uniform_(layer.weight, -bound, bound)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Linear(nn.Linear):
    """Linear layer with Glorot initialisation."""

    def reset_parameters(self) -> None:
        initialise(self, fan_in=self.in_features, fan_out=self.out_features, gain=1.0)


class HeLinear(nn.Linear):
    """Linear layer with He initialisation: standard deviation sqrt(2 / in). Source: released code, toys."""

    def reset_parameters(self) -> None:
        initialise(self, fan_in=self.in_features, fan_out=self.in_features, gain=sqrt(2))


class Conv(nn.Conv2d):
    """Convolution of an odd kernel: ``(B, C, n, n)`` to ``(B, C', ceil(n/stride), ceil(n/stride))``.

    Deviation: at stride 2 and even ``n`` it pads by kernel // 2 before and one less after, where TensorFlow's SAME
    padding has the larger share after. A net of these layers is the exact mirror image of the original, its images and
    kernels turned by 180 degrees: the same functions from the same initialisation, without a padding of its own, which
    cost 11 to 27 % of a critic step.
    """

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, padding=kernel // 2)

    def reset_parameters(self) -> None:
        area, (stride, _) = self.kernel_size[0] ** 2, self.stride
        fan_out = self.out_channels * area // stride**2
        initialise(self, fan_in=self.in_channels * area, fan_out=fan_out, gain=sqrt(2))


class Deconv(nn.ConvTranspose2d):
    """Transposed 5x5 convolution of stride 2, ``(B, C, n, n)`` to ``(B, C', 2n, 2n)``: the adjoint of ``Conv``'s."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 5, 2, padding=2, output_padding=1)

    def reset_parameters(self) -> None:
        area = self.kernel_size[0] ** 2
        initialise(self, fan_in=self.in_channels * area / 4, fan_out=self.out_channels * area, gain=sqrt(2))


def make_norm(name: str, channels: int) -> nn.Module:
    """A norm over ``(B, channels, H, W)`` with one scale and one offset a channel, eps 1e-5.

    Args:
        name: ``batch`` (batch statistics always, as in the released code), ``layer`` (over C, H and W of a sample)
            or ``none``.
        channels: C.

    Raises:
        ValueError: for another name.
    """
    match name:
        case "batch":
            return nn.BatchNorm2d(channels, track_running_stats=False)
        case "layer":
            return nn.GroupNorm(1, channels)
        case "none":
            return nn.Identity()
    raise ValueError(f"norm={name} is unknown; allowed: {', '.join(NORMS)}")


class Softplus(nn.Module):
    """softplus(2x + 2)/2 - 1, a smooth ReLU. Source: arXiv:1704.00028, Table 1."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(2 * input + 2) / 2 - 1


def make_nonlinearity(name: str) -> nn.Module:
    """A nonlinearity of Table 1 by its name.

    Args:
        name: ``relu``, ``leaky_relu`` (slope 0.2: released code), ``softplus`` (softplus(2x+2)/2 - 1) or ``tanh``.

    Raises:
        ValueError: for another name.
    """
    match name:
        case "relu":
            return nn.ReLU()
        case "leaky_relu":
            return nn.LeakyReLU(0.2)
        case "softplus":
            return Softplus()
        case "tanh":
            return nn.Tanh()
    raise ValueError(f"nonlinearity={name} is unknown; allowed: {', '.join(NONLINEARITIES)}")
