"""The report of a study by groups: which runs belong together, how they ended, and how they score."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.image import imread

from gan_lightning.report import samples
from gan_lightning.report.__main__ import main
from gan_lightning.report.curves import Curves, panels_of
from gan_lightning.report.groups import Group, as_text
from gan_lightning.report.kinds import groups
from gan_lightning.report.runs import read_runs

AddMember = Callable[..., Path]
UseStudy = Callable[[str, str], None]

STUDY = """
hydra: {sweeper: {params: {seed: 'range(2)', arch: 'plain,deep', method: 'wgan_gp,dcgan'}}}
report:
  paper_item: Figure 2
  kind: groups
  axes:
    - {key: choices.arch, label: architecture, names: {plain: Baseline}}
    - {key: method}
  scores: {score: digits_score, worst: 1.0, failure: 1.5}
  curves:
    loss:
      columns: {training: train/critic_loss, held-out: val/critic_loss}
      quantity: negative critic loss
      negate: true
      median_filter: 3
      gap: true
    score: {columns: {score: score/digits_score}, quantity: digits score, x: [iterations, seconds], level: 4}
  samples: {crop: 4}
  note: Scaled down.
"""


def logged(final: float, steps: int = 400) -> dict[int, dict[str, float]]:
    """A run's rows: the held-out loss falls behind the training loss, and the score climbs to its end."""
    return {
        step: {
            "seconds": step / 10,
            "train/critic_loss": -1 - final / 5 * step / 400,
            "val/critic_loss": -1.0,
            "score/digits_score": 1 + (final - 1) * step / 400,
        }
        for step in range(20, steps + 1, 20)
    }


@pytest.fixture
def study(tmp_path: Path, add_member: AddMember, use_study: UseStudy) -> Path:
    """Of eight runs five have ended, one of them diverged and one failed; one is running and two are missing."""
    use_study("grouped", STUDY)
    plain, deep = {"arch": "plain"}, {"arch": "deep"}
    add_member("wgan_gp", 0, 5.0, choices=plain, logged=logged(5.0), samples=[200, 400])
    add_member("wgan_gp", 1, 6.0, choices=plain, logged=logged(6.0), samples=[200, 400])
    add_member("dcgan", 0, 1.2, choices=plain, logged=logged(1.2), samples=[200, 400])
    broken = {"status": "diverged", "generator_step": 120, "seconds": 12.0}
    add_member("dcgan", 0, choices=deep, logged=logged(2.0, 120), samples=[100], **broken)
    running = {"status": "running", "generator_step": 200, "scores": None}
    add_member("wgan_gp", 0, choices=deep, logged=logged(3.0, 200), samples=[], **running)
    refused = add_member(
        "dcgan", 1, choices=deep, status="failed", scores=None, generator_step=0, error="ValueError: no"
    )
    (refused / "config.yaml").unlink()
    return tmp_path / "runs"


