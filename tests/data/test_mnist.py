"""MNIST and Fashion-MNIST."""

import gzip
import hashlib
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.datasets

from gan_lightning.data.mnist import FILE_NAMES, MNIST, FashionMNIST, read_idx


def settings(**changes: Any) -> dict[str, Any]:
    return {"image_shape": (1, 32, 32), "batch_size": 4, "n_critic": 1, "seed": 0, "verify": False, **changes}


def write_idx(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes())


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Six training and two test images of noise in both sets' layouts."""
    rng = np.random.default_rng(0)
    for folder in ("MNIST", "FashionMNIST"):
        for name, number in zip(FILE_NAMES, (6, 6, 2, 2), strict=True):
            shape = (number, 28, 28) if "images" in name else (number,)
            write_idx(tmp_path / "idx" / folder / "raw" / name, rng.integers(0, 10, shape, dtype=np.uint8))
    return tmp_path / "idx"


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_padding_keeps_every_pixel(kind: type[MNIST] | type[FashionMNIST], prepared: Path) -> None:
    train, held_out = kind(root=str(prepared), **settings()).splits
    raw = read_idx(prepared / kind.__name__ / "raw" / FILE_NAMES[0])
    assert isinstance(train.samples, torch.Tensor) and train.samples.shape == (6, 1, 32, 32)
    assert torch.equal(train.samples[:, 0, 2:-2, 2:-2], raw)
    assert train.samples.sum() == raw.sum() and len(held_out) == 2
    assert train.labels is not None and train.labels.shape == (6,) and train.labels.dtype == torch.int64


def test_28_is_the_published_size(prepared: Path) -> None:
    train = MNIST(root=str(prepared), **settings(image_shape=(1, 28, 28))).splits[0]
    assert torch.equal(train.rows(torch.arange(6))[0][:, 0], read_idx(prepared / "MNIST" / "raw" / FILE_NAMES[0]))


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 64, 64)])
def test_other_shapes_are_refused(shape: tuple[int, int, int], prepared: Path) -> None:
    with pytest.raises(ValueError, match="MNIST is 1x28x28 or 1x32x32"):
        MNIST(root=str(prepared), **settings(image_shape=shape)).prepare()


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_prepared_files_are_refused_with_the_remedy(kind: type[MNIST] | type[FashionMNIST], prepared: Path) -> None:
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte is not the published file .*data.verify=false"):
        kind(root=str(prepared), **settings(verify=True)).prepare()


@pytest.mark.parametrize("length", [0, 3, 10, 1000])
def test_a_truncated_file_is_named(length: int, prepared: Path) -> None:
    path = prepared / "MNIST" / "raw" / FILE_NAMES[2]
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match=f"{path} is not a whole idx file"):
        MNIST(root=str(prepared), **settings()).prepare()


def test_a_packed_file_under_the_unpacked_name_is_named(prepared: Path) -> None:
    path = prepared / "MNIST" / "raw" / FILE_NAMES[0]
    path.write_bytes(b"\x1f\x8b\x08\x00" + bytes(30))
    with pytest.raises(ValueError, match=f"{path} is not a whole idx file"):
        MNIST(root=str(prepared), **settings()).prepare()


def test_labels_that_do_not_fit_their_images_are_named(prepared: Path) -> None:
    write_idx(prepared / "MNIST" / "raw" / FILE_NAMES[1], np.zeros(5, np.uint8))
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte holds .6, 28, 28., train-labels-idx1-ubyte .5,"):
        MNIST(root=str(prepared), **settings()).prepare()


def test_published_mnist_passes_verification(unpacked: Callable[[str], Path]) -> None:
    train, held_out = MNIST(root=str(unpacked("mnist_idx")), **settings(verify=True)).splits
    assert (len(train), len(held_out)) == (60_000, 10_000)
    assert isinstance(train.samples, torch.Tensor) and train.labels is not None
    inner = train.samples[:, :, 2:-2, 2:-2].numpy() / np.float32(255)
    assert inner.mean() == pytest.approx(0.1307, abs=1e-4) and inner.std() == pytest.approx(0.3081, abs=1e-4)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]


