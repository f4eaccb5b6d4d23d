"""Runs side by side on one device: generator iterations a second of 1, 2, 4, … processes, and runs an hour.

    python -m benchmarks.sweep --arch dcgan "random seed=3" --processes 1 2 4 8 16

The processes start once and train a WGAN-GP each; then as many of them work as the row says, for the same seconds.
A run is counted at ``--steps`` iterations, without its start, scores and pictures. Prints JSON.
"""

import argparse
import json
import multiprocessing
import platform
from pathlib import Path
from typing import Any

import torch

from benchmarks.step import BareLoop, now, parts_of


def work(arch: str, device: str, counts: list[int], seconds: float, rank: int, barrier: Any, found: Any) -> None:
    """One process: for every count it works if its rank is below it, and puts down its iterations a second."""
    torch.set_num_threads(1)
    parts = parts_of(arch, data="digits", accelerator="gpu" if device == "cuda" else "cpu", steps=1)
    networks = parts.module.generator.to(device), parts.module.critic.to(device)
    images = torch.as_tensor(parts.data.splits[0].to(torch.device(device)).samples)
    bare = BareLoop(*networks, images, batch_size=64)
    for _ in range(3):
        bare.iteration()
    for count in counts:
        now()
        barrier.wait()
        if rank >= count:
            continue
        start, end, done = now(), 0.0, 0
        while end - start < seconds:
            bare.iteration()
            end, done = now(), done + 1
        found.put((count, done / (end - start)))


def measure(arch: str, *, device: str, counts: list[int], seconds: float, steps: int) -> list[dict[str, Any]]:
    """A row for every number of processes."""
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(max(counts)), context.Queue()
    processes = [
        context.Process(target=work, args=(arch, device, counts, seconds, rank, barrier, found), daemon=True)
        for rank in range(max(counts))
    ]
    for process in processes:
        process.start()
    rates: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(sum(counts)):
        count, rate = found.get(timeout=600)
        rates[count].append(rate)
    for process in processes:
        process.join()
    return [
        {
            "arch": arch,
            "processes": count,
            "iterations_per_second": round(sum(own), 2),
            "times_one": round(sum(own) / sum(rates[counts[0]]), 2),
            "runs_per_hour": round(3600 * sum(own) / steps, 2),
        }
        for count, own in rates.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", nargs="+", default=["dcgan"], help="names, with overrides behind them")
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2, 4, 8], help="from few to many")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement (default: 8)")
    parser.add_argument("--steps", type=int, default=100_000, help="iterations of a run (default: the paper's 100,000)")
    parser.add_argument("--output", type=Path, help="JSON file to write as well")
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows: list[dict[str, Any]] = []
    for arch in arguments.arch:
        rows += measure(
            arch, device=device, counts=arguments.processes, seconds=arguments.seconds, steps=arguments.steps
        )
    hardware = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    text = json.dumps(
        {"hardware": hardware, "torch": torch.__version__, "steps": arguments.steps, "results": rows}, indent=2
    )
    if arguments.output is not None:
        arguments.output.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
