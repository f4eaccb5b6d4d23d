"""A study as a report sees it: its YAML in `sweeps/`, and its runs, from their directories or from a report's CSVs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.report.archive import RUNS, read_archive
from gan_lightning.report.runs import Run, read_runs
from gan_lightning.resources import project_folder
from gan_lightning.runs.search import NAME as SEARCH

Settings = TypeVar("Settings")

NOT_OF_THE_KIND = ("kind", "paper_item")
"""Entries of a `report` section that every study has, whatever its kind."""

YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, a few times as fast where it was built


@dataclass(frozen=True)
class Study:
    """A study's runs, and what its YAML plans and asks for.

    `file` is None for a directory of runs without a study. `archived` says that `directory` holds the CSV files of an
    earlier report and no run directories; such files of another directory, `beside`, may have added runs. `unreadable`
    has one line for each `result.json` left out. `plan` has the values of every axis that is swept, in their order.
    `trusted` are packages whose code the runs' settings may name, where their networks are looked at.
    """

    name: str
    file: Path | None
    directory: Path
    archived: bool
    planned_seeds: frozenset[int]
    planned_methods: tuple[str, ...]
    report: DictConfig
    runs: tuple[Run, ...]
    unreadable: tuple[str, ...]
    plan: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    beside: Path | None = None
    trusted: Collection[str] = ()


def read_study(
    study: str,
    runs_directory: Path,
    *,
    source: Path | None = None,
    beside: Path | None = None,
    trusted: Collection[str] = (),
    compared: Mapping[str, Any] | None = None,
) -> Study:
    """Read a study's YAML and its runs.

    Args:
        study: the name of a file in `sweeps/`, of a directory in `runs_directory`, or the path of a directory, whose
            runs then say which study it is.
        runs_directory: where study directories lie, if `study` is a name.
        source: the directory to read instead, of runs or of the CSV files of an earlier report.
        beside: a directory of such files, whose runs are taken for those methods and seeds that have none here.
        trusted: packages whose code the runs' settings may name.
        compared: how runs are compared, whatever report the study asks for: settings of the kind ``runs``.

    Raises:
        FileNotFoundError: if there is no such study, or no run in it or beside it.
        ValueError: if the study's YAML is not fit for a report, or its runs are of several studies.
    """
    known = known_studies()
    directory = source or runs_directory / study
    if study not in known and not directory.is_dir():
        directory = Path(study)
    if study not in known and not directory.is_dir():
        raise FileNotFoundError(f"no study '{study}': known are {', '.join(known)}, or give a directory of runs")
    runs, unreadable = read_runs(directory)
    archived = not runs and not unreadable and (directory / RUNS).is_file()
    if archived:
        runs = read_archive(directory / RUNS)
    if beside is not None:
        runs = with_others(runs, beside)
    if not runs and not unreadable:
        remedy = f"nor is there a {RUNS} of an earlier report; those that read networks leave none"
        if source is None:
            remedy = f"start them with: python train.py -m +sweeps={study if study in known else 'NAME'}"
        raise FileNotFoundError(f"no run directories in {directory}; {remedy}")
    name = study if study in known else name_of_study(directory, runs)
    file = project_folder("sweeps") / f"{name}.yaml" if name in known else None
    if file:
        runs = with_trials_unfinished(runs, planned_length(file))
    if file and not compared:
        config = load_study_file(file)
    else:
        kind = "search" if not compared and (directory / SEARCH).is_file() else "runs"
        config = OmegaConf.create({"report": {"kind": kind, **(compared or {})}})
    plan = read_plan(file) if file else {}
    methods = plan.get("method") or plan.get("objective", ())
    if archived and methods:  # of another study's runs, which may be of more methods, its own alone
        runs = tuple(run for run in runs if run.study == name or run.method in methods)
    return Study(
        name=name,
        file=file,
        directory=directory,
        archived=archived,
        planned_seeds=planned_seeds(plan, file),
        planned_methods=methods,
        report=config.report,
        runs=runs,
        unreadable=unreadable,
        plan=plan,
        beside=beside,
        trusted=trusted,
    )


def with_others(runs: tuple[Run, ...], beside: Path) -> tuple[Run, ...]:
    """The runs, and those of an earlier report's CSV file for methods and seeds that have none among them.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    if not (beside / RUNS).is_file():
        raise FileNotFoundError(f"no {RUNS} of an earlier report in {beside}")
    own = {(run.method, run.seed) for run in runs}
    return (*runs, *(run for run in read_archive(beside / RUNS) if (run.method, run.seed) not in own))


def known_studies() -> list[str]:
    """The names of the project's studies."""
    return sorted(file.stem for file in project_folder("sweeps").glob("*.yaml"))


def plan_of_file(study: str) -> list[str]:
    """The overrides that choose a study's file in ``sweeps/``; none if it has no such file."""
    return [f"+sweeps={study}"] if study in known_studies() else []


def name_of_study(directory: Path, runs: tuple[Run, ...]) -> str:
    """The one study that all runs of a directory belong to; the directory's name where they belong to none.

    Raises:
        ValueError: if they belong to several, among them one of the project's.
    """
    names = sorted({str(run.study) for run in runs})
    if len(names) == 1:
        return names[0]
    if set(names) & set(known_studies()):
        raise ValueError(f"{directory} is not the directory of one study: its runs belong to {names}")
    return directory.name