def test_provenance_does_not_depend_on_verification(unpacked: Callable[[str], Path]) -> None:
    verified, trusted = (MNIST(root=str(unpacked("mnist_idx")), **settings(verify=verify)) for verify in (True, False))
    assert verified.provenance == trusted.provenance == "MNIST 1x32x32, sha256 9951104ac96bd7e2"
    assert verified.classes == 10


def test_two_sets_of_the_same_pixels_are_told_apart(prepared: Path) -> None:
    shutil.rmtree(prepared / "FashionMNIST")
    (prepared / "MNIST").rename(prepared / "FashionMNIST")
    fashion = FashionMNIST(root=str(prepared), **settings()).provenance
    (prepared / "FashionMNIST").rename(prepared / "MNIST")
    assert MNIST(root=str(prepared), **settings()).provenance == fashion.replace("FashionMNIST", "MNIST")


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST])
def test_torchvision_downloads_to_the_default_folder(
    kind: type[MNIST] | type[FashionMNIST],
    prepared: Path,
    served: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirror, resources = tmp_path / "mirror", []
    mirror.mkdir()
    for name in FILE_NAMES:
        packed = gzip.compress((prepared / kind.__name__ / "raw" / name).read_bytes())
        (mirror / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", hashlib.md5(packed, usedforsecurity=False).hexdigest()))
    published = getattr(torchvision.datasets, kind.__name__)
    monkeypatch.setattr(published, "mirrors", [f"{served}mirror/"])
    monkeypatch.setattr(published, "resources", resources)
    assert len(kind(**settings()).splits[0]) == 6
    assert [path.name for path in Path("data").iterdir()] == [kind.__name__]


def drawn(root: Path, **changes: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Training and held-out images, in rows of pixels."""
    train, held_out = MNIST(root=str(root), **settings(batch_size=1, **changes)).splits
    return tuple(split.rows(torch.arange(len(split)))[0].flatten(1) for split in (train, held_out))


def test_validation_holds_out_the_last_training_images(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_lightning.data.mnist.VALIDATION", 2)
    whole = drawn(prepared)[0]
    train, held_out = drawn(prepared, held_out_set="validation")
    assert torch.equal(train, whole[:4]) and torch.equal(held_out, whole[4:])


def test_a_subset_is_a_random_one_but_the_same_in_every_run(prepared: Path) -> None:
    whole, subset = drawn(prepared)[0], drawn(prepared, subset=3)[0]
    places = [(whole == image).all(1).nonzero().item() for image in subset]
    assert len(set(places)) == 3 and places != [0, 1, 2]
    assert torch.equal(drawn(prepared, subset=3, seed=1)[0], subset)
    assert torch.equal(drawn(prepared, subset=2)[0], subset[:2])
    assert torch.equal(drawn(prepared, subset=3)[1], drawn(prepared)[1])


def test_a_subset_is_drawn_from_what_is_not_held_out(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan_lightning.data.mnist.VALIDATION", 2)
    train, held_out = drawn(prepared, held_out_set="validation", subset=4)
    assert not {tuple(image) for image in train.tolist()} & {tuple(image) for image in held_out.tolist()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"held_out_set": "train"}, "^data.held_out_set=train is not possible: test or validation is needed$"),
        ({"subset": 0}, "^data.subset=0 is not possible: a whole number of at least 1 is needed"),
        ({"subset": 7}, "^data.subset=7 is not possible: there are 6 training images$"),
    ],
)
def test_a_choice_that_there_is_not_is_refused(changes: dict[str, Any], message: str, prepared: Path) -> None:
    with pytest.raises(ValueError, match=message):
        MNIST(root=str(prepared), **settings(**changes)).prepare()


def test_the_split_of_the_paper_has_50_000_and_10_000_digits(unpacked: Callable[[str], Path]) -> None:
    kept = {"image_shape": (1, 28, 28), "held_out_set": "validation", "subset": 1000}
    train, held_out = MNIST(root=str(unpacked("mnist_idx")), **settings(**kept)).splits
    assert (len(train), len(held_out)) == (1000, 10_000)
    assert train.labels is not None and held_out.labels is not None
    assert train.labels.bincount().min() > 70
    assert held_out.labels[:5].tolist() == [3, 8, 6, 9, 6]  # as the classic pickled split has them
