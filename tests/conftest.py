"""What the tests share: one thread, composed settings, a trainer with nothing on top, real data where there are any."""

import logging
import os
import signal
import tarfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache as cache_results
from pathlib import Path

import lightning as L
import pytest
import torch
from commands import Train, end_started
from hydra import compose
from omegaconf import DictConfig

import gan_lightning.cli  # noqa: F401 - registers the resolvers that the configuration needs
from gan_lightning.data.base import Batch
from gan_lightning.module import AdversarialModule
from gan_lightning.planning.timing import Repeated
from gan_lightning.runs.overrides import composing

torch.set_num_threads(1)  # small networks, on machines whose other cores may be busy
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


@pytest.fixture(scope="session", autouse=True)
def own_cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's cache is left alone."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session", autouse=True)
def signals_as_in_a_terminal() -> None:
    """Which tests of signals need, and their processes inherit; under ``nohup``, say, some are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    """What a test has started ends with it, also where it fails."""
    yield
    end_started()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data sets that machines of developers may have beside the checkout."""
    folder = Path(os.environ.get("GAN_LIGHTNING_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "data").is_dir():
        pytest.skip("no real data: neither $GAN_LIGHTNING_SHARED nor ../shared beside the checkout")
    return folder


@pytest.fixture(scope="session")
def unpacked(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Unpacks one of the real sets, once in a session."""

    @cache_results
    def unpack(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        with tarfile.open(shared / "data" / f"{name}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        return folder

    return unpack


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Train:
    """``python train.py`` in an empty folder."""
    return Train(monkeypatch, capsys, tmp_path)


@pytest.fixture(scope="session")
def compose_config() -> Callable[..., DictConfig]:
    """Compose ``conf/train.yaml`` with overrides, as the command line does."""

    def composed(*overrides: str) -> DictConfig:
        with composing():
            return compose("train", list(overrides))

    return composed


@pytest.fixture(scope="session")
def compose_hydra() -> Callable[..., DictConfig]:
    """As ``compose_config``, with Hydra's own part."""

    def composed(*overrides: str) -> DictConfig:
        with composing():
            return compose("train", list(overrides), return_hydra_config=True)

    return composed


@pytest.fixture(scope="session")
def fit() -> Callable[..., L.Trainer]:
    """Train a module on one batch, again and again or on an iterable of batches, for so many generator iterations."""

    def fitted(
        module: AdversarialModule,
        batch: Batch | None = None,
        *,
        steps: int,
        batches: Iterable[Batch] = (),
        callbacks: Iterable[L.Callback] = (),
        plugins: Iterable = (),
        checkpoint: str | None = None,
    ) -> L.Trainer:
        trainer = L.Trainer(
            accelerator="cpu",
            devices=1,
            max_steps=steps,
            max_epochs=-1,
            callbacks=list(callbacks),
            plugins=list(plugins),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, batches if batch is None else Repeated(batch), ckpt_path=checkpoint)
        return trainer

    return fitted
