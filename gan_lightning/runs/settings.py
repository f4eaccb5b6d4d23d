"""From the composed config to plain settings: the drawn architecture filled in, what is out of range refused.

Nothing heavy is imported here, so that a mistake is on the screen before torch is loaded.
"""

import re
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError

from gan_lightning.draw import draw

Settings = dict[str, Any]

WHOLE_NUMBERS = {
    "generator_steps": 1,
    "n_critic": 1,
    "generator_batch_multiple": 1,
    "latent_dim": 1,
    "seed": 0,
    "data.batch_size": 1,
    "trainer.devices": 1,
    "trainer.nodes": 1,
    "every.log": 1,
    "every.held_out": 1,
    "every.pictures": 1,
    "every.checkpoint": 1,
}
"""Settings that count something, with the least that each may be."""


def resolve(config: DictConfig) -> Settings:
    """Plain containers, with every interpolation resolved and the architecture that ``seed`` draws filled in.

    An axis of the table that the user has set stays as it is.

    Raises:
        ValueError: for a setting outside its range, or one that another needs and is not there, in one line.
    """
    config = config.copy()
    OmegaConf.set_struct(config, False)
    for key, least in WHOLE_NUMBERS.items():
        _check_whole(key, OmegaConf.select(config, key), least=least)
    if config.metrics.get("_target_") is not None:
        _check_whole("metrics.every", config.metrics.every, least=1)
    if config.trainer.threads is not None:
        _check_whole("trainer.threads", config.trainer.threads, least=1)
    for key in ("learning_rate_scale", "optimizer.lr"):
        _check_positive(key, OmegaConf.select(config, key))
    if not re.fullmatch(r"[\w.,=+-]+", str(config.study)) or str(config.study).startswith("."):
        raise ValueError(f"study={config.study} is not possible: it names a folder, by letters, digits and . , = + - _")
    _check_shares(config.data.batch_size, devices=config.trainer.devices, nodes=config.trainer.nodes)
    config.arch.drawn = _fill_in_draw(config)
    config.pop("report", None)
    try:
        settings = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except InterpolationKeyError as error:
        needed = str(error).partition("'")[2].partition("'")[0]
        raise ValueError(
            f"{error.full_key} needs {needed}, which is not there: options of two groups, such as arch and data, do "
            "not go together"
        ) from error
    assert isinstance(settings, dict)
    return {str(key): value for key, value in settings.items()}


def flatten(settings: Settings, prefix: str = "") -> Settings:
    """Nested settings as one level of dotted keys."""
    flat: Settings = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _fill_in_draw(config: DictConfig) -> dict[str, Any] | None:
    table = config.arch.pop("table", None)
    if table is None:
        return None
    drawn = draw(OmegaConf.to_container(table, resolve=True), config.seed)  # pyright: ignore[reportArgumentType]
    for axis, value in drawn.items():
        if OmegaConf.select(config.arch, axis) == "drawn":
            OmegaConf.update(config.arch, axis, value)
    return {axis: OmegaConf.select(config.arch, axis) for axis in drawn}


def _check_whole(key: str, value: Any, *, least: int) -> None:
    if type(value) is not int or value < least:
        raise ValueError(f"{key}={value} is not possible: a whole number of at least {least} is needed")


def _check_positive(key: str, value: Any) -> None:
    if type(value) not in (int, float) or not 0 < value < float("inf"):
        raise ValueError(f"{key}={value} is not possible: a positive number is needed")


def _check_shares(batch_size: int, *, devices: int, nodes: int) -> None:
    if batch_size % (devices * nodes):
        raise ValueError(
            f"data.batch_size={batch_size} is not possible: the global batch must be a multiple of the world size, "
            f"trainer.devices={devices} x trainer.nodes={nodes}"
        )
