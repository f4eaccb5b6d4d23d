"""`--list`: every study, what of the paper it is, and how far its runs have come."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gan_lightning.report import listing
from gan_lightning.report.__main__ import main
from gan_lightning.report.study import known_studies

AddRun = Callable[..., Path]
UseStudy = Callable[[str, str], None]


@pytest.fixture
def studies(tmp_path: Path, use_study: UseStudy, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three studies: swept, inherited and of a single run."""
    monkeypatch.setattr(listing, "project_folder", lambda name: tmp_path / "sweeps")
    sweep = "hydra: {sweeper: {params: {seed: 'range(3)', method: 'wgan_gp,dcgan', +arch.depth: '4,8'}}}"
    use_study("many", f"{sweep}\nreport: {{paper_item: Table 9, kind: robustness}}")
    use_study(
        "fewer", "defaults: [many]\nhydra: {sweeper: {params: {seed: '7'}}}\nreport: {paper_item: Table 9, kind: runs}"
    )
    use_study("one", "report: {paper_item: Figure 4, kind: groups}")
    return tmp_path / "runs"


def listed(runs: Path, capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    assert main(["--list", "--runs", str(runs)]) == 0
    out = capsys.readouterr().out
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines()[2:]]


def test_study_without_runs_has_none_of_those_that_it_plans(studies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(studies, capsys) == [
        ["Figure 4", "one", "groups", "0 of 1", "0", "0", "0", "0"],
        ["Table 9", "fewer", "runs", "0 of 4", "0", "0", "0", "0"],
        ["Table 9", "many", "robustness", "0 of 12", "0", "0", "0", "0"],
    ]


def test_runs_are_counted_by_status(studies: Path, add_run: AddRun, capsys: pytest.CaptureFixture[str]) -> None:
    for seed, status in enumerate(("finished", "finished", "diverged", "failed", "running", "running", "running")):
        add_run("dcgan", seed, 2.0, folder="many", status=status)
    assert listed(studies, capsys)[-1] == ["Table 9", "many", "robustness", "2 of 12", "0", "1", "1", "3"]


def test_what_cannot_be_read_is_named_and_stops_nothing(
    studies: Path, add_run: AddRun, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    use_study("broken", "report: [")
    add_run("dcgan", 0, 2.0, folder="one").write_text("{")
    assert main(["--list", "--runs", str(studies)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 5
    assert "left out: " in err
    assert "broken.yaml: while parsing" in err
    assert "not a run's result" in err


def test_trial_runs_are_not_taken_for_the_studys(
    studies: Path, add_run: AddRun, use_study: UseStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    use_study("many", "generator_steps: 400\nreport: {paper_item: Table 9, kind: robustness}")
    for seed, steps in enumerate((2, 400, 500)):
        add_run("wgan_gp", seed, 5.0, folder="fewer", generator_steps=steps)
    assert ["Table 9", "fewer", "runs", "2 of 1", "1", "0", "0", "0"] in listed(studies, capsys)


def test_list_takes_no_study_and_no_study_takes_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--list", "table2"])
    assert "not allowed with" in capsys.readouterr().err


def test_every_study_of_the_project_is_listed_with_its_place_in_the_paper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = listed(tmp_path, capsys)
    assert sorted(row[1] for row in rows) == known_studies()
    assert all(len(row[0]) > 4 for row in rows), "say in report.paper_item which table or figure it is"
    assert all(row[3].startswith("0 of ") for row in rows)
