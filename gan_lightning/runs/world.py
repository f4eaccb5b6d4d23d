"""Who starts the processes of a run, and which of them this is: read once from what the launcher left behind.

Nothing heavy is imported here, so that a mistake is on the screen before torch is loaded.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gan_lightning.runs.settings import Settings


@dataclass(frozen=True)
class World:
    """This process among those of its run.

    Attributes:
        rank, size: which process it is, and of how many.
        node, local_rank: on which of the run's machines, and which process there.
        address, port: where the first process is found by the others.
        launcher: who started them: ``torchrun``, ``SLURM``, or ``gan_lightning`` where a run starts its own.
    """

    rank: int
    size: int
    node: int
    local_rank: int
    address: str
    port: int
    launcher: str = "gan_lightning"

    @property
    def is_first(self) -> bool:
        return self.rank == 0


def launched_world(environ: Mapping[str, str] = os.environ) -> World | None:
    """The world that a launcher made around this process; ``None`` where none did, or one of a single process.

    Of SLURM only a step that ``srun`` started counts: in a batch script's own shell there is one process, however many
    tasks the job has.
    """
    if "TORCHELASTIC_RUN_ID" in environ:
        world = World(
            rank=int(environ["RANK"]),
            size=int(environ["WORLD_SIZE"]),
            node=int(environ["GROUP_RANK"]),
            local_rank=int(environ["LOCAL_RANK"]),
            address=environ["MASTER_ADDR"],
            port=int(environ["MASTER_PORT"]),
            launcher="torchrun",
        )
    elif int(environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        world = World(
            rank=int(environ["SLURM_PROCID"]),
            size=int(environ["SLURM_STEP_NUM_TASKS"]),
            node=int(environ["SLURM_NODEID"]),
            local_rank=int(environ["SLURM_LOCALID"]),
            address=environ.get("MASTER_ADDR") or _slurm_address(environ),
            port=int(environ.get("MASTER_PORT") or _slurm_port(environ)),
            launcher="SLURM",
        )
    else:
        return None
    return world if world.size > 1 else None


@cache
def this_world() -> World | None:
    """The world around this process, as it was when it was first asked for: Lightning tidies the environment up."""
    return launched_world()


def speaks() -> bool:
    """Whether this process speaks for its run: the first of those that a launcher started, or the only one."""
    world = this_world()
    return world is None or world.is_first


def own_world(rank: int, size: int, port: int) -> World:
    """The world of a process that its run started on this machine."""
    return World(rank=rank, size=size, node=0, local_rank=rank, address="127.0.0.1", port=port)


def processes_of(trainer: Settings) -> int:
    """How many processes train a run: ``devices`` on each of ``nodes`` machines."""
    return trainer["devices"] * trainer["nodes"]


def check_world(trainer: Settings, world: World | None) -> None:
    """Ask for as many processes as there are, and where they are.

    Raises:
        ValueError: if a launcher started another number, or spread it otherwise over the machines, or if there is none
            and other machines are asked for.
    """
    devices, nodes, asked = trainer["devices"], trainer["nodes"], processes_of(trainer)
    if world is not None and world.size != asked:
        raise ValueError(
            f"trainer.devices={devices} trainer.nodes={nodes} are {asked} processes, and {world.launcher} started "
            f"{world.size}: set trainer=ddp and as many devices on each node as it starts processes there"
        )
    if world is not None and (world.node, world.local_rank) != divmod(world.rank, devices):
        raise ValueError(
            f"trainer.devices={devices} trainer.nodes={nodes} is not possible: process {world.rank} is number "
            f"{world.local_rank} of node {world.node}, as {world.launcher} started it; allowed: devices, processes on "
            "each node in turn, times nodes"
        )
    if world is None and nodes > 1:
        raise ValueError(
            f"trainer.nodes={nodes} is not possible here: a run starts processes on its own machine alone; use "
            "hydra/launcher=slurm_ddp, srun, or torchrun"
        )


def _slurm_address(environ: Mapping[str, str]) -> str:
    """The first node of the step, or the address that ``srun`` was called from where nobody knows that node's."""
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    node = SLURMEnvironment.resolve_root_node_address(environ["SLURM_STEP_NODELIST"])
    try:
        socket.getaddrinfo(node, None)
    except socket.gaierror:
        return environ.get("SLURM_LAUNCH_NODE_IPADDR", node)
    return node


def _slurm_port(environ: Mapping[str, str]) -> int:
    """A port that all processes of a step agree on, and other steps on this machine hardly share."""
    return 20000 + (int(environ["SLURM_JOB_ID"]) + 4001 * int(environ.get("SLURM_STEP_ID", 0))) % 12000
