"""What the command refuses, each in one line and with exit code 2."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path

import pytest

from gan_lightning.report.__main__ import main
from gan_lightning.report.kinds import known_kinds, load_kind
from gan_lightning.report.runs import Run, read_run
from gan_lightning.report.study import Study, known_studies, load_study_file, project_folder, report_settings
from gan_lightning.runs.result import Result

AddRun = Callable[..., Path]
AddPair = Callable[[int, float, float], None]


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command on `runs/`, expect exit code 2, nothing on stdout and one line on stderr; return that line."""

    def run(study: str = "table2_laptop") -> str:
        assert main([study, "--runs", str(tmp_path / "runs")]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        assert not list((tmp_path / "runs").glob("*/report"))
        return err

    return run


SETTINGS = """
hydra: {sweeper: {params: {seed: 'range(2)'}}}
report:
  {kind: success_table, score: digits_score, floor: 1.0, thresholds: [1.0, 2.0],
   baseline: dcgan, penalised: wgan_gp, note: x}
"""


def test_no_arguments_print_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capsys.readouterr().err.startswith("usage: python -m gan_lightning.report")


def test_unknown_study_lists_the_known(refused: Callable[..., str]) -> None:
    assert "no study 'table9': known are " in refused("table9")
    assert "table2, table2_laptop" in refused("table9")


def test_study_without_runs_says_how_to_start_it(refused: Callable[..., str], tmp_path: Path) -> None:
    assert (
        f"no run directories in {tmp_path}/runs/table2; start them with: python train.py -m +sweeps=table2"
        in refused("table2")
    )


def test_study_without_a_complete_pair_is_no_report_yet(refused: Callable[..., str], add_run: AddRun) -> None:
    add_run("dcgan", 0, 3.0)
    assert "no architecture has ended under both methods yet" in refused()


@pytest.mark.parametrize(("name", "value"), [("weights_sha256", "decaf"), ("samples", 500)])
def test_scores_by_two_protocols_are_refused(
    refused: Callable[..., str], add_run: AddRun, add_pair: AddPair, name: str, value: str | int
) -> None:
    add_pair(0, 2.0, 3.0)
    add_run("dcgan", 1, 2.0)
    protocol = {"extractor": "digits_classifier", "weights_sha256": "c0ffee", "samples": 2000, "splits": 10, "seed": 0}
    final = {"digits_score": 3.0}
    odd = add_run("wgan_gp", 1, scores={"final": final, "best": final, "protocol": protocol | {name: value}}).parent
    line = refused()
    assert f"protocol.{name} differs: 3 runs with" in line
    assert str(odd) in line


def test_runs_longer_than_the_studys_are_refused(
    refused: Callable[..., str], add_run: AddRun, use_study: Callable[[str, str], None]
) -> None:
    use_study("table2_laptop", f"generator_steps: 400\n{SETTINGS}")
    add_run("dcgan", 0, 2.0)
    add_run("wgan_gp", 0, 2.0, generator_steps=800)
    assert "generator_steps differs" in refused()


def fid_scores(**entries: object) -> dict[str, object]:
    final = {"digits_score": 3.0, "digits_fid": 20.0}
    return {"monitor": "digits_score", "final": final, "best": final, "protocol": {}, **entries}


def test_score_that_the_runs_were_not_judged_by_is_refused(refused: Callable[..., str], add_run: AddRun) -> None:
    add_run("dcgan", 0, 2.0)
    odd = add_run("wgan_gp", 0, scores=fid_scores(monitor="digits_fid", higher_is_better=False)).parent
    assert f"score=digits_score is not possible for this report: 'digits_fid' is what {odd}" in refused()


def test_score_of_which_lower_is_better_is_refused(
    refused: Callable[..., str], add_run: AddRun, use_study: Callable[[str, str], None]
) -> None:
    use_study("table2_laptop", SETTINGS.replace("digits_score", "digits_fid"))
    for method in ("dcgan", "wgan_gp"):
        add_run(method, 0, scores=fid_scores(monitor="digits_fid", higher_is_better=False))
    assert "score=digits_fid is not possible for this report: lower is better" in refused()


def test_older_results_that_do_not_say_which_way_is_better_are_taken(tmp_path: Path, add_run: AddRun) -> None:
    add_run("dcgan", 0, scores=fid_scores())
    add_run("wgan_gp", 0, scores=fid_scores())
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs")]) == 0


def test_diverged_run_of_a_short_trial_does_not_stop_the_report(
    tmp_path: Path, add_run: AddRun, add_pair: AddPair, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = {"final": {"digits_score": 1.0}, "best": {}, "protocol": {"samples": 100}}
    add_run("dcgan", 0, status="diverged", generator_steps=20, scores=trial)
    add_run("wgan_gp", 0, 2.0)
    add_pair(1, 2.0, 3.0)
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs")]) == 0
    out = capsys.readouterr().out
    assert "- 2 of 30 architectures are in" in out
    assert "- Protocol: 400 generator iterations, extractor digits_classifier" in out


def test_two_runs_of_one_method_and_seed_are_refused(refused: Callable[..., str], add_run: AddRun) -> None:
    add_run("dcgan", 0, 2.0)
    add_run("dcgan", 0, 2.0, name="again")
    assert "two runs of dcgan with seed 0" in refused()


def test_pair_of_two_architectures_is_refused(refused: Callable[..., str], add_run: AddRun) -> None:
    add_run("dcgan", 3, 2.0)
    add_run("wgan_gp", 3, 2.0, architecture={"generator.depth": 4, "generator.norm": "none", "critic.norm": "layer"})
    assert "seed 3 has a different architecture under each method" in refused()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("study: x", "no section 'report'"),
        ("report: [", "while parsing"),
        (
            SETTINGS.replace("success_table", "pie_chart"),
            f"'pie_chart' is not known; known are {', '.join(known_kinds())}",
        ),
        (SETTINGS.replace(", note: x", ""), "report: "),
        (SETTINGS.replace("note:", "nota:"), "report: Key 'nota' not in 'Settings'"),
        (SETTINGS.replace("[1.0, 2.0]", "[2.0, 1.0]"), "report: thresholds must ascend from 1.0"),
        (SETTINGS.replace("[1.0, 2.0]", "[0.5, 2.0]"), "report: thresholds must ascend from 1.0"),
        (SETTINGS.replace("range(2)", "range("), "hydra.sweeper.params.seed: 'range(' is not a list of seeds"),
    ],
)
def test_unfit_study_file_is_refused(
    refused: Callable[..., str],
    add_pair: AddPair,
    use_study: Callable[[str, str], None],
    text: str,
    complaint: str,
) -> None:
    add_pair(0, 2.0, 3.0)
    use_study("table2_laptop", text)
    line = refused()
    assert complaint in line
    assert "table2_laptop.yaml" in line


