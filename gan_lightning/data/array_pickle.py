"""Pickled dictionaries of arrays from unknown hands, read without running what else a pickle may hold."""

from collections.abc import Callable, Mapping
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np

from gan_lightning.data.files import read_data, said
from gan_lightning.plain_pickle import PlainPickle, StandIn

TYPES = frozenset(("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"))
"""What arrays may hold: whole numbers and floating-point ones."""

MOST_AXES, LONGEST_AXIS = 8, 2**40
NUMBERS_AND_STRINGS = (int, float, bool, str, bytes, type(None))


class _Type(StandIn):
    """In place of ``numpy.dtype``: a plain type, whose byte order is its state."""

    def __init__(self, code: Any, *_flags: Any) -> None:
        if type(code) is not str or code not in TYPES:
            raise ValueError(
                f"its arrays are not of numbers alone: {code if type(code) is str else type(code).__name__}"
            )
        self.code, self.type = code, None

    def build(self, state: Any) -> None:
        orders = ("|",) if self.code.endswith("1") else ("<", ">")
        if type(state) is not tuple or len(state) != 8 or self.type is not None:
            raise ValueError("the type of its arrays has no state of a type")
        version, order, *rest = state
        if version != 3 or order not in orders or rest != [None, None, None, -1, -1, 0]:
            raise ValueError("the type of its arrays is not one of plain numbers")
        self.type = np.dtype(order + self.code)


class _Array(StandIn):
    """In place of ``numpy.ndarray``; its values are its state."""

    values: np.ndarray | None = None

    def __init__(self, encoded: Callable[[Any], bytes]) -> None:
        self.encoded = encoded

    def build(self, state: Any) -> None:
        if type(state) is not tuple or len(state) != 5 or state[0] != 1 or self.values is not None:
            raise ValueError("an array of it has no state of an array")
        _version, shape, kind, by_column, raw = state
        self.fill(self.encoded(raw) if type(raw) is str else raw, kind, shape, "F" if by_column else "C")

    def fill(self, raw: Any, kind: Any, shape: Any, order: Any) -> None:
        """Take the bytes, in the order ``C`` or ``F``, once their number is what type and shape need."""
        if not isinstance(kind, _Type) or kind.type is None or type(raw) not in (bytes, bytearray):
            raise ValueError("an array of it has no type, or no bytes")
        if type(shape) is not tuple or len(shape) > MOST_AXES:
            raise ValueError("the shape of its array is none")
        if not all(type(length) is int and 0 <= length < LONGEST_AXIS for length in shape) or order not in ("C", "F"):
            raise ValueError("the shape of its array is none")
        if prod(shape) * kind.type.itemsize != len(raw):
            raise ValueError(f"it has {len(raw):,} bytes for an array {shape} of {kind.type}")
        self.values = np.frombuffer(raw, kind.type).reshape(shape, order=order)


class _Makers:
    """What a pickle of arrays may name.

    Args:
        size: of the file, in bytes. All that it spells as text, as old protocols do, is no longer.
    """

    def __init__(self, size: int) -> None:
        self.left = size

    def encoded(self, text: Any, encoding: Any = "latin1") -> bytes:
        """Bytes that were written as text; Python 3 writes them so for readers in Python 2."""
        if type(text) is not str or encoding != "latin1":
            raise ValueError("it encodes what is no text")
        self.left -= len(text)
        if self.left < 0:
            raise ValueError("it unpacks to more than the file holds")
        return text.encode(encoding)

    def no_bytes(self) -> bytes:
        return b""

    def reconstructed(self, *_: Any) -> _Array:
        return _Array(self.encoded)

    def from_buffer(self, raw: Any, kind: Any, shape: Any, order: Any) -> _Array:
        array = _Array(self.encoded)
        array.fill(raw, kind, shape, order)
        return array

    def by_name(self) -> dict[tuple[str, str], Callable[..., Any]]:
        """By module and name; NumPy 1 and 2 name their modules differently."""
        cores = "numpy.core", "numpy._core"
        return {
            ("numpy", "ndarray"): self.reconstructed,
            ("numpy", "dtype"): _Type,
            **{(f"{core}.multiarray", "_reconstruct"): self.reconstructed for core in cores},
            **{(f"{core}.numeric", "_frombuffer"): self.from_buffer for core in cores},
            ("_codecs", "encode"): self.encoded,
            (
                "__builtin__",
                "bytes",
            ): self.no_bytes,  # what Python 3 writes for readers in Python 2 where there are none
        }


