"""LSUN bedrooms, from LMDB files that the tests write."""

import os
import signal
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
import torch
from PIL import Image

from gan_lightning.data import lmdb_reader, lsun, pictures
from gan_lightning.data.lsun import LSUNBedrooms


def bedrooms(root: Path | None, **changes: Any) -> LSUNBedrooms:
    settings = {"image_shape": (3, 8, 8), "batch_size": 2, "n_critic": 1, "seed": 0, "held_out": 0.15}
    return LSUNBedrooms(root=None if root is None else str(root), **{**settings, **changes})


def pixels(data: LSUNBedrooms, part: int = 0) -> torch.Tensor:
    return data.splits[part].to(torch.device("cpu")).samples


def photograph(number: int, kind: str = "WEBP") -> bytes:
    """A wide picture of which the centred square is of the colour (``number``, 100, 200)."""
    picture = Image.new("RGB", (40, 24), (255, 255, 255))
    picture.paste((number, 100, 200), (8, 0, 32, 24))
    content = BytesIO()
    picture.save(content, kind, **({"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0}))
    return content.getvalue()


def write(root: Path, contents: dict[bytes, bytes]) -> Path:
    folder = root / "bedroom_train_lmdb"
    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=2**26) as environment, environment.begin(write=True) as transaction:
        for key, content in contents.items():
            transaction.put(key, content)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twenty photographs, number 10 times i with key i, written out of order."""
    return write(tmp_path / "lsun", {b"%04d" % i: photograph(10 * i) for i in reversed(range(20))})


def test_every_photograph_is_in_one_of_the_splits_in_the_order_of_the_keys(root: Path) -> None:
    train, held_out = (pixels(bedrooms(root), part)[:, 0, 4, 4].tolist() for part in (0, 1))
    assert (len(train), len(held_out)) == (17, 3)
    assert sorted(train + held_out) == [10 * i for i in range(20)]
    assert train == sorted(train) and held_out == sorted(held_out)


def test_photographs_are_cut_to_their_centred_square_and_resized(root: Path) -> None:
    images = pixels(bedrooms(root, image_shape=(3, 16, 16)))
    assert images.shape == (17, 3, 16, 16)
    inner = images[:, 1:, :, 2:-2]  # at its edge the filter takes in what lies beyond
    assert inner[:, 0].unique().tolist() == [100] and inner[:, 1].unique().tolist() == [200]


def test_jpeg_is_read_as_webp_is(tmp_path: Path) -> None:
    root = write(tmp_path / "lsun", {b"%d" % i: photograph(10 * i, "JPEG") for i in range(5)})
    images = pixels(bedrooms(root))
    assert (images[:, 1:, 4, 4].int() - torch.tensor([100, 200])).abs().max() <= 3


def test_held_out_photographs_do_not_depend_on_the_seed_and_are_as_many_as_asked(root: Path) -> None:
    assert torch.equal(pixels(bedrooms(root, seed=1), 1), pixels(bedrooms(root, seed=2), 1))
    assert len(bedrooms(root, held_out=0.35).splits[1]) == 7


def test_photographs_are_packed_once_and_the_file_is_left_as_it_is(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = root / "bedroom_train_lmdb" / "data.mdb"
    before = file.read_bytes(), file.stat().st_mtime_ns
    first = bedrooms(root).provenance
    assert first.startswith("LSUN bedrooms 3x8x8, sha256 ")
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    monkeypatch.setattr(lsun, "keys_of", None)
    assert bedrooms(root).provenance == first


def test_packing_that_is_cut_off_goes_on(root: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    whole = bedrooms(root).provenance
    for file in cache.rglob("*.*"):
        if file.is_file():
            file.unlink()
    for folder in (cache / "sets").iterdir():
        folder.rmdir()
    monkeypatch.setattr(pictures, "BLOCK_SIZE", 4)
    read: list[int] = []

    def cut_off(self: LSUNBedrooms, folder: Path, keys: list[bytes]) -> np.ndarray:
        if len(read) == 2:
            raise KeyboardInterrupt
        return reading(self, folder, keys)

    def reading(self: LSUNBedrooms, folder: Path, keys: list[bytes]) -> np.ndarray:
        read.append(len(keys))
        return original(self, folder, keys)

    original = LSUNBedrooms._read
    monkeypatch.setattr(LSUNBedrooms, "_read", cut_off)
    with pytest.raises(KeyboardInterrupt):
        bedrooms(root).prepare()
    monkeypatch.setattr(LSUNBedrooms, "_read", reading)
    assert bedrooms(root).provenance == whole
    assert read == [4, 4, 4, 4, 1, 3]


@pytest.mark.parametrize("content", [b"", b"no picture", photograph(7)[:30]])
def test_a_broken_photograph_is_named_by_its_key(content: bytes, root: Path, cache: Path) -> None:
    write(root, {b"0007": content})
    with pytest.raises(ValueError, match=r"^\S*bedroom_train_lmdb, key 0007, is not a readable picture[^\n]*$"):
        bedrooms(root).prepare()
    assert not list(cache.rglob("*.npy"))


def file_of(root: Path) -> Path:
    return root / "bedroom_train_lmdb" / "data.mdb"


@pytest.mark.parametrize("length", [0, 100, 4096, 8192])
def test_a_file_that_is_cut_short_is_named_before_lmdb_reads_beyond_its_end(length: int, root: Path) -> None:
    os.truncate(file_of(root), length)
    with pytest.raises(ValueError, match=rf"^{file_of(root)} (is cut short, 8,192 of|cannot be read as an LMDB file)"):
        bedrooms(root).prepare()


def test_a_file_of_something_else_is_named(root: Path) -> None:
    file_of(root).write_bytes(b"x" * 100_000)
    with pytest.raises(ValueError, match=rf"^{file_of(root)} cannot be read as an LMDB file \([^\n]*\)$"):
        bedrooms(root).prepare()


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (signal.SIGBUS, ValueError, "cannot be read as an LMDB file: its tree is broken"),
        (signal.SIGABRT, ValueError, "cannot be read as an LMDB file: its tree is broken"),
        (signal.SIGUSR1, OSError, "was ended by SIGUSR1"),
        (signal.SIGKILL, OSError, "was ended by SIGKILL"),
    ],
)
def test_a_reader_that_the_file_ends_is_told_from_one_that_somebody_ends(
    number: signal.Signals, error: type[Exception], message: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("reader.py").write_text(f"import os; os.kill(os.getpid(), {int(number)})")
    monkeypatch.setattr(lmdb_reader, "__file__", "reader.py")
    with pytest.raises(error, match=f"{file_of(root)} {message}"):
        bedrooms(root).prepare()


def test_a_key_does_nothing_to_a_terminal(root: Path) -> None:
    write(root, {b"\x1b[31m\nkey": b"no picture"})
    with pytest.raises(ValueError, match=r"key \?\[31m key, is not a readable picture"):
        bedrooms(root).prepare()


def test_a_folder_without_the_file_is_answered_with_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "other" / "bedroom_train_lmdb").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"other does not hold bedroom_train_lmdb/data.mdb, an unpacked"):
        bedrooms(tmp_path / "other").prepare()


def test_a_missing_root_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data=lsun_bedrooms needs data.root=DIR: .*bedroom_train_lmdb/data.mdb"):
        bedrooms(None).prepare()
    with pytest.raises(FileNotFoundError, match=r"data.root=.*nowhere is not an existing folder: .*bedroom_train_lmdb"):
        bedrooms(tmp_path / "nowhere").prepare()


@pytest.mark.parametrize("share", [0, 1, 10_000])
def test_holding_out_nothing_or_everything_is_refused(root: Path, share: float) -> None:
    with pytest.raises(ValueError, match=rf"data.held_out={share} is not possible: a number between 0 and 1 is needed"):
        bedrooms(root, held_out=share)


def test_bedrooms_of_places_are_packed_as_they_are_from_a_folder(
    unpacked: Callable[[str], Path], tmp_path: Path
) -> None:
    files = pictures.find_pictures(unpacked("places_bedroom64") / "places_bedroom64" / "eval")
    root = write(tmp_path / "lsun", {file.name.encode(): file.read_bytes() for file in files})
    data = bedrooms(root, image_shape=(3, 64, 64), held_out=0.5)
    images = np.concatenate([pixels(data, 0).numpy(), pixels(data, 1).numpy()])
    expected = pictures.decode(files, lambda file: pictures.open_picture(file, 3))
    assert sorted(image.tobytes() for image in images) == sorted(image.tobytes() for image in expected)
