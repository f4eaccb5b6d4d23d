"""What ``torch.save`` wrote, from unknown hands: nothing of it is believed before it is seen.

``torch.load(weights_only=True)`` runs nothing. Yet its unpickler hashes keys of any depth, and makes texts and tensors
of any size that a file announces: it gets to see what the machine of :mod:`plain_pickle` has carried out before.
"""

import io
import re
from collections.abc import Callable
from math import prod
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile

import torch

from gan_lightning.plain_pickle import Named, PlainPickle, StandIn

ENTRY = re.compile(
    r"(?P<folder>[^/]+)/"
    r"(data\.pkl|version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+)"
)
"""The entries of an archive. torch's own reader takes those for one whose names differ in the case of their letters."""

MOST_TIMES, MOST_ANYWAY = 4, 2**20
"""Tensors of a file may have so many times its bytes, and so many more: weights are shared, positions repeated."""

LEGACY_PICKLES = 5
"""In a file of torch before 1.6: a sign, a version, the writer's number types, the content, the names of storages."""

NUMBERS = {
    "Half": 2,
    "BFloat16": 2,
    "Float": 4,
    "Double": 8,
    "Byte": 1,
    "Char": 1,
    "Short": 2,
    "Int": 4,
    "Long": 8,
    "Bool": 1,
}
"""Types of numbers that lie beside a pickle, and the bytes of one."""


def load_archive(file: BinaryIO) -> Any:
    """Tensors in plain containers, on the CPU, from the format that torch has had since 1.6.

    Every byte is compared with the checksums that the archive carries.

    Raises:
        ValueError, LookupError, TypeError, zipfile.BadZipFile, RuntimeError: if it is broken or holds anything else.
    """
    check_archive(file)
    with ZipFile(file) as archive:
        differing = archive.testzip()
        if differing is not None:
            raise ValueError(f"the checksum of {differing} is not that of its content")
    file.seek(0)
    return torch.load(file, map_location="cpu", weights_only=True)


def check_archive(file: BinaryIO) -> None:
    """Look whether :func:`load_archive` would read an archive; the numbers in it are not looked at.

    Raises:
        ValueError, LookupError, TypeError, zipfile.BadZipFile: as there.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    with ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != ZIP_STORED or entry.compress_size != entry.file_size for entry in entries):
            raise ValueError("its entries are packed, and torch packs none")
        if sum(entry.file_size for entry in entries) > size:
            raise ValueError("its entries announce more bytes than it has")
        names = [ENTRY.fullmatch(entry.filename) for entry in entries]
        if not all(names) or len({name["folder"] for name in names if name}) != 1:
            raise ValueError("its entries are not those that torch.save writes")
        if len({entry.filename for entry in entries}) < len(entries):
            raise ValueError("two of its entries have one name")
        pickled = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(pickled) != 1:
            raise ValueError("it does not hold one data.pkl, as what torch.save writes does")
        _check_pickle(io.BytesIO(archive.read(pickled[0])), size=size)


def load_legacy(content: bytes) -> Any:
    """The same from the format before 1.6, which has no checksums.

    Raises:
        ValueError, RuntimeError: if it is broken or holds anything else.
    """
    stream = io.BytesIO(content)
    for _ in range(LEGACY_PICKLES):
        _check_pickle(stream, size=len(content))
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


class _Number:
    """In place of the type of a storage's numbers.

    Args:
        size: bytes of one.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, *_: Any) -> None:
        raise ValueError("it calls a type of numbers")


class _Storage(StandIn):
    """In place of numbers that lie beside a pickle.

    Args:
        count: how many there are.
        size: bytes of one.
        storages: those of the file.
    """

    def __init__(self, count: int, size: int, storages: "_Storages") -> None:
        self.count, self.size, self.storages = count, size, storages


class _Tensor(StandIn):
    """In place of a tensor, or a parameter around one."""


class _Dictionary(dict, StandIn):
    """In place of ``collections.OrderedDict``, whose state is what modules say of their version."""

    def build(self, state: Any) -> None:
        if type(state) is not dict:
            raise ValueError("a dictionary of it has no state of a dictionary")


class _Storages:
    """What a pickle refers to outside of it: numbers, no more than its file has room for.

    Args:
        size: bytes of the file.
    """

    def __init__(self, size: int) -> None:
        self.left, self.found = size, dict[str, _Storage]()
        self.announced, self.most = 0, MOST_TIMES * size + MOST_ANYWAY

    def __call__(self, identifier: Any) -> _Storage:
        """A storage by its identifier: a word, the type of its numbers, its name, its device, and its length.

        Raises:
            ValueError: if it is none, or if all together are longer than the file.
        """
        if type(identifier) is not tuple or len(identifier) < 5 or identifier[0] != "storage":
            raise ValueError("it refers to something that is no storage of numbers")
        _, kind, name, _, count, *_ = identifier
        if not isinstance(kind, Named) or not isinstance(kind.maker, _Number):
            raise ValueError("a storage of it has no type of numbers")
        if type(name) is not str or type(count) is not int or count < 0:
            raise ValueError("a storage of it has no name or no length")
        if name not in self.found:
            self.left -= count * kind.maker.size
            self.found[name] = _Storage(count, kind.maker.size, self)
        if self.left < 0 or self.found[name].count != count:
            raise ValueError("its storages are longer than the file")
        return self.found[name]

    def announce(self, size: int) -> None:
        """Count the bytes of one more tensor.

        Raises:
            ValueError: if all together have far more than the file.
        """
        self.announced += size
        if self.announced > self.most:
            raise ValueError("its tensors announce more numbers than there are")


def _check_pickle(stream: io.BytesIO, *, size: int) -> None:
    """Carry out a pickle of a file of ``size`` bytes.

    Raises:
        ValueError, LookupError, TypeError: if it holds anything but tensors in plain containers.
    """
    machine = PlainPickle(MAKERS, needed_by="a file of tensors", keys=(str, int), persistent=_Storages(size))
    machine.load(stream)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    """A tensor; several may share their numbers, and one may repeat them, which takes memory where it is copied.

    Raises:
        ValueError: if it is none, or if all together announce far more numbers than there are.
    """
    if not isinstance(storage, _Storage) or type(shape) is not tuple or {*map(type, shape)} - {int} or len(shape) > 64:
        raise ValueError("a tensor of it has no storage or no shape")
    storage.storages.announce(abs(prod(shape)) * storage.size)
    return _Tensor()


def _parameter(tensor: Any, *_: Any) -> _Tensor:
    """A parameter.

    Raises:
        ValueError: if it is around something else than a tensor.
    """
    if not isinstance(tensor, _Tensor):
        raise ValueError("a parameter of it is no tensor")
    return tensor


MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): lambda: _Dictionary(),
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    **{("torch", f"{name}Storage"): _Number(size) for name, size in NUMBERS.items()},
}
"""By module and name, what such pickles name."""
