"""Reports on critics of the plane, from runs of two iterations."""

import shutil
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from commands import change_settings, own_module, run_claimed
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from torch import nn

from gan_lightning.networks.plane import Critic
from gan_lightning.report.__main__ import main
from gan_lightning.report.archive import read_rows
from gan_lightning.report.critics import Trained, load_trained
from gan_lightning.report.kinds import coupled_gradients, layer_gradients, value_surface
from gan_lightning.report.runs import read_run
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.settings import resolve

METHODS = ("wgan_clip", "wgan_gp_05")
SMALL = ("trainer=cpu", "trainer.threads=1", "data.points=64", "data.held_out_points=16", "data.batch_size=8")
SHORT = ("generator_steps=2", "n_critic=1", "every.pictures=1")
WIDTH = {"figure1a": "arch.critic.width=8", "proposition1": "arch.critic.width=8"}

Report = Callable[..., str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, compose_config: Callable[..., DictConfig]) -> Path:
    """Each study with both methods on one set, and a run that failed."""
    folder = tmp_path_factory.mktemp("runs")
    for study in ("figure1a", "figure1a_live", "figure1b", "proposition1"):
        for method in METHODS:
            width = WIDTH.get(study, "arch.width=8")
            settings = resolve(compose_config(f"+sweeps={study}", f"method={method}", *SMALL, *SHORT, width))
            assert run_claimed(settings, RunDirectory(folder / study / f"method={method}")) == "finished"
        failed = (folder / study / "method=wgan_clip" / "result.json").read_text()
        (folder / study / "failed").mkdir()
        (folder / study / "failed" / "result.json").write_text(failed.replace('"finished"', '"failed"'))
    return folder


