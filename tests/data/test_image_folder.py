"""Any folder of pictures."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_lightning.data.image_folder import ImageFolder


def folder(root: Path | str | None, **changes: Any) -> ImageFolder:
    shape = {"image_shape": (3, 8, 8), "batch_size": 2, "n_critic": 1, "seed": 0}
    return ImageFolder(root=None if root is None else str(root), **{**shape, **changes})


def pixels(data: ImageFolder, part: int = 0) -> torch.Tensor:
    return data.splits[part].to(torch.device("cpu")).samples


@pytest.fixture
def pictures(tmp_path: Path, paint: Callable[..., Path]) -> Path:
    for i in range(20):
        paint(tmp_path / "pictures" / f"class{i % 3}" / f"{i:02}.png", (12 + i, 16), colour=(i, 100 + i, 200 + i))
    return tmp_path / "pictures"


def test_every_picture_is_in_one_of_the_splits(pictures: Path) -> None:
    data = folder(pictures)
    assert (len(data.splits[0]), len(data.splits[1])) == (18, 2)
    images = torch.cat([pixels(data, 0), pixels(data, 1)])
    assert images.shape == (20, 3, 8, 8)
    assert sorted(images[:, 0, 4, 4].tolist()) == list(range(20))
    assert torch.equal(images[:, 0] + 200, images[:, 2])


def test_held_out_pictures_do_not_depend_on_the_seed(pictures: Path) -> None:
    assert torch.equal(pixels(folder(pictures, seed=1), 1), pixels(folder(pictures, seed=2), 1))
    assert len(folder(pictures, held_out=0.5).splits[1]) == 10


def test_pictures_are_read_once_for_each_shape(pictures: Path, cache: Path) -> None:
    for _ in range(2):
        folder(pictures).prepare()
    assert len(list(cache.rglob("rows.npy"))) == 1
    assert pixels(folder(pictures, image_shape=(1, 4, 4))).shape == (18, 1, 4, 4)
    assert len(list(cache.rglob("rows.npy"))) == 2


def test_a_changed_picture_is_read_anew(pictures: Path, paint: Callable[..., Path]) -> None:
    folder(pictures).prepare()
    path = paint(pictures / "class0" / "00.png", colour=(0, 9, 9))
    os.utime(path, ns=(1, 1))
    data = folder(pictures)
    assert 9 in torch.cat([pixels(data, 0), pixels(data, 1)])[:, 1, 4, 4]


def test_provenance_is_that_of_the_pixels_and_the_users_name(
    pictures: Path, tmp_path: Path, paint: Callable[..., Path]
) -> None:
    first = folder(pictures).provenance
    assert first.startswith("image_folder, 20 pictures 3x8x8, sha256 ") and str(tmp_path) not in first
    moved = pictures.rename(tmp_path / "elsewhere")
    assert folder(moved).provenance == folder(moved).provenance == first
    assert folder(moved, name="tiles").provenance == first.replace("image_folder", "tiles")
    paint(moved / "class0" / "00.png", colour=(0, 9, 9))
    os.utime(moved / "class0" / "00.png", ns=(1, 1))
    assert folder(moved).provenance != first


def test_a_broken_picture_is_named_and_nothing_is_kept(pictures: Path, cache: Path) -> None:
    broken = pictures / "class1" / "01.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(ValueError, match=f"{broken} is not a readable picture"):
        folder(pictures).prepare()
    assert not list(cache.rglob("*.npy"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "data.root=.*nowhere is not an existing folder"),
        ("empty", "data.root=.*empty is an empty folder"),
        ("texts", "data.root=.*texts holds no pictures .*webp"),
        ("texts/a.txt", "data.root=.*a.txt is not an existing folder"),
    ],
)
def test_a_folder_without_pictures_is_named(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").touch()
    with pytest.raises(FileNotFoundError, match=message):
        folder(tmp_path / name).prepare()
    assert not (tmp_path / "nowhere").exists()


def test_a_missing_root_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"data=image_folder needs data.root=DIR"):
        folder(None).prepare()


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"data.held_out={share} is not possible: a number between 0 and 1 is needed"):
        folder("x", held_out=share)


def test_bedrooms_have_the_published_means(unpacked: Callable[[str], Path]) -> None:
    data = folder(unpacked("places_bedroom64"), image_shape=(3, 64, 64))
    images = np.concatenate([pixels(data, 0).numpy(), pixels(data, 1).numpy()])
    assert images.shape == (2500, 3, 64, 64)
    assert images.mean((0, 2, 3)) / 255 == pytest.approx([0.520, 0.467, 0.416], abs=1e-3)
