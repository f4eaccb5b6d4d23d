"""The robustness report of a small study with known outcomes: missing, running, diverged and failed runs among them."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.image import imread

from gan_lightning.report.__main__ import main
from gan_lightning.report.archive import read_archive
from gan_lightning.report.kinds import robustness
from gan_lightning.report.paper import TABLE_5
from gan_lightning.report.runs import comparable_runs

AddRun = Callable[..., Path]
UseStudy = Callable[[str, str], None]
TryRate = Callable[..., None]

JUDGING = """
hydra: {sweeper: {params: {seed: 'range(8)', method: 'wgan_gp,dcgan'}}}
report:
  kind: robustness
  score: digits_score
  floor: 1.0
  baseline: wgan_gp
  failure_below: 1.5
  thresholds: [1.0, 2.0, 4.0]
  rates: robustness_laptop_rates
  within: [20, 5]
  paper: [dcgan, wgan_gp]
  bands: [dcgan, wgan_gp]
  note: Scaled down.
"""
RATES = """
hydra: {sweeper: {params: {seed: 'range(200, 202)', learning_rate_scale: '1,3,10', method: 'wgan_gp,dcgan'}}}
report: {kind: rates, score: digits_score, floor: 1.0}
"""
WGAN_GP = (5.0, 5.0, 4.0, 4.0, 3.0, 6.0, 2.0)
GAN = {0: 2.0, 1: 1.2, 4: 3.0, 5: 1.0, 6: 2.5}


@pytest.fixture
def judge(add_run: AddRun) -> AddRun:
    """Add a run of the judging step, with a generator of 4 layers for even seeds and 12 for odd ones."""

    def write(method: str, seed: int, score: float | None = None, **changes: object) -> Path:
        norm = {"wgan_gp": "layer", "dcgan": "batch"}.get(method, "none")
        architecture = {"generator.depth": 12 if seed % 2 else 4, "generator.norm": "none", "critic.norm": norm}
        return add_run(method, seed, score, folder="robustness_laptop", **{"architecture": architecture, **changes})

    return write


@pytest.fixture
def try_rate(add_run: AddRun) -> TryRate:
    """Add runs of the first step: a method, a factor, and a score for each seed from 200 on."""

    def write(method: str, factor: float, scores: list[float], first: int = 200) -> None:
        for seed, score in enumerate(scores, start=first):
            add_run(method, seed, score, folder="robustness_laptop_rates", learning_rate_scale=factor)

    return write


@pytest.fixture
def study(tmp_path: Path, judge: AddRun, try_rate: TryRate, use_study: UseStudy) -> Path:
    """WGAN-GP on 7 of 8 seeds and running on one; GAN on 7, one diverged, one failed; `zeta`, not planned, on 3."""
    use_study("robustness_laptop", JUDGING)
    use_study("robustness_laptop_rates", RATES)
    for seed, score in enumerate(WGAN_GP):
        judge("wgan_gp", seed, score, curve=[(100, 10.0, 2.0), (400, 40.0, score)], seconds=40.5)
    judge("wgan_gp", 7, status="running", scores=None)
    for seed, score in GAN.items():
        judge("dcgan", seed, score, curve=[(100, 2.0, 1.5), (400, 8.0, score)], seconds=8.5)
    judge("dcgan", 2, 4.0, curve=[(100, 2.0, 1.5), (200, 4.0, 4.0)], seconds=6.0, status="diverged")
    judge("dcgan", 3, status="failed", scores=None, architecture=None, label=None, seconds=0.0)
    for seed in range(3):
        judge("zeta", seed, 7.0, label="Brand new", seconds=9.0)
    try_rate("wgan_gp", 1.0, [2.0, 2.0])
    try_rate("wgan_gp", 3.0, [5.0, 5.0])
    try_rate("wgan_gp", 10.0, [4.0, 4.0])
    try_rate("dcgan", 1.0, [2.0, 3.0])
    try_rate("dcgan", 3.0, [2.5, 2.5])
    try_rate("dcgan", 10.0, [2.0, 2.0])
    try_rate("lsgan", 1.0, [2.0])
    return tmp_path / "runs"


@pytest.fixture
def run_report(study: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Report the study without its pictures, and return the text."""
    monkeypatch.setattr(robustness, "draw", lambda *arguments: None)

    def run(*arguments: str) -> str:
        assert main(["robustness_laptop", "--runs", str(study), *arguments]) == 0
        return capsys.readouterr().out

    return run