@pytest.fixture
def report(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Report:
    """Report a study with few points, and return its text."""
    monkeypatch.setattr(value_surface, "FRESH", 200)
    monkeypatch.setattr(coupled_gradients, "PAIRS", 200)
    monkeypatch.setattr(coupled_gradients, "ASSIGNED", 100)
    monkeypatch.setattr(layer_gradients, "FRESH", 100)

    def written(study: str, *arguments: str) -> str:
        assert main([study, "--runs", str(runs), "--output", str(tmp_path), *arguments]) == 0
        return capsys.readouterr().out

    return written


@pytest.fixture
def trained(runs: Path) -> Callable[..., Trained]:
    def load(study: str, method: str = "wgan_gp_05") -> Trained:
        return load_trained(read_run(runs / study / f"method={method}" / "result.json"))

    return load


def width_of(file: Path) -> int:
    with Image.open(file) as picture:
        return picture.width


def test_value_surfaces_are_drawn_beside_estimates_and_exact_distances(
    report: Report, tmp_path: Path, use_study: Callable[[str, str], None]
) -> None:
    kind = "{kind: value_surface, columns: [8 Gaussians, Swiss roll], points: 32, repeats: 2}"
    use_study("figure1a", f"hydra: {{sweeper: {{params: {{method: 'wgan_clip,wgan_gp_05'}}}}}}\nreport: {kind}")
    text = report("figure1a")
    assert "- Left out: failed: failed." in text
    assert [line.split("|")[2].strip() for line in text.splitlines()[-2:]] == ["WGAN, clipping", "WGAN-GP, β1 0.5"]
    rows = read_rows(tmp_path / "estimates.csv")
    assert [row["method"] for row in rows] == list(METHODS)
    assert len({row["exact"] for row in rows}) == 1
    surfaces = read_rows(tmp_path / "surfaces.csv")
    assert len(surfaces) == 65**2
    assert list(surfaces[0]) == ["x", "y", "Swiss roll, wgan_clip, seed 0", "Swiss roll, wgan_gp_05, seed 0"]
    assert width_of(tmp_path / "surfaces.png") > 500


def test_surface_is_indexed_by_y_and_then_x(trained: Callable[..., Trained]) -> None:
    critic = trained("figure1a")
    surface = value_surface.surface(critic)
    with torch.no_grad():
        score = critic.scores(torch.tensor([[surface.ticks[60], surface.ticks[3]]]))
    assert surface.scores[3, 60] == pytest.approx(score.item(), abs=1e-6)


def test_estimate_of_a_slope_is_its_share_of_the_distance(
    trained: Callable[..., Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fake points are real ones moved by 2 to the left; the critic's slope to the right is 3."""
    critic = trained("figure1a")
    monkeypatch.setattr(value_surface, "FRESH", 500)
    monkeypatch.setattr(Trained, "scores", lambda self, points: 3 * points[:, 0])
    monkeypatch.setattr(Trained, "fake", lambda self, n, purpose: self.real(n, purpose) - torch.tensor([2.0, 0.0]))
    exact = value_surface.exact_distance(critic, points=64, repeats=2)
    assert (exact.distance, exact.std, exact.excess) == pytest.approx((2.0, 0.0, 0.0), abs=1e-6)
    found = value_surface.estimate(critic, exact)
    assert (found.critic, found.largest_norm, found.rescaled) == pytest.approx((6.0, 3.0, 2.0), rel=1e-4)
    assert (found.norm_at_real, found.norm_at_fake) == pytest.approx((3.0, 3.0))


def test_excess_of_an_exact_distance_is_what_halves_of_the_points_are_farther_apart(
    trained: Callable[..., Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between n points 1 + c / √n: c / √n is the excess."""
    monkeypatch.setattr(value_surface, "wasserstein_distance", lambda real, fake: 1 + 2 / len(real) ** 0.5)
    exact = value_surface.exact_distance(trained("figure1a"), points=64, repeats=2)
    assert (exact.distance, exact.excess) == pytest.approx((1.25, 0.25))


def test_critics_beside_other_generators_have_exact_distances_of_their_own(trained: Callable[..., Trained]) -> None:
    critic = trained("figure1a")
    noisy = deepcopy(critic.settings)
    noisy["arch"]["generator"]["noise"] = 0.5
    assert value_surface.sides(replace(critic, settings=noisy)) != value_surface.sides(critic)


@pytest.mark.parametrize("study", ["figure1a", "figure1b"])
def test_two_runs_that_a_picture_cannot_tell_apart_are_refused(
    study: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = runs / study / "method=wgan_gp_05,twin"
    shutil.copytree(runs / study / "method=wgan_gp_05", twin)
    try:
        assert main([study, "--runs", str(runs)]) == 2
    finally:
        shutil.rmtree(twin)
    assert "two runs of wgan_gp_05 with seed 0 on Swiss roll: " in capsys.readouterr().err


def test_bound_is_that_of_clipped_weights_alone() -> None:
    target = "gan_lightning.constraints."
    assert layer_gradients.clipping_bound({"_target_": f"{target}WeightClipping", "bound": 0.1}) == 0.1
    assert layer_gradients.clipping_bound({"_target_": f"{target}NormClipping", "bound": 1.0}) is None
    assert layer_gradients.clipping_bound({"_target_": f"{target}NoConstraint"}) is None


def test_value_surface_beside_a_generator_that_learns_is_refused(trained: Callable[..., Trained]) -> None:
    with pytest.raises(ValueError, match="value surfaces are of critics beside fixed generators; its own learns"):
        value_surface.beside_fixed_generator(trained("figure1a_live"))


def test_gradients_are_shown_layer_by_layer(report: Report, tmp_path: Path) -> None:
    text = report("figure1b")
    assert "- Left out: failed: failed." in text
    rows = read_rows(tmp_path / "gradients.csv")
    assert [int(row["layer"]) for row in rows] == [*range(1, 14), *range(1, 14)]
    assert float(rows[12]["norm"]) == 1
    weights = read_rows(tmp_path / "weights.csv")
    assert sum(int(row["weights"]) for row in weights if row["method"] == "wgan_clip") == 2 * 8 + 11 * 8 * 8 + 8
    assert 0.99 < sum(int(row["weights"]) for row in weights if row["method"] == "wgan_gp_05") / 728 <= 1
    assert width_of(tmp_path / "layers.png") > 800


def test_gradient_of_each_layers_output_is_the_product_of_the_weights_behind_it() -> None:
    critic = Critic(dim=2, width=1, hidden_layers=2)
    for layer, weight in zip(layer_gradients.weight_layers(critic), (7.0, 3.0, 5.0), strict=True):
        nn.init.constant_(layer.weight, weight)
    alive, dead = torch.ones(2, 2), -torch.ones(2, 2)
    assert layer_gradients.output_gradients(critic, alive) == pytest.approx([15.0, 5.0, 1.0])
    assert layer_gradients.output_gradients(critic, torch.cat([alive, dead])) == pytest.approx([7.5, 5.0, 1.0])


def test_slope_is_that_of_log10_over_hidden_layers_alone() -> None:
    assert layer_gradients.slope([1e-3, 1e-1, 1e1, 1.0]) == pytest.approx(2.0)
    assert layer_gradients.slope([0.0, 0.0, 1e-1, 1e-2, 1.0]) == pytest.approx(-1.0)
    assert layer_gradients.slope([0.0, 1e-1, 1.0]) is None


def test_slopes_are_compared_with_those_before_training_and_with_the_least() -> None:
    flat, steep = [1.0, 1.0, 1.0, 1.0], [1e-2, 1e-1, 1.0, 1.0]
    critics = [
        layer_gradients.Layers("clip", "Clip", 0, steep, flat, np.array([0.01, 0.0]), 0.01),
        layer_gradients.Layers("gp", "GP", 1, flat, steep, np.ones(2), None),
    ]
    *_, clipped, penalised = layer_gradients.slopes_table(critics)
    assert clipped.replace(" ", "") == "|Clip|0|+1.000|+0.000|-|0.01|1|0.01|50%|"
    assert penalised.replace(" ", "") == "|GP|1|+0.000|+1.000|-|1|1|-|-|"
    assert [critic.title for critic in critics] == ["Clip at 0.01, seed 0", "GP, seed 1"]


def test_weights_at_the_bound_count_as_clipped() -> None:
    weights = np.array([0.01, -0.01, 0.0099, 0.005, 0.0])
    assert layer_gradients.Layers("m", "M", 0, [1.0], [1.0], weights, 0.01).clipped == pytest.approx(0.6)
    assert layer_gradients.Layers("m", "M", 0, [1.0], [1.0], weights, None).clipped is None


def test_gradients_between_coupled_points_are_shown(report: Report, tmp_path: Path) -> None:
    text = report("proposition1")
    assert "0.300 apart in the mean of 100; no assignment of these is shorter" in text
    rows = read_rows(tmp_path / "gradients.csv")
    assert {(row["quantity"], row["run"]) for row in rows} == {
        (quantity, f"{label}, seed 0")
        for quantity in ("norm", "cosine")
        for label in ("WGAN, clipping", "WGAN-GP, β1 0.5")
    }
    assert sum(int(row["pairs"]) for row in rows) == 4 * 200
    assert width_of(tmp_path / "gradients.png") > 800


@pytest.mark.parametrize(("factor", "cosine"), [(1.0, 1.0), (-2.0, -1.0)])
def test_distance_from_the_origin_has_the_gradients_of_proposition_1(
    trained: Callable[..., Trained], monkeypatch: pytest.MonkeyPatch, factor: float, cosine: float
) -> None:
    monkeypatch.setattr(Trained, "scores", lambda self, points: factor * points.norm(dim=1))
    found = coupled_gradients.between(trained("proposition1"))
    np.testing.assert_allclose(found.norms, abs(factor), rtol=1e-4)
    np.testing.assert_allclose(found.cosines, cosine, rtol=1e-4)
    assert (found.norm_at_real, found.norm_at_fake) == pytest.approx((abs(factor), abs(factor)))


def test_pairs_that_are_not_coupled_optimally_are_refused(trained: Callable[..., Trained]) -> None:
    with pytest.raises(ValueError, match="points of equal latents are not coupled optimally"):
        coupled_gradients.coupled_distance(trained("figure1a"))


def test_samples_over_time_become_one_moving_picture(report: Report, tmp_path: Path) -> None:
    text = report("figure1a_live")
    assert "2 pictures of fixed latents, generator iterations 1 to 2." in text
    with Image.open(tmp_path / "samples.gif") as animation:
        assert getattr(animation, "n_frames", 1) == 2
        assert animation.width == 3 * 240


@pytest.mark.parametrize(
    ("study", "kind"),
    [
        ("figure1a", "{kind: value_surface, columns: [Swiss roll], points: 32, repeats: 2}"),
        ("figure1b", "{kind: layer_gradients, histograms: [wgan_clip]}"),
        ("proposition1", "{kind: coupled_gradients}"),
    ],
)
def test_a_report_of_ones_own_networks_needs_ones_word(
    study: str,
    kind: str,
    runs: Path,
    report: Report,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    use_study: Callable[[str, str], None],
) -> None:
    use_study(study, f"report: {kind}")
    package, own = f"own_networks_of_{study}", tmp_path / "own"
    own_module(
        package, "from gan_lightning.networks.plane import Critic\nclass Mine(Critic): ...\n", tmp_path, monkeypatch
    )
    shutil.copytree(runs / study, own)
    for config in own.glob("*/config.yaml"):
        settings: Any = OmegaConf.to_container(OmegaConf.load(config))
        assert settings["arch"]["critic"]["_target_"] == "gan_lightning.networks.plane.Critic"
        settings["arch"]["critic"]["_target_"] = f"{package}.Mine"
        change_settings(config.parent, settings)
    assert main([study, "--from", str(own), "--output", str(tmp_path / "report")]) == 2
    said = capsys.readouterr().err
    assert f"arch.critic._target_={package}.Mine is refused" in said and "--trust PACKAGE" in said
    assert len(said.splitlines()) == 1 and package not in sys.modules
    assert main([study, "--from", str(own), "--output", str(tmp_path / "report"), "--trust", "another"]) == 2
    capsys.readouterr()
    assert "WGAN-GP" in report(study, "--from", str(own), "--trust", package)


def test_runs_of_images_have_no_value_surface(
    runs: Path, tmp_path: Path, compose_config: Callable[..., DictConfig]
) -> None:
    overrides = ("trainer=cpu", "trainer.threads=1", "metrics=none", "data.batch_size=8", *SHORT)
    tiny = ("arch.generator.filters=2", "arch.critic.filters=2")
    run_claimed(resolve(compose_config(*overrides, *tiny)), RunDirectory(tmp_path / "digits"))
    with pytest.raises(ValueError, match="needs points of the plane"):
        load_trained(read_run(tmp_path / "digits" / "result.json"))
