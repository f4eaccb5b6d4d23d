"""On what a run is trained, and our own processes: one for each device, all on this machine."""

import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.multiprocessing.spawn import start_processes

from gan_lightning.data.base import available_cores
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.words import quieten


def check_devices(trainer: Settings) -> None:
    """Ask for no more GPUs than there are.

    Raises:
        ValueError: if there are fewer, or if the accelerator is none that is known here.
    """
    accelerator, devices, gpus = trainer["accelerator"], trainer["devices"], torch.cuda.device_count()
    if accelerator not in ("auto", "cpu", "gpu"):
        raise ValueError(f"trainer.accelerator={accelerator} is unknown; allowed: auto, cpu, gpu")
    if accelerator == "gpu" and gpus == 0:
        raise ValueError("trainer.accelerator=gpu is not possible: no GPU is found; allowed here: auto, cpu")
    if accelerator != "cpu" and 0 < gpus < devices:
        raise ValueError(
            f"trainer.devices={devices} is not possible: {gpus} found; allowed: up to {gpus}, or trainer=cpu"
        )


def device_kind(trainer: Settings) -> str:
    """What a run is trained on: ``cuda`` or ``cpu``."""
    return "cuda" if trainer["accelerator"] != "cpu" and torch.cuda.is_available() else "cpu"


def limit_threads(trainer: Settings) -> None:
    """Give torch its threads in this process: as set, or the cores shared out over the processes."""
    torch.set_num_threads(trainer["threads"] or max(1, available_cores() // trainer["devices"]))


def in_processes(work: Callable[..., None], *arguments: Any, count: int, log_file: Path) -> None:
    """Do one piece of work in ``count`` processes that find each other, and wait for all of them.

    Args:
        work: function of a module, given ``arguments``.
        count: how many.
        log_file: where the first process writes its messages, besides the screen.

    Raises:
        ProcessRaisedException: if one of them raised, which ends the others.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start_processes(_process, (port, log_file, work, arguments), nprocs=count, start_method="spawn")


def _process(rank: int, port: int, log_file: Path, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    os.environ |= {"LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    quieten()
    if rank == 0:
        logging.basicConfig(
            level=logging.INFO,
            format="%(message)s",
            handlers=[logging.StreamHandler(sys.stdout), logging.FileHandler(log_file)],
        )
    work(*arguments)
