"""Every study of the project names only methods and studies that there are."""

from collections.abc import Callable

import pytest
from omegaconf import DictConfig

from gan_lightning.report.study import known_studies, load_study_file, planned, swept
from gan_lightning.resources import project_folder

Compose = Callable[..., DictConfig]
SWEEPS = project_folder("sweeps")


def planned_axis(study: str) -> tuple[str, tuple[str, ...]]:
    """The axis by which a study plans its methods, and their names."""
    file = SWEEPS / f"{study}.yaml"
    axes = {axis: planned(swept(file), axis, file) for axis in ("method", "objective")}
    return next((axis, names) for axis, names in axes.items() if names)


def planned_runs() -> list[tuple[str, str, str]]:
    plans = [(study, *planned_axis(study)) for study in known_studies()]
    return [(study, axis, name) for study, axis, names in plans for name in names]


@pytest.mark.parametrize(("study", "axis", "name"), planned_runs())
def test_every_planned_method_composes_under_the_name_that_its_runs_will_have(
    compose_config: Compose, study: str, axis: str, name: str
) -> None:
    config = compose_config(f"+sweeps={study}", f"{axis}={name}", "seed=0")
    assert (config.study, config.method) == (study, name)
    assert config.learning_rate_scale > 0


@pytest.mark.parametrize("study", known_studies())
def test_every_method_that_a_study_names_is_planned(compose_config: Compose, study: str) -> None:
    axis, names = planned_axis(study)
    report = load_study_file(SWEEPS / f"{study}.yaml").report
    named = {report[key] for key in ("baseline", "penalised") if key in report}
    named |= {name for key in ("bands", "paper") for name in report.get(key, [])}
    named |= set(compose_config(f"+sweeps={study}", f"{axis}={names[0]}", "seed=0").get("rates") or {})
    assert named <= set(names)


@pytest.mark.parametrize("study", known_studies())
def test_study_in_which_rates_were_chosen_is_one_of_the_project(study: str) -> None:
    report = load_study_file(SWEEPS / f"{study}.yaml").report
    assert report.get("rates") is None or report.rates in known_studies()
