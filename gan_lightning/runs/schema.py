"""What a run's settings are: every one that is no part's own, with its type and range. Parts have theirs in signatures.

Nothing heavy is imported here, so that a mistake is on the screen before torch is loaded.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gan_lightning.ranges import (
    Count,
    Few,
    NotNegative,
    Positive,
    Samples,
    Seed,
    Steps,
    check_value,
    is_model,
    needed,
)

Node = Annotated[dict[str, Any], needed("a group of settings is needed")]
Text = Annotated[str, needed("a text is needed")]
Table = Annotated[
    dict[str, Annotated[list[Any], Field(min_length=1)]], needed("lists of values by the setting that they are of")
]
Switch = Annotated[bool, needed("true or false is needed")]
Folder = Annotated[
    str,
    BeforeValidator(lambda name: str(name) if type(name) is int else name),  # as YAML reads a name of digits
    Field(pattern=r"^[\w,=+-][\w.,=+-]*$", max_length=200),
    needed("it names a folder, by letters, digits and . , = + - _"),
]


class Group(BaseModel):
    """Settings of one group. Those that a part takes by itself stand beside them, of any type here."""

    model_config = ConfigDict(strict=True, extra="allow")


class Every(Group):
    log: Steps
    held_out: Steps
    pictures: Steps
    checkpoint: Steps


class Trainer(Group):
    accelerator: Text
    devices: Count
    nodes: Count
    batch_norm_sync: Switch
    threads: Count | None


class Recipe(Group):
    lr: Positive


class Arch(Group):
    generator: Node
    critic: Node
    classes: Count | None = None
    critic_weight_decay: NotNegative = 0.0


class Data(Group):
    batch_size: Count
    n_critic: Few | None = None


class Metrics(Group):
    interim_samples: Samples | None = None


class ScoredMetrics(Metrics):
    every: Steps


class RunSettings(Group):
    study: Folder
    method: Text
    label: Text
    seed: Seed
    generator_steps: Steps
    n_critic: Few
    generator_batch_multiple: Few
    latent_dim: Count
    learning_rate_scale: Positive
    every: Every
    trainer: Trainer
    optimizer: Recipe
    arch: Arch
    data: Data
    metrics: Metrics
    objective: Node
    constraint: Node
    decay: Node
    ema: Node
    class_loss: Node
    logger: Node


def _is_group(kind: Any) -> bool:
    return kind == dict[str, Any] or is_model(kind)


GROUPS = tuple(name for name, field in RunSettings.model_fields.items() if _is_group(field.annotation))
"""Settings that are groups of others."""


def check_settings(settings: Mapping[str, Any]) -> None:
    """Compare a run's settings with what they are to be.

    Raises:
        ValueError: for the first that is missing, of another type or out of its range, in one line.
    """
    check_value(dict(settings), RunSettings)
    if settings["metrics"].get("_target_") is not None:
        check_value(settings["metrics"], ScoredMetrics, "metrics")
