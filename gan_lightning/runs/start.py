"""How a study was started last: written when a run of it begins, and read again without trusting who wrote it."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gan_lightning.atomic import atomic_file
from gan_lightning.own_files import read_own, unreadable
from gan_lightning.resources import project_folder
from gan_lightning.runs.identity import is_within, key_of

NAME = "last_start.json"

LARGEST = 2**20
"""Bytes that the file may have."""

LAUNCHERS = ("basic", "joblib", "slurm", "slurm_ddp")

SWEEPERS = ("basic", "search")

LAUNCHER_OPTIONS = (
    "account",
    "array_parallelism",
    "cpus_per_task",
    "gpus_per_node",
    "mem_gb",
    "n_jobs",
    "nodes",
    "partition",
    "runs_per_device",
    "runs_per_job",
    "signal_delay_s",
    "tasks_per_node",
    "timeout_min",
    "wait",
)
"""Of ``hydra.launcher``: such as run nothing of their own, as ``setup`` does."""


@dataclass(frozen=True)
class Start:
    """One start of a study.

    Attributes:
        folder: that it was typed in.
        launcher: what was typed of Hydra's own, such as its launcher.
        overrides: what was typed of the project's settings.
    """

    folder: str
    launcher: list[str]
    overrides: list[str]

    @property
    def plan(self) -> list[str]:
        """What says which runs there are: the overrides, and what was typed of the sweeper."""
        return [*(line for line in self.launcher if is_within(key_of(line), ["hydra.sweeper"])), *self.overrides]


def write_start(directory: Path, start: Start) -> None:
    """Write down how a study was started."""
    with atomic_file(directory / NAME) as temporary:
        temporary.write_text(json.dumps(asdict(start), indent=1) + "\n", encoding="utf-8")


def read_start(directory: Path, *, typed: Sequence[str] = ()) -> Start | None:
    """How a study was started last; ``None`` if no run of it has begun.

    It may be a stranger's: what could run anything else than this project's runs is not taken from it.

    Args:
        directory: of the study.
        typed: overrides that are the user's own, which stand in for those of the same keys.

    Raises:
        ValueError: if the file is broken, or has what is not taken from it.
    """
    file = directory / NAME
    try:
        content = json.loads(read_own(file, largest=LARGEST))
        start = Start(**content)
        lists = (start.launcher, start.overrides)
        if not isinstance(start.folder, str) or not all(isinstance(each, list) for each in lists):
            raise ValueError("folder, launcher and overrides are needed")
        lines = [line for each in lists for line in each]
        if not all(isinstance(line, str) and line.isprintable() for line in lines):
            raise ValueError("an override is no line")
    except FileNotFoundError:
        return None
    except (OSError, RecursionError, TypeError, ValueError) as error:
        raise unreadable(file, error, "move it away, and start the study itself again") from error
    own = {key_of(line.lstrip("~")) for line in typed}
    launcher, overrides = ([line for line in each if key_of(line.lstrip("~")) not in own] for each in lists)
    refused = [line for line in launcher if not _is_plain_launcher(line)]
    refused += [line for line in overrides if not _is_plain(line)]
    if refused:
        raise ValueError(
            f"{file} has {refused[0][:200]}, which is not taken from a file that may be a stranger's: type it again "
            "where it is yours, behind the study's name"
        )
    return Start(start.folder, launcher, overrides)


def _is_plain_launcher(line: str) -> bool:
    key, _, value = line.partition("=")
    if key == "hydra/launcher":
        return value in LAUNCHERS
    if key == "hydra/sweeper":
        return value in SWEEPERS
    if re.fullmatch(r"hydra\.sweeper\.(max_batch_size|n_trials|trials_at_once|seed)", key):
        return re.fullmatch(r"\d*", value) is not None
    option = re.fullmatch(r"\+{0,2}hydra\.launcher\.(\w+)", key)
    return option is not None and option[1] in LAUNCHER_OPTIONS and re.fullmatch(r"[\w.:-]*", value) is not None


def _is_plain(line: str) -> bool:
    """Whether an override names a setting or an option of this project, and neither code nor another config file.

    Hydra takes any folder beside ``conf/`` for a group of options, the runs of a stranger among them.
    """
    key, _, value = line.partition("=")
    name = key.lstrip("+~")
    if not re.fullmatch(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", name) or re.search(r"[\\${}]", line):  # what becomes another
        return False
    if re.match(r"hydra\b|logger\.", name):  # what runs by itself; a dashboard's address
        return False
    options = project_folder("sweeps") if name == "sweeps" else project_folder("conf") / name
    if options.is_dir():
        known = {path.stem for path in options.glob("*.yaml")}
        return set(re.split(r"[\s,()\[\]]+", value)) <= {"", "choice", "null", *known}
    if (project_folder("sweeps").parent / name).is_dir():
        return False
    return "." in name or not re.search(r"[/\\:]|\.\.", value)  # a study's name is that of a folder
