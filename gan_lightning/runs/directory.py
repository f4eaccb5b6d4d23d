"""The run directory: the contract between runs, reports and people. Every write is atomic."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.atomic import atomic_file
from gan_lightning.runs.identity import LENGTH, differences
from gan_lightning.runs.result import Result, read_result, write_result
from gan_lightning.runs.settings import Settings


class RunDirectory:
    """One run's files.

    Args:
        path: of the directory; made when first written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config, self.result_file, self.metrics = path / "config.yaml", path / "result.json", path / "metrics.csv"
        self.curves, self.samples = path / "curves.png", path / "samples"
        self.refusal = path / "refused.txt"
        self.last = path / "checkpoints" / "last.ckpt"
        self.previous = path / "checkpoints" / "previous.ckpt"
        self.best = path / "checkpoints" / "best.ckpt"

    @property
    def settings(self) -> Settings:
        """The settings that the run was started with.

        Raises:
            FileNotFoundError: if there is no run here.
            ValueError: if its ``config.yaml`` cannot be read, or is of an earlier layout.
        """
        if not self.config.is_file():
            raise FileNotFoundError(f"{self.path} is not a run directory: it has no config.yaml")
        try:
            settings = OmegaConf.to_container(OmegaConf.load(self.config))
        except Exception as error:
            raise ValueError(f"{self.config} cannot be read: {' '.join(str(error).split())}") from error
        if not isinstance(settings, dict) or LENGTH not in settings:
            raise ValueError(f"{self.config} is not the config of a run: it has no {LENGTH}")
        if "scorer" in (settings.get("metrics") or {}):
            raise ValueError(
                f"{self.path} is of an earlier version of gan_lightning, which had metrics.scorer and other padding in "
                "its networks: it can be reported and no longer gone on with or sampled from; move it away, or set "
                "study=NAME"
            )
        return {str(key): value for key, value in settings.items()}

    @property
    def result(self) -> Result | None:
        """What ``result.json`` says, ``None`` if there is none yet.

        Raises:
            ValueError: if it is broken.
        """
        return read_result(self.result_file) if self.result_file.exists() else None

    @property
    def has_begun(self) -> bool:
        """Whether there is anything of a run that could be lost."""
        return any(path.exists() for path in (self.config, self.last, self.previous, self.best))

    def begin(self, settings: Settings, result: Result) -> None:
        """Write what the run is; the samples, curves and checkpoints of an earlier start stay."""
        with atomic_file(self.config) as temporary:
            OmegaConf.save(OmegaConf.create(settings), temporary)
        write_result(self.result_file, result)

    def record(self, **changes: Any) -> None:
        """Change fields of ``result.json``.

        Raises:
            FileNotFoundError: if the run has not begun.
        """
        write_result(self.result_file, replace(read_result(self.result_file), **changes))

    def refuse(self, config: DictConfig, names: Settings, error: str) -> None:
        """Write down why a run of a sweep could not start; as its result too, if nothing of a run is there."""
        with atomic_file(self.refusal) as temporary:
            temporary.write_text(f"{error}\n")
        numbers = {name: config.get(name) for name in ("seed", LENGTH)}
        if not self.has_begun and all(type(number) is int for number in numbers.values()):
            study = str(config.get("study"))
            failed = Result(
                status="failed", study=study, generator_step=0, seconds=0.0, error=error, **names, **numbers
            )
            write_result(self.result_file, failed)

    def has_ended(self, settings: Settings) -> bool:
        """Whether these settings have nothing left to do here: it diverged, or has come as far or farther.

        Raises:
            ValueError: if the directory belongs to a run of other settings, naming the difference, or if it cannot be
                known whose checkpoints it holds.
        """
        if not self.config.is_file():
            if self.has_begun:
                raise ValueError(
                    f"{self.path} holds checkpoints and no config.yaml, so that nobody knows of which run: put that "
                    "file back, or delete the directory to start again"
                )
            return False
        found = differences(settings, self.settings)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise ValueError(
                f"{self.path} holds a run of another config, {found[0]}{more}; allowed to change: places, trainer, "
                "logger, and the run length where nothing follows it; move the directory away to begin anew"
            )
        result = self.result
        if result is None:
            return False
        if result.status == "finished":
            return result.generator_step >= settings[LENGTH]
        return result.status == "diverged" or result.generator_step > settings[LENGTH]

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the directory against other processes; a killed process lets go of it.

        Raises:
            ValueError: if another process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self.path / ".lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(f"{self.path} is in use: another process is running it") from error
            yield
