"""A program that loads hostile and broken files of weights and says what came of it, by extractor and case.

    python load_weights.py traps EXTRACTOR
    python load_weights.py others EXTRACTOR
    python load_weights.py mutations FIRST NUMBER

Whatever one of them runs leaves the file ``sprung`` in the working directory.
"""

import io
import os
import pickle
import struct
import sys
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from mutations import bombs, damaged
from safetensors.torch import save
from torch import Tensor
from tried import tell

from gan_lightning.metrics.classifier import CLASSIFIERS
from gan_lightning.metrics.features import load_extractor

CLASSIFIER = "digits_classifier"
SPRUNG = Path("sprung").absolute()
LEGACY_SIGN = 0x1950A86A20F9469CFC6C
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class Trap:
    """Unpickled, it runs a command."""

    def __init__(self, protocol: int = 2) -> None:
        self.protocol = protocol

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"echo {self.protocol} >> {SPRUNG}",)


def right_weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return CLASSIFIERS[CLASSIFIER]().state_dict()


def saved(content: Any, **settings: Any) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **settings)
    return file.getvalue()


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_pickle(content: bytes, **others: bytes) -> bytes:
    """An archive as torch saves it, with another pickle."""
    return zipped({"archive/data.pkl": content, "archive/version": b"3\n", "archive/byteorder": b"little", **others})


def old_tar(content: bytes) -> bytes:
    """The format of torch before 0.1.10, whose parts are pickles in a tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def script(content: bytes) -> bytes:
    """A TorchScript archive whose pickles are others."""
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2), check_trace=False), file)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped({name: content if name.endswith(".pkl") else member for name, member in members.items()})


def safetensors_header(header: bytes, body: bytes = bytes(8), length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + body


def traps() -> Iterator[tuple[str, bytes]]:
    """Every form of file that an unpickler somewhere runs."""
    for protocol in PROTOCOLS:
        for name, content in (("alone", Trap(protocol)), ("as a weight", {**right_weights(), "trap": Trap(protocol)})):
            where = f"a trap {name}, protocol {protocol}"
            plain = pickle.dumps(content, protocol)
            yield f"{where}: a pickle", plain
            yield f"{where}: in a zip", with_pickle(plain)
            yield f"{where}: in a zip, packed", zipped({"archive/data.pkl": plain}, zipfile.ZIP_DEFLATED)
            yield f"{where}: in TorchScript", script(plain)
            yield f"{where}: in a tar", old_tar(plain)
            yield f"{where}: behind a legacy head", saved({}, _use_new_zipfile_serialization=False)[:100] + plain
    for protocol in PROTOCOLS[2:]:
        for new in (True, False):
            for content in (Trap(protocol), OrderedDict(trap=Trap(protocol))):
                yield (
                    f"a trap by torch.save, protocol {protocol}, {new}, {type(content).__name__}",
                    saved(content, pickle_protocol=protocol, _use_new_zipfile_serialization=new),
                )
    file = io.BytesIO()
    np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)
    yield "a trap in npy", file.getvalue()
    file = io.BytesIO()
    np.savez(file, trap=np.array([Trap()], dtype=object))
    yield "a trap in npz", file.getvalue()


def others() -> Iterator[tuple[str, bytes]]:
    """Files that are not weights of this network, and such as would take memory or time without end."""
    right = right_weights()
    name = next(iter(right))
    yield "nothing", b""
    yield "text", b"not weights"
    yield "a module", saved(torch.nn.Linear(2, 2).state_dict())
    yield "a tensor", saved(torch.zeros(3))
    yield "a list", saved([torch.zeros(3)])
    yield "numbers for names", saved({0: torch.zeros(3)})
    yield "weights and a number", saved({**right, "epoch": 5})
    yield "one missing", save({key: value for key, value in right.items() if key != name})
    yield "one too many", save({**right, "other": torch.zeros(2)})
    for changed in (
        *(torch.full_like(right[name], value) for value in (float("nan"), float("inf"), float("-inf"))),
        *(right[name].to(kind) for kind in (torch.complex64, torch.bool, torch.int8, torch.float8_e5m2)),
        *(right[name][:1], right[name][None], right[name].double() * 1e300, right[name].to_sparse()),
        torch.zeros(1).expand(10**9, 10**9),
        torch.empty(2**40, device="meta"),
    ):
        yield f"{name} of {changed.dtype}, {tuple(changed.shape)[:2]}", saved({**right, name: changed})
    for key, header in (
        ("no JSON", b"{nothing"),
        ("nested", b"{" + b'"a":{' * 10**5),
        (
            "a tensor of the whole world",
            b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}',
        ),
        ("offsets beyond", b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}'),
        ("offsets backwards", b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}'),
        ("a type of nothing", b'{"a":{"dtype":"X9","shape":[2],"data_offsets":[0,8]}}'),
        ("a shape below 0", b'{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}'),
    ):
        yield f"safetensors, {key}", safetensors_header(header)
    yield "safetensors, a header without end", safetensors_header(b"{}", length=2**63)
    for key, steps in bombs():
        yield f"{key} in a zip", with_pickle(b"\x80\x02}U\x04data" + steps + b"s.")
        yield f"{key} as a key in a legacy file", pickle.dumps(LEGACY_SIGN, 2) + b"}" + steps + b"Ns."
    yield "zeros without end, packed", zipped({"archive/data.pkl": b"N.", "archive/data/0": bytes(2**28)}, 8)


def mutations(first: int, number: int) -> Iterator[tuple[str, bytes]]:
    """Broken files of the right weights in every form."""
    right = right_weights()
    whole = {
        "safetensors": save(right),
        "zip": saved(right),
        "legacy": saved(right, _use_new_zipfile_serialization=False),
    }
    for seed in range(first, first + number):
        for name, content in whole.items():
            random = Random(f"{name} {seed}")
            at = random.choice((0, len(content) - 4000, 0))  # headers and tables rather than numbers
            broken = damaged(content[at : at + 4000], random)
            yield f"{name}, seed {seed}", content[:at] + broken + content[at + 4000 :]


def outcome(extractor: str, path: Path) -> str:
    """What came of one file: ``read``, ``refused``, or what is wrong."""
    try:
        network, result = load_extractor(extractor, ["isc"], weights=str(path)).network, "read"
    except ValueError as error:
        return "refused" if str(path) in str(error) and len(str(error).splitlines()) == 1 else f"said {error}"
    if not all(weights.isfinite().all() for weights in network.state_dict().values()):
        result = "read what is not finite"
    return result


def unsprung(outcome: Callable[[Path], str]) -> Callable[[Path], str]:
    """The same, unless a file has run what it holds."""

    def look(path: Path) -> str:
        result = outcome(path)
        if not SPRUNG.exists():
            return result
        SPRUNG.unlink()
        return "sprung"

    return look


def main() -> None:
    kind, *arguments = sys.argv[1:]
    extractor = CLASSIFIER if kind == "mutations" else arguments[0]
    cases = mutations(*map(int, arguments)) if kind == "mutations" else {"traps": traps, "others": others}[kind]()
    tell(cases, unsprung(partial(outcome, extractor)))


if __name__ == "__main__":
    main()
