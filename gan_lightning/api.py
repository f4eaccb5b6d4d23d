"""What a notebook or a script needs: train a run, open one, list those of a directory."""

import logging
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.cli import job, one_line
from gan_lightning.own_files import LogFile
from gan_lightning.ranges import Seed, check_value
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.interruption import forget_signal, received_signal, signals_watched
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.overrides import Mistake, check_options, composing
from gan_lightning.runs.result import Result
from gan_lightning.runs.settings import Settings

if TYPE_CHECKING:
    from pandas import DataFrame
    from torch import Tensor, nn

    from gan_lightning.module import AdversarialModule


class Run:
    """A run that has been trained, or is still: what its directory says. Networks are built when they are asked for.

    Args:
        directory: of the run.
        checkpoint: whose weights the networks have, ``last`` or ``best``.
        trusted: packages whose code the run's settings may name; else they name parts of this one alone.

    Raises:
        FileNotFoundError: if there is no run.
        ValueError: if its settings cannot be read, or an argument is not possible.
    """

    def __init__(self, directory: Path, *, checkpoint: str = "last", trusted: Collection[str] = ()) -> None:
        if checkpoint not in ("last", "best"):
            raise ValueError(f"checkpoint={checkpoint!r} is not possible: allowed: last, best")
        _check_trusted(trusted)
        self._files = RunDirectory(Path(directory))
        self.checkpoint, self.trusted = checkpoint, trusted
        _ = self.settings

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r}, {self.status})"

    @property
    def directory(self) -> Path:
        """Where its files are."""
        return self._files.path

    @cached_property
    def settings(self) -> Settings:
        """All that it was started with, as ``config.yaml`` has it."""
        return self._files.settings

    @property
    def result(self) -> Result:
        """What ``result.json`` says now.

        Raises:
            FileNotFoundError: if it is not there yet.
            ValueError: if it is broken.
        """
        result = self._files.result
        if result is None:
            raise FileNotFoundError(f"{self._files.result_file} is not there")
        return result

    @property
    def status(self) -> str:
        """``finished``, ``diverged`` or ``failed``; ``running`` until then, also after an interruption."""
        result = self._files.result
        return "running" if result is None else result.status

    @property
    def scores(self) -> dict[str, float | None]:
        """The final scores by name; empty where none was taken."""
        return self.result.scores_taken("final")

    @property
    def best_scores(self) -> dict[str, float | None]:
        """The scores of the best generator, and its ``generator_step``; empty where none was taken."""
        return self.result.taken("best")

    @property
    def metrics(self) -> "DataFrame":
        """``metrics.csv``: a row a logged generator iteration, a column a measure, NaN where it was not taken.

        Raises:
            ValueError: if pandas is not installed, or if the file is broken.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise ValueError("a data frame needs pandas: pip install 'gan_lightning[notebook]'") from error
        rows = read_metrics(self._files.metrics)
        return DataFrame.from_dict(rows, orient="index").rename_axis("generator_step").sort_index()

    @property
    def generator(self) -> "nn.Module":
        """Of latents ``(B, latent_dim)``, standard normal, and labels where there are classes; the averaged one where
        the run has one. In eval mode, on the run's device."""
        return self.module.sampler.generator.eval()

    @property
    def critic(self) -> "nn.Module":
        """Of samples ``(B, *)``, to scores ``(B,)``. In eval mode, on the run's device."""
        return self.module.critic.eval()

    @cached_property
    def module(self) -> "AdversarialModule":
        """Both networks as they were trained, with the weights of the checkpoint.

        Raises:
            FileNotFoundError, ValueError: if the checkpoint is missing or broken, or if the settings name code that is
                not trusted.
        """
        from gan_lightning.runs.build import load_run

        return load_run(self._files, checkpoint=self.checkpoint, trusted=self.trusted)[0]

    def sample(self, count: int = 100, *, seed: int = 0, labels: "Tensor | None" = None) -> "Tensor":
        """Samples, made in blocks of 100 as for scores: those of ``python -m gan_lightning.sample RUN --images``.

        Args:
            count: how many, positive.
            seed: of the latents.
            labels: whole numbers ``(count,)`` where there are classes; drawn if none are given.

        Returns:
            ``(count, *)`` on the run's device; images in [-1, 1].

        Raises:
            ValueError: if one of these is not possible; and as :attr:`module`.
        """
        from gan_lightning.callbacks.pictures import PURPOSE

        check_value(seed, Seed, "seed")
        return self.module.sampler.samples(count, seed=seed, purpose=PURPOSE, labels=labels)


