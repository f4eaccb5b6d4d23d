"""The table, the CSV and the plot of a small study with known outcomes."""

import csv
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.image import imread

from gan_lightning.report.__main__ import main
from gan_lightning.report.comparisons import Comparison, outcomes
from gan_lightning.report.paper import TABLE_5
from gan_lightning.report.runs import spans

AddRun = Callable[..., Path]


@pytest.fixture
def small_study(tmp_path: Path, add_run: AddRun, add_pair: Callable[[int, float, float], None]) -> Path:
    """Four complete pairs (one with a score at a threshold, one diverged, one failed) and two incomplete ones."""
    add_pair(0, 2.0, 5.4)
    add_pair(1, 6.0, 1.2)
    add_run("dcgan", 2, 4.0, status="diverged")
    add_run("wgan_gp", 2, 3.0)
    add_run("dcgan", 3, 1.0)
    add_run("wgan_gp", 3, status="failed", scores=None, architecture=None, error="ValueError: no")
    add_run("dcgan", 4, 9.0)
    add_run("dcgan", 5, 9.0)
    add_run("wgan_gp", 5, status="running", scores=None)
    return tmp_path / "runs"


@pytest.fixture
def report(small_study: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["table2_laptop", "--runs", str(small_study)]) == 0
    return capsys.readouterr().out


