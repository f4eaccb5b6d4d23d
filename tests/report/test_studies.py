"""Every study of the project names only methods, studies, settings and options that there are."""

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from gan_lightning.report.archive import read_archive
from gan_lightning.report.groups import CHOICES, as_text
from gan_lightning.report.rates import read_grids
from gan_lightning.report.runs import Scale
from gan_lightning.report.study import known_studies, load_study_file, read_plan, read_yaml, swept
from gan_lightning.resources import project_folder

Compose = Callable[..., DictConfig]
SWEEPS = project_folder("sweeps")
PROJECT = SWEEPS.parent


def plan_of(study: str) -> dict[str, tuple[str, ...]]:
    return read_plan(SWEEPS / f"{study}.yaml")


def report_of(study: str) -> DictConfig:
    return load_study_file(SWEEPS / f"{study}.yaml").report


def planned_runs() -> list[tuple[str, str, str]]:
    plans = [
        (study, axis, plan_of(study).get(axis, ())) for study in known_studies() for axis in ("method", "objective")
    ]
    return [(study, axis, name) for study, axis, names in plans for name in names]


def first_run(study: str) -> list[str]:
    """The overrides of a study's first run."""
    plan = plan_of(study)  # without what is searched
    axes = {axis: plan[axis.lstrip("+")] for axis in swept(SWEEPS / f"{study}.yaml") if axis.lstrip("+") in plan}
    return [f"+sweeps={study}", *(f"{axis}={values[0]}" for axis, values in axes.items())]


@pytest.mark.parametrize(("study", "axis", "name"), planned_runs())
def test_every_planned_method_composes_under_the_name_that_its_runs_will_have(
    compose_config: Compose, study: str, axis: str, name: str
) -> None:
    config = compose_config(f"+sweeps={study}", f"{axis}={name}", "seed=0")
    assert (config.study, config.method) == (study, name)
    assert config.learning_rate_scale > 0


@pytest.mark.parametrize("study", known_studies())
def test_every_method_that_a_study_names_is_planned(study: str) -> None:
    report, plan = report_of(study), plan_of(study)
    named = {report[key] for key in ("baseline", "penalised") if key in report}
    named |= {name for key in ("bands", "paper", "trials") for name in report.get(key, [])}
    named |= set(read_yaml(SWEEPS / f"{study}.yaml").get("rates") or {})  # its own
    assert named <= {*plan.get("method", ()), *plan.get("objective", ())}


def test_rates_of_the_robustness_study_are_those_that_its_first_step_found_best() -> None:
    tried = read_archive(PROJECT / "benchmarks" / "results" / "robustness_laptop_rates" / "runs.csv")
    grids = read_grids(tried, scale=Scale("digits_score", 1.0))
    assert not any(grid.at_edge for grid in grids)
    assert {grid.name: grid.chosen for grid in grids} == read_yaml(SWEEPS / "robustness_laptop.yaml")["rates"]


@pytest.mark.parametrize("study", known_studies())
def test_every_axis_of_a_report_is_a_setting_of_its_runs_and_every_value_that_is_named_is_planned(
    compose_hydra: Compose, study: str
) -> None:
    config = compose_hydra(*first_run(study))
    report = report_of(study)
    axes: list[Any] = list(report.axes) if report.kind == "groups" else []
    for axis in axes:
        group = axis.key.removeprefix(CHOICES)
        there = config.hydra.runtime.choices.get(group) if group != axis.key else OmegaConf.select(config, axis.key)
        assert there is not None, axis.key
        planned = {as_text(value) for value in plan_of(study).get(group, ())}
        assert {as_text(value) for value in axis.get("names", {})} <= planned


@pytest.mark.parametrize("study", known_studies())
def test_study_in_which_rates_were_chosen_is_one_of_the_project(study: str) -> None:
    report = report_of(study)
    assert report.get("rates") is None or report.rates in known_studies()