@pytest.fixture
def draw_report(study: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Report the study with its pictures, and return the text."""

    def run(*arguments: str) -> str:
        assert main(["grouped", "--runs", str(study), *arguments]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def run_report(draw_report: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Report the study without its pictures, and return the text."""
    monkeypatch.setattr(groups, "draw_panels", lambda *_, **__: None)
    monkeypatch.setattr(samples, "draw_sheet", lambda *_, **__: None)
    return draw_report


def rows_of(text: str, title: str, table: int = 0) -> list[list[str]]:
    """The rows of a table under a title, titles and rule left out."""
    section = text.split(f"## {title}")[1].split("\n## ")[0]
    tables = [part for part in section.split("\n\n") if part.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[table].splitlines()[2:]]


def test_groups_stand_in_the_order_of_the_plan_under_the_names_of_yaml_and_runs(run_report: Callable[..., str]) -> None:
    assert [row[:2] for row in rows_of(run_report(), "Runs")] == [
        ["Baseline", "WGAN-GP"],
        ["Baseline", "GAN"],
        ["deep", "WGAN-GP"],
        ["deep", "GAN"],
    ]


def test_runs_are_counted_by_how_they_ended(run_report: Callable[..., str]) -> None:
    rows = rows_of(run_report(), "Runs")
    assert rows[0][2:] == ["2 of 2", "2", "0", "0", "0", "400", "1800.0"]
    assert rows[2][2:] == ["1 of 2", "0", "0", "0", "1", "200", "-"]
    assert rows[3][2:] == ["2 of 2", "0", "1", "1", "0", "0 to 120", "-"]


def test_what_is_missing_diverged_or_failed_is_named(run_report: Callable[..., str]) -> None:
    lines = run_report().splitlines()
    assert "- Runs that have ended: 5, planned: 8." in lines
    assert "- Missing: Baseline, GAN: 1 of 2 without a result." in lines
    assert "- Missing: deep, WGAN-GP: 1 running or interrupted." in lines
    assert "- Diverged: deep, GAN, seed 0, at generator iteration 120." in lines
    assert "- Failed: deep, GAN, seed 1: ValueError: no." in lines
    assert "Scaled down." in lines


def test_scores_count_diverged_and_failed_runs_as_the_worst(run_report: Callable[..., str]) -> None:
    rows = rows_of(run_report(), "Scores")
    assert rows[0][2:7] == ["2", "5.5", "5.25 to 5.75", "5 to 6", "5.5"]
    assert [row[7].split()[0] for row in rows] == ["0", "100", "-", "100"]  # 1.2 is below 1.5
    assert rows[2][2:] == ["0", "-", "-", "-", "-", "-"]
    assert rows[3][2:7] == ["2", "1", "1 to 1", "1 to 1", "-"]


def test_two_axes_have_a_table_of_rows_and_columns(run_report: Callable[..., str]) -> None:
    assert rows_of(run_report(), "Scores", table=1) == [
        ["Baseline", "5.5", "1.2 (1 of 1 fail)"],
        ["deep", "-", "1 (2 of 2 fail)"],
    ]


def test_protocol_is_said_once_where_it_is_the_same(run_report: Callable[..., str]) -> None:
    text = run_report()
    assert text.count("- Protocol: 400 generator iterations, extractor digits_classifier") == 1


def test_groups_may_be_scored_differently_and_then_say_so(
    study: Path, add_member: AddMember, run_report: Callable[..., str]
) -> None:
    final = {"digits_score": 2.0}
    scores = {"monitor": "digits_score", "final": final, "best": final, "protocol": {"data": "faces"}}
    add_member("lsgan", 0, choices={"arch": "plain"}, scores=scores)
    text = run_report()
    assert "- Protocol of Baseline, LSGAN: 400 generator iterations, data faces." in text
    assert "- Protocol of Baseline, WGAN-GP: 400 generator iterations, extractor" in text


def test_gap_and_its_growth_are_means_of_tenths_over_the_finished_runs(run_report: Callable[..., str]) -> None:
    rows = [row for row in rows_of(run_report(), "Loss") if row[1] == "WGAN-GP"]
    assert rows[0][2:5] == ["training", "2", "1.083 [1.075, 1.09]"]  # of 20 rows the first two
    assert rows[1][2:] == ["held-out", "2", *["1 [1, 1]"] * 2, *["0 [0, 0]"] * 2]
    assert rows[2][2:5] == ["gap", "2", "0.0825 [0.075, 0.09]"]
    assert rows[2][5:] == ["1.073 [0.975, 1.17]", "0.99 [0.9, 1.08]", "0.0275 [0.025, 0.03]"]
    assert rows[3][2:] == ["training", "0", "-", "-", "-", "-"]


def test_level_is_timed_where_it_is_first_met(run_report: Callable[..., str]) -> None:
    rows = rows_of(run_report(), "Score: digits score")
    assert rows[0][-1] == "2 of 2: iteration 270, 27 s"  # 1 + 4 t/400 and 1 + 5 t/400 meet 4 at 300 and at 240
    assert rows[1][-1] == "0 of 1"


def test_report_from_its_own_csv_files_is_the_same_to_the_last_byte(
    study: Path, tmp_path: Path, draw_report: Callable[..., str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    text = draw_report("--output", str(first))
    shutil.rmtree(study)
    assert draw_report("--from", str(first), "--output", str(second)) == text
    names = ["loss.plotly.json", "loss.png", "runs.csv", "samples.md", "samples.png"]
    names += ["score.plotly.json", "score.png", "series.csv", "table.md"]
    assert sorted(file.name for file in second.iterdir()) == names
    for name in names:
        assert (second / name).read_bytes() == (first / name).read_bytes(), name


def test_pictures_are_of_talk_width_and_show_every_curve(study: Path, draw_report: Callable[..., str]) -> None:
    draw_report()
    picture = imread(study / "grouped" / "report" / "score.png")
    assert picture.shape[1] == 1280
    for colour in ("#0072b2", "#d55e00", "#009e73", "#cc79a7"):
        rgb = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        assert (abs(picture[..., :3] - rgb).max(axis=-1) < 0.01).sum() > 100


def test_study_without_any_run_of_a_group_in_it_yet_is_reported(
    study: Path, add_member: AddMember, run_report: Callable[..., str]
) -> None:
    shutil.rmtree(study)
    add_member("wgan_gp", 0, choices={"arch": "plain"}, status="running", scores=None, generator_step=0)
    text = run_report()
    assert "- Runs that have ended: 0, planned: 8." in text
    assert "No run has logged train/critic_loss or val/critic_loss yet." in text
    assert "No run has written samples yet." in text


def test_setting_that_some_runs_lack_is_none_for_them_and_numbers_are_compared_as_numbers(
    tmp_path: Path, add_member: AddMember, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = "hydra: {sweeper: {params: {constraint.bound: '1e-1,0.01'}}}"
    names = "{'0.1': c = 0.1, none: penalty}"
    use_study("grouped", f"{sweep}\nreport: {{kind: groups, axes: [{{key: constraint.bound, names: {names}}}]}}")
    add_member("wgan_clip", 0, settings={"constraint": {"bound": 0.01}})
    add_member("wgan_clip", 1, settings={"constraint": {"bound": 0.1}})
    add_member("wgan_gp", 0, settings={"constraint": {"weight": 10}})
    assert main(["grouped", "--runs", str(tmp_path / "runs")]) == 0
    rows = rows_of(capsys.readouterr().out, "Runs")
    assert [row[:2] for row in rows] == [["c = 0.1", "1 of 1"], ["0.01", "1 of 1"], ["penalty", "1"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-2, "0.01"),
        ("0.010", "0.01"),
        (5, "5"),
        ("5.0", "5"),
        (True, "true"),
        ("true", "true"),
        (None, "none"),
        ("null", "none"),
        ([1, 2.5], "[1,2.5]"),
        ("elu", "elu"),
        ("none", "none"),
    ],
)
def test_values_are_one_however_they_are_written(value: object, text: str) -> None:
    assert as_text(value) == text


def test_run_that_was_refused_and_whose_setting_nobody_knows_is_left_out_by_name(
    study: Path, run_report: Callable[..., str], use_study: UseStudy
) -> None:
    use_study("grouped", STUDY.replace("{key: method}", "{key: arch.depth}"))
    for directory in (study / "grouped").glob("*"):
        if (directory / "config.yaml").is_file():
            config = json.loads((directory / "config.yaml").read_text())
            depth = {"arch": {"depth": len(directory.name)}}
            (directory / "config.yaml").write_text(json.dumps(config | depth))
    text = run_report()
    assert "- Left out: method=dcgan,arch=deep,seed=1: failed without a config.yaml: ValueError: no." in text


def refused(study: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["grouped", "--runs", str(study)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def test_runs_that_differ_in_something_that_is_no_axis_are_refused(
    study: Path, add_member: AddMember, capsys: pytest.CaptureFixture[str]
) -> None:
    add_member("wgan_gp", 0, 5.0, choices={"arch": "plain"}, settings={"n_critic": 1})
    line = refused(study, capsys)
    assert "two runs of Baseline, WGAN-GP with seed 0: " in line
    assert "name what they differ in as an axis" in line


def test_runs_of_one_group_by_two_protocols_are_refused(
    study: Path, add_member: AddMember, capsys: pytest.CaptureFixture[str]
) -> None:
    final = {"digits_score": 2.0}
    scores = {"monitor": "digits_score", "final": final, "best": final, "protocol": {"samples": 100}}
    add_member("dcgan", 1, choices={"arch": "plain"}, scores=scores)
    assert "protocol." in refused(study, capsys)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("key: method", "key: methods", "key=methods is not possible: no run has that setting"),
        ("failure: 1.5", "failure: 1.0", "scores.failure=1.0 is not possible: better than 1.0 is needed"),
        ("failure: 1.5", "paper: {middle: plain}", "scores.paper=middle is not possible: unsupervised and supervised"),
        ("median_filter: 3", "median_filter: 2", "curves.median_filter=2 is not possible: an odd number"),
        ("level: 4", "y_range: [1]", "curves.y_range=[1.0] is not possible"),
        ("x: [iterations, seconds]", "x: [hours]", "curves.x=['hours'] is not possible: iterations, seconds or both"),
        ("level: 4", "gap: true", "curves.gap=true is not possible: two columns are needed"),
        ("columns: {score: score/digits_score}", "columns: {}", "curves.columns={} is not possible"),
        ("crop: 4", "crop: 11", "samples.crop=11 is not possible: 1 to 10"),
        ("crop: 4", "iterations: [2, 1]", "samples.iterations=[2, 1] is not possible: ascending"),
        ("crop: 4", "lines: 0", "samples.lines=0 is not possible"),
        ("crop: 4", "rows: 4", "Key 'rows' not in 'Samples'"),
        ("score: digits_score", "score: digits_fid", "score=digits_fid is not possible for this report"),
    ],
)
def test_unsound_settings_are_refused(
    study: Path, use_study: UseStudy, capsys: pytest.CaptureFixture[str], old: str, new: str, complaint: str
) -> None:
    use_study("grouped", STUDY.replace(old, new))
    assert complaint in refused(study, capsys)


def test_report_without_axes_is_refused(study: Path, use_study: UseStudy, capsys: pytest.CaptureFixture[str]) -> None:
    use_study("grouped", "report: {kind: groups, axes: []}")
    assert "axes=[] is not possible" in refused(study, capsys)


TEXT = """
hydra: {sweeper: {params: {method: 'wgan_gp,dcgan'}}}
report:
  kind: groups
  axes: [{key: method}]
  scores: {score: js_4, worst: 1.0, lower_is_better: true, failure: 0.5, further: [js_1], floors: {js_4: real_js_4}}
"""


def text_scores(js_4: float, js_1: float) -> dict[str, object]:
    final = {"js_4": js_4, "js_1": js_1}
    best = {"js_4": js_4 / 2, "js_1": js_1}
    protocol = {"samples": 640, "real_js_4": 0.03}
    return {"monitor": "js_4", "higher_is_better": False, "final": final, "best": best, "protocol": protocol}


@pytest.fixture
def text_study(tmp_path: Path, add_member: AddMember, use_study: UseStudy) -> Path:
    """Two methods by scores of which lower is better, one of them a failure."""
    use_study("grouped", TEXT)
    add_member("wgan_gp", 0, scores=text_scores(0.25, 0.001))
    add_member("dcgan", 0, scores=text_scores(0.6, 0.4))
    return tmp_path / "runs"


def test_lower_scores_may_be_better_and_real_samples_stand_below(
    text_study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grouped", "--runs", str(text_study)]) == 0
    text = capsys.readouterr().out
    rows = rows_of(text, "Scores")
    assert [row[2] for row in rows] == ["0.25", "0.6"]
    assert [row[5] for row in rows] == ["0.125", "0.3"]
    assert [row[6].split()[0] for row in rows] == ["0", "100"]
    assert rows_of(text, "Scores", table=1) == [
        ["WGAN-GP", "0.25", "0.001"],
        ["GAN", "0.6", "0.4"],
        ["real samples", "0.03", ""],
    ]


def test_picture_has_a_level_where_the_scores_of_real_samples_are_known(text_study: Path) -> None:
    runs, _ = read_runs(text_study / "grouped")
    logged = {run.directory.name: {100: {"score/js_4": 0.5, "score/js_1": 0.2, "seconds": 1.0}} for run in runs}
    columns = {"1-grams": "score/js_1", "4-grams": "score/js_4"}
    curves = Curves(columns, "divergence", floors={"4-grams": "real_js_4"})
    (panel,) = panels_of(curves, [Group(("a",), ("a",), runs, planned=2)], logged)
    assert {curve.label: curve.floors for curve in panel.curves} == {"1-grams": [], "4-grams": [0.03]}
    with pytest.raises(ValueError, match="floors=5-grams is not possible: the columns are 1-grams, 4-grams"):
        Curves(columns, "divergence", floors={"5-grams": "real_js_4"})


def test_all_scores_come_back_from_the_csv_files(
    text_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grouped", "--runs", str(text_study), "--output", str(tmp_path / "kept")]) == 0
    text = capsys.readouterr().out
    assert main(["grouped", "--from", str(tmp_path / "kept")]) == 0
    assert capsys.readouterr().out == text


def test_score_of_which_higher_is_better_is_refused_where_lower_is_asked_for(
    text_study: Path, add_member: AddMember, capsys: pytest.CaptureFixture[str]
) -> None:
    add_member("lsgan", 0, scores=text_scores(0.3, 0.1) | {"higher_is_better": True})
    assert "score=js_4 is not possible for this report: higher is better" in refused(text_study, capsys)


def test_papers_half_of_table_3_has_our_group_below_and_the_best_may_be_by_another_score(
    tmp_path: Path, add_member: AddMember, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = "{score: inception_score, worst: 1.0, best: inception_score_1000, paper: {supervised: ac_gan}}"
    use_study("grouped", f"report: {{kind: groups, axes: [{{key: choices.arch}}], scores: {scores}}}")
    for seed, final in enumerate((8.0, 8.5, 8.3)):
        taken = {
            "final": {"inception_score": final, "inception_score_std": final / 100},
            "best": {"inception_score_1000": final - 1},
        }
        run = {"monitor": "inception_score", **taken, "protocol": {}}
        add_member("wgan_gp", seed, choices={"arch": "ac_gan"}, scores=run)
    assert main(["grouped", "--runs", str(tmp_path / "runs")]) == 0
    text = capsys.readouterr().out
    rows = rows_of(text, "The paper")
    assert rows[-4:] == [
        ["WGAN-GP ResNet", "8.42", "0.10"],
        ["SGAN", "8.59", "0.12"],
        ["**this study: ac_gan**, final inception score", "8.3", "0.08"],
        ["**this study: ac_gan**, best on the way", "7.3", "-"],
    ]
    assert "SteinGAN" in text and "BEGAN" not in text