def rows_of(report: str) -> list[list[str]]:
    lines = [line for line in report.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_row_counts_only_scores_above_its_threshold(report: str) -> None:
    ours = {row[0]: [int(cell) for cell in row[1:5]] for row in rows_of(report)[2:]}
    assert ours["1.0"] == [0, 1, 2, 1]
    assert ours["1.4"] == [1, 1, 1, 1]
    assert ours["2.6"] == [1, 2, 0, 1]
    assert ours["3.0"] == [1, 1, 0, 2]  # a score of exactly 3.0 is no success
    assert ours["5.0"] == [1, 1, 0, 2]
    assert ours["5.4"] == [1, 0, 0, 3]
    assert ours["6.2"] == [0, 0, 0, 4]


def test_each_row_sums_to_the_complete_pairs(report: str) -> None:
    rows = rows_of(report)[2:]
    assert len(rows) == 17
    assert {sum(map(int, row[1:5])) for row in rows} == {4}


def test_papers_rows_stand_beside_ours_with_their_own_thresholds(report: str) -> None:
    titles, _, *rows = rows_of(report)
    assert titles[0] == "min. digits score"
    assert titles[6] == "paper: min. Inception score"
    assert [tuple(map(float, row[6:])) for row in rows] == list(TABLE_5)


def test_markdown_rule_has_a_mark_in_every_column(report: str) -> None:
    titles, rule, *_ = rows_of(report)
    assert len(rule) == len(titles)
    assert all(re.fullmatch("-+:", mark) for mark in rule)


def test_half_finished_study_says_what_is_in_and_what_is_missing(report: str) -> None:
    assert "- 4 of 30 architectures are in, each under both methods" in report
    assert "- Missing: wgan_gp: 25 without a result (seeds 4, 6-29)." in report
    assert "- Missing: wgan_gp: 1 running or interrupted (seeds 5)." in report
    assert "- Missing: dcgan: 24 without a result (seeds 6-29)." in report


def test_summary_counts_diverged_and_failed_runs_as_lowest(report: str) -> None:
    assert "- Median score: GAN 1.50, WGAN-GP 2.10." in report  # of 1, 1, 2, 6 and of 1, 1.2, 3, 5.4
    assert (
        "ahead on 2 of 4 architectures, behind on 1, level on 1 (exact two-sided sign test against GAN: p = 1)"
        in report
    )
    assert "- Runs that diverged: GAN 1 (seeds 2), WGAN-GP 0." in report
    assert "- Runs that failed: GAN 0, WGAN-GP 1 (seeds 3)." in report
    assert "- Compute: 5.5 hours in 11 runs" in report


def test_failed_runs_are_named_with_what_they_count_and_what_mends_them(report: str) -> None:
    line = "- Failed by an error, counted as 1.0: wgan_gp 1 (seeds 3); starting the study again mends them."
    assert line in report.splitlines()


def test_floor_of_the_study_is_what_a_failed_run_counts(
    tmp_path: Path, add_run: AddRun, use_study: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = "kind: success_table, score: digits_score, floor: 0.0, thresholds: [0.0, 0.5]"
    use_study("table2_laptop", f"report: {{{settings}, baseline: dcgan, penalised: wgan_gp, note: x}}")
    add_run("dcgan", 0, 9.0, status="diverged")
    add_run("wgan_gp", 0, 0.25)
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs")]) == 0
    out = capsys.readouterr().out
    assert "- Median score: GAN 0.00, WGAN-GP 0.25." in out
    assert "counts as 0.0." in out


def test_report_carries_protocol_and_versions(report: str) -> None:
    assert (
        "- Protocol: 400 generator iterations, extractor digits_classifier, weights_sha256 c0ffee, samples 2000"
        in report
    )
    assert "- Versions: torch 2.15.0." in report


def test_study_directory_keeps_what_was_printed(report: str, small_study: Path) -> None:
    assert (small_study / "table2_laptop" / "report" / "table.md").read_text(encoding="utf-8") == report


def test_csv_has_one_row_per_architecture_with_axes_and_outcomes(report: str, small_study: Path) -> None:
    with (small_study / "table2_laptop" / "report" / "architectures.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["seed"] for row in rows] == ["0", "1", "2", "3", "4", "5"]
    assert rows[0] == {
        "seed": "0",
        "generator.depth": "12",
        "generator.normalised": "no",
        "critic.normalised": "yes",
        "dcgan.status": "finished",
        "dcgan.final": "2.0",
        "dcgan.best": "2.0",
        "dcgan.seconds": "1800.0",
        "wgan_gp.status": "finished",
        "wgan_gp.final": "5.4",
        "wgan_gp.best": "5.4",
        "wgan_gp.seconds": "1800.0",
    }
    assert [row["wgan_gp.status"] for row in rows[2:]] == ["finished", "failed", "missing", "running"]
    assert rows[3]["wgan_gp.final"] == ""


def test_report_from_its_own_csv_files_is_the_same_to_the_last_byte(
    report: str, small_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = small_study / "table2_laptop" / "report", tmp_path / "again"
    files = {file.name: file.read_bytes() for file in first.iterdir()}
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "runs.csv").write_bytes(files["runs.csv"])
    assert main(["table2_laptop", "--from", str(tmp_path / "csv"), "--output", str(second)]) == 0
    assert capsys.readouterr().out == report
    assert {file.name: file.read_bytes() for file in second.iterdir()} == files


def test_plot_is_a_picture_of_readme_width_and_small(report: str, small_study: Path) -> None:
    file = small_study / "table2_laptop" / "report" / "success.png"
    picture = imread(file)
    assert picture.shape[1] == 900
    assert file.stat().st_size < 150_000
    for colour in ("#d55e00", "#0072b2"):
        rgb = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        assert (abs(picture[..., :3] - rgb).max(axis=-1) < 0.01).sum() > 500


def test_seeds_beyond_the_plan_are_reported(
    tmp_path: Path, add_pair: Callable[[int, float, float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    add_pair(150, 2.0, 3.0)
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs")]) == 0
    assert "- 1 of 31 architectures are in" in capsys.readouterr().out


def test_score_that_is_not_a_number_is_below_every_threshold(
    tmp_path: Path, add_pair: Callable[[int, float, float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    add_pair(0, math.nan, math.inf)
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs")]) == 0
    assert {tuple(row[1:5]) for row in rows_of(capsys.readouterr().out)[2:]} == {("0", "0", "0", "1")}


def test_broken_result_is_named_and_counts_as_missing(
    small_study: Path, add_run: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    file = add_run("wgan_gp", 4, 8.0)
    file.write_text(file.read_text(encoding="utf-8")[:50], encoding="utf-8")
    assert main(["table2_laptop", "--runs", str(small_study)]) == 0
    out = capsys.readouterr().out
    assert f"- Left out: {file}: " in out
    assert "- 4 of 30 architectures are in" in out


def test_finished_run_without_the_studys_score_is_named_and_left_out(
    small_study: Path, add_run: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    file = add_run("wgan_gp", 4, scores=None)
    assert main(["table2_laptop", "--runs", str(small_study)]) == 0
    assert f"- Left out: {file.parent}: finished without a final 'digits_score'." in capsys.readouterr().out


def test_outcomes_keep_the_two_objectives_apart() -> None:
    comparison = Comparison(list(range(5)), baseline=[3.0, 1.0, 3.0, 1.0, 1.0], other=[1.0, 3.0, 3.0, 1.0, 3.0])
    assert outcomes(comparison, 2.0) == (2.0, 1, 2, 1, 1)


def test_spans_join_neighbours() -> None:
    assert spans([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
