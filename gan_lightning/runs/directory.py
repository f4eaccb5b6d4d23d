"""The run directory: the contract between runs, reports and people. Every write is atomic."""

import fcntl
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.atomic import atomic_file, remove_leftovers
from gan_lightning.own_files import append_own, check_folder, open_own, read_own
from gan_lightning.runs.identity import LENGTH, differences
from gan_lightning.runs.interruption import received_signal
from gan_lightning.runs.plain_yaml import read_plain_yaml
from gan_lightning.runs.result import Result, read_result, write_result
from gan_lightning.runs.schema import check_settings
from gan_lightning.runs.settings import Settings

log = logging.getLogger(__name__)


class InUse(ValueError):
    """Another process has the directory, and does what was asked for."""


class RunDirectory:
    """One run's files.

    Args:
        path: of the directory; made when first written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config, self.result_file, self.metrics = path / "config.yaml", path / "result.json", path / "metrics.csv"
        self.curves, self.samples = path / "curves.png", path / "samples"
        self.refusal, self.job = path / "refused.txt", path / "slurm_job.txt"
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
        try:
            settings = read_plain_yaml(self.config)
        except FileNotFoundError:
            raise FileNotFoundError(f"{self.path} is not a run directory: it has no config.yaml") from None
        if LENGTH not in settings:
            raise ValueError(f"{self.config} is not the config of a run: it has no {LENGTH}")
        if "scorer" in (settings.get("metrics") or {}):
            raise ValueError(
                f"{self.path} is of an earlier version of gan_lightning, which had metrics.scorer and other padding in "
                "its networks: it can be reported and no longer gone on with or sampled from; move it away, or set "
                "study=NAME"
            )
        return settings

    @property
    def sound_settings(self) -> Settings:
        """As :attr:`settings`, each of its type and within its range: what a run can be built from.

        Raises:
            FileNotFoundError, ValueError: as there, and if one is not.
        """
        settings = self.settings
        try:
            # A run of an earlier version has none of these.
            settings = {"class_loss": {}} | settings
            settings["trainer"] = {"nodes": 1, "batch_norm_sync": False} | settings["trainer"]
            check_settings(settings)
        except (KeyError, TypeError):
            raise ValueError(f"{self.config} is not the config of a run: it has no trainer") from None
        except ValueError as error:
            raise ValueError(f"{self.config}: {error}") from error
        return settings

    @property
    def result(self) -> Result | None:
        """What ``result.json`` says, ``None`` if there is none yet.

        Raises:
            ValueError: if it is broken.
        """
        try:
            return read_result(self.result_file)
        except FileNotFoundError:
            return None

    @property
    def noted_job(self) -> str | None:
        """The job of SLURM's that the run was last given to, ``None`` if to none.

        Raises:
            ValueError: if what is written there is no job.
        """
        job = _short_text(self.job)
        if job is not None and not re.fullmatch(r"\d+(_\d+)?", job):
            raise ValueError(f"{self.job} names no job of SLURM's: move it away")
        return job

    @property
    def refused(self) -> str | None:
        """Why the last start could not train, in one line; ``None`` if it could.

        Raises:
            ValueError: if it cannot be read.
        """
        text = _short_text(self.refusal)
        return None if text is None else " ".join(text.split())

    def note_job(self, job: str) -> None:
        """Write down which job of SLURM's the run is given to."""
        with atomic_file(self.job) as temporary:
            temporary.write_text(f"{job}\n")

    @property
    def has_begun(self) -> bool:
        """Whether there is anything of a run that could be lost."""
        return any(os.path.lexists(path) for path in (self.config, self.last, self.previous, self.best))

    def remove_leftovers(self) -> None:
        """Delete what killed processes left half written; the directory must be claimed.

        Raises:
            ValueError: if a folder of it is a link, which leads out of it.
        """
        for folder in (self.path, check_folder(self.last.parent), check_folder(self.samples)):
            remove_leftovers(folder, besides=(self.job.name, self.refusal.name))  # who writes those has no claim

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
        """Write down why a run of a sweep could not start; and as its result, if no run is there or begins.

        What cannot be written, as on a full disk, is told: the sweep goes on with its other runs.
        """
        try:
            with atomic_file(self.refusal) as temporary:
                temporary.write_text(f"{error}\n")
            numbers = {name: config.get(name) for name in ("seed", LENGTH)}
            if not self.has_begun and all(type(number) is int for number in numbers.values()):
                study = str(config.get("study"))
                called = {name: names[name] for name in ("method", "label", "choices")}
                failed = Result(
                    status="failed", study=study, generator_step=0, seconds=0.0, error=error, **called, **numbers
                )
                with suppress(InUse), self.claimed():
                    write_result(self.result_file, failed)
        except (OSError, ValueError) as another:
            log.error("that cannot be written down either: %s", another)

    def has_ended(self, settings: Settings) -> bool:
        """Whether these settings have nothing left to do here: it diverged, or has come as far or farther.

        Raises:
            ValueError: if the directory belongs to a run of other settings, naming the difference, or if it cannot be
                known whose checkpoints it holds.
        """
        if not os.path.lexists(self.config):
            if self.has_begun:
                raise ValueError(
                    f"{self.path} holds checkpoints and no config.yaml, so that nobody knows of which run: put that "
                    "file back, or move the directory away to begin anew"
                )
            return False
        found = differences(settings, self.settings)
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise ValueError(
                f"{self.path} holds a run of another config, {found[0]}{more}; allowed to change: places, trainer, "
                "logger, and the run length where nothing follows it; move the directory away to begin anew"
            )
        try:
            result = self.result
        except ValueError as error:
            log.warning("%s", error)
            return False
        return result is not None and result.is_over(settings[LENGTH])

    @contextmanager
    def claimed(self, *, patience: float = 0.0) -> Iterator[int]:
        """Hold the directory against other processes, of other machines too where they share the file system.

        A killed process lets go of it when all have ended that it handed the file descriptor to.

        Args:
            patience: seconds to wait for it where another process has it.

        Returns:
            The file descriptor of the locked file.

        Raises:
            InUse: if another process holds it all that time, or until a signal asks for a stop.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        give_up, is_told = time.monotonic() + patience, False
        with append_own(self.path / ".lock") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() >= give_up or received_signal() is not None:
                        raise InUse(f"{self.path} is in use: another process is running it") from error
                    if patience and not is_told:
                        log.info("%s is in use by another process: waiting for %.0f s", self.path, patience)
                        is_told = True
                    time.sleep(0.2)
                except OSError as error:
                    raise ValueError(
                        f"{self.path}/.lock cannot be locked: {error}; put runs on a file system that knows flock"
                    ) from error
            yield lock.fileno()

    @property
    def is_held(self) -> bool:
        """Whether a process holds the directory, of this machine or of one that shares the file system."""
        try:
            with open_own(self.path / ".lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except (OSError, ValueError):  # no such file, or another user's, of which nobody can tell
            return False
        return False


def _short_text(path: Path) -> str | None:
    """What a file of some lines says, ``None`` if there is none."""
    try:
        return read_own(path, largest=2**16).decode(errors="replace").strip()
    except FileNotFoundError:
        return None
