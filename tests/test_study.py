"""``python -m gan_lightning.study status|rerun``: on studies as they are half-way."""

import json
import sys
from functools import partial
from pathlib import Path

import pytest
from commands import PROJECT, TINY, Train, begin_run, ended, run_study, start

from gan_lightning import cli
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.study import planned_names, status_of

PLAN = ["+sweeps=table2_laptop", "seed=range(3)"]

begin = partial(begin_run, study="table2_laptop", generator_steps=400)


def test_a_study_is_looked_at_from_any_folder(tmp_path: Path) -> None:
    """Hydra then meets other packages' plugins before the project's own."""
    look = "import sys; sys.path.append(sys.argv.pop(1)); from gan_lightning.study import main; main()"
    done = ended(start("-c", look, PROJECT, "status", "table2_laptop", folder=tmp_path, path=tmp_path))
    assert (done.code, done.err) == (
        2,
        "error: runs is not there: studies lie where they were started, or name --runs\n",
    )
    (tmp_path / "runs").mkdir()
    done = ended(start("-c", look, PROJECT, "status", "table2_laptop", folder=tmp_path, path=tmp_path))
    assert done.code == 0, done.err
    assert "table2_laptop: 60 runs: 0 finished, 0 diverged, 0 failed, 60 missing" in done.out


def test_planned_runs_have_the_names_of_their_directories() -> None:
    names = planned_names(PLAN, Path("runs"))
    assert len(names) == 6
    assert names[0] == cli.run_name(["+sweeps=table2_laptop", "seed=0", "objective=wgan_gp"])


def test_status_of_a_half_finished_study(tmp_path: Path) -> None:
    directory = tmp_path / "table2_laptop"
    first, second, third, fourth, *_ = planned_names(PLAN, Path("runs"))
    begin(directory / first, status="finished")
    begin(directory / second, status="failed", error="RuntimeError: out of memory")
    begin(directory / third)
    begin(directory / fourth, status="diverged", error="a loss was not finite")
    begin(directory / "another", status="finished")
    text = status_of(directory, "table2_laptop", ["seed=range(3)"], whole=False)
    lines = text.splitlines()
    assert lines[-1] == (
        "table2_laptop: 7 runs: 2 finished, 1 diverged, 1 failed, 1 stale, 2 missing: " + str(directory)
    )
    assert len([line for line in lines if line.startswith("| ")]) == 2 + 3
    (failed,) = [line for line in lines if second in line]
    assert "failed" in failed and "RuntimeError: out of memory" in failed
    (stale,) = [line for line in lines if third in line]
    assert "stale" in stale and "100 of 400" in stale
    assert first not in text
    whole = status_of(directory, "table2_laptop", ["seed=range(3)"], whole=True)
    assert first in whole and "another" in whole and "missing" in whole


def test_status_of_what_is_no_study_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = run_study(capsys, "status", "no_such_study", "--runs", str(tmp_path))
    assert code == 2
    assert error.startswith("error: no study 'no_such_study': no such file in sweeps/, and no runs in")
    assert len(error.splitlines()) == 1


