"""All studies of the project: what of the paper each is, and how far its runs have come."""

from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.runs import read_runs
from gan_lightning.report.study import known_studies, load_study_file, planned_length, read_plan
from gan_lightning.resources import project_folder

OTHERS = ("shorter", "diverged", "failed", "running")


@dataclass(frozen=True)
class State:
    """A study's place in the paper, its kind of report, the number of planned runs, and those there are by status.

    Finished runs of fewer iterations than the study's, such as a trial's, count as ``shorter``.
    """

    name: str
    paper_item: str
    kind: str
    planned: int
    counts: Counter[str]


def studies_table(runs_directory: Path) -> tuple[list[str], list[str]]:
    """The table of all studies, by what of the paper they are, and a line for each file that cannot be read.

    Args:
        runs_directory: where study directories lie.
    """
    states, unreadable = [], []
    for name in known_studies():
        try:
            state, broken = state_of(name, runs_directory)
        except ValueError as error:
            unreadable.append(str(error))
            continue
        states.append(state)
        unreadable += broken
    rows = [["paper", "study", "report", "finished", *OTHERS]]
    for state in sorted(states, key=lambda state: (state.paper_item, state.name)):
        counts = [str(state.counts[status]) for status in OTHERS]
        finished = f"{state.counts['finished']} of {state.planned}"
        rows.append([state.paper_item, state.name, state.kind, finished, *counts])
    return markdown_table(rows, left=3), unreadable


def state_of(name: str, runs_directory: Path) -> tuple[State, list[str]]:
    """How far a study has come, and a line for each of its runs that cannot be read.

    Raises:
        ValueError: if its YAML is not fit for a report.
    """
    file = project_folder("sweeps") / f"{name}.yaml"
    report = load_study_file(file).report
    runs, unreadable = read_runs(runs_directory / name)
    length = planned_length(file) or 0
    shorter = [run.status == "finished" and (run.generator_steps or 0) < length for run in runs]
    state = State(
        name,
        paper_item=str(report.get("paper_item") or "-"),
        kind=str(report.get("kind") or "-"),
        planned=prod(map(len, read_plan(file).values())),
        counts=Counter("shorter" if short else run.status for run, short in zip(runs, shorter, strict=True)),
    )
    return state, list(unreadable)
