"""A program that reads broken pickles of arrays and says what came of it; a crash of the interpreter is its own alone.

python read_pickles.py mutations FIRST NUMBER
python read_pickles.py bombs
"""

import pickle
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from mutations import bomb_files, mutated_pickle
from tried import tell

from gan_lightning.data.array_pickle import image_rows, load_arrays

ROWS = np.random.default_rng(0).integers(0, 256, (6, 48), dtype=np.uint8)
BATCH = {
    "batch_label": "training batch 1 of 5",
    "data": ROWS,
    "labels": [3, 1, 4, 1, 5, 9],
    "filenames": [f"camion_s_{n:06}.png" for n in range(6)],
    "mean": ROWS.mean(0),
    "columns": np.asfortranarray(ROWS[:, :5].astype(">i4")),
}
PLAIN = (int, float, bool, str, bytes, type(None))
ROOM = 2**32
"""Bytes of address space, so that what takes more fails here and harms nobody."""


def python_2_batch() -> bytes:
    """The batch in the steps that Python 2 wrote the published files with."""

    def text(content: bytes) -> bytes:
        return b"U" + bytes([len(content)]) + content

    kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    raw = b"T" + struct.pack("<i", ROWS.nbytes) + ROWS.tobytes()
    rows = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x06K\x30\x86"
    labels = b"](" + b"".join(b"K%c" % label for label in BATCH["labels"]) + b"e"
    names = b"](" + b"".join(text(name.encode()) for name in BATCH["filenames"]) + b"e"
    values = {b"data": rows + kind + b"\x89" + raw + b"tb", b"labels": labels, b"filenames": names}
    return b"\x80\x02}q\x01(" + b"".join(text(key) + value for key, value in values.items()) + b"u."


def batches() -> dict[str, bytes]:
    """A small batch by every protocol and by Python 2."""
    protocols = {f"protocol {n}": pickle.dumps(BATCH, n) for n in range(pickle.HIGHEST_PROTOCOL + 1)}
    return {"python 2": python_2_batch(), **protocols}


def mutations(first: int, number: int) -> Iterator[tuple[str, bytes]]:
    whole = batches()
    for seed in range(first, first + number):
        for name, content in whole.items():
            yield f"{name}, seed {seed}", mutated_pickle(content, Random(f"{name} {seed}"))


def outcome(path: Path) -> str:
    """What came of one file: ``read``, ``refused``, or what is wrong."""
    try:
        content = load_arrays(path)
    except ValueError as error:
        return "refused" if str(path) in str(error) and len(str(error).splitlines()) == 1 else f"said {error}"
    for key, value in content.items():
        items = value if type(value) in (list, tuple) else [value]
        wrong = [item for item in items if type(item) not in (*PLAIN, np.ndarray)]
        if type(key) not in (str, bytes) or wrong:
            return f"left {wrong[:1]} at {key!r}"
        if type(value) is np.ndarray and value.dtype.kind not in "iuf":
            return f"left {value.dtype} at {key!r}"
    try:
        images, labels = image_rows(path, content, (3, 4, 4))
    except ValueError as error:
        return "refused" if str(path) in str(error) else f"said {error}"
    sound = images.dtype == np.uint8 and labels.dtype == np.int64 and images.shape == (len(labels), 3, 4, 4)
    return "read" if sound else "made images of another shape"


def numpy_is_whole() -> bool:
    """Whether types that all arrays share are what they were."""
    types = {code: np.dtype(code) for code in ("|u1", "<i8", ">i4", "<f8", "|O")}
    whole = all(kind.str == code and kind.fields is None and kind.subdtype is None for code, kind in types.items())
    return whole and np.array_equal(np.arange(3, dtype=np.uint8) + 1, [1, 2, 3])


def main() -> None:
    kind, *numbers = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
    cases = bomb_files() if kind == "bombs" else mutations(*map(int, numbers))
    tell(cases, outcome, whole=numpy_is_whole)


if __name__ == "__main__":
    main()
