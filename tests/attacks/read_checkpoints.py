"""A program that reads forged checkpoints and says what came of them.

    python read_checkpoints.py traps
    python read_checkpoints.py bombs
    python read_checkpoints.py mutations FIRST NUMBER

Their checksums are right: whoever forges one writes those too. What one of them runs leaves the file ``sprung``.
"""

import io
import pickle
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from pickletools import genops
from random import Random
from typing import Any, cast

import torch
from load_weights import PROTOCOLS, Trap, saved, traps, unsprung, zipped
from mutations import bombs, mutated_pickle
from tried import tell

from gan_lightning.runs.checkpoints import read_checkpoint

FOLDER = "archive"
"""Of an archive's entries, where torch saves to a stream."""

NUMBERS = {f"layer{number}.weight": torch.full((3, 4), float(number)) for number in range(3)}


def checkpoint() -> dict[str, Any]:
    """What a run of three layers and one optimiser's state would keep."""
    state = {number: {"step": torch.tensor(7.0), "exp_avg": torch.ones(3, 4)} for number in range(3)}
    return {
        "global_step": 7,
        "state_dict": dict(NUMBERS),
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {"Checkpointing": {"seconds": 1.5}},
        "optimizer_states": [
            {"state": state, "param_groups": [{"lr": 1e-4, "betas": (0.0, 0.9), "params": [0, 1, 2]}]}
        ],
        "random_streams": {"latent": torch.arange(16, dtype=torch.uint8)},
    }


def forged_traps() -> Iterator[tuple[str, bytes]]:
    """Code in place of a checkpoint, and at any depth of one."""
    yield from traps()
    for protocol in PROTOCOLS[2:]:
        for key in checkpoint():
            whole = checkpoint()
            whole[key] = {"state": [whole[key], Trap(protocol)]}
            yield f"a trap in {key}, protocol {protocol}", saved(whole, pickle_protocol=protocol)


def forged_bombs() -> Iterator[tuple[str, bytes]]:
    """Checkpoints that would take memory or time without end, in what is compared with nothing when it is read."""
    for name, steps in bombs():
        hidden = b"}U\x04data" + steps + b"s."
        for other in ("DATA.PKL", "data.PKL", "Data.pkl"):
            yield f"{name} in {other}", forged(lambda whole: whole, {f"{FOLDER}/{other}": hidden})
        yield f"{name} beside it", forged(lambda whole: whole, {"Archive/data.pkl": hidden})
        yield name, forged(lambda whole, steps=steps: whole[:-1] + b"U\x01x" + steps + b"s.")
    number = b"\x8b" + (10**6).to_bytes(4, "little") + b"\x01" * 10**6
    again = b"}" + number + b"q\x00Ns" + b"h\x00Ns" * 10**6
    yield "a long number as a key, again and again", forged(lambda whole: whole[:-1] + b"U\x01x" + again + b"s.")
    for count in (10**4, 2**40, 2**62, 2**70, -1):
        for key in ("state_dict", "optimizer_states", "random_streams"):
            yield f"{count} numbers in {key}", forged(lambda whole, key=key, count=count: announcing(whole, key, count))
    sparse, meta = torch.eye(2).to_sparse(), torch.empty(2**40, device="meta")
    for tensor in (sparse, meta, torch.zeros(1).expand(10**9, 10**9), torch.zeros(2, dtype=torch.complex64)):
        for key in ("state_dict", "optimizer_states", "random_streams"):
            yield f"{key}, {tensor.layout} on {tensor.device}", saved(checkpoint() | {key: {"weight": tensor}})


def mutations(first: int, number: int) -> Iterator[tuple[str, bytes]]:
    """Checkpoints whose pickle has other steps."""
    for seed in range(first, first + number):
        yield f"seed {seed}", forged(lambda whole, seed=seed: mutated_pickle(whole, Random(seed)))


def forged(change: Callable[[bytes], bytes], others: Mapping[str, bytes] | None = None) -> bytes:
    """A checkpoint with another pickle, or with other entries behind its own."""
    with zipfile.ZipFile(io.BytesIO(saved(checkpoint()))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    own = {name: change(content) if name.endswith(".pkl") else content for name, content in members.items()}
    return zipped(own | dict(others or {}))


def announcing(whole: bytes, key: str, count: int) -> bytes:
    """The pickle with another length of the first storage behind a key."""
    steps = list(genops(whole))
    start = next(place for place, (_, argument, _) in enumerate(steps) if argument == key)
    length = next(place for place in range(start, len(steps)) if steps[place][0].name == "BINPERSID")
    while not steps[length][0].name.startswith("BININT"):
        length -= 1
    first, after = cast(int, steps[length][2]), cast(int, steps[length + 1][2])
    return whole[:first] + pickle.dumps(count, 2)[2:-1] + whole[after:]


def outcome(path: Path) -> str:
    """What came of one file: ``read``, ``refused``, or what is wrong."""
    try:
        read_checkpoint(path)
    except ValueError as error:
        return "refused" if str(path) in str(error) and len(str(error).splitlines()) == 1 else f"said {error}"
    return "read"


def main() -> None:
    kind, *arguments = sys.argv[1:]
    kinds = {"traps": forged_traps, "bombs": forged_bombs}
    tell(mutations(*map(int, arguments)) if kind == "mutations" else kinds[kind](), unsprung(outcome))


if __name__ == "__main__":
    main()
