"""What a SLURM cluster of two nodes on one machine is made of, and how it is asked."""

import re
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import commands
from commands import free_ports

PROGRAMS = ("munged", "munge", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo")
PATHS = "/usr/sbin:/sbin"

wait_until = partial(commands.wait_until, every=0.2)


@dataclass(frozen=True)
class Cluster:
    """Where SLURM's programs find their cluster."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str) -> str:
        """What one of SLURM's programs prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def queue(self) -> dict[str, str]:
        """Jobs that wait or run, with their states."""
        lines = self.run("squeue", "--noheader", "--array", "--format=%i %T").splitlines()
        return dict(line.split() for line in lines)


def write_config(folder: Path) -> None:
    """Two nodes of one host, without control groups, accounting, or anything outside this folder."""
    control, *nodes = free_ports(3)
    lines = [
        "ClusterName=loopback",
        "SlurmctldHost=localhost",
        "AuthType=auth/munge",
        f"AuthInfo=socket={folder}/munge.socket",
        "SlurmUser=root",
        "SlurmdUser=root",
        f"StateSaveLocation={folder}/state",
        f"SlurmdSpoolDir={folder}/spool.%n",
        f"SlurmctldPidFile={folder}/slurmctld.pid",
        f"SlurmdPidFile={folder}/slurmd.%n.pid",
        f"SlurmctldLogFile={folder}/slurmctld.log",
        f"SlurmdLogFile={folder}/slurmd.%n.log",
        f"SlurmctldPort={control}",
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core",
        "ReturnToService=2",
        "MpiDefault=none",
        "JobRequeue=1",
        "KillWait=5",
    ]
    for name, port in zip(("n1", "n2"), nodes, strict=True):
        lines.append(
            f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=2000 "
            "State=UNKNOWN"
        )
    lines.append("PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP")
    (folder / "slurm.conf").write_text("\n".join(lines) + "\n")
    (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")


def idle_nodes(environment: dict[str, str]) -> int:
    answer = subprocess.run(["sinfo", "-h", "-o", "%D %t"], env=environment, capture_output=True, text=True)
    return sum(int(number) for number, state in re.findall(r"(\d+) (\S+)", answer.stdout) if state == "idle")
