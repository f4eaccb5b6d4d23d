"""From the composed config to plain settings: the drawn architecture filled in, what is out of range refused.

Nothing heavy is imported here, so that a mistake is on the screen before torch is loaded.
"""

from math import isfinite
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError

from gan_lightning.draw import draw
from gan_lightning.ranges import Seed, check_value
from gan_lightning.runs.schema import GROUPS, Node, Table, check_settings

Settings = dict[str, Any]


def resolve(config: DictConfig) -> Settings:
    """Plain containers, with every interpolation resolved and the architecture that ``seed`` draws filled in.

    An axis of the table that the user has set stays as it is.

    Raises:
        ValueError: for a setting of another type or outside its range, or one that another needs and is not there, in
            one line.
    """
    config = config.copy()
    OmegaConf.set_struct(config, False)
    for name in GROUPS:
        group = config.get(name)
        check_value(dict(group) if OmegaConf.is_dict(group) else group, Node, name)  # before others ask for its keys
    check_value(config.seed, Seed, "seed")
    config.arch.drawn = _fill_in_draw(config)
    config.pop("report", None)
    try:
        plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except InterpolationKeyError as error:
        needed = str(error).partition("'")[2].partition("'")[0]
        raise ValueError(
            f"{error.full_key} needs {needed}, which is not there: options of two groups, such as arch and data, do "
            "not go together"
        ) from error
    settings: Settings = {str(key): value for key, value in plain.items()}
    check_settings(settings)
    for key, value in flatten(settings).items():
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{key}={value} is not possible: a number is needed, and not one without end")
    _check_shares(settings["data"]["batch_size"], settings["trainer"])
    return settings


CODE = ("_target_", "_partial_", "_convert_", "_recursive_")
"""Keys that say which code makes a part, and how; the others are what it is given."""


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
    plain: Any = OmegaConf.to_container(table, resolve=True) if OmegaConf.is_config(table) else table
    check_value(plain, Table, "arch", "table")
    drawn = draw(plain, config.seed)
    for axis, value in drawn.items():
        if OmegaConf.select(config.arch, axis) == "drawn":
            OmegaConf.update(config.arch, axis, value)
    return {axis: OmegaConf.select(config.arch, axis) for axis in drawn}


def _check_shares(batch_size: int, trainer: Settings) -> None:
    devices, nodes = trainer["devices"], trainer["nodes"]
    if batch_size % (devices * nodes):
        raise ValueError(
            f"data.batch_size={batch_size} is not possible: the global batch must be a multiple of the world size, "
            f"trainer.devices={devices} x trainer.nodes={nodes}"
        )