def load_study_file(file: Path) -> DictConfig:
    """What `sweeps/NAME.yaml` has of a report, without composing the configuration it belongs to.

    A section `report` that does not name its kind is laid over that of the study which the file extends.

    Raises:
        ValueError: if it is no YAML, or does not say what to report.
    """
    report = report_of(file)
    if not isinstance(report, DictConfig):
        raise ValueError(f"{file}: no section 'report', which says what to report and how")
    return OmegaConf.create({"report": report})


def report_of(file: Path) -> DictConfig | None:
    """A study's own section `report`, over that of the studies beside it which its `defaults` name."""
    own = OmegaConf.create({"report": read_yaml(file).get("report")}).report
    if own is not None and (not isinstance(own, DictConfig) or "kind" in own):
        return own
    found = [own if entry == "_self_" else report_of(file.with_name(f"{entry}.yaml")) for entry in layers(file)]
    sections = [section for section in found if isinstance(section, DictConfig)]
    return OmegaConf.merge(*sections) if sections else None  # pyright: ignore[reportReturnType]


def read_yaml(file: Path) -> dict[str, Any]:
    """The plain content of a YAML file, empty where that is no mapping.

    Raises:
        ValueError: if it is no YAML, in one line that names the file.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), YAML_LOADER)
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: {' '.join(str(error).split())}") from error
    return content if isinstance(content, dict) else {}


def read_plan(file: Path) -> dict[str, tuple[str, ...]]:
    """What a study sweeps: the values of each axis in their order.

    Raises:
        ValueError: if an axis has no list of values, in one line that names file and axis.
    """
    plan = {}
    for axis, values in swept(file).items():
        try:
            override = OverridesParser.create().parse_override(f"{axis}={values}")
        except HydraException as error:
            raise ValueError(f"{file}: hydra.sweeper.params.{axis}: '{values}' is not a list of {axis}s") from error
        if override.is_interval_sweep():
            continue  # it is searched, and nobody knows where
        found = override.sweep_string_iterator() if override.is_sweep_override() else [override.value()]
        plan[axis.lstrip("+")] = tuple(map(str, found))
    return plan


def swept(file: Path) -> dict[str, Any]:
    """What a study sweeps, as written: its own, over that of the studies beside it which its `defaults` name."""
    own = ((read_yaml(file).get("hydra") or {}).get("sweeper") or {}).get("params") or {}
    merged: dict[str, Any] = {}
    for entry in layers(file):
        merged |= own if entry == "_self_" else swept(file.with_name(f"{entry}.yaml"))
    return merged


def with_trials_unfinished(runs: tuple[Run, ...], planned: int | None) -> tuple[Run, ...]:
    """The runs, of which those that finished a shorter trial than others count as running: more is to come.

    Args:
        runs: of a study.
        planned: the study's length, which is that of the others if there are such; otherwise it is the longest.
    """
    lengths = {run.generator_steps for run in runs if run.status == "finished"}
    length = planned if planned in lengths else max(lengths, default=0)
    return tuple(
        replace(run, status="running") if run.status == "finished" and run.generator_steps < length else run
        for run in runs
    )


def planned_length(file: Path) -> int | None:
    """Generator iterations of a study's runs: its own, or those of the study it extends; None where neither says."""
    found = [
        read_yaml(file).get("generator_steps") if entry == "_self_" else planned_length(file.with_name(f"{entry}.yaml"))
        for entry in layers(file)
    ]
    return next((length for length in reversed(found) if length is not None), None)


def layers(file: Path) -> list[str]:
    """The studies that a study's `defaults` name, and where it stands itself among them, as ``_self_``."""
    named = [entry for entry in read_yaml(file).get("defaults") or [] if isinstance(entry, str)]
    return named if "_self_" in named else [*named, "_self_"]


def planned_seeds(plan: Mapping[str, tuple[str, ...]], file: Path | None) -> frozenset[int]:
    """The seeds that a study sweeps, such as ``range(100)``; empty where it sweeps none.

    Raises:
        ValueError: if they are no whole numbers.
    """
    seeds = plan.get("seed", ())
    try:
        return frozenset(map(int, seeds))
    except ValueError as error:
        raise ValueError(f"{file}: hydra.sweeper.params.seed: '{','.join(seeds)}' is not a list of seeds") from error


def report_settings(study: Study, settings: type[Settings]) -> Settings:
    """The part of a study's `report` section that is its kind's own, checked against the fields of a dataclass.

    Raises:
        ValueError: if an entry is missing, unknown or of the wrong type.
    """
    given = {name: value for name, value in study.report.items() if name not in NOT_OF_THE_KIND}
    try:
        merged = OmegaConf.merge(OmegaConf.structured(settings), given)
        return OmegaConf.to_object(merged)  # pyright: ignore[reportReturnType]
    except (OmegaConfBaseException, ValueError) as error:
        raise ValueError(f"{study.file}: report: {str(error).splitlines()[0]}") from error
