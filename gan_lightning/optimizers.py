"""Optimisers with the semantics of the original experiments where torch's own differ."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_lightning.ranges import FromZero, NotNegative, Positive, Steps, checked


def weights_decayed(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """A network's parameters in two groups: weight matrices and kernels, which are decayed, and biases and norms.

    Source: arXiv:1704.00028, appendix B, on the critic where it is normalised.
    """
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others}]


class RMSprop(Optimizer):
    r"""RMSProp as TensorFlow 1 has it: :math:`w \leftarrow w - \eta g / \sqrt{m + \varepsilon}`.

    The running mean square ``m`` starts at 1 and ε stands inside the root, while torch's own starts at 0 with ε
    outside. The tiny gradients of a clipped critic feel both.

    Args:
        params: parameters or parameter groups.
        lr: η, positive.
        alpha: decay of ``m`` in [0, 1); 0.9 is TensorFlow's default.
        eps: ε, positive; 1e-10 is TensorFlow's default.
        weight_decay: L2 coefficient added to the gradient, non-negative.

    Raises:
        ValueError: if an argument is out of its range.
    """

    @checked
    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: Positive,
        *,
        alpha: FromZero = 0.9,
        eps: Positive = 1e-10,
        weight_decay: NotNegative = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["square_avg"] = torch.ones_like(parameter)
        if group["weight_decay"]:
            gradient = gradient + group["weight_decay"] * parameter
        state["square_avg"].mul_(group["alpha"]).addcmul_(gradient, gradient, value=1 - group["alpha"])
        parameter.addcdiv_(gradient, (state["square_avg"] + group["eps"]).sqrt_(), value=-group["lr"])


class RateDecay(ABC):
    """A factor on the rate of both players."""

    @abstractmethod
    def __call__(self, generator_step: int) -> float:
        """The factor in one generator iteration, counted from 0; not negative."""


class LinearDecay(RateDecay):
    """Factor on the rate that falls from 1 at iteration 0 to 0 at ``steps``: max(0, 1 - t/steps).

    Source: arXiv:1704.00028, appendix F. Both players follow it, and all critic steps of one iteration share a rate.

    Args:
        steps: generator iterations until the rate is 0, positive.

    Raises:
        ValueError: if ``steps`` is not positive.
    """

    @checked
    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def __call__(self, generator_step: int) -> float:
        return max(0.0, 1 - generator_step / self.steps)
