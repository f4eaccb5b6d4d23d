"""``python -m gan_lightning.study status|rerun|plan STUDY``: how far it is, what is unfinished again, its hours."""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401


import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from gan_lightning import cli
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.study import known_studies, plan_of_file
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.queueing import noted_jobs, queued_jobs
from gan_lightning.runs.search import read_record
from gan_lightning.runs.start import NAME as START
from gan_lightning.runs.start import read_start
from gan_lightning.runs.states import State, counted, state_of
from gan_lightning.runs.sweep import planned_names


def main(arguments: Sequence[str] | None = None) -> None:
    """One of the three commands; a mistake is one line and exit code 2."""
    parser = argparse.ArgumentParser("python -m gan_lightning.study", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    status = commands.add_parser("status", help="how far its runs have come")
    status.add_argument("--all", action="store_true", help="name the finished and missing ones too")
    rerun = commands.add_parser("rerun", help="start again what has not finished, as it was started last")
    plan = commands.add_parser("plan", help="predict hours by timing a few iterations of a sample of its runs")
    plan.add_argument("--devices", type=int, default=1, help="side by side (default: 1)")
    plan.add_argument("--sample", type=int, default=8, help="runs timed (default: 8)")
    plan.add_argument("--iterations", type=int, default=5, help="timed of each, after one that is not (default: 5)")
    plan.add_argument("--timings", type=Path, help="take the timings of this file instead: of another device")
    plan.add_argument("--output", type=Path, help="keep the timings in this file")
    for command in (status, rerun, plan):
        command.add_argument("study", help="name of a file in sweeps/, such as table2_laptop")
        command.add_argument("overrides", nargs="*", help="as for train.py, such as 'seed=range(200)' data.root=DIR")
    for command in (status, rerun):
        command.add_argument("--runs", type=Path, default=Path("runs"), help="where studies lie (default: runs)")
    options, more = parser.parse_known_args(arguments)  # overrides may stand before other options and after them
    unknown = [word for word in more if word.startswith("-")]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    options.overrides += more
    with cli.mistakes_in_one_line(ValueError, OSError, HydraException, OmegaConfBaseException):
        if options.command == "status":
            print(status_of(options.runs / options.study, options.study, options.overrides, whole=options.all))
        elif options.command == "rerun":
            start_again(options.runs / options.study, options.study, options.overrides)
        else:
            from gan_lightning.planning.plan import plan_study  # torch takes seconds: only here is it needed

            print(
                plan_study(
                    options.study,
                    options.overrides,
                    devices=options.devices,
                    sample=options.sample,
                    iterations=options.iterations,
                    stored=options.timings,
                    output=options.output,
                )
            )


def status_of(directory: Path, study: str, overrides: Sequence[str], *, whole: bool) -> str:
    """A table of a study's runs, those that are planned and others that are there, and their number by state.

    Planned are those of the last start, or those of the study's file where it has not been started.

    Args:
        directory: of the study.
        study: the name of a file in ``sweeps/``, or of a directory of runs that has none.
        overrides: on top of the plan's, such as more seeds.
        whole: whether runs that have finished or are missing are in the table, and not in its last line alone.
    """
    if not directory.parent.is_dir():
        raise FileNotFoundError(f"{directory.parent} is not there: studies lie where they were started, or name --runs")
    start = read_start(directory, typed=overrides)
    plan = [*(plan_of_file(study) if start is None else start.plan), *overrides]
    planned = planned_names(plan, directory) if plan else []
    record = read_record(directory)
    there = sorted(path.name for path in directory.iterdir() if is_run(path)) if directory.is_dir() else []
    if not planned and not there:
        raise ValueError(f"no study '{study}': no such file in sweeps/, and no runs in {directory}")
    directories = [RunDirectory(directory / name) for name in dict.fromkeys([*planned, *there])]
    try:
        queued = queued_jobs(noted_jobs(directories))
    except OSError as error:
        print(f"{error}; what is in the queue is not known", file=sys.stderr)
        queued = {}
    states = [state_of(each, queued=queued) for each in directories]
    shown = [state for state in states if whole or state.status not in ("finished", "missing")]
    rows = [["run", "state", "iteration", "it/s", "left", "error"], *map(row_of, shown)]
    table = [*markdown_table(rows, left=2), ""] if shown else []
    of_plan = [f"planned: {shlex.join(plan)}"] if plan else []
    of_plan += [f"search: {record.progress}"] if record else []
    return "\n".join([*table, *of_plan, f"{study}: {len(states)} runs: {counted(states)}: {directory}"])


def row_of(state: State) -> list[str]:
    """What a table says of a run."""
    iteration = "" if state.step is None else f"{state.step:,} of {state.length:,}"
    rate = "" if state.rate is None else f"{state.rate:.3g}"
    left = "" if state.seconds_left is None else str(timedelta(seconds=round(state.seconds_left)))
    error = state.error or ""
    return [state.name, state.status, iteration, rate, left, error if len(error) < 100 else f"{error[:99]}…"]


def is_run(path: Path) -> bool:
    """Whether a directory is a run's, or was to be one."""
    directory = RunDirectory(path)
    files = (directory.result_file, directory.config, directory.refusal, directory.job)
    return any(os.path.lexists(file) for file in files)


def how_to_start(study: str, directory: Path) -> str:
    """What to type for a study that has no start."""
    if study in known_studies():
        return f"start it with: python train.py -m +sweeps={study}"
    there = f"start it with its own command, python train.py -m study={study} and what it sweeps"
    return there if directory.is_dir() else f"known are {', '.join(known_studies())}"


def start_again(directory: Path, study: str, overrides: Sequence[str]) -> None:
    """Start a study as it was started last, with its launcher; what has ended is told and left as it is.

    Args:
        directory: of the study.
        study: its name.
        overrides: on top of those of the last start.

    Raises:
        FileNotFoundError: if it was never started.
        ValueError: if it was started in a way that is not taken from a file, or somewhere else.
    """
    start = read_start(directory, typed=overrides)
    if start is None:
        raise FileNotFoundError(f"{study} was never started: no {directory / START}; {how_to_start(study, directory)}")
    if (Path(start.folder) / "runs" / study).resolve() != directory.resolve():
        raise ValueError(
            f"{directory} was started in {start.folder}, and another start from there would not go on with it: copy "
            "it back, or start it where it is to lie"
        )
    os.chdir(start.folder)
    again = ["-m", *start.launcher, *start.overrides, *overrides]
    print(f"python train.py {shlex.join(again)}", file=sys.stderr)
    sys.argv = ["train.py", *again]
    cli.main()


if __name__ == "__main__":
    main()
