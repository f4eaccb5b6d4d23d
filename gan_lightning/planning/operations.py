"""Floating-point operations of a generator iteration, by torch's own counter on its meta device: nothing is computed.

Counted are convolutions and matrix products, double backward passes included. Scores and held-out losses are not
counted, nor is what a device loses on small networks.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gan_lightning.module import AdversarialModule, frozen
from gan_lightning.runs.build import build_module
from gan_lightning.runs.settings import Settings
from gan_lightning.sampling import measured

META = torch.device("meta")


@dataclass(frozen=True)
class Cost:
    """What a device is given to do.

    Attributes:
        operations: floating-point, two a multiply-add, of convolutions and matrix products.
        calls: of torch's operators, whatever they do.
    """

    operations: int
    calls: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.operations + other.operations, self.calls + other.calls)

    def __rmul__(self, times: int) -> "Cost":
        return Cost(times * self.operations, times * self.calls)


class Counter(TorchDispatchMode):
    """Counts what is done while it is entered.

    Workaround: torch's own FlopCounterMode follows modules by hooks that refuse a gradient within a gradient.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cost = Cost(0, 0)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        self.cost += Cost(0 if count is None else count(*args, **(kwargs or {}), out_val=result), 1)
        return result


class Unfilled:
    """Draws in the place of a module's random streams: shapes without numbers."""

    def latents(self, count: int, latent_dim: int) -> Tensor:
        return torch.empty(count, latent_dim, device=META)

    def labels(self, count: int, classes: int) -> Tensor:
        return torch.empty(count, dtype=torch.int64, device=META)


def sample_shape(data: Settings) -> tuple[int, ...]:
    """Shape of a sample as the networks see it, from the ``data`` group."""
    if "vocabulary" in data:
        return data["length"], data["vocabulary"]
    return (data["dim"],) if "dim" in data else tuple(data["image_shape"])


def cost_of_iteration(settings: Settings) -> Cost:
    """Of ``n_critic`` steps of the critic and one of the generator, but for what their optimisers do."""
    with META:
        module = build_module(settings)
    module.streams = Unfilled()  # pyright: ignore[reportAttributeAccessIssue]
    batch = settings["data"]["batch_size"]
    real = torch.empty(batch, *sample_shape(settings["data"]), device=META)
    labels = None if module.classes is None else torch.empty(batch, dtype=torch.int64, device=META)
    return settings["n_critic"] * critic_cost(module, real, labels) + generator_cost(module, real, labels)


def critic_cost(module: AdversarialModule, real: Tensor, labels: Tensor | None) -> Cost:
    """Of the critic's loss and its backward pass."""
    latent, epsilon = torch.empty(len(real), module.latent_dim, device=META), torch.empty(len(real), device=META)
    with Counter() as counter:
        module.critic_loss(real, labels, latent=latent, epsilon=epsilon)[0].backward()
    return counter.cost


def generator_cost(module: AdversarialModule, real: Tensor, labels: Tensor | None) -> Cost:
    """Of the generator's loss and its backward pass."""
    with Counter() as counter, measured(module.critic), frozen(module.critic):
        module.generator_loss(real, labels).backward()
    return counter.cost
