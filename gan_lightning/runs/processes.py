"""On what a run is trained, and by which processes: those that it starts, and those that find each other."""

import atexit
import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from multiprocessing import resource_tracker
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities import rank_zero_only
from torch import distributed
from torch.distributed import DistError, PrefixStore, Store, TCPStore  # pyright: ignore[reportPrivateImportUsage]
from torch.multiprocessing.spawn import start_processes

from gan_lightning.data.base import available_cores
from gan_lightning.parallel import start_equal
from gan_lightning.runs.interruption import SIGNALS, children_told, end_with_parent, ignore_signals, watch_signals
from gan_lightning.runs.packing import Slots, make_slots
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.words import quieten
from gan_lightning.runs.world import World, own_world, this_world

LONGEST_WAIT = timedelta(hours=6)
"""That one process waits for another: the first may prepare a large set of data meanwhile."""

LONGEST_SEARCH = timedelta(minutes=10)
"""That processes look for each other."""

SECONDS_OF_GRACE = 30.0
"""What is left to the other processes to end by themselves when one of them has failed."""


class DataParallel(DDPStrategy):
    """Lightning's data parallel processes without its wrapper around the module.

    The wrapper waits for gradients of all parameters in every backward pass. Here a backward pass is of one player, and
    the module averages that player's gradients itself: see ``parallel.average_gradients``.
    """

    def configure_ddp(self) -> None:
        """Start from the first process's weights."""
        assert self.model is not None
        start_equal(self.model)


def check_devices(trainer: Settings) -> None:
    """Ask for no more GPUs than there are.

    Raises:
        ValueError: if there are fewer, if the accelerator is none that is known here, or if batch norm is to be shared
            on a CPU.
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
    if trainer.get("batch_norm_sync") and device_kind(trainer) == "cpu":
        raise ValueError("trainer.batch_norm_sync=true is not possible on a CPU; allowed here: false")


def device_kind(trainer: Settings) -> str:
    """What a run is trained on: ``cuda`` or ``cpu``."""
    return "cuda" if trainer["accelerator"] != "cpu" and torch.cuda.is_available() else "cpu"


def limit_threads(trainer: Settings) -> None:
    """Give torch its threads in this process: as set, or its share of the cores."""
    threads = trainer["threads"] or share_of_cores(trainer["devices"], this_world())
    os.environ["OMP_NUM_THREADS"] = str(threads)  # else Lightning sets a number of its own where there are several
    torch.set_num_threads(threads)


def share_of_cores(devices: int, world: World | None) -> int:
    """Cores for this process: those of its task, where SLURM has one for it, or its share of those there are.

    Args:
        devices: processes of the run on this machine.
        world: around this process.
    """
    if world is not None and world.launcher == "SLURM" and "SLURM_CPUS_PER_TASK" in os.environ:
        return number_of_cores()
    return max(1, number_of_cores() // devices)


def number_of_cores() -> int:
    """How many this process and its children may use: in a task of SLURM's those asked for, though it may see more."""
    seen = len(available_cores())
    return min(seen, int(os.environ.get("SLURM_CPUS_PER_TASK", seen)))


def connect(world: World, trainer: Settings) -> None:
    """Find the other processes, once for all runs of this one; then ``torch.distributed`` and Lightning know them.

    They part when Python ends, and no later: a thread of gloo's that is left then may abort the process. On GPUs
    tensors of the CPU have a way of their own, so that a look for signals does not wait for a GPU.

    Raises:
        ValueError: if there are too few GPUs, or if the others do not come.
    """
    if distributed.is_initialized():
        return
    check_devices(trainer)
    rank_zero_only.rank = world.rank  # pyright: ignore[reportFunctionMemberAccess]
    os.environ |= {
        "RANK": str(world.rank),
        "WORLD_SIZE": str(world.size),
        "LOCAL_RANK": str(world.local_rank),
        "NODE_RANK": str(world.node),
        "MASTER_ADDR": world.address,
        "MASTER_PORT": str(world.port),
    }
    backend = "gloo"
    if device_kind(trainer) == "cuda":
        torch.cuda.set_device(world.local_rank)
        backend = "cpu:gloo,cuda:nccl"
    place = {"store": _met(world), "rank": world.rank, "world_size": world.size}
    distributed.init_process_group(backend, timeout=LONGEST_WAIT, **place)
    atexit.register(distributed.destroy_process_group)


