"""The command line: ``python train.py`` and ``gan-train``."""

import argparse
import logging
import os
import re
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.resources import project_folder
from gan_lightning.runs.directory import InUse, RunDirectory
from gan_lightning.runs.identity import LENGTH, follows_length, key_of, names_of, run_name, same_places
from gan_lightning.runs.interruption import end_with_parent, exit_code, received_signal, signals_watched, watch_signals
from gan_lightning.runs.overrides import Mistake, check_options, typed_overrides
from gan_lightning.runs.result import read_result
from gan_lightning.runs.settings import Settings, resolve
from gan_lightning.runs.slurm import job_id, requeue_before_limit
from gan_lightning.runs.words import nothing_to_do
from gan_lightning.runs.world import World, check_world, speaks, this_world

log = logging.getLogger(__name__)

PATIENCE, PATIENCE_IN_A_JOB = 8.0, 150.0
"""Seconds that a run waits for its directory where another process has it: those of a killed run that read its data
look for it every five, and the lock of a lost node lives on for a while on a network file system."""

OmegaConf.register_new_resolver("project_root", lambda: str(project_folder("sweeps").parent), replace=True)
OmegaConf.register_new_resolver("run_name", lambda overrides, _root_: name_of(overrides, _root_), replace=True)


def job(config: DictConfig) -> str:
    """One run, alone or in a sweep: skipped if it has ended, resumed if it was cut off.

    Returns:
        ``finished``, ``diverged`` or ``failed``, or ``interrupted``, as is every run of a sweep that comes after a
        signal. In a sweep a mistake is a failed run; alone it is raised.

    Raises:
        Mistake: if the run cannot start.
        SystemExit: if it failed or was interrupted alone.
    """
    world = this_world()
    end_with_parent(launched=world is not None and world.launcher == "torchrun")
    watch_signals()
    directory = RunDirectory(Path(HydraConfig.get().runtime.output_dir))
    alone = HydraConfig.get().mode == RunMode.RUN
    follows = not speaks()
    names = names_of(config, typed_overrides(HydraConfig.get()), HydraConfig.get().runtime.choices)
    try:
        check_method(config, names["choices"])
        settings = resolve(config) | names
        check_world(settings["trainer"], world)
        status = lead(settings, directory) if world is None else take_part(settings, directory, world)
    except Exception as error:
        if alone and not isinstance(error, (ValueError, OSError, OmegaConfBaseException)):
            raise
        if alone and follows:
            raise SystemExit(2) from error  # the first process meets the same, and says so
        if alone:
            raise Mistake(one_line(error)) from error
        if isinstance(error, InUse):
            log.warning("left to the process that has it: %s", directory.path.name)
            return "running"
        if not follows:
            log.error("refused: %s: %s", directory.path.name, one_line(error))
            directory.refuse(config, names, one_line(error))
        return "failed"
    if alone and status == "interrupted" and not follows:
        requeue_before_limit(received_signal())
    if alone and status != "finished" and status != "diverged":
        raise SystemExit(1 if status == "failed" else exit_code(received_signal() or signal.SIGTERM))
    return status


def check_method(config: DictConfig, options: Mapping[str, str]) -> None:
    """Refuse a method whose file does not say its name: its runs would be taken for another's.

    Raises:
        ValueError: naming the file.
    """
    chosen = options.get("method", config.method)
    if chosen != config.method:
        raise ValueError(f"conf/method/{chosen}.yaml must say method: {chosen}, and a label; it leaves {config.method}")


def take_part(settings: Settings, directory: RunDirectory, world: World) -> str:
    """One process of several that a launcher started: the first leads, the others train when it says so.

    Args:
        settings, directory: of the run.
        world: of this process.
    """
    from gan_lightning.parallel import from_first
    from gan_lightning.runs.processes import connect
    from gan_lightning.runs.run import Word, follow

    try:
        connect(world, settings["trainer"])
    except ValueError as error:  # without the others, or with too few of them, no run of this process can be trained
        log.error("error: %s", error)
        raise SystemExit(2) from error
    if not world.is_first:
        return follow(settings, directory)
    try:
        status = lead(settings, directory)
    except Exception:
        from_first(Word(ended="failed"))
        raise
    from_first(Word(ended=status))
    return status


def lead(settings: Settings, directory: RunDirectory) -> str:
    """Train unless there is nothing left to do; what was read is looked at again where it lies in another place.

    Args:
        settings: of the run, resolved, with its names.
        directory: of the run.
    """
    if received_signal() is not None:
        log.info("not begun: %s", directory.path.name)
        return "interrupted"
    directory.refusal.unlink(missing_ok=True)
    if directory.has_ended(settings) and same_places(settings, directory.settings):
        result = read_result(directory.result_file)
        log.info("%s", nothing_to_do(result, settings, directory.path))
        return result.status
    job = job_id()
    with directory.claimed(patience=PATIENCE if job is None else PATIENCE_IN_A_JOB) as lock:
        from gan_lightning.runs.run import run  # torch and Lightning take seconds: only now are they needed

        directory.remove_leftovers()
        status = ""
        try:
            status = run(settings, directory, lock=lock)
        finally:
            if status != "interrupted" or received_signal() in (signal.SIGINT, signal.SIGHUP):
                directory.job.unlink(missing_ok=True)  # it does not go back to the queue, though its job may go on
            elif job is not None:
                directory.note_job(job)
        return status


def name_of(overrides: list[str], config: DictConfig) -> str:
    """The name of a run's directory.

    Args:
        overrides: of the run.
        config: composed from them.
    """
    has_length = any(key_of(override) == LENGTH for override in overrides)
    return run_name(list(overrides), with_length=has_length and bool(follows_length(config)))


def one_line(error: BaseException) -> str:
    """An error's message without its line breaks, and without Hydra's search path."""
    text = str(error).split("Config search path:")[0].split("Set the environment variable")[0]
    text = text.split(", set env var HYDRA_FULL_ERROR")[0]
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    options = [line for line in lines if re.fullmatch(r"[\w/]+", line)]
    sentence = " ".join(line for line in lines if line not in options)
    if isinstance(error, OverrideParseException):
        sentence = f"{error.override} is no override: {sentence}"
    return f"{sentence} {', '.join(options)}".strip()


@contextmanager
def mistakes_in_one_line(*errors: type[Exception]) -> Iterator[None]:
    """Within it a mistake, or one of ``errors``, ends the program with one line and exit code 2; Ctrl-C with 130."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(exit_code(signal.SIGINT)) from None
    except (Mistake, *errors) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        raise SystemExit(2) from None


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Give a command that opens runs an option for code that is not the package's."""
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="let the run's settings name code of this package, which then runs here; may be repeated",
    )


def main() -> None:
    """Parse the command line, compose the config and run."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands errors over instead of printing them
    logging.raiseExceptions = False  # a message that cannot be written, as on a full disk, is no error of its own
    try:
        with (
            signals_watched(),
            mistakes_in_one_line(HydraException, OmegaConfBaseException, OSError, ValueError, UserWarning),
            warnings.catch_warnings(),
        ):
            # Hydra would go on without what our callbacks look at.
            warnings.filterwarnings("error", r"Callback \w+\.\w+ raised", UserWarning)
            check_options(sys.argv[1:])
            hydra.main(version_base="1.3", config_path=str(project_folder("conf")), config_name="train")(job)()
    except (Exception, KeyboardInterrupt):
        number = received_signal()
        if number is None:
            raise
        log.debug("after %s", number.name, exc_info=True)
        print(f"interrupted by {number.name}; the same command goes on", file=sys.stderr)
        raise SystemExit(exit_code(number)) from None
