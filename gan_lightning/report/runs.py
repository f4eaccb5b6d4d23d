"""Run directories and studies as a report sees them: the `result.json` files, and the study's own YAML."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from gan_lightning.resources import project_folder

ENDED = ("finished", "diverged", "failed")
STATUSES = (*ENDED, "running")

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Run:
    """One `result.json`; `architecture` holds the drawn axes, `modified` the time of writing in seconds since 1970."""

    directory: Path
    study: str | None
    objective: str
    seed: int
    status: str
    generator_steps: int
    seconds: float
    architecture: dict[str, Any] | None
    scores: dict[str, Any]
    versions: dict[str, str]
    modified: float

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come from this run."""
        return self.status in ENDED

    def score(self, which: str, name: str) -> float | None:
        """Score `name` of kind `which` (``final`` or ``best``): None if never taken, NaN if it was not a number."""
        taken = self.scores.get(which) or {}
        if name not in taken:
            return None
        return math.nan if taken[name] is None else float(taken[name])


def read_run(file: Path) -> Run:
    """Read one `result.json`.

    Raises:
        ValueError: if the file is not a run's result, in one line that names it.
    """
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
        if result["status"] not in STATUSES:
            raise ValueError(f"status '{result['status']}' is none of {', '.join(STATUSES)}")
        return Run(
            directory=file.parent,
            study=result["study"],
            objective=result["objective"],
            seed=int(result["seed"]),
            status=result["status"],
            generator_steps=int(result["generator_steps"]),
            seconds=float(result["seconds"]),
            architecture=result["architecture"],
            scores=result["scores"] or {},
            versions=result["versions"] or {},
            modified=file.stat().st_mtime,
        )
    except KeyError as error:
        raise ValueError(f"{file}: no entry {error}") from error
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from error


@dataclass(frozen=True)
class Study:
    """A study's YAML and what its directory holds; `unreadable` has one line for each `result.json` left out."""

    name: str
    file: Path
    directory: Path
    planned_seeds: frozenset[int]
    report: DictConfig
    runs: tuple[Run, ...]
    unreadable: tuple[str, ...]


def read_study(study: str, runs_directory: Path) -> Study:
    """Read a study's YAML and its run directories.

    Args:
        study: the name of a file in `sweeps/`, or a path to a study directory, whose runs then say which study it is.
        runs_directory: where study directories lie, if `study` is a name.

    Raises:
        FileNotFoundError: if there is no such study, or no run directory in it.
        ValueError: if the study's YAML is not fit for a report.
    """
    known = sorted(file.stem for file in project_folder("sweeps").glob("*.yaml"))
    directory = runs_directory / study if study in known else Path(study)
    if study not in known and not directory.is_dir():
        raise FileNotFoundError(f"no study '{study}': known are {', '.join(known)}, or give a study's directory")
    runs, unreadable = read_runs(directory)
    if not runs and not unreadable:
        remedy = f"start them with: python train.py -m +sweeps={study if study in known else 'NAME'}"
        raise FileNotFoundError(f"no run directories in {directory}; {remedy}")
    name = study if study in known else name_of_study(directory, runs)
    file = project_folder("sweeps") / f"{name}.yaml"
    config = load_study_file(file)
    return Study(name, file, directory, planned_seeds(config, file), config.report, runs, unreadable)


def read_runs(directory: Path) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """The runs of a study directory by name, and one line for each `result.json` that cannot be read."""
    runs, unreadable = [], []
    for file in sorted(directory.glob("*/result.json")):
        try:
            runs.append(read_run(file))
        except ValueError as error:
            unreadable.append(str(error).replace("\n", " "))
    return tuple(runs), tuple(unreadable)


def name_of_study(directory: Path, runs: tuple[Run, ...]) -> str:
    """The one study that all runs of a directory belong to."""
    names = sorted({str(run.study) for run in runs})
    if len(names) != 1:
        raise ValueError(f"{directory} is not the directory of one study: its runs belong to {names or 'none'}")
    return names[0]


def load_study_file(file: Path) -> DictConfig:
    """Load `sweeps/NAME.yaml` by itself, without composing the configuration it belongs to."""
    if not file.is_file():
        raise FileNotFoundError(f"no study file {file}")
    try:
        config = OmegaConf.load(file)
    except YAMLError as error:
        raise ValueError(f"{file}: {' '.join(str(error).split())}") from error
    if not isinstance(config, DictConfig) or not isinstance(config.get("report"), DictConfig):
        raise ValueError(f"{file}: no section 'report', which says what to report and how")
    return config


def planned_seeds(config: DictConfig, file: Path) -> frozenset[int]:
    """The seeds that the study's own sweep runs, such as ``range(100)``."""
    values = OmegaConf.select(config, "hydra.sweeper.params.seed")
    try:
        override = OverridesParser.create().parse_override(f"seed={values}")
        swept = override.sweep_string_iterator() if override.is_sweep_override() else [override.value()]
        return frozenset(int(str(seed)) for seed in swept)
    except (HydraException, ValueError) as error:
        raise ValueError(f"{file}: hydra.sweeper.params.seed: '{values}' is not a list of seeds") from error


def report_settings(study: Study, settings: type[Settings]) -> Settings:
    """The study's `report` section, checked against the fields of a dataclass.

    Raises:
        ValueError: if an entry is missing, unknown or of the wrong type.
    """
    try:
        merged = OmegaConf.merge(OmegaConf.structured(settings), study.report)
        return OmegaConf.to_object(merged)  # pyright: ignore[reportReturnType]
    except (OmegaConfBaseException, ValueError) as error:
        raise ValueError(f"{study.file}: report: {str(error).splitlines()[0]}") from error
