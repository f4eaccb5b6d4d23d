"""Sets of data in which one file is broken, or is no file at all: read, or refused in one line that names it."""

import gzip
import io
import lzma
import os
import pickle
import shutil
import signal
import socket
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import lmdb
import numpy as np
import pytest
from mutations import damaged
from PIL import Image

from gan_lightning.data.base import RealData
from gan_lightning.data.cifar10 import CIFAR10, TEST, TRAIN
from gan_lightning.data.image_folder import ImageFolder
from gan_lightning.data.imagenet import TRAIN_BATCHES, ImageNet
from gan_lightning.data.lsun import LSUNBedrooms
from gan_lightning.data.mnist import FILE_NAMES, MNIST
from gan_lightning.data.text import TRAINING, BillionWord, TextFile

BATCH = {"batch_size": 1, "n_critic": 1, "seed": 0}
LINES = b"".join(b"line number %d\n" % n for n in range(100))
PATIENCE = 60
"""Seconds after which a case hangs."""

Make = Callable[[Path], RealData]


def pixels(number: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


def picture(number: int, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(number, 32, 32, 3)).save(file, kind)
    return file.getvalue()


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def cifar10(root: Path) -> RealData:
    for number, name in enumerate([*TRAIN, *TEST]):
        content = {"data": pixels(number, 3, 3072), "labels": [0, 1, 2]}
        write(root / "cifar-10-batches-py" / name, pickle.dumps(content, number % 6))
    return CIFAR10(root=str(root), image_shape=(3, 32, 32), verify=False, **BATCH)


def mnist(root: Path) -> RealData:
    for name in FILE_NAMES:
        values = pixels(0, 3, 28, 28) if "images" in name else np.arange(3, dtype=np.uint8)
        shape = b"".join(length.to_bytes(4, "big") for length in values.shape)
        write(root / "MNIST" / "raw" / name, bytes((0, 0, 8, values.ndim)) + shape + values.tobytes())
    return MNIST(root=str(root), image_shape=(1, 28, 28), verify=False, **BATCH)


def imagenet_batches(root: Path) -> RealData:
    for number, name in enumerate([*TRAIN_BATCHES, "val_data"]):
        write(root / name, pickle.dumps({"data": pixels(number, 2, 3072), "labels": [1, 1000]}, 2))
    return ImageNet(root=str(root), image_shape=(3, 32, 32), **BATCH)


def imagenet_npz(root: Path) -> RealData:
    save = (np.savez, np.savez_compressed)
    for number, name in enumerate([*TRAIN_BATCHES, "val_data"]):
        save[number % 2](root / name, data=pixels(number, 2, 3072), labels=np.array([1, 1000]))
    return ImageNet(root=str(root), image_shape=(3, 32, 32), **BATCH)


def imagenet_pictures(root: Path) -> RealData:
    for number, name in enumerate(("train/a/1.png", "train/b/2.jpeg", "val/a/3.png")):
        write(root / name, picture(number, "PNG" if name.endswith("png") else "JPEG"))
    return ImageNet(root=str(root), image_shape=(3, 32, 32), **BATCH)


def image_folder(root: Path) -> RealData:
    for number, (suffix, kind) in enumerate((("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("bmp", "BMP"))):
        write(root / f"{number}.{suffix}", picture(number, kind))
    return ImageFolder(root=str(root), image_shape=(3, 16, 16), **BATCH)


def lsun(root: Path) -> RealData:
    folder = root / "bedroom_train_lmdb"
    folder.mkdir()
    with lmdb.open(str(folder), map_size=2**26) as environment, environment.begin(write=True) as transaction:
        for number in range(12):
            transaction.put(b"%04d" % number, picture(number, "WEBP"))
    (folder / "lock.mdb").unlink()
    return LSUNBedrooms(root=str(root), image_shape=(3, 16, 16), held_out=0.2, **BATCH)


def text(name: str, pack: Callable[[bytes], bytes]) -> Make:
    def make(root: Path) -> RealData:
        write(root / name, pack(LINES))
        return TextFile(root=str(root / name), **BATCH)

    return make


def billion_word(root: Path) -> RealData:
    for number in (1, 2):
        write(root / TRAINING / f"news.en-{number:05}-of-00100", LINES)
    return BillionWord(root=str(root), lines=150, **BATCH)


def billion_word_archive(root: Path) -> RealData:
    with tarfile.open(root / "words.tar.gz", "w:gz") as archive:
        for number in (1, 2):
            member = tarfile.TarInfo(f"release/{TRAINING}/news.en-{number:05}-of-00100")
            member.size = len(LINES)
            archive.addfile(member, io.BytesIO(LINES))
    return BillionWord(root=str(root / "words.tar.gz"), lines=150, **BATCH)


SETS: dict[str, Make] = {
    "cifar10": cifar10,
    "mnist": mnist,
    "imagenet batches": imagenet_batches,
    "imagenet npz": imagenet_npz,
    "imagenet pictures": imagenet_pictures,
    "image folder": image_folder,
    "lsun": lsun,
    "text": text("text.txt", bytes),
    "text gz": text("text.txt.gz", gzip.compress),
    "text xz": text("text.txt.xz", lzma.compress),
    "billion word": billion_word,
    "billion word archive": billion_word_archive,
}


def make_socket(path: Path) -> None:
    before = Path.cwd()
    os.chdir(path.parent)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(before)


def make_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


KINDS: tuple[Callable[[Path], object], ...] = (
    os.mkfifo,
    make_socket,
    Path.mkdir,
    Path.touch,
    make_sparse,
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to("/dev/null"),
    lambda path: path.symlink_to(path.name),
    lambda path: path.symlink_to("nowhere"),
    lambda path: path.write_bytes(pickle.dumps({"data": [1], "labels": [1]})),
    lambda path: path.write_bytes(picture(0, "GIF")),
    lambda path: path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(10**6)),
    lambda path: path.write_bytes(gzip.compress(bytes(10**8))),
    lambda path: path.write_bytes(gzip.compress(b"\n" * 10**8)),
    lambda path: path.write_bytes(lzma.compress(b"a" * 10**8)),
)
"""What may lie where a file is expected."""


@pytest.fixture(autouse=True)
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of the test's own, and an error for what waits without end."""

    def hanging(number: int, frame: FrameType | None) -> None:
        pytest.fail("it hangs")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = signal.signal(signal.SIGALRM, hanging)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def one_of(root: Path, random: Random) -> Path:
    return random.choice(sorted(path for path in root.rglob("*") if path.is_file()))


def outcome(data: RealData, root: Path) -> str:
    """``read``, ``refused``, or what is wrong; a hang or another kind of error is raised."""
    signal.alarm(PATIENCE)
    try:
        data.prepare()
    except (ValueError, OSError) as error:
        said = str(error)
        return "refused" if str(root) in said and "\n" not in said and len(said) < 1000 else said
    finally:
        signal.alarm(0)
    return "read"


def outcomes(
    make: Make, root: Path, seeds: range, attack: Callable[[Path, Random], object]
) -> Iterator[tuple[int, str]]:
    """By seed, what comes of a fresh set after an attack on one of its files."""
    for seed in seeds:
        root.mkdir()
        data = make(root)
        random = Random(seed)
        attack(one_of(root, random), random)
        yield seed, outcome(data, root)
        shutil.rmtree(root)


def damage(path: Path, random: Random) -> None:
    path.write_bytes(damaged(path.read_bytes(), random))


def replace(path: Path, random: Random) -> None:
    path.unlink()
    random.choice(KINDS)(path)


def lengthen(path: Path, random: Random) -> None:
    """Put so much of nothing behind a file, or before it, that whoever passes over it bit by bit does so for days."""
    content = path.read_bytes()
    match random.randrange(5):
        case 0:
            os.truncate(path, 2**40)
        case 1:
            path.write_bytes(content + gzip.compress(b"") * 10**6)
        case 2:
            path.write_bytes(gzip.compress(b"") * 10**6 + content)
        case 3:
            path.write_bytes(content + lzma.compress(b"") * 10**6)
        case _:
            with path.open("wb") as file:
                file.seek(2**40)
                file.write(content)


@pytest.mark.parametrize("name", SETS)
def test_an_intact_set_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    SETS[name](tmp_path / "set").prepare()


def assert_held(name: str, tmp_path: Path, seeds: range, attack: Callable[[Path, Random], object]) -> None:
    found = dict(outcomes(SETS[name], tmp_path / "set", seeds, attack))
    assert {seed: said for seed, said in found.items() if said not in ("read", "refused")} == {}


@pytest.mark.parametrize("name", SETS)
def test_a_set_with_a_broken_file_is_read_or_refused_in_a_line_that_names_it(name: str, tmp_path: Path) -> None:
    assert_held(name, tmp_path, range(20), damage)


@pytest.mark.parametrize("name", SETS)
def test_a_set_with_another_thing_in_place_of_a_file_is_refused_in_a_line_that_names_it(
    name: str, tmp_path: Path
) -> None:
    assert_held(name, tmp_path, range(20), replace)


@pytest.mark.parametrize("name", SETS)
def test_a_set_with_a_file_of_nothing_without_end_is_read_or_refused_in_bounded_time(name: str, tmp_path: Path) -> None:
    assert_held(name, tmp_path, range(8), lengthen)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("attack", [damage, replace, lengthen])
def test_many_sets_with_a_broken_file_are_read_or_refused(
    name: str, attack: Callable[[Path, Random], object], tmp_path: Path
) -> None:
    assert_held(name, tmp_path, range(20, 320), attack)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("make", KINDS[:9])
def test_a_root_that_is_something_else_is_refused_in_a_line_that_names_it(
    name: str, make: Callable[[Path], object], tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    data: Any = SETS[name](tmp_path / "set")
    root = Path(data.root)
    shutil.rmtree(tmp_path / "set")
    root.parent.mkdir(exist_ok=True)
    make(root)
    assert outcome(data, root) == "refused"


def npz(path: Path, size: int) -> None:
    """Rows of zeros without end, packed as tightly as a zip file can."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (size, 3072)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("data.npy", "w", force_zip64=True) as member:
            member.write(header.getvalue())
            for _ in range(3 * size // 1024):
                member.write(bytes(2**20))
        with archive.open("labels.npy", "w") as member:
            np.save(member, np.ones(size, np.int64))


def test_rows_that_a_small_archive_unpacks_to_are_refused_before_they_are(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    data = imagenet_npz(tmp_path / "set")
    npz(tmp_path / "set" / f"{TRAIN_BATCHES[0]}.npz", 2**16)
    with pytest.raises(ValueError, match=r"data\.npy unpacks to 201,326,\d+ bytes: from this file no more than"):
        data.prepare()
