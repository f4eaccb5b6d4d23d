"""Weights from unknown hands: read as tensors and nothing else, from safetensors or from what ``torch.save`` wrote."""

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_STORED, ZipFile

import safetensors.torch
import torch
from torch import Tensor

from gan_lightning.data.files import content_of, said
from gan_lightning.data.plain_pickle import PlainPickle, StandIn

MOST_BYTES = 2**30
"""Of a file: Inception's has 95 MB."""

TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64)
STORAGES = ("HalfStorage", "BFloat16Storage", "FloatStorage", "DoubleStorage", "LongStorage")
LEGACY_PICKLES = 5
"""In a file of torch before 1.6: a sign, a version, the writer's number types, the weights, the names of storages."""


class Weights(NamedTuple):
    """Tensors by name, and the SHA-256 of the bytes that they were read from."""

    tensors: dict[str, Tensor]
    sha256: str


def read_weights(path: Path) -> Weights:
    """The weights of a file, which is read once.

    Raises:
        ValueError: if it is broken or holds anything but named tensors of plain numbers.
        OSError: if it cannot be read.
    """
    content = content_of(path, most=MOST_BYTES)
    try:
        # Eight bytes of safetensors are the length of a header in JSON; no other format has a brace behind them.
        tensors = safetensors.torch.load(content) if content[8:9] == b"{" else _from_torch(content)
        _check(tensors)
    except Exception as error:  # a file of another kind raises nearly anything
        raise ValueError(f"no whole file of weights: {said(error)}") from error
    return Weights(dict(tensors), hashlib.sha256(content).hexdigest())


def as_file(tensors: dict[str, Tensor]) -> BytesIO:
    """The same weights as ``torch.load`` reads them, for those who read a file themselves."""
    file = BytesIO()
    torch.save(tensors, file)
    file.seek(0)
    return file


def _check(tensors: Any) -> None:
    if not isinstance(tensors, dict) or not tensors:
        raise ValueError("no weights by name")
    for name, tensor in tensors.items():
        if type(name) is not str or not isinstance(tensor, Tensor):
            raise ValueError("not named tensors alone")
        if tensor.dtype not in TYPES or tensor.layout != torch.strided:
            raise ValueError(f"{name} is of {tensor.dtype}, {tensor.layout}")


def _from_torch(content: bytes) -> Any:
    """What ``torch.load`` reads with ``weights_only``, once its pickles are known to hold nothing but tensors.

    Its unpickler runs nothing, but hashes keys of any depth, and unpacks and allocates what the file announces.
    """
    if content.startswith(b"PK"):
        _check_archive(content)
    else:
        _check_legacy(content)
    return torch.load(BytesIO(content), map_location="cpu", weights_only=True)


def _check_archive(content: bytes) -> None:
    with ZipFile(BytesIO(content)) as archive:
        members = archive.infolist()
        if any(member.compress_type != ZIP_STORED for member in members):
            raise ValueError("its archive is packed, which torch does not do")
        if sum(member.file_size for member in members) > len(content):
            raise ValueError("its archive announces more than the file holds")
        pickles = [member for member in members if member.filename.endswith(".pkl")]
        if [Path(member.filename).name for member in pickles] != ["data.pkl"]:
            raise ValueError("its archive does not hold one data.pkl, as that of weights does")
        _check_pickle(BytesIO(archive.read(pickles[0])), size=len(content))


def _check_legacy(content: bytes) -> None:
    stream = BytesIO(content)
    for _ in range(LEGACY_PICKLES):
        _check_pickle(stream, size=len(content))


def _check_pickle(stream: BytesIO, *, size: int) -> None:
    def storage(identifier: Any) -> _Opaque:
        if type(identifier) is not tuple or len(identifier) < 5 or identifier[0] != "storage":
            raise ValueError("it refers to something that is no storage of numbers")
        if type(identifier[4]) is not int or not 0 <= identifier[4] <= size:
            raise ValueError("a storage of it is longer than the file")
        return _Opaque()

    PlainPickle(MAKERS, needed_by="a file of weights", persistent=storage).load(stream)


class _Opaque(StandIn):
    """In place of a tensor or its storage, which torch makes."""

    def __init__(self, *_: Any) -> None:
        super().__init__()


class _Dictionary(dict, StandIn):
    """In place of ``collections.OrderedDict``, whose state is what modules say of their version."""

    def build(self, state: Any) -> None:
        if type(state) is not dict:
            raise ValueError("a dictionary of it has no state of a dictionary")


def _dictionary() -> _Dictionary:
    return _Dictionary()


MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _dictionary,
    ("torch._utils", "_rebuild_tensor_v2"): _Opaque,
    ("torch._utils", "_rebuild_parameter"): _Opaque,
    **{("torch", storage): _Opaque for storage in STORAGES},
}
"""By module and name, what pickles of weights name."""
