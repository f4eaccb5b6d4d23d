"""The same training step in three forms on one GPU: eager, captured in a CUDA graph, compiled and captured.

    python -m benchmarks.captured --arch dcgan dcgan_tiny "random seed=3"

Each form runs the same generator iteration of Algorithm 1 (arXiv:1704.00028) from the same seed; the forms take turns,
block by block, so that a device whose clocks drift treats them alike. Told are the milliseconds of an iteration, the
TFLOP/s reached beside those of a large matrix product by precision, and the largest difference of a weight from the
eager form after some iterations. Prints JSON. Nothing here is part of a run.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.step import BETAS, N_CRITIC, RATE, WEIGHT, parts_of
from gan_lightning.planning.operations import Counter

DEVICE = torch.device("cuda")
CHECKED = 5
"""Iterations after which weights are compared."""


class Step:
    """One generator iteration with everything it needs at fixed places in memory.

    Args:
        generator, critic: copied, so that every form starts from the same weights.
        images: ``(N, C, H, W)`` in [-1, 1], on the device.
        compiled: whether the two losses are compiled.
    """

    def __init__(
        self, generator: nn.Module, critic: nn.Module, images: Tensor, *, batch_size: int, compiled: bool
    ) -> None:
        self.generator, self.critic = deepcopy(generator), deepcopy(critic)
        self.images, self.batch_size = images, batch_size
        self.generator_optimizer, self.critic_optimizer = (
            torch.optim.Adam(network.parameters(), lr=RATE, betas=BETAS, capturable=True, fused=True)
            for network in (self.generator, self.critic)
        )
        self.critic_loss: Callable[..., Tensor] = self._critic_loss
        self.generator_loss: Callable[..., Tensor] = self._generator_loss
        if compiled:
            self.critic_loss = torch.compile(self._critic_loss, dynamic=False)
            self.generator_loss = torch.compile(self._generator_loss, dynamic=False)

    def iteration(self) -> None:
        for _ in range(N_CRITIC):
            place = torch.randint(len(self.images), (self.batch_size,), device=DEVICE)
            epsilon = torch.rand(self.batch_size, 1, 1, 1, device=DEVICE)
            with torch.no_grad():
                fake = self.generator(torch.randn(self.batch_size, 128, device=DEVICE))
            self._descend(self.critic_loss(self.images[place], fake, epsilon), self.critic_optimizer)
        self.critic.requires_grad_(False)
        self._descend(self.generator_loss(torch.randn(self.batch_size, 128, device=DEVICE)), self.generator_optimizer)
        self.critic.requires_grad_(True)

    def _critic_loss(self, real: Tensor, fake: Tensor, epsilon: Tensor) -> Tensor:
        def summed(samples: Tensor) -> Tensor:
            return self.critic(samples).sum()

        gradient = torch.func.grad(summed)(epsilon * real + (1 - epsilon) * fake)
        penalty = (gradient.flatten(1).norm(dim=1) - 1).square().mean()
        return self.critic(fake).mean() - self.critic(real).mean() + WEIGHT * penalty

    def _generator_loss(self, latent: Tensor) -> Tensor:
        return -self.critic(self.generator(latent)).mean()

    @staticmethod
    def _descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def capture(step: Step) -> Callable[[], None]:
    """The iteration as one CUDA graph. Weights and optimisers are as before afterwards."""
    start = deepcopy((step.generator.state_dict(), step.critic.state_dict()))
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step.iteration()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step.iteration()
    step.generator.load_state_dict(start[0])
    step.critic.load_state_dict(start[1])
    for optimizer in (step.generator_optimizer, step.critic_optimizer):
        for state in optimizer.state.values():
            for value in state.values():
                value.zero_()
    return graph.replay


def forms(arch: str, *, compiled: bool) -> tuple[dict[str, Callable[[], None]], dict[str, Step], dict[str, float]]:
    """The forms of an architecture's step, and the seconds that making each took."""
    parts = parts_of(arch, data="digits", accelerator="gpu", steps=1)
    module = parts.module
    generator, critic = module.generator.to(DEVICE), module.critic.to(DEVICE)
    with torch.no_grad():
        shape = generator(torch.randn(2, 128, device=DEVICE)).shape[1:]
    images = torch.rand(4096, *shape, device=DEVICE) * 2 - 1
    calls: dict[str, Callable[[], None]] = {}
    steps: dict[str, Step] = {}
    seconds: dict[str, float] = {}
    for name in ("eager", "captured", *(["compiled and captured"] if compiled else [])):
        start = time.perf_counter()
        step = Step(generator, critic, images, batch_size=64, compiled="compiled" in name)
        calls[name] = step.iteration if name == "eager" else capture(step)
        torch.cuda.synchronize()
        steps[name], seconds[name] = step, round(time.perf_counter() - start, 1)
    return calls, steps, seconds


