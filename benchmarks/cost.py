"""``python -m benchmarks.cost STUDY …``: floating-point operations of whole studies, and hours at a stated rate.

Counted are the convolutions and matrix products of a generator iteration, double backward passes included, by torch's
own counter on its meta device: nothing is computed. Scores and held-out losses are not counted, nor is what a device
loses on small networks: hours are what a sustained rate would give.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import islice, product
from statistics import mean
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

import gan_lightning.cli  # noqa: F401 - registers the resolvers that the configuration needs
from gan_lightning.module import AdversarialModule, frozen
from gan_lightning.report.study import read_plan
from gan_lightning.resources import project_folder
from gan_lightning.runs.build import build_module
from gan_lightning.runs.settings import Settings, resolve
from gan_lightning.sampling import measured

META = torch.device("meta")


class Operations(TorchDispatchMode):
    """Counts, while it is entered, the floating-point operations of convolutions and matrix products.

    Workaround: torch's own FlopCounterMode follows modules by hooks that refuse a gradient within a gradient.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=result)
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


def operations(settings: Settings) -> tuple[int, int]:
    """Floating-point operations, two a multiply-add, of one critic step and of one generator step."""
    with META:
        module = build_module(settings)
    module.streams = Unfilled()  # pyright: ignore[reportAttributeAccessIssue]
    batch = settings["data"]["batch_size"]
    real = torch.empty(batch, *sample_shape(settings["data"]), device=META)
    labels = None if module.classes is None else torch.empty(batch, dtype=torch.int64, device=META)
    return critic_operations(module, real, labels), generator_operations(module, real, labels)


def critic_operations(module: AdversarialModule, real: Tensor, labels: Tensor | None) -> int:
    """Of the critic's loss and its backward pass."""
    latent, epsilon = torch.empty(len(real), module.latent_dim, device=META), torch.empty(len(real), device=META)
    with Operations() as counter:
        module.critic_loss(real, labels, latent=latent, epsilon=epsilon)[0].backward()
    return counter.total


def generator_operations(module: AdversarialModule, real: Tensor, labels: Tensor | None) -> int:
    """Of the generator's loss and its backward pass."""
    with Operations() as counter, measured(module.critic), frozen(module.critic):
        module.generator_loss(real, labels).backward()
    return counter.total


def runs_of(study: str) -> list[list[str]]:
    """The overrides of every run that a study plans."""
    plan = read_plan(project_folder("sweeps") / f"{study}.yaml")
    return [
        [f"+sweeps={study}", *(f"{axis}={value}" for axis, value in zip(plan, values, strict=True))]
        for values in product(*plan.values())
    ]


def cost_of(study: str, *, most: int, overrides: Sequence[str]) -> dict[str, float]:
    """What a study's runs take: their number, and the operations of a run, on average over the first ``most``."""
    runs = runs_of(study)
    totals = []
    with initialize_config_dir(str(project_folder("conf")), version_base="1.3"):
        for run in islice(runs, most):
            settings = resolve(compose("train", [*run, *overrides]))
            critic, generator = operations(settings)
            totals.append(settings["generator_steps"] * (settings["n_critic"] * critic + generator))
    return {"runs": len(runs), "counted": len(totals), "operations_of_a_run": mean(totals)}


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("studies", nargs="+", help="names of files in sweeps/")
    parser.add_argument("--rate", type=float, default=50.0, help="sustained TFLOP/s of the device (default: 50)")
    parser.add_argument("--most", type=int, default=100, help="runs counted of a study; the others cost their mean")
    parser.add_argument("--override", action="append", default=[], help="of every run, such as trainer=cpu")
    options = parser.parse_args()
    for study in options.studies:
        cost = cost_of(study, most=options.most, overrides=options.override)
        hours = cost["operations_of_a_run"] / (options.rate * 1e12) / 3600
        print(json.dumps({"study": study, **cost, "hours_of_a_run": hours, "hours": hours * cost["runs"]}))


if __name__ == "__main__":
    main()
