"""The README keeps its word: its tree is the package's, and what it says of adding a part works to the letter."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text()
PACKAGE = PROJECT / "gan_lightning"

PARTS = {
    "relativistic_lsgan": "method=relativistic_lsgan",
    "r2": "constraint=r2",
    "perceptron": "arch=perceptron",
}
"""What the README adds, and how it is asked for."""


FOLDERS = ("benchmarks", "conf", "gan_lightning", "hydra_plugins", "sweeps", "tests")
IN_THE_TREE = ("    layers.py ", "    perceptron.py   mine\n")
"""What a new module's line in the tree may stand behind, and the line."""


def added_files() -> dict[str, str]:
    """Path to content of every block under a line that is the path it belongs to."""
    blocks = re.findall(r"^`((?:conf|gan_lightning)/\S+)`:\n\n```(?:python|yaml)\n(.*?)^```$", README, re.M | re.S)
    return dict(blocks)


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the README was followed."""
    copy = tmp_path_factory.mktemp("extended") / "project"
    copy.mkdir()
    for path in PROJECT.iterdir():
        if path.name in FOLDERS:
            shutil.copytree(path, copy / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.is_file():
            shutil.copy(path, copy)
    for path, content in added_files().items():
        file = copy / path
        before = file.read_text() if file.exists() else ""
        if content not in before:  # there already, where this is such a copy
            file.write_text(f"{before}\n\n{content}" if before else content)
    before, line = IN_THE_TREE
    if line not in README:
        (copy / "README.md").write_text(README.replace(before, line + before, 1))
    return copy


def run(*command: str, folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_readme_adds_a_class_and_a_yaml_file_for_each_part() -> None:
    assert set(added_files()) == {
        "gan_lightning/objectives.py",
        "conf/method/relativistic_lsgan.yaml",
        "conf/constraint/r2.yaml",
        "gan_lightning/networks/perceptron.py",
        "conf/arch/perceptron.yaml",
    }


def test_added_parts_pass_the_tests_of_every_yaml_file_and_of_the_layers(extended: Path) -> None:
    chosen = " or ".join([*PARTS.values(), "layers_of_imports", "label_of_its_own", "tree"]).replace("=", "-")
    files = ("tests/test_configs.py", "tests/test_layers_of_imports.py", "tests/test_readme.py")
    out = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", chosen, folder=extended)
    assert int(re.findall(r"(\d+) passed", out)[0]) > 2 * len(PARTS)


def test_added_parts_train_together(extended: Path) -> None:
    tiny = ("trainer=cpu", "trainer.threads=1", "data.batch_size=4", "metrics=none", "generator_steps=2")
    out = run("train.py", *PARTS.values(), *tiny, folder=extended)
    assert "finished at generator iteration 2" in out


def test_tree_names_every_file_of_the_package() -> None:
    tree = README.split("## The tree")[1].split("```")[1]
    files = [path.name for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py")]
    assert [name for name in files if name not in tree] == []


def test_tree_names_nothing_that_is_not_there() -> None:
    tree = README.split("## The tree")[1].split("```")[1]
    named = set(re.findall(r"[\w]+\.py\b", tree))
    folders = (PACKAGE, PROJECT / "benchmarks", PROJECT / "hydra_plugins")
    there = {path.name for folder in folders for path in folder.rglob("*.py")} | {"train.py"}
    assert named <= there