def differences(calls: dict[str, Callable[[], None]], steps: dict[str, Step]) -> dict[str, float]:
    """Largest absolute difference of a weight from the eager form, after ``CHECKED`` iterations of the same draws."""
    for call in calls.values():
        torch.manual_seed(0)
        for _ in range(CHECKED):
            call()
    weights = {
        name: [p.detach() for p in [*step.generator.parameters(), *step.critic.parameters()]]
        for name, step in steps.items()
    }
    return {
        name: max(float((a - b).abs().max()) for a, b in zip(own, weights["eager"], strict=True))
        for name, own in weights.items()
    }


def timed(calls: dict[str, Callable[[], None]], *, seconds: float) -> dict[str, float]:
    """Median milliseconds of an iteration of each form, the forms taking turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(found["eager"]) < 3:
        for name, call in calls.items():
            found[name].append(_milliseconds(call, times=5))
    return {name: round(statistics.median(values), 3) for name, values in found.items()}


def operations(step: Step) -> int:
    """Floating-point operations of an iteration's convolutions and matrix products."""
    with Counter() as counter:
        step.iteration()
    return counter.cost.operations


def ceilings() -> dict[str, float]:
    """What the device reaches: TFLOP/s of a large matrix product by precision, and TB/s of a large copy."""
    found = {}
    for name, dtype, precision in (
        ("float32", torch.float32, "highest"),
        ("tf32", torch.float32, "high"),
        ("bfloat16", torch.bfloat16, "highest"),
    ):
        torch.set_float32_matmul_precision(precision)
        a, b = (torch.randn(8192, 8192, device=DEVICE, dtype=dtype) for _ in range(2))
        found[f"{name}_tflops"] = round(2 * 8192**3 / _seconds(lambda a=a, b=b: a @ b) / 1e12, 1)
    torch.set_float32_matmul_precision("highest")
    source, target = (torch.empty(2**30, device=DEVICE) for _ in range(2))
    source.normal_()
    found["copy_tb_per_s"] = round(2 * source.nbytes / _seconds(lambda: target.copy_(source)) / 1e12, 2)
    return found


def _seconds(call: Callable[[], Any]) -> float:
    for _ in range(3):
        call()
    return statistics.median(_milliseconds(call, times=1) for _ in range(10)) / 1000


def _milliseconds(call: Callable[[], Any], *, times: int) -> float:
    """Of a call on the device, the mean of so many in a row."""
    start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(times):
        call()
    stop.record()
    torch.cuda.synchronize()
    return start.elapsed_time(stop) / times


def measure(arch: str, *, compiled: bool, seconds: float) -> dict[str, Any]:
    """All forms of one architecture's step."""
    calls, steps, making = forms(arch, compiled=compiled)
    difference = differences(calls, steps)
    count = operations(steps["eager"])
    milliseconds = timed(calls, seconds=seconds)
    return {
        "arch": arch,
        "operations": count,
        "ms": milliseconds,
        "tflops": {name: round(count / value / 1e9, 2) for name, value in milliseconds.items()},
        "seconds_to_make": making,
        f"difference_after_{CHECKED}": difference,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", nargs="+", default=["dcgan"], help="names, with overrides behind them")
    parser.add_argument("--seconds", type=float, default=5.0, help="of timing, for each architecture (default: 5)")
    parser.add_argument("--no-compile", action="store_true", help="capture alone: compiling takes minutes")
    parser.add_argument(
        "--tf32", action=argparse.BooleanOptionalAction, default=True, help="in convolutions, as torch does"
    )
    parser.add_argument("--output", type=Path, help="JSON file to write as well, after every architecture")
    arguments = parser.parse_args()
    torch.backends.cudnn.allow_tf32 = arguments.tf32
    report = {
        "hardware": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "tf32_in_convolutions": arguments.tf32,
        "ceilings": ceilings(),
        "results": [],
    }
    for arch in arguments.arch:
        try:
            result = measure(arch, compiled=not arguments.no_compile, seconds=arguments.seconds)
        except Exception as error:  # the next architecture may do
            result = {"arch": arch, "error": f"{type(error).__name__}: {error}"[:500]}
        report["results"].append(result)
        print(json.dumps(result), flush=True)
        if arguments.output is not None:
            arguments.output.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
