"""Data that are no images: a kind of one's own is trained on and sampled from without a change of the package."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from commands import run_claimed
from omegaconf import DictConfig
from points import Critic, Generator
from torch import Tensor

from gan_lightning import sample
from gan_lightning.data.base import RealData, Split
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.settings import resolve


class Points(RealData):
    """40 points of the plane, 11 of them held out."""

    def load(self) -> tuple[Split, Split]:
        points = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
        return Split(points[:29]), Split(points[29:])


class ListedPoints(Points):
    """Points that are shown as lines of text."""

    def show(self, samples: Tensor, path: Path) -> Path:
        file = path.with_name(f"{path.name}.txt")
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f"{x:.6f} {y:.6f}\n" for x, y in samples.tolist()))
        return file


@pytest.fixture
def trained(compose_config: Callable[..., DictConfig], tmp_path: Path) -> Callable[[type[RealData]], Path]:
    """Trains on a kind of data for three iterations, with samples to be shown after two of them."""

    def train(kind: type[RealData]) -> Path:
        overrides = ("latent_dim=3", "generator_steps=3", "every.log=1", "every.pictures=2")
        settings = resolve(compose_config("metrics=none", "trainer=cpu", "trainer.threads=1", *overrides))
        settings["data"] = {"_target_": f"{__name__}.{kind.__name__}", "batch_size": 4, "seed": 0}
        for network in (Generator, Critic):
            settings["arch"][network.__name__.lower()] = {"_target_": f"points.{network.__name__}"}
        directory = RunDirectory(tmp_path / "run")
        assert run_claimed(settings, directory) == "finished"
        return directory.path

    return train


def test_points_that_nobody_can_look_at_are_trained_on_all_the_same(trained: Callable[..., Path]) -> None:
    folder = trained(Points)
    assert list(read_metrics(folder / "metrics.csv")) == [1, 2, 3]
    assert (folder / "curves.png").is_file()
    assert not (folder / "samples").exists()


def sampled(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    """``python -m gan_lightning.sample`` where the data set is gone."""

    def gone(self: RealData) -> tuple[Split, Split]:
        raise FileNotFoundError("the data set is gone")

    monkeypatch.setattr(Points, "load", gone)
    monkeypatch.setattr(sys, "argv", ["sample", *map(str, arguments), "--trust", "points", "--trust", __name__])
    sample.main()


def test_a_kind_of_data_says_how_its_samples_are_shown(
    trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained(ListedPoints)
    assert sorted(file.name for file in (folder / "samples").iterdir()) == ["000002.txt", "000003.txt", "real.txt"]
    held_out = Points(batch_size=4, n_critic=1, seed=0).splits[1].samples
    shown = (folder / "samples" / "real.txt").read_text().splitlines()
    assert shown == [f"{x:.6f} {y:.6f}" for place in range(100) for x, y in [held_out[place * 11 // 100].tolist()]]
    sampled(monkeypatch, folder, "--output", folder / "again.txt")
    lines = (folder / "again.txt").read_text()
    assert lines == (folder / "samples" / "000003.txt").read_text()
    assert len(lines.splitlines()) == 100


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "cannot be shown: Points has no way to show samples"),
        (("--interpolate",), "cannot be shown: Points has no way to show samples"),
        (("--images", "3"), "--images is not possible: the samples of Points are no images"),
    ],
)
def test_what_has_no_way_to_be_shown_is_refused_in_one_line(
    arguments: tuple[str, ...],
    line: str,
    trained: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = trained(Points)
    with pytest.raises(SystemExit, match="2"):
        sampled(monkeypatch, folder, *arguments)
    (error,) = capsys.readouterr().err.splitlines()[-1:]
    assert error.startswith("error: ") and error.endswith(line)
    assert not (folder / "samples").exists() and not (folder / "images").exists()