def test_status_of_a_directory_of_runs_without_a_study_file(
    train: Train, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train(*TINY, "generator_steps=1").code == 0
    monkeypatch.chdir(train.folder)
    code, text, _ = run_study(capsys, "status", "adhoc")
    assert code == 0
    assert text.strip() == "adhoc: 1 runs: 1 finished, 0 diverged, 0 failed: runs/adhoc"


def test_status_counts_by_the_plan_of_the_last_start(
    train: Train, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert train("-m", *TINY, "generator_steps=1", "seed=0,1", "study=few").code == 0
    monkeypatch.chdir(train.folder)
    capsys.readouterr()
    code, text, _ = run_study(capsys, "status", "few")
    assert code == 0
    assert "planned: " in text and "seed=0,1" in text
    assert text.splitlines()[-1] == "few: 2 runs: 2 finished, 0 diverged, 0 failed: runs/few"
    _, text, _ = run_study(capsys, "status", "--all", "few", "seed=range(3)")
    assert text.splitlines()[-1] == "few: 3 runs: 2 finished, 0 diverged, 0 failed, 1 missing: runs/few"
    assert train("-m", *TINY, "generator_steps=1", "trainer.threads=1,2", "study=few").code == 2
    _, text, _ = run_study(capsys, "status", "few")
    assert "seed=0,1" in text, "a start that was refused is none"
    (train.folder / "runs" / "few" / "last_start.json").write_text("{")
    code, _, error = run_study(capsys, "status", "few")
    assert code == 2
    assert error.startswith("error: runs/few/last_start.json cannot be read")
    assert "move it away" in error


STRANGERS = (
    "hydra.searchpath=[file:///tmp]",
    "hydra.launcher.setup=[true]",
    "hydra/launcher=own",
    "hydra.run.dir=/tmp/x",
    "+hydra.launcher._target_=os.system",
    "objective._target_=os.system",
    "+arch={_target_: os.system}",
    "++arch.generator={filters: 2, _partial_: true}",
    "study=${oc.env:HOME}",
    "arch=../../../tmp/own",
    "+sweeps=/tmp/own",
    "--config-dir=/tmp",
    "-cd",
)


@pytest.mark.parametrize("line", STRANGERS)
@pytest.mark.parametrize("where", ["launcher", "overrides"])
def test_what_a_stranger_typed_is_not_run(
    line: str, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "main", lambda: pytest.fail("it was run"))
    own = {
        "launcher": ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
        "overrides": ["seed=range(2)", "data=digits"],
    }
    start = {"folder": str(tmp_path), **own, where: [*own[where], line]}
    study = tmp_path / "runs" / "s"
    study.mkdir(parents=True)
    (study / "last_start.json").write_text(json.dumps(start))
    code, _, error = run_study(capsys, "rerun", "s", "--runs", str(tmp_path / "runs"))
    assert code == 2
    assert error.startswith(f"error: {study}/last_start.json has {line}, which is not taken from a file")
    assert len(error.splitlines()) == 1


def test_what_the_user_types_again_is_theirs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "main", lambda: None)
    monkeypatch.setattr(sys, "argv", ["study"])
    start = {"folder": str(tmp_path), "launcher": ["hydra.launcher.setup=[false]"], "overrides": ["seed=0,1"]}
    study = tmp_path / "runs" / "s"
    study.mkdir(parents=True)
    (study / "last_start.json").write_text(json.dumps(start))
    monkeypatch.chdir(tmp_path)
    code, _, error = run_study(capsys, "rerun", "s", "hydra.launcher.setup=[true]")
    assert (code, error) == (0, "python train.py -m seed=0,1 'hydra.launcher.setup=[true]'\n")


def test_a_study_that_was_moved_is_not_started_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "runs" / "s"
    study.mkdir(parents=True)
    (study / "last_start.json").write_text('{"folder": "/nowhere", "launcher": [], "overrides": ["seed=0,1"]}')
    code, _, error = run_study(capsys, "rerun", "s", "--runs", str(tmp_path / "runs"))
    assert (code, "was started in /nowhere" in error) == (2, True)


def test_a_queue_that_does_not_answer_is_told_and_the_status_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(tmp_path / "s" / "run", status="failed", error="no memory").note_job("7")
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\necho 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1\n")
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    code, text, error = run_study(capsys, "status", "s", "--runs", str(tmp_path))
    assert code == 0
    assert "1 failed" in text
    assert error == (
        "squeue: slurm_load_jobs error: Unable to contact slurm controller; what is in the queue is not known\n"
    )


@pytest.mark.parametrize(
    "order",
    [
        ("table2_laptop", "seed=range(3)", "--all"),
        ("--all", "table2_laptop", "seed=range(3)"),
        ("table2_laptop", "--all", "seed=range(3)"),
    ],
)
def test_options_and_overrides_stand_in_any_order(
    order: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text, _ = run_study(capsys, "status", *order, "--runs", str(tmp_path))
    assert code == 0
    assert "table2_laptop: 6 runs: 0 finished, 0 diverged, 0 failed, 6 missing" in text


def test_rerun_starts_what_has_not_finished_as_it_was_started_last(
    train: Train, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = ["-m", *TINY, "generator_steps=2", "seed=0,1,2", "study=tried"]
    assert train(*sweep).code == 0
    runs = sorted((train.folder / "runs" / "tried").glob("*/result.json"))
    assert len(runs) == 3
    RunDirectory(runs[1].parent).record(status="failed", error="RuntimeError: out of memory")
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["study"])
    code, text, error = run_study(capsys, "rerun", "tried")
    assert code == 0, error
    assert text.count("already finished, nothing to do") == 2
    assert "sweep of 3 runs: 3 finished, 0 diverged, 0 failed" in text
    assert error.startswith("python train.py -m ") and "seed=0,1,2" in error


def test_what_was_never_started_cannot_be_started_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = run_study(capsys, "rerun", "table2_laptop", "--runs", str(tmp_path))
    assert code == 2
    assert "never started" in error and "python train.py -m +sweeps=table2_laptop" in error


def test_an_unknown_study_is_not_advised_by_a_file_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = run_study(capsys, "rerun", "no_such", "--runs", str(tmp_path))
    assert code == 2
    assert "+sweeps=" not in error and "table2_laptop" in error


@pytest.mark.parametrize(
    "lines",
    [
        ["label={_tar", "+data.zz=get_: os.system}", "arch.generator=$\\{oc.decode:$\\{label\\}$\\{data.zz\\}\\}"],
        ["arch.generator={_target_: os.getcwd}"],
        ["arch.generator._target_=os.getcwd"],
        ["label=${oc.env:HOME}"],
        ["logger.name=../../outside"],
        ["+logger.settings.base_url=http://localhost"],
        ["hydra.searchpath=[file:///tmp]"],
    ],
)
def test_rerun_takes_nothing_but_plain_settings_from_a_strangers_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: list[str]
) -> None:
    study = tmp_path / "runs" / "theirs"
    study.mkdir(parents=True)
    start = {"folder": str(tmp_path), "launcher": [], "overrides": lines}
    (study / "last_start.json").write_text(json.dumps(start))
    code, _, err = run_study(capsys, "rerun", "theirs", "--runs", str(tmp_path / "runs"))
    assert code == 2 and "is not taken from a file that may be a stranger's" in err and len(err.splitlines()) == 1


def test_status_of_more_runs_than_anybody_has_time_for_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "runs" / "theirs"
    study.mkdir(parents=True)
    start = {"folder": str(tmp_path), "launcher": [], "overrides": ["study=theirs", "seed=range(1000000000)"]}
    (study / "last_start.json").write_text(json.dumps(start))
    code, _, err = run_study(capsys, "status", "theirs", "--runs", str(tmp_path / "runs"))
    assert code == 2 and "more than 100,000 runs are not possible in one sweep: study seed" in err
