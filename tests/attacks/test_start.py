"""Ctrl-C while libraries load ends a program without a traceback."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

PROJECT = Path(__file__).parents[2]
PROGRAMS = {
    "train": [str(PROJECT / "train.py")],
    "evaluate": ["-m", "gan_lightning.evaluate", "nowhere"],
    "sample": ["-m", "gan_lightning.sample", "nowhere"],
    "report": ["-m", "gan_lightning.report", "nowhere"],
    "study": ["-m", "gan_lightning.study", "status", "nowhere"],
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("number", range(2))
def test_ctrl_c_while_libraries_load_is_no_traceback(name: str, number: int, tmp_path: Path) -> None:
    # Python tells what it has imported, so that nobody has to guess when the program's own lines begin.
    command = [sys.executable, "-X", "importtime", *PROGRAMS[name]]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "gan_lightning.start" in line:
            break
    time.sleep(Random(f"{name} {number}").uniform(0, 1))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    said = out + "".join(line for line in err.splitlines(keepends=True) if not line.startswith("import time:"))
    assert "Traceback" not in said and len(said.splitlines()) <= 2, said
