"""Samples of groups of runs: which are shown, where, and what stands in for those that are not there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_lightning.data.base import SHOWN_SIDE
from gan_lightning.report.__main__ import main
from gan_lightning.report.plots.sheet import SIDE, Cell, cropped, draw_sheet
from gan_lightning.report.runs import Run, read_run
from gan_lightning.report.samples import cell_of

AddMember = Callable[..., Path]
UseStudy = Callable[[str, str], None]

OVER_TIME = """
hydra: {sweeper: {params: {seed: 'range(2)', arch: 'narrow,wide'}}}
report: {kind: groups, axes: [{key: choices.arch}], samples: {iterations: [100, 400], lines: 2}}
"""


@pytest.fixture
def run_with(add_member: AddMember) -> Callable[..., Run]:
    """A run with pictures at some iterations."""

    def make(*samples: int, step: int = 400, **changes: object) -> Run:
        return read_run(add_member("wgan_gp", 0, 2.0, samples=samples, generator_step=step, **changes) / "result.json")

    return make


def shown(cell: Cell) -> tuple[str | None, str]:
    return cell.picture.stem if cell.picture else None, cell.caption


def test_side_of_the_grids_is_that_of_the_runs() -> None:
    assert SIDE == SHOWN_SIDE


def test_last_picture_is_shown_and_nothing_is_said_of_a_finished_run(run_with: Callable[..., Run]) -> None:
    assert shown(cell_of(run_with(200, 400), None)) == ("000400", "")


def test_picture_of_an_iteration_is_that_or_the_last_before_it_which_is_said(run_with: Callable[..., Run]) -> None:
    run = run_with(100, 200, 400)
    assert shown(cell_of(run, 200)) == ("000200", "")
    assert shown(cell_of(run, 350)) == ("000200", "at 200")
    assert shown(cell_of(run, 50)) == (None, "no samples")
    assert shown(cell_of(run, 500)) == (None, "ended at 400")


def test_diverged_run_shows_its_last_picture_and_says_so(run_with: Callable[..., Run]) -> None:
    run = run_with(100, step=120, status="diverged")
    assert shown(cell_of(run, None)) == ("000100", "diverged at 120")
    assert shown(cell_of(run, 400)) == (None, "diverged at 120")


def test_failed_running_and_missing_runs_are_told_apart(run_with: Callable[..., Run]) -> None:
    assert shown(cell_of(None, None)) == (None, "no run")
    run = run_with(step=0, status="failed", scores=None)
    assert shown(cell_of(run, None)) == (None, "failed")
    shutil.rmtree(run.directory)
    assert shown(cell_of(run_with(50, step=80, status="running"), None)) == ("000050", "running at 80")


def test_crop_is_of_whole_samples_from_the_top_left(tmp_path: Path) -> None:
    grid = np.zeros((30, 30, 3), dtype=np.uint8)
    grid[:9, :9] = 200
    Image.fromarray(grid).save(tmp_path / "grid.png")
    assert cropped(tmp_path / "grid.png", 3).shape == (9, 9, 3)
    assert (cropped(tmp_path / "grid.png", 3) == 200).all()
    assert cropped(tmp_path / "grid.png", 10).shape == (30, 30, 3)


def test_sheet_has_the_pictures_in_their_places_pixel_by_pixel(tmp_path: Path) -> None:
    colours = {("a", "x"): (200, 10, 10), ("a", "y"): (10, 200, 10), ("b", "x"): (10, 10, 200)}
    cells = {key: Cell(picture=tmp_path / f"{'-'.join(key)}.png") for key in colours}
    for key, colour in colours.items():
        Image.new("RGB", (200, 150), colour).save(cells[key].picture or "")
    draw_sheet(tmp_path / "sheet.png", {**cells, ("b", "y"): Cell(caption="diverged at 120")}, crop=10)
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    places = {key: np.argwhere(abs(pixels - colour).max(axis=2) == 0) for key, colour in colours.items()}
    assert {len(place) for place in places.values()} == {200 * 150}
    (top, left), (_, right), (below, _) = (places[key].min(axis=0) for key in colours)
    assert right - left == 210 and below - top == 160


def test_run_of_the_lowest_seed_is_shown_over_time(
    tmp_path: Path, add_member: AddMember, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    use_study("grouped", OVER_TIME)
    add_member("wgan_gp", 1, 2.0, choices={"arch": "narrow"}, samples=[100, 400])
    add_member("wgan_gp", 0, 2.0, choices={"arch": "narrow"}, samples=[100, 400])
    add_member("wgan_gp", 0, 2.0, choices={"arch": "wide"}, samples=[100], generator_step=100, status="running")
    assert main(["grouped", "--runs", str(tmp_path / "runs")]) == 0
    text = capsys.readouterr().out
    assert "![Samples](samples.png)" in text
    assert "the run with the lowest seed, whatever became of it; rows by arch, columns by generator iterations." in text
    with Image.open(tmp_path / "runs" / "grouped" / "report" / "samples.png") as sheet:
        assert sheet.width > 2 * 180


def test_texts_are_shown_as_text_whatever_characters_are_in_them(
    tmp_path: Path, add_member: AddMember, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    use_study("grouped", OVER_TIME.replace("iterations: [100, 400], ", ""))
    directory = add_member("wgan_gp", 0, 2.0, choices={"arch": "narrow"})
    (directory / "samples" / "000400.txt").write_text("``````\n# The\x0bhead | of\nthird\n", encoding="utf-8")
    (directory / "samples" / "000300.txt").write_text("earlier\n", encoding="utf-8")
    assert main(["grouped", "--runs", str(tmp_path / "runs")]) == 0
    text = capsys.readouterr().out
    assert "narrow:\n\n    ``````\n    # The\x0bhead | of\n" in text
    assert "third" not in text and "earlier" not in text
    assert "samples.png" not in text


def test_samples_that_were_not_kept_are_said_to_be_missing(
    tmp_path: Path, add_member: AddMember, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    use_study("grouped", OVER_TIME)
    add_member("wgan_gp", 0, 2.0, choices={"arch": "narrow"})
    kept = tmp_path / "kept"
    assert main(["grouped", "--runs", str(tmp_path / "runs"), "--output", str(kept)]) == 0
    assert "No run has written samples yet." in capsys.readouterr().out
    (kept / "samples.md").unlink()
    assert main(["grouped", "--from", str(kept)]) == 0
    assert "None were kept: there is no samples.md in kept." in capsys.readouterr().out
