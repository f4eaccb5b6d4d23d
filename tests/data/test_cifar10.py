"""CIFAR-10."""

import hashlib
import pickle
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets

from gan_lightning.data.cifar10 import CIFAR10, TEST, TRAIN


def cifar10(root: Path | None, **changes: Any) -> CIFAR10:
    settings = {"image_shape": (3, 32, 32), "batch_size": 4, "n_critic": 1, "seed": 0, "verify": False}
    return CIFAR10(root=None if root is None else str(root), **{**settings, **changes})


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Batches of 3 images in the published layout; image i of batch b is red 10 b + i, its label i."""
    folder = tmp_path / "prepared" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for number, name in enumerate([*TRAIN, *TEST]):
        write_batch(folder / name, red=10 * number)
    return folder.parent


def write_batch(path: Path, *, red: int) -> None:
    rows = np.zeros((3, 3, 1024), np.uint8)
    rows[:, 0] = red + np.arange(3)[:, None]
    path.write_bytes(pickle.dumps({"data": rows.reshape(3, -1), "labels": [0, 1, 2]}, 2))


def test_batches_come_in_order_with_test_images_held_out(prepared: Path) -> None:
    train, held_out = cifar10(prepared).splits
    assert isinstance(train.samples, torch.Tensor) and isinstance(held_out.samples, torch.Tensor)
    assert train.samples[:, 0, 9, 9].tolist() == [10 * b + i for b in range(5) for i in range(3)]
    assert held_out.samples[:, 0, 0, 0].tolist() == [50, 51, 52]
    assert not train.samples[:, 1:].any()
    assert train.labels is not None and train.labels.tolist() == [0, 1, 2] * 5


def test_prepared_files_are_refused_with_the_remedy_unless_told(prepared: Path) -> None:
    with pytest.raises(ValueError, match=r"data_batch_1 is not the published file .*data.verify=false"):
        cifar10(prepared, verify=True).prepare()
    cifar10(prepared).prepare()


def test_provenance_is_that_of_the_content_wherever_it_lies(prepared: Path, tmp_path: Path) -> None:
    data = cifar10(prepared)
    before = data.provenance
    assert before.startswith("CIFAR10 3x32x32, sha256 ") and str(tmp_path) not in before
    moved = prepared.rename(tmp_path / "moved")
    assert cifar10(moved).provenance == before
    write_batch(moved / "cifar-10-batches-py" / "test_batch", red=99)
    assert cifar10(moved).provenance != before


def test_classes_are_those_of_the_labels(prepared: Path) -> None:
    assert cifar10(prepared).classes == 3


def test_a_truncated_batch_is_named(prepared: Path) -> None:
    broken = prepared / "cifar-10-batches-py" / "data_batch_3"
    broken.write_bytes(broken.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{broken} is not a whole pickle of arrays"):
        cifar10(prepared).prepare()


def test_another_size_is_refused(prepared: Path) -> None:
    with pytest.raises(ValueError, match="CIFAR10 is 3x32x32"):
        cifar10(prepared, image_shape=(3, 64, 64)).prepare()


@pytest.fixture
def tool(shared: Path) -> Path:
    return shared / "tools" / "make_cifar10_batches.py"


def test_batches_in_the_opcodes_of_python_2_load(tool: Path, prepared: Path) -> None:
    make_batch = runpy.run_path(str(tool))["batch"]
    images = np.random.default_rng(0).integers(0, 256, (300, 32, 32, 3), dtype=np.uint8)
    names = [f"{i}.png" for i in range(300)]
    path = prepared / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(make_batch("testing batch 1 of 1", images, np.arange(300) % 10, names))
    held_out = cifar10(prepared).splits[1]
    assert isinstance(held_out.samples, torch.Tensor) and held_out.labels is not None
    assert np.array_equal(held_out.samples.permute(0, 2, 3, 1).numpy(), images)
    assert held_out.labels[8:12].tolist() == [8, 9, 0, 1]


@pytest.mark.slow
def test_a_whole_prepared_folder_loads(tool: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, tool, tmp_path], check=True)
    train, held_out = cifar10(tmp_path).splits
    assert (len(train), len(held_out)) == (50_000, 10_000)
    assert isinstance(train.samples, torch.Tensor) and train.labels is not None
    means = train.samples.numpy().mean((0, 2, 3)) / 255
    assert means == pytest.approx([0.4913, 0.4821, 0.4465], abs=1e-3)
    assert train.labels.bincount().tolist() == [5000] * 10
    assert train.labels[:4].tolist() == [6, 9, 9, 4]  # frog, truck, truck, deer


def test_torchvision_downloads_to_the_default_folder(
    prepared: Path, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, archive = prepared / "cifar-10-batches-py", tmp_path / "cifar.tar.gz"
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["frog"]}, 2))
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, folder.name)
    sums = {path.name: md5(path) for path in folder.iterdir()}
    for attribute, value in {
        "url": f"{served}cifar.tar.gz",
        "tgz_md5": md5(archive),
        "train_list": [[name, sums[name]] for name in TRAIN],
        "test_list": [[name, sums[name]] for name in TEST],
        "meta": {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]},
    }.items():
        monkeypatch.setattr(torchvision.datasets.CIFAR10, attribute, value)
    assert len(cifar10(None).splits[0]) == 15
    assert [path.name for path in Path("data").iterdir()] == ["cifar-10-batches-py"]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
