"""What makes two runs the same, and what their directories are called."""

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from gan_lightning.runs.identity import (
    check_content,
    differences,
    follows_length,
    key_of,
    replaced_parts,
    run_name,
    same_places,
)
from gan_lightning.runs.result import Result

Compose = Callable[..., DictConfig]

READ = Result(
    status="running",
    study="adhoc",
    method="dcgan",
    label="GAN",
    seed=0,
    generator_steps=20,
    generator_step=10,
    seconds=1.0,
    data="12 pictures a1b2",
    scores={"protocol": {"weights_sha256": "c0ffee"}},
)


def settings(**changes: Any) -> dict[str, Any]:
    plain = {
        "generator_steps": 100,
        "seed": 0,
        "label": "GAN",
        "optimizer": {"lr": 1e-4, "betas": [0.0, 0.9]},
        "decay": {"steps": 100},
        "data": {"root": "/a", "verify": True, "workers": 2, "name": None},
        "metrics": {"weights": None, "samples": 100},
        "trainer": {"accelerator": "auto", "devices": 1},
        "logger": {"_target_": None},
    }
    return plain | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"generator_steps": 200},
        {"label": "standard GAN"},
        {"choices": {"arch": "dcgan"}},
        {"trainer": {"accelerator": "gpu", "devices": 4}},
        {"logger": {"_target_": "lightning.pytorch.loggers.WandbLogger", "project": "x"}},
        {"data": {"root": "/b", "verify": False, "workers": 0, "name": None}},
        {"metrics": {"weights": "/b/weights.pth", "samples": 100}},
    ],
)
def test_run_length_words_machine_dashboard_and_places_make_no_other_run(changes: dict[str, Any]) -> None:
    assert differences(settings(**changes), settings()) == []


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"seed": 1}, "seed: 0 -> 1"),
        ({"optimizer": {"lr": 2e-4, "betas": [0.0, 0.9]}}, "optimizer.lr: 0.0001 -> 0.0002"),
        ({"optimizer": {"lr": 1e-4, "betas": [0.5, 0.9]}}, "optimizer.betas: [0.0, 0.9] -> [0.5, 0.9]"),
        ({"optimizer": {"betas": [0.0, 0.9]}}, "optimizer.lr: 0.0001 -> None"),
        ({"n_critic": 5}, "n_critic: None -> 5"),
        ({"decay": {"steps": 50}}, "decay.steps: 100 -> 50"),
        ({"generator_steps": 200, "decay": {"steps": 200}}, "decay.steps: 100 -> 200"),
        ({"data": {"root": "/a", "verify": True, "workers": 2, "name": "cats"}}, "data.name: None -> cats"),
        ({"metrics": {"weights": None, "samples": 200}}, "metrics.samples: 100 -> 200"),
    ],
)
def test_any_other_change_makes_another_run(changes: dict[str, Any], difference: str) -> None:
    assert differences(settings(**changes), settings()) == [difference]


def test_places_are_the_same_only_if_all_are() -> None:
    assert same_places(settings(seed=1), settings())
    assert not same_places(settings(data={"root": "/b", "verify": True, "workers": 2}), settings())
    assert not same_places(settings(metrics={"weights": "/b"}), settings())


def test_equal_content_from_another_place_is_the_same_run() -> None:
    check_content(READ, data="12 pictures a1b2", weights="c0ffee")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data": "12 pictures ffff"},
            "data is not what this run has read so far: 12 pictures a1b2 -> 12 pictures ffff",
        ),
        ({"weights": "decaf"}, "metrics.weights is not what this run has read so far: c0ffee -> decaf"),
    ],
)
def test_other_content_is_refused_in_one_line_naming_both(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}; [^\n]*study=NAME$"):
        check_content(READ, **{"data": "12 pictures a1b2", "weights": "c0ffee"} | changes)


def test_what_was_not_recorded_is_not_compared() -> None:
    unknown = Result(**{**vars(READ), "data": None, "scores": None})
    check_content(unknown, data="anything", weights="anything")


@pytest.mark.parametrize(
    "text",
    [
        "decay: {steps: '${generator_steps}'}",
        "decay: {steps: '${..generator_steps}'}",
        "decay: {inner: {steps: '${...generator_steps}'}}",
        "decay: {steps: '${half}'}\nhalf: '${generator_steps}'",
        "which: generator_steps\ndecay: {steps: '${${which}}'}",
        "decay: {points: [0, '${generator_steps}']}",
        "decay: {words: 'until ${generator_steps}'}",
        "decay: {steps: '${oc.select:generator_steps}'}",
    ],
)
def test_interpolation_of_the_run_length_is_found_however_it_is_written(text: str) -> None:
    config = OmegaConf.create(f"generator_steps: 100\n{text}")
    assert isinstance(config, DictConfig)
    found = follows_length(config)
    assert found and all(key.split(".")[0] in ("decay", "half") for key in found)
    assert config.generator_steps == 100


