"""Who starts a run's processes, by what a launcher leaves behind."""

import pytest

from gan_lightning.runs.world import World, check_world, launched_world, own_world, processes_of

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "3",
    "WORLD_SIZE": "4",
    "GROUP_RANK": "1",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "node7",
    "MASTER_PORT": "29500",
}
SLURM = {
    "SLURM_JOB_ID": "1234",
    "SLURM_STEP_ID": "0",
    "SLURM_NTASKS": "6",
    "SLURM_STEP_NUM_TASKS": "6",
    "SLURM_PROCID": "5",
    "SLURM_NODEID": "1",
    "SLURM_LOCALID": "2",
    "SLURM_STEP_NODELIST": "localhost",
    "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.1",
}


def test_torchrun_says_it_in_its_variables() -> None:
    assert launched_world(TORCHRUN) == World(
        rank=3, size=4, node=1, local_rank=1, address="node7", port=29500, launcher="torchrun"
    )


def test_slurm_says_it_in_those_of_a_step() -> None:
    world = launched_world(SLURM)
    assert world is not None
    assert (world.rank, world.size, world.node, world.local_rank, world.launcher) == (5, 6, 1, 2, "SLURM")
    assert world.address == "localhost"
    assert 20000 <= world.port < 32000
    other = launched_world(SLURM | {"SLURM_PROCID": "0", "SLURM_LOCALID": "0"})
    assert other is not None and (other.address, other.port) == (world.address, world.port)
    assert other.is_first and not world.is_first


def test_a_node_that_nobody_can_look_up_is_found_by_the_address_that_srun_was_called_from() -> None:
    world = launched_world(SLURM | {"SLURM_STEP_NODELIST": "no-such-node-[3-5].invalid"})
    assert world is not None and world.address == "10.0.0.1"


def test_what_the_user_says_of_the_address_counts() -> None:
    world = launched_world(SLURM | {"MASTER_ADDR": "here", "MASTER_PORT": "4321"})
    assert world is not None and (world.address, world.port) == ("here", 4321)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"},  # the shell of a batch script
        SLURM | {"SLURM_STEP_NUM_TASKS": "1"},
        TORCHRUN | {"WORLD_SIZE": "1", "RANK": "0"},
    ],
)
def test_a_process_alone_has_no_launchers_world(environ: dict[str, str]) -> None:
    assert launched_world(environ) is None


def test_devices_and_nodes_must_be_the_processes_that_there_are() -> None:
    trainer = {"devices": 2, "nodes": 2}
    assert processes_of(trainer) == 4
    world = launched_world(TORCHRUN)
    check_world(trainer, world)
    check_world({"devices": 2, "nodes": 1}, None)
    for spread in ({"devices": 4, "nodes": 1}, {"devices": 1, "nodes": 4}):
        with pytest.raises(ValueError, match=r"is not possible: process 3 is number 1 of node 1, as torchrun started"):
            check_world(spread, world)
    with pytest.raises(
        ValueError, match=r"trainer\.devices=1 trainer\.nodes=1 are 1 processes, and torchrun started 4"
    ):
        check_world({"devices": 1, "nodes": 1}, world)
    with pytest.raises(ValueError, match=r"trainer\.nodes=2 is not possible here.*slurm_ddp"):
        check_world(trainer, None)


def test_own_processes_find_each_other_on_this_machine() -> None:
    assert own_world(1, 2, 4321) == World(rank=1, size=2, node=0, local_rank=1, address="127.0.0.1", port=4321)
