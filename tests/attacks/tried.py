"""What the programs have in common that open hostile files, each in a process that a crash ends alone."""

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

EXPECTED = ("read", "refused")


def tell(cases: Iterable[tuple[str, bytes]], outcome: Callable[[Path], str], **more: Callable[[], Any]) -> None:
    """Open files, and print as JSON how many came to what, the longest that one took, and megabytes of memory.

    Args:
        cases: names and contents of the files.
        outcome: opens one; ``read``, ``refused``, or what is wrong.
        more: what else is to be told when all are opened, by name.
    """
    found, longest = Counter[str](), (0.0, "")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with TemporaryDirectory() as folder:
        path = Path(folder, "file")
        for name, content in cases:
            path.write_bytes(content)
            print(name, file=sys.stderr, flush=True)  # the last line tells which one ended the process
            start = time.perf_counter()
            result = outcome(path)
            longest = max(longest, (time.perf_counter() - start, name))
            found[result if result in EXPECTED else f"{name}: {result}"] += 1
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    told = {name: ask() for name, ask in more.items()}
    print(json.dumps({"found": found, "longest": longest, "megabytes": megabytes} | told))
