"""The installed package works outside a checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from commands import PROJECT, TINY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(PROJECT)], check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_configuration_and_studies(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("conf", "sweeps"):
        for path in (PROJECT / folder).rglob("*.yaml"):
            assert f"gan_lightning/{path.relative_to(PROJECT)}" in names


def test_the_wheel_carries_the_weights_of_the_classifiers(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    weights = list((PROJECT / "gan_lightning").rglob("*.safetensors"))
    assert weights
    assert {str(path.relative_to(PROJECT)) for path in weights} <= names


def test_gan_train_works_in_an_empty_folder_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    target, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True)
    environment = os.environ | {"PYTHONPATH": str(target), "OMP_NUM_THREADS": "1"}

    def gan_train(*overrides: str) -> str:
        line = [sys.executable, str(target / "bin" / "gan-train"), *overrides]
        done = subprocess.run(line, cwd=empty, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    gan_train(*TINY, "generator_steps=2")
    (run,) = (empty / "runs" / "adhoc").iterdir()
    assert (run / "samples" / "000002.png").exists()
    composed = gan_train("+sweeps=table2_laptop", "--cfg", "all")
    assert "study: table2_laptop" in composed
    assert str(PROJECT) not in composed
