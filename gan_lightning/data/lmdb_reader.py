"""A program that reads an LMDB file, in a process of its own: LMDB trusts the file, and a broken one ends its reader.

python lmdb_reader.py FOLDER keys
python lmdb_reader.py FOLDER contents < KEYS
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

FILE = "data.mdb"
LENGTH = 8
"""Bytes of an item's length, which come before it."""

MOST_KEYS = 10**7
"""They are held in memory. LSUN's bedrooms, 43 GB, are three million."""

MOST_CONTENT, ANSWER = 2**28, 2**28
"""Bytes under a key, and of the contents that are handed over at once, but for the last of them."""

PATIENCE = 20
"""Seconds of computing that an item may take, where a tree that leads into itself would take all there are."""

BROKEN = 1
"""The exit code of a reader that says what is wrong with the file."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What asks a run for a stop, sent to all of its processes: those that read for it go on until they have read."""


def keys_of(folder: Path) -> list[bytes]:
    """All keys of the file in a folder, in its order.

    Raises:
        ValueError: naming the file, if it is broken.
        OSError: if the reading was interrupted.
    """
    return _ask(folder, "keys", [])


def contents_of(folder: Path, keys: Sequence[bytes]) -> Iterator[list[tuple[bytes, bytes]]]:
    """Each key and what the file in a folder holds under it, nothing where there is none, in lists of bounded size.

    Errors are those of the keys.
    """
    while keys:
        contents = _ask(folder, "contents", keys)
        yield list(zip(keys, contents, strict=False))
        keys = keys[len(contents) :]


def _ask(folder: Path, question: str, keys: Sequence[bytes]) -> list[bytes]:
    command = [sys.executable, "-P", __file__, str(folder), question]
    done = subprocess.run(command, input=b"".join(_packed(keys)), capture_output=True, start_new_session=True)
    if -done.returncode in (*SIGNALS, signal.SIGKILL):  # no fault of the file
        raise OSError(f"the reading of {folder / FILE} was ended by {signal.Signals(-done.returncode).name}")
    said = done.stderr.decode(errors="replace").splitlines()
    if done.returncode:
        reason = (
            said[-1] if done.returncode == BROKEN and said else "cannot be read as an LMDB file: its tree is broken"
        )
        raise ValueError(f"{folder / FILE} {reason}")
    return list(_unpacked(done.stdout))


def _packed(items: Iterable[bytes]) -> Iterator[bytes]:
    for item in items:
        yield len(item).to_bytes(LENGTH, "little") + item


def _unpacked(content: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(content):
        start = place + LENGTH
        place = start + int.from_bytes(content[place:start], "little")
        yield content[start:place]


def _read(folder: str, question: str) -> Iterator[bytes]:
    """What is asked for, which is no more than the file has bytes; contents until they are enough for an answer.

    Raises:
        ValueError: if the file is cut short, or its tree leads to more, or to what no set of pictures holds.
    """
    import lmdb  # takes longer than all else here, and whoever asks does not need it

    size = left = os.stat(Path(folder, FILE)).st_size
    with lmdb.open(folder, readonly=True, lock=False) as environment:
        whole = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
        if left < whole:
            raise ValueError(f"is cut short, {left:,} of {whole:,} bytes: download it again")
        with environment.begin() as transaction:
            if question == "keys":
                items = transaction.cursor().iternext(values=False)
            else:
                items = (transaction.get(key) or b"" for key in _unpacked(sys.stdin.buffer.read()))
            for number, item in enumerate(items):
                left -= LENGTH + len(item)
                if left < 0 or number == MOST_KEYS:
                    raise ValueError(f"cannot be read: its tree holds more than the file, or {MOST_KEYS:,} keys")
                if len(item) > MOST_CONTENT:
                    raise ValueError(
                        f"holds {len(item):,} bytes under a key, and no picture has more than {MOST_CONTENT:,}"
                    )
                yield bytes(item)
                if question == "contents" and size - left > ANSWER:
                    return
                signal.setitimer(signal.ITIMER_PROF, PATIENCE)


def main() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    try:
        for packed in _packed(_read(*sys.argv[1:])):
            sys.stdout.buffer.write(packed)
        sys.stdout.flush()
    except ValueError as error:
        sys.exit(str(error))
    except Exception as error:
        sys.exit(f"cannot be read as an LMDB file ({' '.join(str(error).split()) or type(error).__name__})")


if __name__ == "__main__":
    main()
