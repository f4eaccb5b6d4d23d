"""The run directory: the contract between runs, reports and people. Every write is atomic."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_lightning.settings import Settings, same_run

ENDED = ("finished", "diverged")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path that takes ``path``'s place when the block ends well, and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class RunDirectory:
    """One run's files.

    Args:
        path: of the directory; made when first written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config, self.result_file, self.metrics = path / "config.yaml", path / "result.json", path / "metrics.csv"
        self.curves, self.samples = path / "curves.png", path / "samples"
        self.last = path / "checkpoints" / "last.ckpt"
        self.previous = path / "checkpoints" / "previous.ckpt"
        self.best = path / "checkpoints" / "best.ckpt"

    @property
    def settings(self) -> Settings:
        """The settings that the run was started with.

        Raises:
            FileNotFoundError: if there is no run here.
            ValueError: if its ``config.yaml`` cannot be read.
        """
        if not self.config.is_file():
            raise FileNotFoundError(f"{self.path} is not a run directory: it has no config.yaml")
        try:
            settings = OmegaConf.to_container(OmegaConf.load(self.config))
        except Exception as error:
            raise ValueError(f"{self.config} cannot be read: {' '.join(str(error).split())}") from error
        if not isinstance(settings, dict) or "generator_steps" not in settings:
            raise ValueError(f"{self.config} is not the config of a run: it has no generator_steps")
        return {str(key): value for key, value in settings.items()}

    @property
    def result(self) -> dict[str, Any]:
        """What ``result.json`` says, empty if there is none yet.

        Raises:
            ValueError: if it is not a JSON object.
        """
        try:
            return dict(json.loads(self.result_file.read_text()))
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.result_file} is broken: {error}; delete it to start the run again") from error

    def record(self, **fields: Any) -> None:
        """Set fields of ``result.json``."""
        with atomic(self.result_file) as temporary:
            temporary.write_text(json.dumps(self.result | fields, indent=2) + "\n")

    def refuse(self, config: DictConfig, error: str) -> None:
        """Write down why a run of a sweep could not start."""
        self.record(
            status="failed",
            study=config.study,
            method=config.method,
            label=config.label,
            seed=config.seed,
            learning_rate_scale=config.learning_rate_scale,
            n_critic=config.n_critic,
            architecture=None,
            data=None,
            parameters=None,
            generator_steps=config.generator_steps,
            generator_step=0,
            versions={},
            seconds=0.0,
            scores=None,
            error=error,
        )

    def begin(self, settings: Settings) -> None:
        """Write ``config.yaml``; the samples, scores and curves of an earlier start stay."""
        with atomic(self.config) as temporary:
            OmegaConf.save(OmegaConf.create(settings), temporary)

    def has_ended(self, settings: Settings) -> bool:
        """Whether these settings have nothing left to do here.

        Raises:
            ValueError: if the directory belongs to a run of other settings, naming the difference.
        """
        if not self.config.is_file():
            return False
        differences = same_run(settings, self.settings)
        if differences:
            more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
            raise ValueError(
                f"{self.path} holds a run of another config, {differences[0]}{more}; allowed to change: run length, "
                "trainer and logger"
            )
        result = self.result
        if result.get("status") == "diverged":
            return True
        return result.get("status") == "finished" and result["generator_step"] >= settings["generator_steps"]

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
