"""A run directory is data: whatever its settings name, at any depth, nothing of it runs, and one line says which."""

import json
import pickle
import runpy
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import TINY, change_settings, own_module
from omegaconf import OmegaConf

from gan_lightning import cli, resources
from gan_lightning.constraints import Constraint
from gan_lightning.report.__main__ import main as report
from gan_lightning.resources import project_folder
from gan_lightning.runs.targets import make

pytestmark = pytest.mark.filterwarnings("ignore:.*found in sys.modules.*:RuntimeWarning")  # of runpy

PLANE = ("data=eight_gaussians", "arch=toy_fixed", "trainer=cpu", "trainer.threads=1", "n_critic=1")


class Bomb:
    """Unpickled it makes a folder, by which it is known to have run."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.mkdir, (str(self.marker),)


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """The folder that none may make, and nodes that each would make it."""
    folder = tmp_path_factory.mktemp("bombs")
    marker, plain, array, program = (folder / name for name in ("marker", "bomb.pt", "bomb.npy", "bomb.py"))
    torch.save(Bomb(marker), plain)
    np.save(array, np.array([Bomb(marker)], dtype=object), allow_pickle=True)
    (folder / "bomb.pkl").write_bytes(pickle.dumps(Bomb(marker)))
    program.write_text(f"import os\nos.mkdir({str(marker)!r})\n")
    nodes = {
        "torch.load": {"f": str(plain), "weights_only": False},
        "numpy.load": {"file": str(array), "allow_pickle": True},
        "joblib.load": {"filename": str(folder / "bomb.pkl")},
        "pandas.read_pickle": {"filepath_or_buffer": str(folder / "bomb.pkl")},
        "os.mkdir": {"path": str(marker)},
        "os.system": {"command": f"mkdir {marker}"},
        "subprocess.run": {"args": ["mkdir", str(marker)]},
        "builtins.exec": {"source": program.read_text()},
        "runpy.run_path": {"path_name": str(program)},
        "hydra.utils.instantiate": {"config": {"_target_": "os.mkdir", "path": str(marker)}},
        "hydra.utils.call": {"config": {"_target_": "os.mkdir", "path": str(marker)}},
        "gan_lightning.runs.targets.make": {"node": {"_target_": "os.mkdir", "path": str(marker)}},
        "gan_lightning.own_files.move_aside": {"path": str(plain)},
        "gan_lightning.metrics.features.torch.load": {"f": str(plain), "weights_only": False},
        "gan_lightning.networks.dcgan.torch.load": {"f": str(plain), "weights_only": False},
        "gan_lightning.data.published.os.mkdir": {"path": str(marker)},
        "gan_lightning.networks.os.mkdir": {"path": str(marker)},
        "torch.optim.os.mkdir": {"path": str(marker)},
        "torch.utils.data.DataLoader": {"dataset": []},
        "torch.serialization.load": {"f": str(plain), "weights_only": False},
    }
    return marker, {target: {"_target_": target} | arguments for target, arguments in nodes.items()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A run of digits and one of the plane, trained for an iteration."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, overrides in {"digits": TINY, "plane": PLANE}.items():
            patch.setattr(sys, "argv", ["train.py", *overrides, "generator_steps=1", f"hydra.run.dir={name}"])
            with suppress(SystemExit):
                cli.main()
    yield {name: folder / name for name in ("digits", "plane")}


def nodes_of(settings: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Where a run's settings have a group, a list's items aside."""
    if isinstance(settings, dict):
        if path:
            yield path
        for key, value in settings.items():
            yield from nodes_of(value, *path, str(key))


def replaced(settings: dict[str, Any], path: tuple[str, ...], node: Any) -> dict[str, Any]:
    if len(path) == 1:
        return settings | {path[0]: node}
    return settings | {path[0]: replaced(settings[path[0]], path[1:], node)}


