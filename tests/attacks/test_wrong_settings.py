"""Any setting set to anything, or taken away: a run that ends well, or one line that names the setting, and soon."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import FrameType

import pytest
from commands import TINY, Train
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from gan_lightning.runs.settings import flatten, resolve

RUNS = {
    "digits": (*TINY, "generator_steps=1"),
    "scored": (*TINY[:-1], "generator_steps=1", "metrics.samples=100", "metrics.splits=1"),
    "random": (*TINY[:2], *TINY[4:], "arch=random", "arch.width_scale=0.125", "generator_steps=1"),
    "plane": (
        *TINY[:2],
        "data=eight_gaussians",
        "arch.width=8",
        "data.batch_size=8",
        "n_critic=1",
        "generator_steps=1",
    ),
    "clipped": (*TINY, "objective=wgan_clip", "decay=linear", "ema=exponential", "generator_steps=1"),
    "logged": (*TINY, "logger=tensorboard", "constraint=r1_r2", "generator_steps=1"),
}
"""Runs of a second whose every setting is attacked."""

VALUES = (
    *("abc", "''", "null", "true", "[]", "[a,b]", "[1,2]", "{}", "{a: 1}", "{_target_: os.getcwd}", "???"),
    *("-1", "0", "1.5", "100.0", "-1000", "1e-3", "1e400", "nan", "1000000000", "100000000000000000000000"),
    *("../x", "a/b", "'ä ö'", "'${seed}'", "'${nothing}'", "'${oc.env:NOTHING}'", "[[[[1]]]]", "'" + "x" * 300 + "'"),
)
LEFT_OUT = {
    ("generator_steps", "1000000000"),  # what is meant, and takes its time
    # A function of one's own is asked at the first iteration.
    ("constraint.points", "{_target_: os.getcwd}"),
    ("constraint.distance", "{_target_: os.getcwd}"),
}

SECONDS = 60


class TooLong(BaseException):
    """Not held back by anybody."""


@contextmanager
def in_bounded_time() -> Iterator[None]:
    def give_up(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def keys(compose_config: Callable[..., DictConfig]) -> dict[str, list[str]]:
    """Of every run its settings, and the groups that they are in."""
    found: dict[str, list[str]] = {}
    for name, overrides in RUNS.items():
        leaves = sorted(flatten(resolve(compose_config(*overrides))))
        leaves = [key for key in leaves if not key.startswith(("arch.drawn", "choices", "overrides"))]
        groups = {key.rpartition(".")[0] for key in leaves} - {""}
        found[name] = [*leaves, *sorted(groups)]
    return found


def attack(train: Train, overrides: tuple[str, ...], key: str, value: str | None) -> None:
    line = f"~{key}" if value is None else f"{key}={value}"
    try:
        with in_bounded_time():
            ended = train(*overrides, line)
    finally:
        shutil.rmtree(train.folder / "runs", ignore_errors=True)
    assert "Traceback" not in ended.out + ended.err, line
    assert ended.code in (0, 2), f"{line}: {ended.out}{ended.err}"
    if ended.code == 2:
        assert len(ended.err.strip().splitlines()) == 1 and ended.err.startswith("error: "), ended.err
        names = [part for part in key.split(".") if not part.startswith("_")]
        shown = [] if value is None else [str(OverridesParser.create().parse_override(f"a={value}").value())[:40]]
        shown += [os.getcwd()[:40]] if value == "{_target_: os.getcwd}" else []  # what it stands for
        assert any(name in ended.err for name in (*names, *shown)), f"{line} is not named: {ended.err}"


def attacked_by_number(train: Train, keys: dict[str, list[str]], number: int) -> None:
    random = Random(number)
    name = random.choice(sorted(RUNS))
    key = random.choice(keys[name])
    attack(train, RUNS[name], key, random.choice([None, *(v for v in VALUES if (key, v) not in LEFT_OUT)]))


@pytest.mark.parametrize("number", range(150))
def test_no_setting_can_be_anything_but_what_it_may_be(train: Train, keys: dict[str, list[str]], number: int) -> None:
    attacked_by_number(train, keys, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(150, 2500))
def test_none_of_many_settings_can_be_either(train: Train, keys: dict[str, list[str]], number: int) -> None:
    attacked_by_number(train, keys, number)