@pytest.mark.parametrize(
    "text",
    [
        "decay: {steps: 100}",
        "logger: {name: '${generator_steps}'}",
        "report: {note: '${generator_steps}'}",
        "hydra: {job: {name: '${generator_steps}'}}",
        "missing: ???",
    ],
)
def test_what_makes_no_other_run_does_not_follow_the_length(text: str) -> None:
    config = OmegaConf.create(f"generator_steps: 100\n{text}")
    assert isinstance(config, DictConfig)
    assert follows_length(config) == []


def test_constant_rates_do_not_follow_the_length_and_linear_decay_does(compose_config: Compose) -> None:
    assert follows_length(compose_config("decay=none")) == []
    assert follows_length(compose_config("decay=linear")) == ["decay.steps"]
    assert follows_length(compose_config("decay=linear", "decay.steps=50")) == []


def test_run_name_does_not_depend_on_the_order_of_overrides() -> None:
    assert (
        run_name(["seed=1", "objective=dcgan"]) == run_name(["objective=dcgan", "seed=1"]) == "objective=dcgan,seed=1"
    )


def test_run_without_overrides_is_called_defaults() -> None:
    assert run_name([]) == run_name(["trainer=gpu", "study=x", "generator_steps=9"]) == "defaults"


@pytest.mark.parametrize(
    "override",
    [
        "trainer=ddp",
        "trainer.devices=2",
        "logger=wandb",
        "+logger.entity=me",
        "study=other",
        "+sweeps=table2",
        "hydra/launcher=joblib",
        "hydra.run.dir=x",
        "generator_steps=3000",
        "++generator_steps=3000",
        "data.root=/scratch/a",
        "data.verify=false",
        "data.workers=8",
        "metrics.weights=/scratch/w.pth",
    ],
)
def test_override_that_does_not_tell_runs_apart_is_not_in_the_name(override: str) -> None:
    assert run_name(["seed=1", override]) == "seed=1"


def test_run_length_is_in_the_name_where_something_follows_it() -> None:
    assert run_name(["seed=1", "generator_steps=9"], with_length=True) == "generator_steps=9,seed=1"
    assert run_name(["seed=1", "trainer=cpu"], with_length=True) == "seed=1"


@pytest.mark.parametrize("override", ["studying=1", "data=cifar10", "data.rooted=1", "metrics=none", "labels=1"])
def test_key_that_only_begins_like_an_unnamed_one_is_in_the_name(override: str) -> None:
    assert run_name([override]) == override


@pytest.mark.parametrize(
    ("override", "key"),
    [("a=1", "a"), ("+a.b=x=y", "a.b"), ("++a=1", "a"), ("hydra/launcher=joblib", "hydra.launcher"), ("~a", "~a")],
)
def test_key_of_an_override_is_what_stands_before_its_value(override: str, key: str) -> None:
    assert key_of(override) == key


def test_run_names_are_distinct_and_safe_for_every_file_system() -> None:
    long = [f"data.name=/data/{'é' * 200}/{i}" for i in range(2)]
    odd = ["data.name=/a/b", "data.name=/a-b", "data.name=-a-b", "x='1 2'", "x=[1,2]", "x={a:1}", "~decay"]
    names = [run_name([override]) for override in [*long, *odd]]
    assert len(set(names)) == len(names)
    for name in names:
        assert len(name.encode()) < 200
        assert name.isascii()
        assert not set(name) & set("/\\ '\"[]{}:*?<>|~\n")


@pytest.mark.parametrize(
    ("overrides", "replaced"),
    [
        (["objective=hinge", "seed=1"], []),
        (["objective=dcgan", "constraint=gradient_penalty"], ["constraint=gradient_penalty"]),
        (["method=r3gan", "optimizer=adam_dcgan", "constraint=r1"], ["constraint=r1", "optimizer=adam_dcgan"]),
        (["method=r3gan", "constraint.weight=1"], []),
    ],
)
def test_parts_that_replace_a_methods_own_are_part_of_its_name(overrides: list[str], replaced: list[str]) -> None:
    assert replaced_parts(overrides) == replaced