def test_directory_of_a_study_is_accepted_in_place_of_its_name(tmp_path: Path, add_pair: AddPair) -> None:
    add_pair(0, 2.0, 3.0)
    moved = (tmp_path / "runs" / "table2_laptop").rename(tmp_path / "from_the_cluster")
    assert main([str(moved), "--output", str(tmp_path / "out")]) == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "architectures.csv",
        "runs.csv",
        "success.plotly.json",
        "success.png",
        "table.md",
    ]
    assert not (moved / "report").exists()


def test_directory_of_two_studies_is_refused(refused: Callable[..., str], tmp_path: Path, add_run: AddRun) -> None:
    add_run("dcgan", 0, 2.0)
    add_run("wgan_gp", 0, 2.0, study="table2")
    assert "not the directory of one study" in refused(str(tmp_path / "runs" / "table2_laptop"))


def test_runs_of_another_method_are_left_out_in_one_line(
    tmp_path: Path, add_run: AddRun, add_pair: AddPair, capsys: pytest.CaptureFixture[str]
) -> None:
    add_pair(0, 2.0, 3.0)
    add_run("lsgan", 0, 5.0)
    add_run("lsgan", 1, 5.0)
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs")]) == 0
    assert "- Left out: method 'lsgan', 2 runs: none of dcgan, wgan_gp." in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"status": "asleep"}'])
def test_result_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "result.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"^{file}: "):
        read_run(file)


def test_run_is_a_result_that_is_neither_read_nor_written_as_one() -> None:
    assert issubclass(Run, Result)
    assert not {"read", "write"} & set(dir(Run))


def test_each_study_of_the_project_asks_for_a_known_kind_with_settings_that_it_takes() -> None:
    assert {"table2", "table2_laptop"} <= set(known_studies())
    for name in known_studies():
        file = project_folder("sweeps") / f"{name}.yaml"
        report = load_study_file(file).report
        study = Study(name, file, file.parent, False, frozenset(), (), report, (), ())
        report_settings(study, load_kind(study).Settings)


@pytest.mark.parametrize("kind", ["groups", "rates", "robustness", "runs", "success_table"])
def test_report_imports_neither_torch_nor_lightning(kind: str) -> None:
    program = (
        "import sys, gan_lightning.report.__main__;"
        f"import gan_lightning.report.kinds.{kind}; print(sorted({{'torch', 'lightning'}} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


@pytest.mark.parametrize("kind", known_kinds())
def test_every_module_of_the_kinds_folder_is_a_kind(kind: str) -> None:
    module = import_module(f"gan_lightning.report.kinds.{kind}")
    assert is_dataclass(module.Settings)
    assert callable(module.write_report)
