"""From the composed config to settings: what is filled in and what is refused."""

from collections.abc import Callable

import pytest
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue

from gan_lightning.runs.settings import flatten, resolve

Compose = Callable[..., DictConfig]


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
        resolve(compose_config("study=???"))


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
    with pytest.raises(ValueError, match=r"^every=None is not possible: a group of settings is needed$"):
        resolve(compose_config("every=null"))


def test_batch_that_the_processes_cannot_share_equally_is_refused(compose_config: Compose) -> None:
    with pytest.raises(
        ValueError, match=r"^data\.batch_size=7 .* multiple of the world size, trainer\.devices=2 x trainer\.nodes=1$"
    ):
        resolve(compose_config("data.batch_size=7", "trainer.devices=2"))
    assert resolve(compose_config("data.batch_size=8", "trainer.devices=2"))["data"]["batch_size"] == 8


def test_seed_outside_the_random_architectures_is_refused(compose_config: Compose) -> None:
    with pytest.raises(ValueError, match=r"^seed=9216 is outside the 9,216 architectures"):
        resolve(compose_config("arch=random", "seed=9216"))


def test_flat_settings_have_dotted_keys() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": [2]}, "e": None}) == {"a.b.c": 1, "a.d": [2], "e": None}


def test_a_study_may_be_called_by_a_number(compose_config: Compose) -> None:
    assert str(resolve(compose_config("study=2024"))["study"]) == "2024"
