"""From the composed config to settings: refusals, names of runs, what may change between two starts."""

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue

from gan_lightning.settings import flatten, resolve, run_name, same_run

Compose = Callable[..., DictConfig]


def settings(**changes: Any) -> dict[str, Any]:
    plain = {
        "generator_steps": 100,
        "seed": 0,
        "optimizer": {"lr": 1e-4, "betas": [0.0, 0.9]},
        "decay": {"steps": 100},
        "trainer": {"accelerator": "auto", "devices": 1},
        "logger": {"_target_": None},
    }
    return plain | changes


def test_settings_are_plain_containers_without_interpolations_and_without_the_report(compose_config: Compose) -> None:
    resolved = resolve(compose_config("decay=linear", "generator_steps=7", "+report.kind=success_table"))
    assert type(resolved) is dict
    assert type(resolved["data"]["image_shape"]) is list
    assert resolved["decay"]["steps"] == 7
    assert "${" not in str(resolved)
    assert "report" not in resolved


def test_resolving_leaves_the_composed_config_as_it_was(compose_config: Compose) -> None:
    config = compose_config("arch=random")
    before = config.copy()
    resolve(config)
    assert config == before


def test_setting_that_has_no_value_is_refused(compose_config: Compose) -> None:
    with pytest.raises(MissingMandatoryValue):
        resolve(compose_config("method=???"))


@pytest.mark.parametrize(
    ("override", "allowed"),
    [
        ("generator_steps=0", "a whole number of at least 1"),
        ("generator_steps=abc", "a whole number of at least 1"),
        ("generator_steps=1.5", "a whole number of at least 1"),
        ("generator_steps=null", "a whole number of at least 1"),
        ("n_critic=0", "a whole number of at least 1"),
        ("latent_dim=0", "a whole number of at least 1"),
        ("seed=-1", "a whole number of at least 0"),
        ("seed=true", "a whole number of at least 0"),
        ("data.batch_size=0", "a whole number of at least 1"),
        ("trainer.devices=auto", "a whole number of at least 1"),
        ("trainer.threads=0", "a whole number of at least 1"),
        ("every.log=0", "a whole number of at least 1"),
        ("every.held_out=0", "a whole number of at least 1"),
        ("every.pictures=0", "a whole number of at least 1"),
        ("every.checkpoint=null", "a whole number of at least 1"),
        ("metrics.every=0", "a whole number of at least 1"),
        ("learning_rate_scale=0", "a positive number"),
        ("learning_rate_scale=nan", "a positive number"),
        ("optimizer.lr=fast", "a positive number"),
    ],
)
def test_setting_outside_its_range_is_refused_in_one_line(compose_config: Compose, override: str, allowed: str) -> None:
    key, _, value = override.partition("=")
    shown = {"null": "None", "true": "True"}.get(value, value)
    with pytest.raises(ValueError, match=rf"^{key}={shown} is not possible: {allowed}[^\n]*$"):
        resolve(compose_config(override))


def test_null_where_intervals_are_expected_is_refused(compose_config: Compose) -> None:
    with pytest.raises(ValueError, match=r"^every\.log=None is not possible"):
        resolve(compose_config("every=null"))


def test_batch_that_the_processes_cannot_share_equally_is_refused(compose_config: Compose) -> None:
    with pytest.raises(ValueError, match=r"^data\.batch_size=7 .* multiple of the world size, trainer\.devices=2$"):
        resolve(compose_config("data.batch_size=7", "trainer.devices=2"))
    assert resolve(compose_config("data.batch_size=8", "trainer.devices=2"))["data"]["batch_size"] == 8


def test_seed_outside_the_random_architectures_is_refused(compose_config: Compose) -> None:
    with pytest.raises(ValueError, match=r"^seed=9216 is outside the 9,216 architectures"):
        resolve(compose_config("arch=random", "seed=9216"))


def test_run_length_trainer_and_logger_may_change() -> None:
    continued = settings(
        generator_steps=200,
        decay={"steps": 200},
        trainer={"accelerator": "gpu", "devices": 4},
        logger={"_target_": "lightning.pytorch.loggers.WandbLogger", "project": "x"},
    )
    assert same_run(continued, settings()) == []


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"seed": 1}, "seed: 0 -> 1"),
        ({"optimizer": {"lr": 2e-4, "betas": [0.0, 0.9]}}, "optimizer.lr: 0.0001 -> 0.0002"),
        ({"optimizer": {"lr": 1e-4, "betas": [0.5, 0.9]}}, "optimizer.betas: [0.0, 0.9] -> [0.5, 0.9]"),
        ({"optimizer": {"betas": [0.0, 0.9]}}, "optimizer.lr: 0.0001 -> None"),
        ({"n_critic": 5}, "n_critic: None -> 5"),
        ({"decay": {"steps": 50}}, "decay.steps: 100 -> 50"),
        ({"generator_steps": 200, "decay": {"steps": 300}}, "decay.steps: 100 -> 300"),
    ],
)
def test_any_other_change_makes_another_run(changes: dict[str, Any], difference: str) -> None:
    assert same_run(settings(**changes), settings()) == [difference]


def test_flat_settings_have_dotted_keys() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": [2]}, "e": None}) == {"a.b.c": 1, "a.d": [2], "e": None}


def test_run_name_does_not_depend_on_the_order_of_overrides() -> None:
    assert (
        run_name(["seed=1", "objective=dcgan"]) == run_name(["objective=dcgan", "seed=1"]) == "objective=dcgan,seed=1"
    )


def test_run_without_overrides_is_called_defaults() -> None:
    assert run_name([]) == run_name(["trainer=gpu", "study=x"]) == "defaults"


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
    ],
)
def test_override_that_does_not_tell_runs_apart_is_not_in_the_name(override: str) -> None:
    assert run_name(["seed=1", override]) == "seed=1"


def test_key_that_only_begins_like_an_unnamed_one_is_in_the_name() -> None:
    assert run_name(["studying=1"]) == "studying=1"


def test_run_names_are_distinct_and_safe_for_every_file_system() -> None:
    long = [f"data.root=/data/{'é' * 200}/{i}" for i in range(2)]
    odd = ["data.root=/a/b", "data.root=/a-b", "data.root=-a-b", "x='1 2'", "x=[1,2]", "x={a:1}", "~decay"]
    names = [run_name([override]) for override in [*long, *odd]]
    assert len(set(names)) == len(names)
    for name in names:
        assert len(name.encode()) < 200
        assert name.isascii()
        assert not set(name) & set("/\\ '\"[]{}:*?<>|~\n")