def test_architectures_that_the_baseline_fails_on_are_followed_under_the_others(
    run_report: Callable[..., str], use_study: UseStudy
) -> None:
    assert "these do not" not in run_report()  # the baseline, WGAN-GP, never fails
    use_study("robustness_laptop", JUDGING.replace("baseline: wgan_gp", "baseline: dcgan"))
    assert "Where GAN fails, these do not: WGAN-GP on 4 of 4, Brand new on 2 of 2 architectures." in run_report()


def section(text: str, title: str) -> dict[str, list[str]]:
    """The first table under a title, by the first cell of its rows."""
    lines = text.split(f"## {title}\n")[1].split("\n## ")[0].splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("|"))
    table = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        first, *others = (cell.strip() for cell in line.strip("|").split("|"))
        table[first] = others
    return table


def read_csv(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_row_has_the_known_scores_failures_and_cost(run_report: Callable[..., str]) -> None:
    row = section(run_report(), "Scores")["GAN"]
    assert row[:4] == ["7", "10x", "1.20", "1.00 to 2.25"]  # of 1, 1, 1, 1.2, 2, 2.5, 3
    assert row[4].startswith("57 [")
    assert row[5:8] == ["1", "1", "2"]
    assert row[-1] == "8.5"


def test_diverged_failed_and_near_floor_sum_to_the_failures(run_report: Callable[..., str]) -> None:
    for row in list(section(run_report(), "Scores").values())[2:]:
        failures = round(int(row[4].split()[0]) / 100 * int(row[0]))
        assert sum(map(int, row[5:8])) == failures


def test_comparison_is_paired_where_both_have_ended(run_report: Callable[..., str]) -> None:
    rows = section(run_report(), "Scores")
    assert rows["WGAN-GP"][8:12] == ["-"] * 4
    assert rows["GAN"][8:12] == ["1/5/1", "0.22", "0.44", "-3.00 [-5.00, +0.50]"]  # 2 (1 + 6)/64, twice
    assert rows["Brand new"][8:12] == ["3/0/0", "0.25", "0.44", "+2.00"]  # Holm's p never falls


def test_methods_stand_in_the_order_of_the_yaml_then_by_name_under_their_runs_labels(
    run_report: Callable[..., str],
) -> None:
    assert list(section(run_report(), "Scores"))[2:] == ["WGAN-GP", "GAN", "Brand new"]


def test_half_finished_study_says_what_is_missing(run_report: Callable[..., str]) -> None:
    text = run_report()
    assert "- 17 of 24 runs have ended: 8 architectures, each trained once by each of 3 methods." in text
    assert "- Missing: wgan_gp: 1 running or interrupted (seeds 7)." in text
    assert "- Missing: dcgan: 1 without a result (seeds 7)." in text
    assert "- Not every method has ended on the same architectures" in text
    assert "- Missing: zeta: 5 without a result (seeds 3-7)." in text


def test_success_counts_runs_that_failed_or_diverged_as_lowest(run_report: Callable[..., str]) -> None:
    rows = section(run_report(), "Success")
    shares = {name: [cell.split()[0] for cell in row] for name, row in rows.items()}
    assert shares["GAN"] == ["57", "29", "0"]  # 4, 2 and 0 of 7: 1.0 and 2.0 are no successes at themselves
    assert shares["WGAN-GP"] == ["100", "86", "43"]


def test_score_within_seconds_is_the_last_one_taken(run_report: Callable[..., str]) -> None:
    rows = section(run_report(), "Equal compute")
    assert rows["method"] == ["n", "within 5 s", "within 20 s", "finished in (median s)"]
    assert rows["WGAN-GP"] == ["7", "1.00", "2.00", "40.5"]  # not scored yet; scored at 10 s
    assert rows["GAN"] == ["7", "1.50", "1.20", "8.5"]  # carried forward; the diverged run has fallen by then


def test_longer_run_is_cut_off_when_the_shorter_was_scored_last(run_report: Callable[..., str]) -> None:
    """WGAN-GP had 2.0 from its tenth second on, and the GAN's are done in eight: it has nothing yet."""
    rows = section(run_report(), "Equal seconds")
    assert rows["method"][1:3] == ["median", "median of WGAN-GP"]
    assert rows["GAN"][:4] == ["5", "2.00", "1.00", "4/0/1"]  # the diverged and the failed run are left out
    assert "WGAN-GP" not in rows and "Brand new" not in rows


def test_finished_runs_without_seconds_are_counted_out(run_report: Callable[..., str]) -> None:
    text = run_report()
    assert "Brand new" not in section(text, "Equal compute")
    assert "3 finished runs have no scores with seconds: left out here." in text


def test_rates_mark_the_chosen_and_flag_edges_and_departures(run_report: Callable[..., str]) -> None:
    rows = section(run_report(), "Learning rates")
    assert rows["method"] == ["n", "1x", "3x", "10x", "chosen", "remarks"]
    assert rows["WGAN-GP"] == ["2", "2.00", "**5.00**", "4.00", "3x", "judged at 10x"]
    assert rows["GAN"] == ["2", "**2.50**", "2.50", "2.00", "1x", "at the edge of its grid; judged at 10x"]
    assert rows["LSGAN"] == ["1", "**2.00**", "", "", "1x", "at the edge of its grid; not judged yet"]
    assert rows["Brand new"] == ["-", "", "", "", "-", "no rates tried"]


def test_factors_are_compared_on_the_architectures_that_all_of_them_share(
    try_rate: TryRate, run_report: Callable[..., str]
) -> None:
    try_rate("r3gan", 1.0, [1.0, 5.0, 9.0])
    try_rate("r3gan", 3.0, [6.0, 7.0], first=201)  # as many, yet not the same: 5 and 9 against 6 and 7
    try_rate("r3gan", 10.0, [3.0, 3.0], first=201)
    assert section(run_report(), "Learning rates")["r3gan"] == [
        "2",
        "**7.00**",
        "6.50",
        "3.00",
        "1x",
        "at the edge of its grid; 1 architectures not at every factor: not compared; not judged yet",
    ]


def test_nothing_is_chosen_among_factors_that_share_no_architecture(
    try_rate: TryRate, run_report: Callable[..., str]
) -> None:
    try_rate("r3gan", 1.0, [5.0])
    try_rate("r3gan", 3.0, [6.0], first=201)
    row = section(run_report(), "Learning rates")["r3gan"]
    assert row == ["0", "-", "-", "", "-", "2 architectures not at every factor: not compared; not judged yet"]


def test_failed_runs_are_named_in_both_steps(study: Path, add_run: AddRun, run_report: Callable[..., str]) -> None:
    add_run("lsgan", 201, folder="robustness_laptop_rates", learning_rate_scale=3.0, status="failed", scores=None)
    lines = run_report().splitlines()
    remedy = "; starting the study again mends them."
    assert f"- Failed by an error, counted as 1.0: dcgan 1 (seeds 3){remedy}" in lines
    assert f"- Failed by an error, counted as 1.0: lsgan 1 (seeds 201){remedy}" in lines


def test_results_that_cannot_be_read_are_named_in_both_steps(
    study: Path, judge: AddRun, try_rate: TryRate, run_report: Callable[..., str]
) -> None:
    files = [judge("lsgan", 0, 2.0), next((study / "robustness_laptop_rates").glob("*/result.json"))]
    for file in files:
        file.write_text("{", encoding="utf-8")
    lines = run_report().splitlines()
    for file in files:
        assert any(line.startswith(f"- Left out: {file}: not a run's result") for line in lines)


def test_csv_file_says_which_way_the_score_is_better(study: Path, run_report: Callable[..., str]) -> None:
    run_report()
    file = study / "robustness_laptop" / "report" / "runs.csv"
    rows = read_csv(file)
    assert {(row["status"], row["higher_is_better"]) for row in rows} >= {("finished", "True"), ("failed", "")}
    file.write_text(file.read_text(encoding="utf-8").replace("digits_score,True", "digits_score,False"))
    with pytest.raises(ValueError, match="lower is better"):
        comparable_runs(read_archive(file), "digits_score")


def test_seed_used_in_both_steps_is_named(study: Path, judge: AddRun, run_report: Callable[..., str]) -> None:
    assert "Not independent" not in run_report()
    judge("dcgan", 200, 2.0)
    assert "Not independent: seeds 200 were used to choose rates and to judge." in run_report()


def test_axes_have_medians_by_value_and_a_failed_run_has_its_seeds_axes(run_report: Callable[..., str]) -> None:
    lines = run_report().splitlines()
    medians = [line for line in lines if line.startswith("| generator.depth")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in medians]
    assert cells[0] == ["generator.depth", "4", "3.50 (4)", "2.25 (4)", "7.00 (2)"]
    assert cells[1] == ["generator.depth", "12", "5.00 (3)", "1.00 (3)", "7.00 (1)"]
    assert "adjusted by Holm for all 3 tests below" in "\n".join(lines)  # an axis of one value is no axis


def test_papers_rows_stand_below(run_report: Callable[..., str]) -> None:
    rows = section(run_report(), "The paper")
    assert [int(cell) for cell in rows["GAN"]] == [round(row.baseline / 2) for row in TABLE_5]


def test_penalties_of_appendix_c_are_compared_beside_what_the_paper_found(
    run_report: Callable[..., str], use_study: UseStudy
) -> None:
    assert "Appendix C" not in run_report()
    use_study("robustness_laptop", JUDGING + "  trials: [wgan_gp, dcgan]\n")
    lines = run_report().splitlines()
    ours = "- WGAN-GP is ahead on 5 of 7 architectures, behind on 1, level on 1 (exact two-sided sign test against GAN"
    place = lines.index("## Appendix C")
    assert lines[place + 2] == f"{ours}: p = 0.22)."
    assert "higher in 100" in lines[place + 3] and "add to 177" in lines[place + 3]
    use_study("robustness_laptop", JUDGING + "  trials: [wgan_gp, one_sided]\n")
    assert "- Not both penalties have ended on any architecture yet." in run_report()


def test_csv_has_a_row_a_run_whatever_became_of_it(study: Path, run_report: Callable[..., str]) -> None:
    run_report()
    rows = read_csv(study / "robustness_laptop" / "report" / "runs.csv")
    assert [(row["method"], row["seed"]) for row in rows[6:9]] == [("wgan_gp", "6"), ("wgan_gp", "7"), ("dcgan", "0")]
    assert [row["status"] for row in rows[8:12]] == ["finished", "finished", "diverged", "failed"]
    assert rows[0]["label"] == "WGAN-GP"
    assert (rows[0]["generator_parameters"], rows[0]["critic.normalised"], rows[0]["n_critic"]) == ("1234", "yes", "5")
    assert len(read_csv(study / "robustness_laptop" / "report" / "rates.csv")) == 13
    assert len(read_csv(study / "robustness_laptop" / "report" / "curves.csv")) == 2 * 7 + 2 * 6


def test_report_from_its_own_csv_files_is_the_same_to_the_last_byte(
    study: Path, tmp_path: Path, run_report: Callable[..., str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    text = run_report("--output", str(first))
    shutil.rmtree(study)
    (first / "table.md").unlink()
    assert run_report("--from", str(first), "--output", str(second)) == text
    assert sorted(file.name for file in second.iterdir()) == ["curves.csv", "rates.csv", "runs.csv", "table.md"]
    for name in ("curves.csv", "rates.csv", "runs.csv"):
        assert (second / name).read_bytes() == (first / name).read_bytes()


def test_folder_of_csv_files_says_itself_which_study_it_is(
    study: Path, tmp_path: Path, run_report: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = run_report("--output", str(tmp_path / "kept"))
    assert main([str(tmp_path / "kept"), "--output", str(tmp_path / "again")]) == 0
    assert capsys.readouterr().out == text


def test_a_method_of_ones_own_stands_beside_those_of_an_earlier_report(
    tmp_path: Path, run_report: Callable[..., str], judge: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run_report("--output", str(tmp_path / "kept"))
    (tmp_path / "runs").rename(tmp_path / "theirs")
    for seed in range(3):
        judge("mine", seed, 5.5, label="Mine", curve=[(400, 20.0, 5.5)], seconds=21.0)
    judge("dcgan", 0, 4.5, curve=[(400, 20.0, 4.5)], seconds=21.0)
    capsys.readouterr()
    assert main(["robustness_laptop", "--runs", str(tmp_path / "runs"), "--beside", str(tmp_path / "kept")]) == 0
    text = capsys.readouterr().out
    scores = section(text, "Scores")
    assert list(scores)[2:] == ["WGAN-GP", "GAN", "Mine", "Brand new"]
    assert scores["Mine"][8] == "3/0/0"  # 5.5 against 5.0, 5.0 and 4.0
    assert "- 17 of the runs are those of" in text  # 18 but the GAN's first, which was run anew
    assert section(text, "Equal seconds")["Mine"][:2] == ["3", "5.50"]
    assert "WGAN-GP" in section(text, "Learning rates")


def test_two_earlier_reports_stand_beside_each_other_with_their_seconds(
    tmp_path: Path, run_report: Callable[..., str], judge: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run_report("--output", str(tmp_path / "kept"))
    (tmp_path / "runs").rename(tmp_path / "theirs")
    judge("mine", 0, 5.5, label="Mine", curve=[(400, 20.0, 5.5)], seconds=21.0)
    assert main(["robustness_laptop", "--runs", str(tmp_path / "runs"), "--output", str(tmp_path / "mine")]) == 0
    capsys.readouterr()
    both = ["--from", str(tmp_path / "mine"), "--beside", str(tmp_path / "kept"), "--output", str(tmp_path / "out")]
    assert main(["robustness_laptop", *both]) == 0
    rows = section(capsys.readouterr().out, "Equal compute")
    assert (rows["WGAN-GP"][0], rows["Mine"][0]) == ("7", "1")


def test_beside_what_is_no_report_there_is_nothing(
    tmp_path: Path, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["robustness_laptop", "--runs", str(study), "--beside", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: no runs.csv of an earlier report in {tmp_path}\n"


def test_study_of_some_of_the_methods_can_be_made_from_the_csv_files_of_all(
    tmp_path: Path, run_report: Callable[..., str], use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    run_report("--output", str(tmp_path / "kept"))
    fewer = JUDGING.replace("wgan_gp,dcgan", "dcgan,zeta").replace("baseline: wgan_gp", "baseline: dcgan")
    use_study("penalised_gan", fewer)
    assert main(["penalised_gan", "--from", str(tmp_path / "kept"), "--output", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert list(section(text, "Scores"))[2:] == ["GAN", "Brand new"]
    assert list(section(text, "Learning rates"))[2:] == ["GAN", "Brand new"]


def test_table_2_can_be_made_from_the_csv_files_of_a_robustness_study(
    tmp_path: Path, run_report: Callable[..., str], use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    run_report("--output", str(tmp_path / "kept"))
    report = "kind: success_table, score: digits_score, floor: 1.0, thresholds: [2.0]"
    use_study("table2_laptop", f"report: {{{report}, baseline: dcgan, penalised: wgan_gp, note: x}}")
    out = str(tmp_path / "out")
    assert main(["table2_laptop", "--from", str(tmp_path / "kept"), "--output", out]) == 0
    text = capsys.readouterr().out
    assert "- 7 of 8 architectures are in" in text
    assert "WGAN-GP is ahead on 5 of 7 architectures, behind on 1, level on 1" in text


def test_broken_row_of_a_csv_file_is_refused_in_one_line(
    tmp_path: Path, run_report: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_report("--output", str(tmp_path / "kept"))
    file = tmp_path / "kept" / "runs.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("wgan_gp,WGAN-GP,1,", "wgan_gp,WGAN-GP,one,"))
    assert main(["robustness_laptop", "--from", str(tmp_path / "kept")]) == 2
    err = capsys.readouterr().err
    assert f"{file}, line 3: " in err
    assert err.count("\n") == 1


def test_old_result_without_the_new_fields_is_read(study: Path, judge: AddRun, run_report: Callable[..., str]) -> None:
    file = judge("old", 0, 2.0)
    result = json.loads(file.read_text(encoding="utf-8"))
    result["objective"] = result["method"]
    for name in ("method", "label", "learning_rate_scale", "n_critic", "parameters"):
        del result[name]
    file.write_text(json.dumps(result), encoding="utf-8")
    (file.parent / "metrics.csv").write_text("step,score/digits_score\n400,2.0\n", encoding="utf-8")
    text = run_report()
    assert section(text, "Scores")["old"][:2] == ["1", "-"]
    assert section(text, "Learning rates")["old"][-1] == "no rates tried"


def test_study_without_its_first_step_or_its_baseline_reports_what_is_there(
    study: Path, run_report: Callable[..., str]
) -> None:
    shutil.rmtree(study / "robustness_laptop_rates")
    for directory in (study / "robustness_laptop").glob("*method=wgan_gp*"):
        shutil.rmtree(directory)
    text = run_report()
    assert "No rates were tried: there are no runs of robustness_laptop_rates beside this study." in text
    assert "The baseline wgan_gp has not ended on any architecture." in text
    assert "- Missing: wgan_gp: 8 without a result (seeds 0-7)." in text


def test_pictures_of_talk_width_are_drawn(study: Path) -> None:
    assert main(["robustness_laptop", "--runs", str(study)]) == 0
    for name in ("success.png", "compute.png", "axes.png"):
        file = study / "robustness_laptop" / "report" / name
        assert imread(file).shape[1] == 1280
        assert file.stat().st_size < 300_000


def refused(study: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["robustness_laptop", "--runs", str(study)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def test_scores_of_averaged_and_plain_generators_are_refused(
    study: Path, judge: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    final = {"digits_score": 2.0}
    scores = {"final": final, "best": final, "protocol": {"samples": 2000, "generator": "moving average"}}
    judge("ema", 0, scores=scores)
    assert "protocol." in refused(study, capsys)
    for file in (study / "robustness_laptop").glob("*/result.json"):
        result = json.loads(file.read_text(encoding="utf-8"))
        if result["scores"] and result["method"] != "ema":
            result["scores"]["protocol"] = {"samples": 2000, "generator": "last iterate"}
            file.write_text(json.dumps(result), encoding="utf-8")
    line = refused(study, capsys)
    assert "protocol.generator differs: " in line
    assert "1 runs with moving average, as ema with seed 0" in line


def test_runs_longer_than_the_studys_are_refused(
    study: Path, judge: AddRun, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    use_study("robustness_laptop", f"generator_steps: 400{JUDGING}")
    judge("lsgan", 0, 2.0, generator_steps=800)
    assert "generator_steps differs" in refused(study, capsys)


def test_finished_trials_are_still_to_go_on(judge: AddRun, run_report: Callable[..., str]) -> None:
    judge("lsgan", 0, 2.0, generator_steps=20)
    text = run_report()
    assert "- Missing: lsgan: 1 running or interrupted (seeds 0)." in text
    assert not {"lsgan", "LSGAN"} & set(section(text, "Scores"))


def test_two_runs_of_a_method_and_seed_are_refused_with_their_factors(
    study: Path, judge: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    judge("zeta", 0, 2.0, learning_rate_scale=3.0)
    assert "two runs of zeta with seed 0, learning_rate_scale " in refused(study, capsys)


def test_seed_of_two_architectures_is_refused(study: Path, judge: AddRun, capsys: pytest.CaptureFixture[str]) -> None:
    judge("lsgan", 0, 2.0, architecture={"generator.depth": 20})
    assert "seed 0 has a different architecture under each method" in refused(study, capsys)


def test_study_in_which_nothing_has_ended_is_no_report_yet(
    study: Path, judge: AddRun, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(study / "robustness_laptop")
    judge("dcgan", 0, status="running", scores=None)
    assert "no run has ended yet (1 runs)" in refused(study, capsys)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("[1.0, 2.0, 4.0]", "[2.0, 1.0]", "thresholds must be two or more and ascend from 1.0"),
        ("failure_below: 1.5", "failure_below: 1.0", "failure_below=1.0 is not possible"),
        ("[20, 5]", "[0]", "within=[0.0] is not possible"),
        ("paper: [dcgan, wgan_gp]", "paper: [dcgan]", "paper=['dcgan'] is not possible"),
        ("within: [20, 5]", "trials: [wgan_gp]", "trials=['wgan_gp'] is not possible"),
        ("bands:", "band:", "Key 'band' not in 'Settings'"),
    ],
)
def test_unsound_settings_are_refused(
    study: Path, use_study: UseStudy, capsys: pytest.CaptureFixture[str], old: str, new: str, complaint: str
) -> None:
    use_study("robustness_laptop", JUDGING.replace(old, new))
    assert complaint in refused(study, capsys)


def test_first_step_reports_its_own_table(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["robustness_laptop_rates", "--runs", str(study)]) == 0
    rows = section(capsys.readouterr().out.replace("# robustness", "## Rates\n# robustness"), "Rates")
    assert list(rows)[2:] == ["WGAN-GP", "GAN", "LSGAN"]
    assert rows["WGAN-GP"][4:] == ["3x", "-"]
