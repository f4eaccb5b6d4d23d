"""The permutation of Table 1 that `seed` picks from."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from gan_lightning.draw import draw
from gan_lightning.resources import project_folder
from gan_lightning.runs.settings import resolve

FIRST_200 = "074ee3a254c948483c6a0d58a01f880bdc8e18fe73b3d8d4e77c19d8f4e28c3a"
"""SHA-256 of the first 200 draws as JSON. If it changes, no study can be continued or repeated."""


@cache
def table(critic_norm: str = "batch") -> dict[str, list[Any]]:
    config = OmegaConf.load(project_folder("conf") / "arch" / "random.yaml")
    config.critic_norm = critic_norm
    resolved = OmegaConf.to_container(config.table, resolve=True)
    assert isinstance(resolved, dict)
    return {str(axis): values for axis, values in resolved.items()}


def first(count: int, critic_norm: str = "batch") -> list[dict[str, Any]]:
    return [draw(table(critic_norm), seed) for seed in range(count)]


def test_first_200_draws_are_distinct_and_always_the_same() -> None:
    lines = [json.dumps(choice) for choice in first(200)]
    assert len(set(lines)) == 200
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == FIRST_200


def test_both_objectives_draw_the_same_architectures_but_for_the_critics_norm() -> None:
    other_norm = {"batch": "layer", "none": "none"}
    standard = [choice | {"critic.norm": other_norm[choice["critic.norm"]]} for choice in first(200, "batch")]
    assert standard == first(200, "layer")


def test_seeds_are_a_permutation_of_all_products() -> None:
    numbered = {axis: list(range(len(values))) for axis, values in table().items()}
    drawn = [tuple(draw(numbered, seed).values()) for seed in range(9216)]
    assert len(set(drawn)) == 9216
    assert drawn != sorted(drawn)


def test_draws_do_not_depend_on_what_was_drawn_before() -> None:
    later, earlier = draw(table(), 150), draw(table(), 3)
    assert (draw(table(), 3), draw(table(), 150)) == (earlier, later)


@pytest.mark.parametrize("axis", table())
def test_every_value_of_an_axis_is_drawn_about_equally_often(axis: str) -> None:
    values = table()[axis]
    counts = Counter(choice[axis] for choice in first(1000))
    expected = 1000 / len(values)
    assert set(counts) == set(values)
    assert all(abs(count - expected) < 4 * expected**0.5 for count in counts.values())


@pytest.mark.parametrize("seed", [-1, 9216])
def test_seed_outside_the_permutation_is_refused_in_one_line(seed: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^seed={seed} is outside the 9,216 architectures .*: 0 to 9215 are allowed$"
    ):
        draw(table(), seed)


@pytest.mark.parametrize(("objective", "critic_norm"), [("dcgan", "batch"), ("wgan_gp", "layer")])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_drawn_architecture_is_filled_in_where_the_networks_are_built(
    compose_config: Callable[..., DictConfig], objective: str, critic_norm: str, seed: int
) -> None:
    arch = resolve(compose_config("arch=random", f"seed={seed}", f"objective={objective}"))["arch"]
    expected = draw(table(critic_norm), seed)
    assert arch["drawn"] == expected
    for axis, value in expected.items():
        player, _, name = axis.partition(".")
        assert arch[player][name] == value


def test_axis_that_the_user_sets_stays_and_the_others_are_drawn(compose_config: Callable[..., DictConfig]) -> None:
    arch = resolve(compose_config("arch=random", "seed=17", "objective=dcgan", "arch.generator.depth=6"))["arch"]
    assert arch["generator"]["depth"] == 6
    assert arch["drawn"] == draw(table("batch"), 17) | {"generator.depth": 6}


def test_architecture_that_is_not_random_has_no_draw(compose_config: Callable[..., DictConfig]) -> None:
    assert resolve(compose_config("arch=dcgan", "seed=10000"))["arch"]["drawn"] is None