def ended(capsys: pytest.CaptureFixture[str], module: str, *arguments: str) -> tuple[int, str]:
    """Exit code and output of a command in this process."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(sys, "argv", [module, *arguments])
        runpy.run_module(f"gan_lightning.{module}", run_name="__main__")
        raise SystemExit(0)
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out + err


def attacked(run: Path, settings: dict[str, Any]) -> Path:
    """A copy of a run with other settings."""
    other = run.with_name("attacked")
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(run, other)
    change_settings(other, settings)
    return other


@pytest.mark.parametrize("name", ["digits", "plane"])
def test_no_command_runs_what_a_run_names_at_whatever_depth(
    bombs: tuple[Path, dict[str, dict[str, Any]]],
    runs: dict[str, Path],
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    marker, nodes = bombs
    settings: Any = OmegaConf.to_container(OmegaConf.load(runs[name] / "config.yaml"))
    built = {"arch", "objective", "constraint", "optimizer", "data", "decay", "ema", "class_loss"}
    places = [path for path in nodes_of(settings) if path[0] in built and path != ("arch",)]
    assert len(places) > 8
    for number, (target, node) in enumerate(nodes.items()):
        for path in places[number % 3 :: 3]:
            run = attacked(runs[name], replaced(settings, path, node))
            for module, *rest in (("sample",), ("evaluate", "metrics=digits_classifier", "metrics.samples=100")):
                code, said = ended(capsys, module, str(run), *rest)
                assert code == 2 and said.startswith("error: ") and len(said.splitlines()) == 1, (target, path, said)
                assert not marker.exists(), (target, path, module)


def test_a_start_that_goes_on_runs_nothing_that_the_directory_names(
    bombs: tuple[Path, dict[str, dict[str, Any]]], runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    marker, nodes = bombs
    settings: Any = OmegaConf.to_container(OmegaConf.load(runs["digits"] / "config.yaml"))
    places = [path for path in nodes_of(settings) if path[0] not in ("choices", "logger", "trainer", "metrics")]
    for number, node in enumerate(nodes.values()):
        run = attacked(runs["digits"], replaced(settings, places[number % len(places)], node))
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
            patch.setattr(sys, "argv", ["train.py", *TINY, "generator_steps=2", f"hydra.run.dir={run}"])
            cli.main()
        said = capsys.readouterr().err
        assert end.value.code == 2 and "holds a run of another config" in said and len(said.splitlines()) == 1, said
        assert not marker.exists()


def test_no_report_runs_what_a_run_names(
    bombs: tuple[Path, dict[str, dict[str, Any]]], runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    marker, nodes = bombs
    settings: Any = OmegaConf.to_container(OmegaConf.load(runs["plane"] / "config.yaml"))
    for node in nodes.values():
        run = attacked(runs["plane"], replaced(settings, ("arch", "critic"), node))
        study = run.with_name("study")
        shutil.rmtree(study, ignore_errors=True)
        run.rename(study / "run" if study.mkdir() is None else run)
        with pytest.raises(SystemExit):
            report(["figure1a", "--from", str(study)])
            raise SystemExit(0)
        capsys.readouterr()
        assert not marker.exists()


def test_interpolations_and_aliases_of_a_strangers_settings_are_refused(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    text = (runs["digits"] / "config.yaml").read_text()
    label = json.dumps(f"${{oc.create:{{_target_: os.mkdir, path: {marker}}}}}")
    bomb = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 8)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    said = {
        f"{text}extra: {label}\n": "it has an interpolation",
        f'{text}extra: "\\x24{{oc.env:HOME}}"\n': "it has an interpolation",
        f"{text}extra: {'1:' * 6000}1\n": "10,000 characters",
        f"{text}{bomb}": "it has an anchor or an alias",
        f"{text}extra: !!python/object/apply:os.mkdir ['{marker}']\n": "it has a tag",
        f"{text}extra: {'[' * 50}{']' * 50}\n": "20 deep",
        f"{text}extra: {'x' * 2**20}\n": "has more than",
        f"{text}{'[' * 100000}\n": "cannot be read",
    }
    for content, words in said.items():
        run = attacked(runs["digits"], {})
        (run / "config.yaml").write_text(content)
        code, output = ended(capsys, "sample", str(run))
        assert code == 2 and words in output and len(output.splitlines()) == 1, output
        assert "config.yaml" in output and not marker.exists()


def test_ones_own_network_needs_ones_word(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from gan_lightning.networks.dcgan import Critic\nclass Mine(Critic): ...\n"
    own_module("my_networks", text, tmp_path, monkeypatch)
    settings: Any = OmegaConf.to_container(OmegaConf.load(runs["digits"] / "config.yaml"))
    node = settings["arch"]["critic"] | {"_target_": "my_networks.Mine"}
    run = attacked(runs["digits"], replaced(settings, ("arch", "critic"), node))
    code, said = ended(capsys, "sample", str(run))
    assert code == 2 and "arch.critic._target_=my_networks.Mine is refused" in said and "--trust PACKAGE" in said
    assert "my_networks" not in sys.modules
    code, said = ended(capsys, "sample", str(run), "--trust", "my_networks")
    assert code == 0, said


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"_target_": "gan_lightning.constraints.WeightClipping", "bound": "x"}, "constraint.bound=x is not possible"),
        ({"_target_": "gan_lightning.constraints.WeightClipping"}, "constraint.bound is not there"),
        ({"_target_": "gan_lightning.constraints.WeightClipping", "bound": 1, "c": 2}, "constraint.c is not possible"),
        ({"_target_": "gan_lightning.constraints.Nothing"}, "there is no such class or function"),
        ({"_target_": "gan_lightning.objectives.Hinge"}, "it is no Constraint"),
        ({"_target_": "no_such_package.Part"}, "there is no such class or function"),
        ({"_target_": ["a"]}, "a dotted path, PACKAGE.NAME, is needed"),
        (
            {"_target_": "gan_lightning.constraints.NoConstraint", "_partial_": True},
            "constraint._partial_=true is not possible",
        ),
        ({"_target_": "os.getcwd"}, "what it makes is no Constraint"),
        ({"_target_": "gan_lightning.resources.project_folder", "name": "conf"}, "it is no Constraint"),
    ],
)
def test_what_is_wrong_with_a_node_is_said_where_it_stands(node: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^(?=constraint)[^\n]*{said}[^\n]*$"):
        make(node, "constraint", kind=Constraint)


def test_of_ones_own_functions_those_of_the_kind_are_called_and_those_that_say_another_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "Path": False,
        "None": False,
        "Path | None": False,
        "list[Constraint]": False,
        "type[Constraint]": False,
        "Constraint": True,
        "NoConstraint | None": True,
        "object": True,
        "Any": True,
        "Unknown": True,
        None: True,
    }
    imports = ("pathlib import Path", "typing import Any", "gan_lightning.constraints import Constraint, NoConstraint")
    functions = [
        f"def made_{number}(place: str){'' if kind is None else f' -> {kind!r}'}:\n"
        "    Path(place).touch()\n    return NoConstraint()"
        for number, kind in enumerate(told)
    ]
    text = "\n".join([*(f"from {line}" for line in imports), *functions])
    own_module("own_functions", text, tmp_path, monkeypatch)
    for number, (kind, is_called) in enumerate(told.items()):
        marker = tmp_path / f"marker {number}"
        node = {"_target_": f"own_functions.made_{number}", "place": str(marker)}
        if is_called:
            assert isinstance(make(node, "constraint", kind=Constraint), Constraint), kind
        else:
            with pytest.raises(ValueError, match=r"^constraint\._target_=own_functions.* it is no Constraint$"):
                make(node, "constraint", kind=Constraint)
        assert marker.exists() is is_called, kind


def test_what_a_stranger_wrote_of_a_dashboard_is_not_looked_at(
    bombs: tuple[Path, dict[str, dict[str, Any]]], runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    marker, nodes = bombs
    settings: Any = OmegaConf.to_container(OmegaConf.load(runs["plane"] / "config.yaml"))
    for node in nodes.values():
        run = attacked(runs["plane"], settings | {"logger": node})
        code, said = ended(capsys, "sample", str(run))
        assert code == 0 and not marker.exists(), said


def test_an_option_of_ones_own_conf_may_name_ones_own_code_and_the_strangers_metrics_may_not(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from gan_lightning.metrics.image_scorer import ImageScorer\nclass Mine(ImageScorer): ...\n"
    own_module("own_metrics", text, tmp_path, monkeypatch)
    option = project_folder("conf") / "metrics" / "digits_classifier.yaml"
    shutil.copytree(project_folder("conf"), tmp_path / "conf")
    text = option.read_text().replace("gan_lightning.metrics.image_scorer.ImageScorer", "own_metrics.Mine")
    assert "own_metrics.Mine" in text
    (tmp_path / "conf" / "metrics" / "own.yaml").write_text(text)
    monkeypatch.setattr(resources, "PACKAGE", tmp_path)
    small = "metrics.samples=100"
    code, said = ended(capsys, "evaluate", str(runs["digits"]), "metrics=own", small)
    assert code == 0 and "digits_score" in said, said
    settings: Any = OmegaConf.to_container(OmegaConf.load(runs["digits"] / "config.yaml"))
    run = attacked(runs["digits"], settings | {"metrics": OmegaConf.to_container(OmegaConf.create(text))})
    for overrides in ((), (small,), ("metrics.splits=1", small)):
        code, said = ended(capsys, "evaluate", str(run), *overrides)
        assert code == 2 and "metrics._target_=own_metrics.Mine is refused" in said, said
    code, said = ended(capsys, "evaluate", str(run), "--trust", "own_metrics", small)
    assert code == 0, said
    code, said = ended(capsys, "evaluate", str(run), "metrics=own", small)
    assert code == 0, said
    network = settings["arch"]["critic"] | {"_target_": "own_metrics.Mine"}
    run = attacked(runs["digits"], replaced(settings, ("arch", "critic"), network))
    code, said = ended(capsys, "evaluate", str(run), "metrics=own", small)
    assert code == 2 and "arch.critic._target_=own_metrics.Mine is refused" in said, said
