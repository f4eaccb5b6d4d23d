"""Runs that are damaged in every way: which file, how, and what a command must then do."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FILES = (
    "config.yaml",
    "result.json",
    "metrics.csv",
    "curves.png",
    "train.log",
    ".lock",
    "samples/000002.png",
    "samples/000004.png",
    "checkpoints/last.ckpt",
    "checkpoints/previous.ckpt",
    "checkpoints/best.ckpt",
)
COMMANDS = ("resume", "evaluate", "evaluate best", "sample", "report", "status")
RUNS = ("finished", "interrupted")
OTHER = "other"
"""Where a run of another seed lies, beside the folder of the study."""

Damage = Callable[[Path, random.Random], None]


@dataclass(frozen=True)
class Case:
    """One file of one run, damaged in one way, before one command."""

    run: str
    file: str
    damage: str
    command: str
    seed: int

    def __str__(self) -> str:
        return f"{self.command}-{self.run}-{self.file}-{self.damage}-{self.seed}"

    @property
    def is_visible(self) -> bool:
        """Whether the damage can be told from what somebody may have written."""
        is_text = not self.file.endswith((".ckpt", ".png"))
        return not (is_text and self.damage in ("flip", "truncate"))


def truncate(path: Path, draw: random.Random) -> None:
    os.truncate(path, draw.randrange(max(path.stat().st_size, 1)))


def flip(path: Path, draw: random.Random) -> None:
    data = bytearray(path.read_bytes()) or bytearray(1)
    place = draw.randrange(8 * len(data))
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)


def empty(path: Path, draw: random.Random) -> None:
    path.write_bytes(b"")


def fill(path: Path, draw: random.Random) -> None:
    path.write_bytes(draw.randbytes(draw.randrange(1, 5000)))


def make_folder(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()


def link(path: Path, draw: random.Random) -> None:
    """To the file as it was, which now is somebody else's."""
    path.rename(secret(path))
    path.symlink_to(secret(path))


def make_pipe(path: Path, draw: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def swap(path: Path, draw: random.Random) -> None:
    run = path.parent if path.parent.name not in ("samples", "checkpoints") else path.parent.parent
    others = [run / name for name in FILES if run / name != path]
    shutil.copyfile(draw.choice(others), path)


def exchange(path: Path, draw: random.Random) -> None:
    """A checkpoint for that of another run, which differs in its seed alone."""
    shutil.copyfile(secret(path).parent / "runs" / OTHER / "checkpoints" / path.name, path)


def remove(path: Path, draw: random.Random) -> None:
    path.unlink()


def secret(path: Path) -> Path:
    """Where a link of :func:`link` leads."""
    return path.parents[[parent.name for parent in path.parents].index("runs") + 1] / "secret"


DAMAGES: dict[str, Damage] = {
    "truncate": truncate,
    "flip": flip,
    "empty": empty,
    "fill": fill,
    "folder": make_folder,
    "link": link,
    "pipe": make_pipe,
    "swap": swap,
    "exchange": exchange,
    "remove": remove,
}


def all_cases(seeds: int) -> Iterator[Case]:
    """Every combination; those whose damage is drawn so many times."""
    for run in RUNS:
        for file in FILES:
            for damage in damages_of(file):
                for seed in range(seeds if damage in ("truncate", "flip", "fill", "swap") else 1):
                    yield from (Case(run, file, damage, command, seed) for command in COMMANDS)


def damages_of(file: str) -> list[str]:
    """What can be done to a file."""
    return [damage for damage in DAMAGES if damage != "exchange" or file.endswith(".ckpt")]


def some_cases() -> list[Case]:
    """One of them for every file and damage, and more of those that once did harm."""
    draw = random.Random(0)
    chosen = [
        Case(draw.choice(RUNS), file, damage, draw.choice(COMMANDS), 0) for file in FILES for damage in damages_of(file)
    ]
    chosen += [Case("interrupted", "checkpoints/last.ckpt", "flip", command, 1) for command in COMMANDS[:4]]
    chosen += [Case("finished", "checkpoints/last.ckpt", "exchange", command, 0) for command in COMMANDS[1:4]]
    chosen += [Case("interrupted", "checkpoints/last.ckpt", "exchange", "resume", 0)]
    chosen += [Case("finished", file, "pipe", "status", 0) for file in ("result.json", ".lock")]
    chosen += [Case("interrupted", "metrics.csv", damage, "resume", 1) for damage in ("fill", "swap")]
    return list(dict.fromkeys(chosen))
