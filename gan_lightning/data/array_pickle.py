"""Pickled dictionaries of arrays from unknown hands, read without running what else a pickle may hold."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

_RECONSTRUCT = np.empty(0).__reduce__()[0]
_FROM_BUFFER = np.empty(0).__reduce_ex__(5)[0]  # type: ignore[index]


def _as_bytes(text: str, encoding: str) -> bytes:
    return text.encode(encoding)


_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    # NumPy 1 and 2 name these differently.
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROM_BUFFER,
    # Python 3 writes bytes so for readers in Python 2.
    ("_codecs", "encode"): _as_bytes,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, which no array needs")
        return _ALLOWED[module_name, global_name]


def load_arrays(path: Path) -> dict[str, Any]:
    """A pickled dictionary of arrays, lists, numbers and strings, written by Python 2 or 3.

    Raises:
        ValueError: naming the file, if it is broken or holds anything else.
    """
    try:
        content = _ArrayUnpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except Exception as error:  # a broken pickle raises nearly anything
        raise ValueError(f"{path} is not a whole pickle of arrays ({type(error).__name__}: {error})") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a pickled {type(content).__name__}, not a dictionary of arrays")
    return content


def image_rows(path: Path, content: dict[str, Any], image_shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Images ``(N, C, H, W)`` uint8 and labels ``(N,)`` int64 of a dictionary with ``data`` and ``labels``.

    Args:
        path: where it was read, for the error.
        content: ``data`` holds one flat image a row, channel by channel, as CIFAR-10 and ImageNet 32x32 do.
        image_shape: ``(C, H, W)``.

    Raises:
        ValueError: naming the file, if a key is missing or the arrays do not fit.
    """
    try:
        images, labels = np.asarray(content["data"]), np.asarray(content["labels"], dtype=np.int64)
        if images.dtype != np.uint8 or labels.shape != images.shape[:1]:
            raise ValueError(f"data of {images.dtype} {images.shape} with labels {labels.shape}")
        return images.reshape(-1, *image_shape), labels
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path} does not hold images of {image_shape} as uint8 rows with labels ({error})") from error
