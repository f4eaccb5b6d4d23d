"""ImageNet at 32x32 and 64x64 in its public layouts."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_lightning.data.imagenet import CHRABASZCZ, TRAIN_BATCHES, UNKNOWN, VAN_DEN_OORD, ImageNet

SIZES = pytest.mark.parametrize("size", [32, 64])


def imagenet(root: Path | None, size: int = 32, **changes: Any) -> ImageNet:
    settings = {"image_shape": (3, size, size), "batch_size": 2, "n_critic": 1, "seed": 0}
    return ImageNet(root=None if root is None else str(root), **{**settings, **changes})


def red(data: ImageNet, part: int) -> list[int]:
    return data.splits[part].to(torch.device("cpu")).samples[:, 0, 3, 3].tolist()


def labels(data: ImageNet, part: int) -> list[int] | None:
    found = data.splits[part].labels
    return None if found is None else found.tolist()


def write_batches(train: Path, validation: Path, suffix: str, size: int = 32) -> None:
    """Two images a batch: batch b holds reds 2 b and 2 b + 1, classes counted from 1."""
    for number, path in enumerate([*(train / name for name in TRAIN_BATCHES), validation / "val_data"]):
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = np.zeros((2, 3, size**2), np.uint8)
        rows[:, 0] = 2 * number + np.arange(2)[:, None]
        content = {"data": rows.reshape(2, -1), "labels": [1, 1000], "mean": np.zeros(3 * size**2)}
        if suffix:
            np.savez(path.with_name(path.name + suffix), allow_pickle=False, **content)
        else:
            path.write_bytes(pickle.dumps(content, 2))


@SIZES
@pytest.mark.parametrize("suffix", ["", ".npz"])
@pytest.mark.parametrize("folders", [("", ""), ("Imagenet32_train", "Imagenet32_val")])
def test_batches_of_the_imagenet_site_are_read_in_order(
    size: int, suffix: str, folders: tuple[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "batches"
    write_batches(root / folders[0], root / folders[1], suffix, size)
    data = imagenet(root, size)
    assert (red(data, 0), red(data, 1)) == (list(range(20)), [20, 21])
    assert (labels(data, 0), labels(data, 1)) == ([0, 999] * 10, [0, 999])
    assert data.provenance.startswith(f"{CHRABASZCZ.format(size)} 3x{size}x{size}, sha256 ")
    assert data.classes == 1000


@SIZES
def test_pngs_of_van_den_oord_have_no_labels(size: int, tmp_path: Path, paint: Callable[..., Path]) -> None:
    for i in range(5):
        paint(tmp_path / "oord" / f"train_{size}x{size}" / f"{i:04}.png", (size, size), colour=(i, 0, 0))
    paint(tmp_path / "oord" / f"valid_{size}x{size}" / "0000.png", (size, size), colour=(9, 0, 0))
    data = imagenet(tmp_path / "oord", size)
    assert (red(data, 0), red(data, 1), labels(data, 0)) == ([0, 1, 2, 3, 4], [9], None)
    assert data.provenance.startswith(f"{VAN_DEN_OORD.format(size)} 3x{size}x{size}, sha256 ")
    assert data.classes is None


def test_folders_of_classes_give_labels_in_the_order_of_their_names(tmp_path: Path, paint: Callable[..., Path]) -> None:
    for number, name in enumerate(["n01", "n02", "n03"]):
        paint(tmp_path / "tree" / "train" / name / "a.png", colour=(number, 0, 0))
    paint(tmp_path / "tree" / "val" / "n02" / "b.png", colour=(7, 0, 0))
    data = imagenet(tmp_path / "tree")
    assert (red(data, 0), labels(data, 0)) == ([0, 1, 2], [0, 1, 2])
    assert (red(data, 1), labels(data, 1)) == ([7], [1])
    assert data.provenance.startswith(f"{UNKNOWN.format(32)} 3x32x32, sha256 ")
    assert data.classes == 3
    named = imagenet(tmp_path / "tree", name="tiny")
    assert named.provenance == data.provenance.replace(UNKNOWN.format(32), "tiny")


def test_a_name_does_not_replace_that_of_a_published_set(tmp_path: Path) -> None:
    write_batches(tmp_path / "b", tmp_path / "b", "")
    assert imagenet(tmp_path / "b", name="tiny").provenance.startswith(CHRABASZCZ.format(32))


def test_batches_of_64x64_come_in_two_folders(tmp_path: Path) -> None:
    root = tmp_path / "batches"
    write_batches(root / "Imagenet64_train_part1_npz", root / "Imagenet64_val_npz", ".npz", 64)
    (root / "Imagenet64_train_part2_npz").mkdir()
    for name in TRAIN_BATCHES[5:]:
        first = root / "Imagenet64_train_part1_npz" / f"{name}.npz"
        first.rename(root / "Imagenet64_train_part2_npz" / first.name)
    assert red(imagenet(root, 64), 0) == list(range(20))
    (root / "Imagenet64_train_part2_npz" / "train_data_batch_9.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"batches/train_data_batch_9.npz is missing"):
        imagenet(root, 64).prepare()


def test_provenance_is_known_from_the_cache_too(tmp_path: Path, cache: Path) -> None:
    write_batches(tmp_path / "b", tmp_path / "b", "")
    first, second = (imagenet(tmp_path / "b").provenance for _ in range(2))
    assert first == second and first.startswith(CHRABASZCZ.format(32))
    (description,) = cache.rglob("description.json")
    assert "1707.08819" in description.read_text()


@pytest.mark.parametrize(
    ("suffix", "missing", "message"),
    [
        ("", "train_data_batch_7", "train_data_batch_7 is missing"),
        (".npz", "train_data_batch_1.npz", "train_data_batch_1.npz is missing"),
        ("", "val_data", "lacks val_data"),
    ],
)
def test_a_missing_batch_is_named(suffix: str, missing: str, message: str, tmp_path: Path) -> None:
    write_batches(tmp_path / "b", tmp_path / "b", suffix)
    (tmp_path / "b" / missing).unlink()
    with pytest.raises(FileNotFoundError, match=message):
        imagenet(tmp_path / "b").prepare()


@pytest.mark.parametrize("suffix", ["", ".npz"])
def test_a_broken_batch_is_named_and_nothing_is_kept(suffix: str, tmp_path: Path, cache: Path) -> None:
    write_batches(tmp_path / "b", tmp_path / "b", suffix)
    broken = tmp_path / "b" / f"train_data_batch_4{suffix}"
    broken.write_bytes(broken.read_bytes()[:-200])
    with pytest.raises(ValueError, match=f"{broken} is not a whole"):
        imagenet(tmp_path / "b").prepare()
    assert not list(cache.rglob("*.npy"))


def test_a_picture_of_another_size_is_named(tmp_path: Path, paint: Callable[..., Path]) -> None:
    path = paint(tmp_path / "tree" / "train" / "n01" / "large.png", (64, 48))
    with pytest.raises(ValueError, match=f"{path} is 64x48, not 32x32: data=image_folder"):
        imagenet(tmp_path / "tree").prepare()


def test_another_layout_is_answered_with_the_known_ones(tmp_path: Path, paint: Callable[..., Path]) -> None:
    paint(tmp_path / "loose" / "a.png")
    with pytest.raises(FileNotFoundError, match=r"loose does not hold train_32x32.*train_data_batch_1"):
        imagenet(tmp_path / "loose").prepare()


def test_a_missing_root_is_asked_for(tmp_path: Path) -> None:
    for size in (32, 64):
        with pytest.raises(ValueError, match=rf"data=imagenet{size} needs data.root=DIR, .*train_{size}x{size}/"):
            imagenet(None, size).prepare()
    with pytest.raises(FileNotFoundError, match=r"data.root=.*nowhere is not an existing folder"):
        imagenet(tmp_path / "nowhere").prepare()


def test_another_resolution_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ImageNet is 3x32x32 or 3x64x64"):
        imagenet(tmp_path, 128).prepare()


def test_where_only_one_folder_is_there_a_tenth_of_it_is_held_out(unpacked: Callable[[str], Path]) -> None:
    data = imagenet(unpacked("imagenet32_val200") / "imagenet32_val200")
    train, held_out = data.splits
    assert (len(train), len(held_out)) == (9000, 1000)
    images = np.concatenate([part.to(torch.device("cpu")).samples.numpy() for part in (train, held_out)])
    assert images.mean((0, 2, 3)) / 255 == pytest.approx([0.484, 0.451, 0.401], abs=2e-3)
    assert train.labels is not None and held_out.labels is not None
    assert torch.cat([train.labels, held_out.labels]).bincount().tolist() == [50] * 200