def load_arrays(path: Path) -> dict[str | bytes, Any]:
    """A pickled dictionary of arrays, lists, numbers and strings, written by Python 2 or 3.

    Arrays hold numbers, are read-only, and may share their memory; lists hold numbers and strings.

    Raises:
        ValueError: naming the file, if it is broken or holds anything else.
        OSError: if it cannot be read.
    """
    content = read_data(path)
    try:
        found = PlainPickle(_Makers(len(content)).by_name(), needed_by="an array").load(BytesIO(content))
        if type(found) is dict:
            return _plain(found)
    except Exception as error:  # a broken pickle raises nearly anything
        raise ValueError(f"{path} is not a whole pickle of arrays ({type(error).__name__}: {said(error)})") from error
    raise ValueError(f"{path} holds a pickled {type(found).__name__}, not a dictionary of arrays")


def _plain(content: dict[str | bytes, Any]) -> dict[str | bytes, Any]:
    """The same with arrays in place of their stand-ins.

    Raises:
        ValueError: if a value, or an item of a list, is not plain.
    """
    lists = {id(value): value for value in content.values() if type(value) in (list, tuple)}  # one may be there often
    for kind in {type(item) for items in lists.values() for item in items} - set(NUMBERS_AND_STRINGS):
        raise ValueError(f"its lists are not of numbers and strings alone: {kind.__name__.lstrip('_')}")
    return {key: value if type(value) in (list, tuple) else _plain_value(value) for key, value in content.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, _Array) and value.values is not None:
        return value.values
    if type(value) not in NUMBERS_AND_STRINGS:
        raise ValueError(f"its values are not arrays, lists, numbers and strings alone: {type(value).__name__}")
    return value


def image_rows(
    path: Path, content: Mapping[Any, Any], image_shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Images ``(N, C, H, W)`` uint8 and labels ``(N,)`` int64 of a dictionary with ``data`` and ``labels``.

    Args:
        path: where it was read, for the error.
        content: ``data`` holds one flat image a row, channel by channel, as CIFAR-10 and ImageNet 32x32 do; ``labels``
            is a list or an array of whole numbers.
        image_shape: ``(C, H, W)``.

    Raises:
        ValueError: naming the file, if a key is missing or the arrays do not fit.
    """
    try:
        labels = _labels(content["labels"])
        images = cast(np.ndarray, content["data"])
        if type(images) is not np.ndarray or images.dtype != np.uint8 or images.shape[:1] != labels.shape:
            raise ValueError(f"data of {_described(images)} with {len(labels)} labels")
        return images.reshape(len(labels), *image_shape), labels
    except (KeyError, ValueError, OverflowError) as error:
        reason = f"without {error}" if isinstance(error, KeyError) else said(error)
        raise ValueError(
            f"{path} does not hold images of {image_shape} as uint8 rows with labels ({reason})"
        ) from error


def _labels(labels: Any) -> np.ndarray:
    """Labels ``(N,)`` int64 of a list or an array.

    Raises:
        ValueError: if they are no whole numbers, 0 or more.
        OverflowError: if one is too large.
    """
    if type(labels) in (list, tuple) and all(type(label) is int for label in labels):
        labels = np.array(labels, dtype=np.int64)
    if type(labels) is not np.ndarray or labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise ValueError(f"labels of {_described(labels)}: a list of whole numbers is needed")
    labels = labels.astype(np.int64)
    if len(labels) and labels.min() < 0:
        raise ValueError("a label is below 0, or too large")
    return labels


def _described(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if type(value) is np.ndarray else f"type {type(value).__name__}"
