"""A real SLURM cluster of two nodes on this machine, which leaves nothing behind."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from clusters import PATHS, PROGRAMS, Cluster, idle_nodes, wait_until, write_config


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    path = f"{os.environ['PATH']}:{PATHS}"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        pytest.skip(f"no SLURM here: {', '.join(missing)} not found; Debian: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        pytest.skip("a SLURM cluster of one's own can be started by root alone")
    folder = tmp_path_factory.mktemp("cluster")
    folder.chmod(0o755)
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    write_config(folder)
    environment = os.environ | {"PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}
    files = (
        "key-file=munge.key",
        "socket=munge.socket",
        "pid-file=munge.pid",
        "log-file=munge.log",
        "seed-file=munge.seed",
    )
    options = [f"--{name}={folder}/{file}" for name, file in (entry.split("=") for entry in files)]
    commands = [["munged", "--foreground", "--force", *options], ["slurmctld", "-D"], ["slurmd", "-D", "-N", "n1"]]
    commands.append(["slurmd", "-D", "-N", "n2"])
    started: list[subprocess.Popen[bytes]] = []
    with open(folder / "daemons.txt", "wb") as out:
        try:
            for command in commands:
                started.append(subprocess.Popen(command, env=environment, stdout=out, stderr=out))
                if command[0] == "munged":
                    wait_until((folder / "munge.socket").exists, seconds=30, what="munged")
            made = Cluster(folder, environment)
            wait_until(lambda: idle_nodes(environment) == 2, seconds=60, what=f"two idle nodes, see {folder}")
            yield made
            subprocess.run(["scancel", "--user=root"], env=environment, check=False)
            wait_until(lambda: not made.queue(), seconds=60, what="an empty queue")
        finally:
            for process in reversed(started):
                process.terminate()
            for process in reversed(started):
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
