"""``python -m benchmarks.data_parallel``: ways to average gradients over processes, in turns in the same processes.

Each way makes the same critic step with WGAN-GP's penalty, and the same generator step:

* ``flat``: the package's own, one all-reduce of all gradients when the backward pass is over
* ``each``: an all-reduce for each parameter
* ``wrapped``: torch's DistributedDataParallel around both players, looking for unused parameters, as Lightning has it
* ``two wrapped``: one around the critic's loss and one around the generator's, without that look
* ``none``: no averaging at all, the floor

Prints JSON: medians of seconds by way, and their ratios to ``flat``.
"""

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median

import torch
from hydra import compose
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel

import gan_lightning.cli  # noqa: F401 - registers the resolvers that the configuration needs
from gan_lightning.module import AdversarialModule, frozen
from gan_lightning.parallel import average_gradients
from gan_lightning.randomness import RandomStreams
from gan_lightning.runs.build import build_module
from gan_lightning.runs.overrides import composing
from gan_lightning.runs.processes import connect, meeting_place
from gan_lightning.runs.settings import Settings, resolve
from gan_lightning.runs.world import own_world

Step = Callable[[], None]


class Losses(nn.Module):
    """The losses of one player or of both as one forward pass, for wrappers that want one."""

    def __init__(self, module: AdversarialModule, *, critic: bool, generator: bool) -> None:
        super().__init__()
        self.module = (module,)  # no submodule: its parameters are those registered below
        self.critic = module.critic if critic else None
        self.generator = module.generator if generator else None

    def forward(self, player: str, real: Tensor, latent: Tensor, epsilon: Tensor) -> Tensor:
        (module,) = self.module
        if player == "critic":
            return module.critic_loss(real, None, latent=latent, epsilon=epsilon)[0]
        return module.generator_loss(real, None)


def ways_of(settings: Settings, rank: int, processes: int, device: torch.device) -> dict[str, dict[str, Step]]:
    """By way: the critic's step and the generator's, each on networks of its own."""
    batch = settings["data"]["batch_size"] // processes
    streams = RandomStreams(0, "benchmark", rank=rank, world_size=processes, device=device)
    real = streams.uniform("real", batch, *settings["data"]["image_shape"]) * 2 - 1

    def steps(way: str) -> dict[str, Step]:
        module = build_module(settings).to(device)
        module.streams = streams
        optimizers = {
            "critic": module.make_critic_optimizer(module.critic),
            "generator": module.make_generator_optimizer(module.generator),
        }
        both = Losses(module, critic=True, generator=True)
        loss: dict[str, nn.Module] = {"critic": both, "generator": both}
        if way == "wrapped":
            wrapped = DistributedDataParallel(both, find_unused_parameters=True)
            loss = {"critic": wrapped, "generator": wrapped}
        elif way == "two wrapped":
            loss = {
                "critic": DistributedDataParallel(Losses(module, critic=True, generator=False)),
                "generator": DistributedDataParallel(Losses(module, critic=False, generator=True)),
            }

        def step(player: str) -> None:
            latent, epsilon = streams.latents(batch, module.latent_dim), streams.epsilon(batch)
            value = loss[player](player, real, latent, epsilon)
            optimizer = optimizers[player]
            optimizer.zero_grad()
            value.backward()
            if way == "flat":
                average_gradients(optimizer)
            elif way == "each":
                for group in optimizer.param_groups:
                    for parameter in group["params"]:
                        distributed.all_reduce(parameter.grad)
                        parameter.grad /= processes
            optimizer.step()

        def generator_step() -> None:
            if way == "wrapped":  # it counts on gradients of the parameters that it was given
                step("generator")
                return
            with frozen(module.critic):
                step("generator")

        return {"critic": lambda: step("critic"), "generator": generator_step}

    return {way: steps(way) for way in ("flat", "each", "wrapped", "two wrapped", "none")}


def process(rank: int, processes: int, port: int, overrides: list[str], rounds: int, block: int) -> None:
    with composing():
        settings = resolve(compose("train", overrides))
    torch.set_num_threads(settings["trainer"]["threads"] or 1)
    connect(own_world(rank, processes, port), settings["trainer"] | {"devices": processes})
    device = torch.device("cuda", rank) if distributed.get_backend() != "gloo" else torch.device("cpu")
    ways = ways_of(settings, rank, processes, device)
    seconds: dict[str, list[float]] = defaultdict(list)
    for round_number in range(rounds + 1):
        for way, steps in ways.items():
            for player, step in steps.items():
                distributed.barrier()
                started = time.perf_counter()
                for _ in range(block):
                    step()
                if device.type == "cuda":
                    torch.cuda.synchronize()
                if round_number:
                    seconds[f"{way}, {player}"].append((time.perf_counter() - started) / block)
    if rank == 0:
        found = {name: median(values) for name, values in seconds.items()}
        ratios = {name: value / found[f"flat, {name.split(', ')[1]}"] for name, value in found.items()}
        print(
            json.dumps({"overrides": overrides, "processes": processes, "seconds": found, "ratios": ratios}, indent=2)
        )


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.data_parallel")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each way (default: 15)")
    parser.add_argument("--block", type=int, default=5, help="steps a turn (default: 5)")
    parser.add_argument("overrides", nargs="*", help="as for train.py, such as arch=dcgan")
    options = parser.parse_args()
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    store = meeting_place()
    given = options.processes, store.port, options.overrides, options.rounds, options.block
    spawn(process, given, nprocs=options.processes)


if __name__ == "__main__":
    main()
