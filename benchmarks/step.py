"""One generator iteration of WGAN-GP through the module, against a bare PyTorch loop of the same networks.

    python -m benchmarks.step                          dcgan at 64 filters and dcgan_tiny
    python -m benchmarks.step --arch "random seed=3" --blocks 40

Both run in one process and take turns, a block of iterations each, so that a machine whose speed drifts treats them
alike; the ratio of the medians is the overhead of everything around the arithmetic. On a GPU, the share of the time in
which it computes is told as well: the rest it waits for Python. Prints JSON.
"""

import argparse
import json
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from hydra import compose
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from gan_lightning import cli  # noqa: F401 - registers the resolvers
from gan_lightning.data.images import to_float
from gan_lightning.runs.build import Parts, build
from gan_lightning.runs.overrides import composing
from gan_lightning.runs.run import make_trainer
from gan_lightning.runs.settings import Settings, resolve
from gan_lightning.runs.words import quieten

N_CRITIC, WEIGHT, RATE, BETAS = 5, 10.0, 1e-4, (0.0, 0.9)  # arXiv:1704.00028, Algorithm 1


class BareLoop:
    """Algorithm 1 as a reader of the paper would write it down, for unconditional images."""

    def __init__(self, generator: nn.Module, critic: nn.Module, images: Tensor, *, batch_size: int) -> None:
        self.generator, self.critic, self.images, self.batch_size = generator, critic, images, batch_size
        self.generator_optimizer = torch.optim.Adam(generator.parameters(), lr=RATE, betas=BETAS)
        self.critic_optimizer = torch.optim.Adam(critic.parameters(), lr=RATE, betas=BETAS)

    def iteration(self) -> None:
        for _ in range(N_CRITIC):
            self._critic_step()
        self.critic.requires_grad_(False)
        loss = -self.critic(self.generator(self._latent())).mean()
        self.generator_optimizer.zero_grad()
        loss.backward()
        self.generator_optimizer.step()
        self.critic.requires_grad_(True)

    def _critic_step(self) -> None:
        place = torch.randint(len(self.images), (self.batch_size,), device=self.images.device)
        real = to_float(self.images[place])
        with torch.no_grad():
            fake = self.generator(self._latent())
        epsilon = torch.rand(self.batch_size, 1, 1, 1, device=real.device)
        mixed = (epsilon * real + (1 - epsilon) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self.critic(mixed).sum(), mixed, create_graph=True)
        penalty = (gradient.flatten(1).norm(dim=1) - 1).square().mean()
        loss = self.critic(fake).mean() - self.critic(real).mean() + WEIGHT * penalty
        self.critic_optimizer.zero_grad()
        loss.backward()
        self.critic_optimizer.step()

    def _latent(self) -> Tensor:
        return torch.randn(self.batch_size, 128, device=self.images.device)


class TakeTurns(L.Callback):
    """After every block of the trainer's iterations, as many of the bare loop's; times both."""

    def __init__(self, bare: BareLoop, *, block: int) -> None:
        self.bare, self.block = bare, block
        self.resumed = 0.0
        self.module_seconds: list[float] = []
        self.bare_seconds: list[float] = []

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any, **__: Any) -> None:
        if trainer.global_step % self.block:
            return
        if trainer.global_step > self.block:  # the first block warms up, and its start was not seen
            self.module_seconds.append((now() - self.resumed) / self.block)
        start = now()
        for _turn in range(self.block):
            self.bare.iteration()
        end = now()
        if trainer.global_step > self.block:
            self.bare_seconds.append((end - start) / self.block)
        self.resumed = now()


def now() -> float:
    """Seconds on a clock that is read when the GPU has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def measure(arch: str, *, data: str, block: int, blocks: int, accelerator: str) -> dict[str, Any]:
    """Medians of both and their ratio."""
    steps = block * (blocks + 1)
    settings = settings_of(arch, data, accelerator, steps=steps)
    parts, twin = build(settings), build(settings)
    device = torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")
    images = torch.as_tensor(parts.data.splits[0].to(device).samples)
    generator, critic = twin.module.generator.to(device), twin.module.critic.to(device)
    bare = BareLoop(generator, critic, images, batch_size=settings["data"]["batch_size"])
    turns = TakeTurns(bare, block=block)
    make_trainer(settings, callbacks=[turns], loggers=[]).fit(parts.module, datamodule=parts.data)
    ours, theirs = statistics.median(turns.module_seconds), statistics.median(turns.bare_seconds)
    return {
        "arch": arch,
        "data": data,
        "module_ms": round(1000 * ours, 3),
        "bare_ms": round(1000 * theirs, 3),
        "module_iterations_per_second": round(1 / ours, 2),
        "ratio": round(ours / theirs, 4),
        **({"gpu_busy": round(_gpu_seconds(bare) / theirs, 3)} if device.type == "cuda" else {}),
        "blocks": len(turns.module_seconds),
        "iterations_a_block": block,
    }


def _gpu_seconds(bare: BareLoop, *, iterations: int = 5) -> float:
    """For how long the GPU computes in an iteration."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for _ in range(iterations):
            bare.iteration()
        torch.cuda.synchronize()
    return sum(event.self_device_time_total for event in profiler.key_averages()) / iterations / 1e6


def parts_of(arch: str, *, data: str, accelerator: str, steps: int) -> Parts:
    """What a run of an architecture is made of."""
    return build(settings_of(arch, data, accelerator, steps=steps))


def settings_of(arch: str, data: str, accelerator: str, *, steps: int) -> Settings:
    """The settings of a run; ``arch`` is a name with overrides behind it; digits come in the size that it draws."""
    name, *further = arch.split()
    overrides = [f"arch={name}", f"data={data}", "metrics=none", f"trainer.accelerator={accelerator}", *further]
    sizes = {
        "dcgan_tiny": [],
        "dcgan64": ["data.resolution=64", "data.channels=3"],
        "resnet101": ["data.resolution=64", "data.channels=3"],
    }
    size = sizes.get(name, ["data.resolution=32", "data.channels=3"]) if data == "digits" else []
    with composing():
        config = compose("train", [*overrides, *size, f"generator_steps={steps}", "learning_rate_scale=1"])
    return resolve(config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", nargs="+", default=["dcgan", "dcgan_tiny"])
    parser.add_argument("--data", default="digits")
    parser.add_argument("--blocks", type=int, default=15, help="blocks of each that are timed (default: 15)")
    parser.add_argument("--block", type=int, default=2, help="iterations a block (default: 2)")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU (default: 1)")
    parser.add_argument("--accelerator", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--output", type=Path, help="JSON file to write as well")
    arguments = parser.parse_args()
    quieten()
    torch.set_num_threads(arguments.threads)
    gpu = arguments.accelerator != "cpu" and torch.cuda.is_available()
    report = {
        "hardware": torch.cuda.get_device_name() if gpu else f"{platform.machine()} CPU, {arguments.threads} thread(s)",
        "torch": torch.__version__,
        "results": [
            measure(
                arch,
                data=arguments.data,
                block=arguments.block,
                blocks=arguments.blocks,
                accelerator=arguments.accelerator,
            )
            for arch in arguments.arch
        ],
    }
    text = json.dumps(report, indent=2)
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
