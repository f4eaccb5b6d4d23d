"""What a stranger typed is started again only where it comes to settings and options of the project itself."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning import resources
from gan_lightning.resources import project_folder
from gan_lightning.runs.overrides import Mistake, composed_sweep, composing, sweep_overrides
from gan_lightning.runs.start import read_start

PAYLOAD = """# @package _global_
objective: {_target_: os.mkdir, path: marker}
hydra:
  callbacks: {theirs: {_target_: os.mkdir, path: marker}}
  sweep: {dir: /outside}
"""

FOLDERS = ("runs/theirs", "runs/theirs/run", "runs", "data", "theirs", "conf/data", "their.run")
"""Of a project, where somebody unpacked what a stranger gave them."""

BASE = ["study=theirs", "data=eight_gaussians", "arch=toy_fixed"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the configuration, with a stranger's files beside it."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("conf", "sweeps"):
        shutil.copytree(project_folder(name), folder / name)
    for name in FOLDERS:
        place = folder / name
        if not name.startswith("conf"):
            place.mkdir(parents=True, exist_ok=True)
            (place / "payload.yaml").write_text(PAYLOAD)
            (place / "config.yaml").write_text(PAYLOAD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resources, "PACKAGE", folder / "gan_lightning")
        yield folder


def lines_of_a_stranger(seed: int) -> Iterator[str]:
    """Overrides of all kinds, most of them made to lead somewhere else."""
    draw = random.Random(seed)
    options = [f"{path.parent.name}={path.stem}" for path in sorted(project_folder("conf").glob("*/*.yaml"))]
    options += [f"sweeps={path.stem}" for path in sorted(project_folder("sweeps").glob("*.yaml"))]
    groups = sorted({option.partition("=")[0] for option in options})
    keys = ["seed", "study", "label", "generator_steps", "data.points", "arch.critic.width", "metrics.weights"]
    keys += ["data.root", "logger.save_dir", "logger", "report.kind", "defaults", "hydra.sweep.dir", "hydra.run.dir"]
    keys += ["hydra.callbacks.x._target_", "hydra.searchpath", "hydra.sweeper.params.seed", "hydra.job.env_set.A"]
    parts = [".", "..", "_target_", "_partial_", "payload", "@_global_", "@hydra", "/", "~", "'", "$", "{}", ":=", "_"]
    values = [
        "payload",
        "config",
        "../runs/theirs/payload",
        "/etc/passwd",
        "file:///tmp",
        "os.mkdir",
        "null",
        "glob(*)",
    ]
    values += ["choice(payload,config)", "[payload]", "[wgan_gp,payload]", "wgan_gp,payload", "{_target_: os.mkdir}"]
    values += [
        "${oc.env:HOME}",
        "${.x}",
        "\\${x}",
        "'payload'",
        '"payload"',
        "range(3)",
        "1",
        "a b",
        "pkg://os",
        "x\ty",
    ]
    values += [
        "json_str(payload)",
        "extend_list(payload)",
        "interval(0,1)",
        "_target_",
        "_global_",
        "???",
        "sort(payload)",
    ]
    while True:
        key = draw.choice((draw.choice(FOLDERS), draw.choice(groups), draw.choice(keys), draw.choice(FOLDERS)))
        if draw.random() < 0.4:
            place = draw.randrange(len(key) + 1)
            key = draw.choice((f"{key[:place]}{draw.choice(parts)}{key[place:]}", f"{key}.{draw.choice(parts)}", key))
        line = f"{key}={draw.choice(values)}" if draw.random() < 0.8 else draw.choice((key, draw.choice(options)))
        yield draw.choice(("", "+", "++", "~", "+~", "-", "--", "")) + line


def targets_of(node: Any) -> set[str]:
    """All that settings name as a target."""
    if isinstance(node, list):
        return {target for item in node for target in targets_of(item)}
    if not isinstance(node, dict):
        return set()
    own = {str(node["_target_"])} if "_target_" in node else set()
    return own.union(*(targets_of(value) for value in node.values()))


def composed_with(lines: list[str]) -> dict[str, Any]:
    with composing():
        for overrides in sweep_overrides(composed_sweep([*BASE, "seed=0,1", *lines])):
            plain: Any = OmegaConf.to_container(compose("train", overrides, return_hydra_config=True))
            return plain
    raise Mistake("no run")


def taken(study: Path, launcher: list[str], overrides: list[str]) -> bool:
    """Whether a start is taken from a file."""
    study.mkdir(parents=True, exist_ok=True)
    start = {"folder": str(study.parent.parent), "launcher": launcher, "overrides": overrides}
    (study / "last_start.json").write_text(json.dumps(start))
    try:
        return read_start(study) is not None
    except ValueError as error:
        assert "\n" not in str(error)
        return False


@pytest.mark.parametrize(
    ("seed", "count"), [(0, 300), *(pytest.param(seed, 3000, marks=pytest.mark.slow) for seed in (1, 2))]
)
def test_what_is_taken_of_a_strangers_start_names_no_code_and_no_place_of_theirs(
    project: Path, seed: int, count: int
) -> None:
    known = {
        target
        for file in project_folder("conf").rglob("*.yaml")
        for target in targets_of(OmegaConf.to_container(OmegaConf.load(file)))
    }
    ours = composed_with([])
    known, hydra = known | targets_of(ours), ours["hydra"]
    lines = lines_of_a_stranger(seed)
    composed = 0
    for _ in range(count):
        line = next(lines)
        assert not taken(project / "runs" / "theirs", [line], []) or line.lstrip("+").startswith("hydra")
        if not taken(project / "runs" / "theirs", [], [line]):
            continue
        try:
            settings = composed_with([line])
        except (HydraException, OmegaConfBaseException, Mistake, ValueError):
            continue
        composed += 1
        theirs = settings["hydra"]
        assert targets_of(settings) <= known, line
        for name in ("callbacks", "searchpath", "run", "launcher", "job_logging", "hydra_logging"):
            assert theirs[name] == hydra[name], (line, name)
        assert (theirs["job"]["env_set"], theirs["sweep"]["subdir"]) == ({}, hydra["sweep"]["subdir"]), line
    assert composed > count / 50


def test_what_a_project_has_can_be_started_again(project: Path) -> None:
    for file in sorted(project_folder("conf").glob("*/*.yaml")):
        if file.parent.name != "hydra":
            assert taken(project / "runs" / "own", [], [f"{file.parent.name}={file.stem}"]), file
    for file in sorted(project_folder("sweeps").glob("*.yaml")):
        assert taken(project / "runs" / "own", [], [f"+sweeps={file.stem}"]), file
    others = ["method=wgan_gp,dcgan", "arch=choice(toy, toy_deep)", "seed=range(200)", "data.root=/data/set", "~ema"]
    others += ["metrics.weights=~/weights.pth", "label='8 Gaussians, β 0.5'", "optimizer.betas=[0.5,0.9]", "study=a.b"]
    launcher = ["hydra/launcher=slurm", "hydra.launcher.partition=gpu", "++hydra.launcher.timeout_min=60"]
    assert taken(project / "runs" / "own", launcher, others)