def give_up_others() -> None:
    """Let this process end without a goodbye to the others, once it has lost them: they may never answer."""
    atexit.unregister(distributed.destroy_process_group)


def _met(world: World) -> Store:
    """The store through which processes find each other, when all have come.

    That of a run's own processes is their parent's, that of torchrun mostly its agent's; else the first process has it.

    Raises:
        ValueError: if one does not come.
    """
    is_elsewhere = world.launcher == "gan_lightning" or os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    try:
        place = {"is_master": world.is_first and not is_elsewhere, "timeout": LONGEST_SEARCH}
        store = PrefixStore(f"gan_lightning {attempt}", TCPStore(world.address, world.port, world.size, **place))
        store.set(f"process {world.rank}", "here")
        store.wait([f"process {rank}" for rank in range(world.size)], LONGEST_SEARCH)
    except DistError as error:
        minutes = LONGEST_SEARCH.seconds // 60
        raise ValueError(
            f"the {world.size} processes that {world.launcher} started have not found each other at {world.address}, "
            f"port {world.port}, within {minutes} minutes: {str(error).splitlines()[0]}"
        ) from error
    return store


def meeting_place() -> TCPStore:
    """Where processes that this one starts find each other, by its port, while it lives."""
    return TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)


def in_processes(work: Callable[..., None], *arguments: Any, trainer: Settings, lock: int, log_file: Path) -> None:
    """Do one piece of work in the processes of a run on this machine, and wait for all of them.

    They end with this process, however it ends, and hold its lock until then.

    Args:
        work: function of a module, given ``arguments``.
        trainer: the settings that say how many, and on what.
        lock: file descriptor of the locked file.
        log_file: where the first process writes its messages, besides the screen.

    Raises:
        ProcessRaisedException, ProcessExitedException: if one of them raised or was killed, which ends the others.
    """
    store = meeting_place()
    resource_tracker.ensure_running()  # before signals are blocked: Python 3.11 unblocks two of them there
    given = store.port, trainer, _Inherited(lock), log_file, work, arguments
    # Until a process watches signals itself, one that comes waits.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        started = start_processes(_process, given, nprocs=trainer["devices"], join=False)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert started is not None
    with children_told():
        while not started.join(grace_period=SECONDS_OF_GRACE):
            pass


class _Inherited:
    """A file descriptor that goes along to a process that is being started."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _detached, (DupFd(self.descriptor),)


def _detached(duplicate: Any) -> int:
    return duplicate.detach()


def _process(
    rank: int,
    port: int,
    trainer: Settings,
    lock: int,
    log_file: Path,
    work: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    end_with_parent()
    watch_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    quieten()
    if rank == 0:
        log_to(log_file)
    try:
        connect(own_world(rank, trainer["devices"], port), trainer)
        work(*arguments)
    except BaseException:
        give_up_others()
        raise
    finally:
        ignore_signals()


def log_to(file: Path) -> None:
    """Write this process's messages to the screen and to a file."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(message)s",
        handlers=[logging.StreamHandler(sys.stdout), logging.FileHandler(file)],
    )


def slots_of_this_machine(trainer: Settings, runs_per_device: int | None) -> Slots:
    """Places for runs side by side on this machine's GPUs or cores; see ``packing.make_slots``."""
    gpus: list[str] = []
    if device_kind(trainer) == "cuda":
        named = os.environ.get("CUDA_VISIBLE_DEVICES")
        gpus = named.split(",") if named else [str(number) for number in range(torch.cuda.device_count())]
    cores, number = available_cores(), number_of_cores()
    return make_slots(trainer, gpus=gpus, cores=cores, number=number, runs_per_device=runs_per_device)
