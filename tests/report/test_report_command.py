"""What the command refuses, each in one line and with exit code 2."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_lightning.report import runs
from gan_lightning.report.__main__ import main

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
        return err

    return run


def use_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "table2_laptop.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(runs, "project_folder", lambda name: tmp_path)


SETTINGS = """
hydra: {sweeper: {params: {seed: 'range(2)'}}}
report: {kind: success_table, score: digits_score, thresholds: [1.0, 2.0], baseline: dcgan, penalised: wgan_gp, note: x}
"""


def test_no_arguments_print_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert capsys.readouterr().err.startswith("usage: python -m gan_lightning.report")


def test_unknown_study_lists_the_known(refused: Callable[..., str]) -> None:
    assert "no study 'table3': known are table2, table2_laptop" in refused("table3")


def test_study_without_runs_says_how_to_start_it(refused: Callable[..., str], tmp_path: Path) -> None:
    assert (
        f"no run directories in {tmp_path}/runs/table2; start them with: python train.py -m +sweeps=table2"
        in refused("table2")
    )


def test_study_without_a_complete_pair_is_no_report_yet(refused: Callable[..., str], add_run: AddRun) -> None:
    add_run("dcgan", 0, 3.0)
    assert "no architecture has ended under both objectives yet" in refused()


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


def test_runs_of_two_lengths_are_refused(refused: Callable[..., str], add_run: AddRun) -> None:
    add_run("dcgan", 0, 2.0)
    add_run("wgan_gp", 0, 2.0, generator_steps=20)
    assert "generator_steps differs" in refused()


def test_two_runs_of_one_objective_and_seed_are_refused(refused: Callable[..., str], add_run: AddRun) -> None:
    add_run("dcgan", 0, 2.0)
    add_run("dcgan", 0, 2.0, name="again")
    assert "two runs of dcgan with seed 0" in refused()


def test_pair_of_two_architectures_is_refused(refused: Callable[..., str], add_run: AddRun) -> None:
    add_run("dcgan", 3, 2.0)
    add_run("wgan_gp", 3, 2.0, architecture={"generator.depth": 4, "generator.norm": "none", "critic.norm": "layer"})
    assert "seed 3 has a different architecture under each objective" in refused()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("study: x", "no section 'report'"),
        ("report: [", "while parsing"),
        (SETTINGS.replace("success_table", "pie_chart"), "report.kind: 'pie_chart' is not known"),
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
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    complaint: str,
) -> None:
    add_pair(0, 2.0, 3.0)
    use_study(tmp_path, monkeypatch, text)
    line = refused()
    assert complaint in line
    assert "table2_laptop.yaml" in line


def test_directory_of_a_study_is_accepted_in_place_of_its_name(tmp_path: Path, add_pair: AddPair) -> None:
    add_pair(0, 2.0, 3.0)
    moved = (tmp_path / "runs" / "table2_laptop").rename(tmp_path / "from_the_cluster")
    assert main([str(moved), "--output", str(tmp_path / "out")]) == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "architectures.csv",
        "success.png",
        "table.md",
    ]
    assert not (moved / "report").exists()


def test_directory_of_two_studies_is_refused(refused: Callable[..., str], tmp_path: Path, add_run: AddRun) -> None:
    add_run("dcgan", 0, 2.0)
    add_run("wgan_gp", 0, 2.0, study="table2")
    assert "not the directory of one study" in refused(str(tmp_path / "runs" / "table2_laptop"))


def test_run_of_another_objective_is_left_out(
    tmp_path: Path, add_run: AddRun, add_pair: AddPair, capsys: pytest.CaptureFixture[str]
) -> None:
    add_pair(0, 2.0, 3.0)
    add_run("lsgan", 0, 5.0)
    assert main(["table2_laptop", "--runs", str(tmp_path / "runs")]) == 0
    assert "objective 'lsgan' is none of dcgan, wgan_gp." in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"status": "asleep"}'])
def test_result_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "result.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"^{file}: "):
        runs.read_run(file)


def test_each_study_of_the_project_names_itself_and_can_be_reported() -> None:
    files = sorted(runs.project_folder("sweeps").glob("*.yaml"))
    assert files
    for file in files:
        config = runs.load_study_file(file)
        assert config.study == file.stem
        assert len(runs.planned_seeds(config, file)) >= 50


def test_report_imports_no_torch() -> None:
    program = (
        "import sys, gan_lightning.report.__main__, gan_lightning.report.success_table; print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
