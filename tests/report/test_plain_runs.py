"""Any directory of runs has a plain table, a study with seeds or not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gan_lightning.report.__main__ import main
from gan_lightning.report.study import load_study_file, planned_seeds, read_plan

AddRun = Callable[..., Path]
UseStudy = Callable[[str, str], None]


def cells_of(text: str, section: str = "## Every run") -> list[list[str]]:
    """The cells of a section's first table."""
    _, _, rest = text.partition(f"{section}\n")
    rows: list[list[str]] = []
    for line in rest.splitlines():
        if line[:1] == "|":
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows


def better(text: str) -> list[list[str]]:
    """The rows of the table of groups, below its titles."""
    return cells_of(text, "## Which was better")[2:]


def test_directory_without_a_study_file_shows_what_differs_and_what_came_of_it(
    tmp_path: Path, add_run: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run("dcgan", 0, 2.0, folder="adhoc", name="a", learning_rate_scale=1.0)
    add_run("wgan_gp", 0, 3.0, folder="adhoc", name="b", seconds=12.5)
    add_run("wgan_gp", 0, folder="adhoc", name="c", status="failed", scores=None, architecture=None)
    assert main(["adhoc", "--runs", str(tmp_path / "runs")]) == 0
    titles, _, *rows = cells_of(capsys.readouterr().out)
    assert titles[:4] == ["run", "method", "learning_rate_scale", "n_critic"]  # seed and length are the same
    assert "seed" not in titles
    assert titles.count("status") == 1
    assert titles[-3:] == ["final digits_score", "best digits_score", "seconds"]
    first, second, third = (dict(zip(titles, row, strict=True)) for row in rows)
    assert (first["status"], first["final digits_score"], first["learning_rate_scale"]) == ("finished", "2", "1")
    assert (second["seconds"], second["critic.norm"]) == ("12.5", "layer")
    assert (third["status"], third["final digits_score"], third["critic.norm"]) == ("failed", "-", "-")


def test_directory_of_runs_of_unknown_studies_is_named_for_itself(
    tmp_path: Path, add_run: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run("dcgan", 0, 2.0, folder="mixed", name="a", study="one")
    add_run("dcgan", 1, 2.0, folder="mixed", name="b", study="two")
    assert main([str(tmp_path / "runs" / "mixed")]) == 0
    assert capsys.readouterr().out.startswith("# mixed: 2 runs by method\n")


def test_broken_result_is_said_on_the_error_stream_too(
    tmp_path: Path, add_run: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run("dcgan", 0, 2.0, folder="adhoc")
    file = add_run("dcgan", 1, 2.0, folder="adhoc")
    file.write_text("{")
    assert main(["adhoc", "--runs", str(tmp_path / "runs")]) == 0
    out, err = capsys.readouterr()
    assert f"- Left out: {file}" in out
    assert f"left out: {file}" in err


def test_directory_of_broken_results_alone_is_refused_in_one_line(
    tmp_path: Path, add_run: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    file = add_run("dcgan", 1, 2.0, folder="adhoc")
    file.write_text("{")
    assert main(["adhoc", "--runs", str(tmp_path / "runs")]) == 2
    assert f"none of 1 runs can be read: {file}: " in capsys.readouterr().err


def test_study_that_sweeps_no_seeds_can_be_reported(
    tmp_path: Path, add_run: AddRun, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    use_study("lambdas", "hydra: {sweeper: {params: {constraint.weight: '1,10'}}}\nreport: {kind: runs}")
    add_run("wgan_gp", 0, 2.0, folder="lambdas", name="constraint.weight=1")
    add_run("wgan_gp", 0, 3.0, folder="lambdas", name="constraint.weight=10")
    assert main(["lambdas", "--runs", str(tmp_path / "runs")]) == 0
    assert [row[0] for row in cells_of(capsys.readouterr().out)[2:]] == ["constraint.weight=1", "constraint.weight=10"]


def test_success_table_of_a_study_without_seeds_expects_those_that_are_there(
    tmp_path: Path, add_run: AddRun, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    report = "kind: success_table, score: digits_score, floor: 1.0, thresholds: [2.0]"
    use_study("table2_laptop", f"report: {{{report}, baseline: dcgan, penalised: wgan_gp, note: x}}")
    add_run("dcgan", 3, 2.0)
    add_run("wgan_gp", 3, 3.0)
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs")]) == 0
    assert "- 1 of 1 architectures are in" in capsys.readouterr().out


def test_plan_is_read_from_the_studys_own_sweep(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("hydra: {sweeper: {params: {seed: 'range(2, 5)', method: 'b,a'}}}\nreport: {kind: runs}")
    assert read_plan(file) == {"seed": ("2", "3", "4"), "method": ("b", "a")}
    assert planned_seeds(read_plan(file), file) == {2, 3, 4}


def test_report_without_a_kind_is_laid_over_that_of_the_study_it_extends(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("report: {kind: groups, axes: [{key: method}], scores: {score: a, worst: 1.0}}")
    extending = tmp_path / "y.yaml"
    extending.write_text("defaults: [x, _self_]\nreport: {scores: {score: b}}")
    assert load_study_file(extending).report == {
        "kind": "groups",
        "axes": [{"key": "method"}],
        "scores": {"score": "b", "worst": 1.0},
    }
    extending.write_text("defaults: [x, _self_]\nreport: {kind: runs}")
    assert load_study_file(extending).report == {"kind": "runs"}


@pytest.mark.parametrize(("defaults", "seeds"), [("[x, _self_]", {7}), ("[_self_, x]", {2}), ("[x]", {7})])
def test_plan_is_inherited_from_the_studies_that_the_defaults_name(
    tmp_path: Path, defaults: str, seeds: set[int]
) -> None:
    (tmp_path / "x.yaml").write_text(
        "defaults: [{override /arch: random}]\nhydra: {sweeper: {params: {seed: '2', method: 'b,a'}}}"
    )
    file = tmp_path / "y.yaml"
    file.write_text(f"defaults: {defaults}\nhydra: {{sweeper: {{params: {{seed: '7'}}}}}}\nreport: {{kind: runs}}")
    assert read_plan(file)["method"] == ("b", "a")
    assert planned_seeds(read_plan(file), file) == seeds
