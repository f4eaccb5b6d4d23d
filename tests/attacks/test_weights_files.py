"""Files of weights as strangers and broken disks leave them: loaded rightly or refused in one line, and never run.

They are loaded in a process of its own, which says what came of each and would take a crash with it.
"""

import hashlib
import json
import logging
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.scores import made_up_weights
from gan_lightning.metrics import features
from gan_lightning.metrics.classifier import CLASSIFIERS, shipped_weights
from gan_lightning.metrics.features import load_extractor

PROGRAM = Path(__file__).with_name("load_weights.py")
CLASSIFIER, INCEPTION = "digits_classifier", "inception-v3-compat"


def load(*arguments: str, folder: Path) -> dict[str, Any]:
    """What the program says of the files that it was told to load."""
    command = [sys.executable, PROGRAM, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{done.returncode} at {done.stderr.splitlines()[-1:]}: {done.stdout}"
    return json.loads(done.stdout)


@pytest.mark.parametrize("extractor", [CLASSIFIER, INCEPTION])
def test_no_form_of_file_runs_what_it_holds(extractor: str, tmp_path: Path) -> None:
    assert set(load("traps", extractor, folder=tmp_path)["found"]) == {"refused"}
    assert not any(tmp_path.iterdir())


def test_what_is_no_file_of_these_weights_is_refused_within_bounds(tmp_path: Path) -> None:
    said = load("others", CLASSIFIER, folder=tmp_path)
    assert set(said["found"]) == {"refused"} and said["megabytes"] < 1000


def test_broken_files_are_loaded_or_refused(tmp_path: Path) -> None:
    said = load("mutations", "0", "50", folder=tmp_path)
    assert set(said["found"]) == {"read", "refused"}


@pytest.mark.slow
def test_many_broken_files_are_loaded_or_refused(tmp_path: Path) -> None:
    assert set(load("mutations", "50", "3000", folder=tmp_path)["found"]) == {"read", "refused"}


@pytest.mark.parametrize("metrics", ["inception", CLASSIFIER])
def test_the_command_refuses_a_trap_in_one_line_before_training(metrics: str, tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(pickle.dumps(Trap()))
    project = Path(__file__).parents[2]
    settings = (f"metrics={metrics}", "metrics.weights=weights.pth", "trainer=cpu", "generator_steps=2")
    environment = os.environ | {"PYTHONPATH": str(project)}
    command = [sys.executable, str(project / "train.py"), *settings]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: metrics.weights: weights.pth does not hold the weights of ")
    assert not (tmp_path / "sprung").exists()


class Trap:
    """Unpickled, it leaves a file in the working directory."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch sprung",)


def save_legacy(weights: dict[str, Tensor], path: Path) -> None:
    torch.save(weights, path, _use_new_zipfile_serialization=False)


def save_parameters(weights: dict[str, Tensor], path: Path) -> None:
    torch.save({name: torch.nn.Parameter(tensor) for name, tensor in weights.items()}, path)


@pytest.mark.parametrize("save", [torch.save, save_legacy, save_parameters, save_file])
@pytest.mark.parametrize("kind", [torch.float32, torch.float16])
def test_weights_of_every_form_are_those_that_were_saved(
    save: Callable[[dict[str, Tensor], Path], None], kind: torch.dtype, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    right = {name: weights.to(kind) for name, weights in CLASSIFIERS[CLASSIFIER]().state_dict().items()}
    save(right, tmp_path / "weights")
    loaded = load_extractor(CLASSIFIER, ["isc"], weights=str(tmp_path / "weights")).network.state_dict()
    assert {f"classifier.{name}" for name in right} == set(loaded)
    assert all(torch.equal(loaded[f"classifier.{name}"], weights.float()) for name, weights in right.items())


def test_a_file_is_read_once_so_that_nobody_can_put_another_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_and_remove(path: Path) -> features.Weights:
        weights = read(path)
        path.unlink()
        return weights

    read = features.read_weights
    monkeypatch.setattr(features, "read_weights", read_and_remove)
    made_up = torch.load(made_up_weights(tmp_path), weights_only=True)
    loaded = load_extractor(INCEPTION, ["isc"], weights=str(tmp_path / "weights.pth")).network.state_dict()
    assert all(torch.equal(loaded[name], weights) for name, weights in made_up.items())


def test_weights_that_are_not_the_published_ones_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "copy").write_bytes(shipped_weights(CLASSIFIER).read_bytes())
    with caplog.at_level(logging.WARNING):
        load_extractor(CLASSIFIER, ["isc"], weights=None)
        load_extractor(CLASSIFIER, ["isc"], weights=str(tmp_path / "copy"))
    assert not caplog.messages
    save_file(CLASSIFIERS[CLASSIFIER]().state_dict(), tmp_path / "own")
    with caplog.at_level(logging.WARNING):
        load_extractor(CLASSIFIER, ["isc"], weights=str(tmp_path / "own"))
        load_extractor(INCEPTION, ["isc"], weights=str(made_up_weights(tmp_path)))
    own, inception = caplog.messages
    assert own.startswith(f"metrics.weights: {tmp_path}/own is not the published file of {CLASSIFIER} (sha256 ")
    assert inception.startswith(f"metrics.weights: {tmp_path}/weights.pth is not the published file of {INCEPTION}")


def test_the_published_inception_is_known_by_the_checksum_in_its_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made_up_weights(tmp_path)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setattr(features, "URL_INCEPTION_V3", f"https://host/weights-inception-2015-12-05-{sha256[:8]}.pth")
    with caplog.at_level(logging.WARNING):
        assert load_extractor(INCEPTION, ["isc"], weights=str(file)).weights_sha256 == sha256
    assert not caplog.messages


def make_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


def make_socket(path: Path) -> None:
    os.chdir(path.parent)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [os.mkfifo, make_socket, Path.mkdir, link_to_zeros, make_sparse])
def test_what_is_no_file_or_larger_than_any_is_refused_without_waiting(
    make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "weights")
    with pytest.raises((ValueError, FileNotFoundError), match=r"^metrics.weights[^\n]*weights[^\n]*$"):
        load_extractor(CLASSIFIER, ["isc"], weights=str(tmp_path / "weights"))


def test_the_home_folder_of_nobody_is_named() -> None:
    with pytest.raises(
        FileNotFoundError, match=r"^~nobody_of_this_name/x lies in the home folder of nobody known here"
    ):
        load_extractor(CLASSIFIER, ["isc"], weights="~nobody_of_this_name/x")
