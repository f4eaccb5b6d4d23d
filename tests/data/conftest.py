"""Fixtures of the data tests: a cache of their own, a trainer's outline, pictures, a web server."""

from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder for each test, and no default data folder but an empty one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GAN_LIGHTNING_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "gan_lightning"


@pytest.fixture
def outline() -> Callable[..., Any]:
    """What a data module asks of a trainer."""

    def make(*, step: int = 0, rank: int = 0, world_size: int = 1) -> Any:
        strategy = SimpleNamespace(root_device=torch.device("cpu"))
        return SimpleNamespace(strategy=strategy, global_step=step, global_rank=rank, world_size=world_size)

    return make


@pytest.fixture
def paint() -> Callable[..., Path]:
    """Writes a picture of seeded noise, or of one colour, and makes its folders."""

    def make(path: Path, size: tuple[int, int] = (32, 32), *, colour: Any = None, mode: str = "RGB") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if colour is not None:
            picture = Image.new(mode, size, colour)
        else:
            seed = sum(path.name.encode())
            pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            picture = Image.fromarray(pixels)
        picture.save(path)
        return path

    return make


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the test's own folder on a web server of this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
