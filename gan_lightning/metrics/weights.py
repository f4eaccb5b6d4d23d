"""Weights from unknown hands: read as tensors and nothing else, from safetensors or from what ``torch.save`` wrote."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from torch import Tensor

from gan_lightning.data.files import read_data, said
from gan_lightning.saved_tensors import load_archive, load_legacy

MOST_BYTES = 2**30
"""Of a file: Inception's has 95 MB."""

TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64)


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
    content = read_data(path, largest=MOST_BYTES)
    try:
        tensors = _tensors_of(content)
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


def _tensors_of(content: bytes) -> Any:
    if content[8:9] == b"{":  # behind the length of a header in JSON: no other format has it there
        return safetensors.torch.load(content)
    return load_archive(BytesIO(content)) if content.startswith(b"PK") else load_legacy(content)