def load(run: str | Path, *, checkpoint: str = "last", trusted: Collection[str] = ()) -> Run:
    """A run by its directory; arguments and errors as of :class:`Run`."""
    return Run(Path(run), checkpoint=checkpoint, trusted=trusted)


def load_runs(directory: str | Path, *, trusted: Collection[str] = ()) -> list[Run]:
    """The runs directly within a directory, by name; a warning for each whose settings cannot be read.

    Args:
        directory: of a study.
        trusted: as of :class:`Run`.

    Raises:
        FileNotFoundError: if there is no such directory.
        ValueError: if ``trusted`` is a text.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise FileNotFoundError(f"{directory} is no directory of runs")
    _check_trusted(trusted)
    found = []
    for config in sorted(directory.glob("*/config.yaml")):
        try:
            found.append(Run(config.parent, trusted=trusted))
        except (OSError, ValueError) as error:
            warnings.warn(f"left out: {one_line(error)}", stacklevel=2)
    return found


def train(overrides: Sequence[str] = ()) -> Run:
    """Train one run, or go on with it, exactly as ``python train.py`` does with the same overrides.

    It lies where the command would put it, under ``runs/`` of the current directory or in ``hydra.run.dir``. A run that
    has ended is not trained again. Ctrl-C keeps the state, and the same call goes on.

    Args:
        overrides: such as ``["objective=lsgan", "generator_steps=200"]``.

    Returns:
        The run, ``finished`` or ``diverged``.

    Raises:
        ValueError, OSError: in one line, if it cannot start.
        RuntimeError: if it failed, with its error; the traceback is in its ``train.log``.
        KeyboardInterrupt: if it was interrupted.
    """
    if not isinstance(overrides, (list, tuple)) or not all(isinstance(override, str) for override in overrides):
        raise ValueError(f"overrides={overrides!r} is not possible: a list of them is needed, such as ['seed=1']")
    places: list[Path] = []

    def trained(config: DictConfig) -> str:
        places.append(Path(HydraConfig.get().runtime.output_dir))
        with lines_told(places[0] / "train.log"):
            return job(config)

    forget_signal()
    try:
        with signals_watched(), hydra_as_before(), composing():
            check_options(overrides)
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            hydra.run("train", trained, list(overrides), with_log_configuration=False)
    except (HydraException, OmegaConfBaseException, Mistake) as error:
        raise ValueError(one_line(error)) from None
    except SystemExit:
        number = received_signal()
        if number is not None:
            raise KeyboardInterrupt(f"interrupted by {number.name}; the same call goes on") from None
        raise RuntimeError(f"{places[0]} failed: {Run(places[0]).result.error}") from None
    return Run(places[0])


@contextmanager
def hydra_as_before() -> Iterator[None]:
    """Within it nobody has initialised Hydra; afterwards whoever had finds it so."""
    hydra, config = GlobalHydra.instance().hydra, HydraConfig.instance().cfg
    GlobalHydra.instance().clear()
    try:
        yield
    finally:
        GlobalHydra.instance().hydra, HydraConfig.instance().cfg = hydra, config


@contextmanager
def lines_told(file: Path) -> Iterator[None]:
    """Within it this package's messages go to the screen and, dated, to a file; whoever has set up logging keeps it."""
    logger = logging.getLogger("gan_lightning")
    handlers = logging.StreamHandler(sys.stdout), LogFile(file, delay=True)
    handlers[1].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    before = logger.level, logger.propagate, logging.raiseExceptions
    logging.raiseExceptions = False  # a message that cannot be written, as on a full disk, is no error of its own
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(before[0])
        logger.propagate, logging.raiseExceptions = before[1:]


def _check_trusted(trusted: Collection[str]) -> None:
    if isinstance(trusted, str):  # in which parts of a name would be found as well
        raise ValueError(f"trusted={trusted!r} is not possible: a list of packages is needed, such as [{trusted!r}]")
