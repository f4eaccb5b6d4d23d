"""Runs from start to end: what they leave behind, how they go on after a kill, and how they end."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import SGD, TINY, Train, assert_same_training, assert_same_weights, ended, own_module, start, start_train
from PIL import Image

import gan_lightning
from gan_lightning.callbacks.checkpointing import Checkpointing
from gan_lightning.metrics.image_scorer import ImageScorer
from gan_lightning.module import AdversarialModule
from gan_lightning.runs import run as run_module
from gan_lightning.runs.checkpoints import read_checkpoint
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics


def result(run: Path) -> dict[str, Any]:
    return json.loads((run / "result.json").read_text())


def test_a_run_leaves_the_files_of_the_contract(train: Train) -> None:
    overrides = [*TINY[:-1], "generator_steps=4", "every.log=2"]
    ended_run = train(*overrides, "metrics.every=2", "metrics.samples=100", "metrics.splits=1")
    assert ended_run.code == 0
    run = train.directory(*overrides, "metrics.every=2", "metrics.samples=100", "metrics.splits=1")
    names = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert names == {
        ".lock",
        "config.yaml",
        "result.json",
        "metrics.csv",
        "curves.png",
        "train.log",
        "samples/000004.png",
        "samples/real.png",
        "checkpoints/last.ckpt",
        "checkpoints/best.ckpt",
    }
    found = result(run)
    assert (found["status"], found["generator_step"], found["method"], found["seed"]) == (
        "finished",
        4,
        "wgan_gp",
        0,
    )
    assert found["scores"]["final"]["generator_step"] == 4
    assert found["scores"]["best"]["digits_score"] >= found["scores"]["final"]["digits_score"]
    assert found["scores"]["protocol"]["samples"] == 100
    rows = read_metrics(run / "metrics.csv")
    assert list(rows) == [2, 4]
    for name in ("train/critic_loss", "train/generator_loss", "train/gradient_norm", "score/digits_score"):
        assert name in rows[4]
    with Image.open(run / "samples" / "000004.png") as grid:
        assert min(grid.size) > 300
    assert ended_run.out.strip().splitlines()[-1].startswith("finished at generator iteration 4, digits score")


def test_a_finished_run_is_not_run_again(train: Train) -> None:
    assert train(*TINY, "generator_steps=2").code == 0
    run = train.directory(*TINY, "generator_steps=2")
    before = (run / "result.json").stat().st_mtime_ns
    again = train(*TINY, "generator_steps=2")
    assert again.code == 0
    assert "already finished, nothing to do" in again.out
    assert (run / "result.json").stat().st_mtime_ns == before


def rows_but_seconds(run: Path) -> dict[int, dict[str, float]]:
    rows = read_metrics(run / "metrics.csv")
    return {step: {name: value for name, value in row.items() if name != "seconds"} for step, row in rows.items()}


def test_a_lengthened_run_goes_on_in_its_directory_and_ends_bit_identical_to_a_long_one(train: Train) -> None:
    scored = [*TINY[:-1], "metrics.every=2", "metrics.samples=100", "metrics.splits=1", "every.log=2"]
    assert train(*scored, "generator_steps=3", "study=short").code == 0
    longer = train(*scored, "generator_steps=7", "study=short")
    assert longer.code == 0
    assert "going on from generator iteration 3" in longer.out
    assert train(*scored, "generator_steps=7", "study=long").code == 0
    (short,), (long,) = ((train.folder / "runs" / study).iterdir() for study in ("short", "long"))
    assert_same_weights(short, long)
    assert result(short)["scores"]["final"] == result(long)["scores"]["final"]
    assert (result(short)["generator_steps"], result(short)["generator_step"]) == (7, 7)
    rows = rows_but_seconds(short)
    assert list(rows) == [2, 3, 4, 6, 7]  # 3 was an end once
    del rows[3]
    assert rows == rows_but_seconds(long)
    seconds = [row["seconds"] for row in read_metrics(short / "metrics.csv").values()]
    assert seconds == sorted(seconds) and seconds[-1] <= result(short)["seconds"]

    shorter = train(*scored, "generator_steps=3", "study=short")
    assert shorter.code == 0
    assert "already at 7, nothing to do" in shorter.out
    assert result(short)["generator_steps"] == 7


def test_a_run_that_goes_on_where_its_data_lie_elsewhere_ends_bit_identical_to_one_that_did_not(train: Train) -> None:
    (train.folder / "a").mkdir()
    for number in range(12):
        Image.new("RGB", (16, 16), (20 * number, 90, 200)).save(train.folder / "a" / f"{number}.png")
    pictures = [*TINY, "data=image_folder", "data.resolution=16", "metrics=none"]
    assert train(*pictures, "data.root=a", "generator_steps=6", "study=stayed").code == 0
    assert train(*pictures, "data.root=a", "generator_steps=3", "study=moved").code == 0
    (train.folder / "a").rename(train.folder / "b")
    moved = train(*pictures, "data.root=b", "generator_steps=6", "study=moved")
    assert moved.code == 0
    assert "going on from generator iteration 3" in moved.out
    (stayed,), (elsewhere,) = ((train.folder / "runs" / study).iterdir() for study in ("stayed", "moved"))
    assert_same_weights(stayed, elsewhere)


@pytest.mark.parametrize("text", [None, "{", ""])
def test_a_lost_or_broken_result_is_written_anew_from_the_checkpoint_as_it_was(train: Train, text: str | None) -> None:
    scored = [*TINY[:-1], "metrics.every=1", "metrics.samples=100", "metrics.splits=1", "generator_steps=4"]
    assert train(*scored).code == 0
    run = train.directory(*scored)
    before, rows = result(run), read_metrics(run / "metrics.csv")
    file = run / "result.json"
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    again = train(*scored)
    assert again.code == 0
    assert "already finished, nothing to do" in again.out
    assert result(run) == before
    assert before["scores"]["best"]["generator_step"] <= before["scores"]["final"]["generator_step"] == 4
    assert read_metrics(run / "metrics.csv") == rows
    assert [path.read_text() for path in run.glob("result.json.broken")] == ([] if text is None else [text])


@pytest.mark.parametrize("text", [None, "{"])
def test_a_start_that_is_refused_leaves_a_lost_or_broken_result_as_it_is(train: Train, text: str | None) -> None:
    assert train(*TINY, "generator_steps=2").code == 0
    run = train.directory(*TINY)
    (run / "result.json").unlink() if text is None else (run / "result.json").write_text(text)
    (run / "metrics.csv").write_bytes(b"\xff\xfe")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != "train.log"}
    assert train(*TINY, "generator_steps=4").code == 2
    assert {path: path.read_bytes() for path in before} == before


def test_a_lost_result_of_a_checkpoint_of_an_earlier_version_is_written_anew_with_its_scores(train: Train) -> None:
    scored = [*TINY[:-1], "metrics.every=1", "metrics.samples=100", "metrics.splits=1", "generator_steps=4"]
    assert train(*scored).code == 0
    run = train.directory(*scored)
    before, last = result(run), run / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(last, weights_only=True)
    del checkpoint["callbacks"]["Checkpointing"]["result"]
    torch.save(checkpoint, last)
    (run / "result.json").unlink()
    assert train(*scored).code == 0
    assert result(run) == before


def spoil_parameter(module: AdversarialModule) -> None:
    next(module.generator.parameters()).data.view(-1)[0] = torch.nan


def spoil_buffer(module: AdversarialModule) -> None:
    """As statistics of a network overflow."""
    next(value for name, value in module.state_dict().items() if name.endswith("_u"))[0] = torch.inf


@pytest.mark.parametrize("spoil", [spoil_parameter, spoil_buffer])
def test_networks_that_the_last_update_made_infinite_are_no_result(
    train: Train, spoil: Callable[[AdversarialModule], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = [*TINY, "constraint=spectral_norm", "every.checkpoint=2", "every.log=100"]
    step = AdversarialModule.training_step

    def spoilt(self: AdversarialModule, batch: Any, batch_idx: int) -> Any:
        measures = step(self, batch, batch_idx)
        if self.global_step == 4:  # the losses were taken before
            spoil(self)
        return measures

    monkeypatch.setattr(AdversarialModule, "training_step", spoilt)
    done = train(*run, "generator_steps=4")
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith("diverged at generator iteration 4, ")
    assert "a parameter or buffer was not finite" in done.out
    directory = train.directory(*run)
    assert result(directory)["status"] == "diverged"
    assert read_checkpoint(directory / "checkpoints" / "last.ckpt")["global_step"] == 2


def test_the_seconds_of_a_row_are_before_its_own_score(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, score = [0.0], ImageScorer.score

    def score_in_a_hundred_seconds(*arguments: Any, **named: Any) -> dict[str, float]:
        shown[0] += 100
        return score(*arguments, **named)

    monkeypatch.setattr(ImageScorer, "score", score_in_a_hundred_seconds)
    monkeypatch.setattr(Checkpointing, "seconds", property(lambda self: shown[0]))
    scored = [*TINY[:-1], "metrics.every=2", "metrics.samples=100", "metrics.splits=1", "every.log=3"]
    assert train(*scored, "generator_steps=5", "hydra.run.dir=run").code == 0
    rows = read_metrics(train.folder / "run" / "metrics.csv")
    assert {step: row["seconds"] for step, row in rows.items()} == {2: 0, 3: 100, 4: 100, 5: 200}


def test_a_sweep_that_was_tried_briefly_goes_on_to_its_full_length(train: Train) -> None:
    sweep = ["-m", *TINY, "seed=0,1"]
    assert train(*sweep, "generator_steps=2", "study=tried").code == 0
    assert train(*sweep, "generator_steps=4", "study=tried").code == 0
    assert train(*sweep, "generator_steps=4", "study=whole").code == 0
    tried, whole = (sorted((train.folder / "runs" / study).glob("*/")) for study in ("tried", "whole"))
    assert [run.name for run in tried] == [run.name for run in whole] and len(tried) == 2
    for run, other in zip(tried, whole, strict=True):
        assert_same_weights(run, other)


def test_a_run_whose_rate_decays_until_its_end_is_another_run_at_another_length(train: Train) -> None:
    assert train(*TINY, "decay=linear", "generator_steps=2").code == 0
    assert train(*TINY, "decay=linear", "generator_steps=4").code == 0
    runs = {result(run)["generator_steps"]: run for run in (train.folder / "runs" / "adhoc").glob("*/")}
    assert set(runs) == {2, 4}
    assert list(rows_but_seconds(runs[4])) == [4]
    runs[2].rename(train.folder / "short")
    mixed = train(*TINY, "decay=linear", "generator_steps=4", "hydra.run.dir=short")
    assert (mixed.code, len(mixed.err.splitlines())) == (2, 1)
    assert "decay.steps: 2 -> 4" in mixed.err


def test_equal_weights_in_another_place_are_the_same_run(train: Train) -> None:
    scored = [*TINY[:-1], "generator_steps=2", "metrics.samples=100", "metrics.splits=1"]
    assert train(*scored).code == 0
    shipped = Path(gan_lightning.__file__).parent / "metrics" / "weights" / "digits_classifier.safetensors"
    shutil.copy(shipped, train.folder / "copy.safetensors")
    again = train(*scored, f"metrics.weights={train.folder / 'copy.safetensors'}")
    assert again.code == 0
    assert "already finished, nothing to do" in again.out
    assert len(list((train.folder / "runs" / "adhoc").iterdir())) == 1


def test_a_run_begins_by_saying_in_three_lines_what_it_is(train: Train) -> None:
    lines = train(*TINY, "generator_steps=2").out.splitlines()
    run = train.directory(*TINY)
    counts = result(run)["parameters"]
    assert lines[0].startswith("WGAN-GP (wgan_gp), GradientPenalty(weight=10")
    assert f"{counts['generator']:,} parameters" in lines[0] and f"{counts['critic']:,} parameters" in lines[0]
    assert lines[0].endswith(result(run)["data"])
    assert lines[1].startswith("Adam(lr=") and lines[1].endswith("n_critic 1, 2 iterations on cpu")
    assert lines[2] == str(run)
    assert "iteration 2/2" in lines[3]
    sizes = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert counts["critic"] == sum(value.numel() for name, value in sizes.items() if name.startswith("critic."))


def test_killed_in_mid_run_and_started_again_a_run_ends_with_the_same_weights(train: Train, tmp_path: Path) -> None:
    overrides = [*TINY, "generator_steps=200", "every.checkpoint=20", "every.log=10", "every.held_out=200"]
    process = start_train(*overrides, "hydra.run.dir=killed", folder=tmp_path)
    killed = tmp_path / "killed"
    deadline = time.monotonic() + 120
    while not (killed / "result.json").exists() or result(killed)["generator_step"] < 40:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert result(killed)["status"] == "running"
    assert 40 <= result(killed)["generator_step"] < 200

    again = train(*overrides, "hydra.run.dir=killed")
    assert again.code == 0
    assert "going on from generator iteration" in again.out
    assert train(*overrides, "hydra.run.dir=whole").code == 0
    assert_same_weights(killed, tmp_path / "whole")
    assert list(read_metrics(killed / "metrics.csv")) == list(read_metrics(tmp_path / "whole" / "metrics.csv"))


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    process = start_train(*TINY, "generator_steps=100000", "hydra.run.dir=run", "every.checkpoint=10", folder=tmp_path)
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "checkpoints" / "last.ckpt").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    interrupted = ended(process)
    assert interrupted.code == 130
    assert "the same command goes on from there" in interrupted.out
    assert "Traceback" not in interrupted.out + interrupted.err
    assert result(tmp_path / "run")["status"] == "running"


def test_a_run_that_diverges_is_a_result_and_leaves_the_sweep_alone(train: Train) -> None:
    sweep = train("-m", *TINY, "generator_steps=4", "every.log=2", "learning_rate_scale=1,1e30")
    assert sweep.code == 0
    assert "sweep of 2 runs: 1 finished, 1 diverged, 0 failed" in sweep.out
    diverged = train.directory(
        *TINY, "generator_steps=4", "every.log=2", "learning_rate_scale=1e+30"
    )  # as Hydra writes it
    assert result(diverged)["status"] == "diverged"
    assert "not finite" in result(diverged)["error"]
    again = train("-m", *TINY, "generator_steps=4", "every.log=2", "learning_rate_scale=1,1e30")
    assert again.code == 0
    assert again.out.count("nothing to do") == 2


def test_a_run_that_fails_says_so_in_one_line_and_keeps_the_traceback(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is on fire")

    monkeypatch.setattr("gan_lightning.data.images.save_grid", broken)
    failed = train(*TINY, "generator_steps=2")
    run = train.directory(*TINY, "generator_steps=2")
    assert failed.code == 1
    assert "Traceback" not in failed.out + failed.err
    assert (result(run)["status"], result(run)["error"]) == ("failed", "RuntimeError: the disk is on fire")
    assert "Traceback" in (run / "train.log").read_text()


def test_a_sweep_has_stable_directories_and_runs_nothing_twice(train: Train) -> None:
    sweep = ["-m", "arch=random", "seed=range(2)", "objective=wgan_gp,dcgan", "arch.width_scale=0.0625"]
    small = ["generator_steps=2", "metrics=none", "data.batch_size=4", "trainer.threads=1"]
    first = train(*sweep, *small)
    assert first.code == 0
    assert "sweep of 4 runs: 4 finished, 0 diverged, 0 failed" in first.out
    runs = sorted(path.parent for path in (train.folder / "runs" / "adhoc").glob("*/result.json"))
    assert len(runs) == 4
    drawn = {(result(run)["method"], result(run)["seed"]): result(run)["architecture"] for run in runs}
    assert drawn["wgan_gp", 0]["generator.depth"] == drawn["dcgan", 0]["generator.depth"]
    again = train(*sweep, *small)
    assert again.code == 0
    assert again.out.count("already finished, nothing to do") == 4
    assert "sweep of 4 runs: 4 finished, 0 diverged, 0 failed" in again.out


def test_a_run_says_which_options_of_the_groups_were_chosen(train: Train) -> None:
    assert train(*TINY, "objective=lsgan", "generator_steps=1").code == 0
    run = train.directory(*TINY, "objective=lsgan")
    choices = result(run)["choices"]
    assert choices == RunDirectory(run).settings["choices"]
    assert (choices["objective"], choices["constraint"], choices["arch"]) == ("lsgan", "none", "dcgan_tiny")
    assert "experiment" not in choices  # a group without an option
    assert not any(group.startswith("hydra") for group in choices)


def test_a_run_of_a_checkout_knows_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "PACKAGE", tmp_path / "gan_lightning")
    assert "commit" not in run_module.versions()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "file").write_text("1")
    for command in (["init", "-q"], ["add", "file"], ["commit", "-q", "-m", "First"]):
        subprocess.run([*git, *command], check=True)
    commit = run_module.versions()["commit"]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    assert len(commit) >= 7 and head.startswith(commit)
    (tmp_path / "file").write_text("2")
    assert run_module.versions()["commit"] == f"{commit}-dirty"


def test_joblib_runs_a_sweep(tmp_path: Path) -> None:
    sweep = ["-m", *TINY, "generator_steps=2", "seed=0,1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    sweep += ["hydra.sweeper.max_batch_size=2"]
    process = ended(start_train(*sweep, folder=tmp_path))
    assert process.code == 0, process.err
    assert "sweep of 3 runs: 3 finished, 0 diverged, 0 failed" in process.out


def test_two_processes_train_to_the_same_weights_and_score_as_one(train: Train, tmp_path: Path) -> None:
    run = [*SGD, "arch.generator.filters=2", "arch.generator.norm=none", "arch.critic.filters=2", "data.batch_size=8"]
    run += [
        "generator_steps=5",
        "trainer.accelerator=cpu",
        "trainer.threads=1",
        "metrics.samples=300",
        "metrics.splits=1",
        "ema.ramp_up=null",
        "ema.half_life=40",  # so that an average over one process's samples alone would be another
    ]
    assert train(*run, "hydra.run.dir=one").code == 0
    both = ended(start_train(*run, "trainer.devices=2", "hydra.run.dir=two", folder=tmp_path))
    assert both.code == 0, both.out + both.err
    assert_same_training(tmp_path / "one", tmp_path / "two")
    scores = [result(tmp_path / name)["scores"]["final"]["digits_score"] for name in ("one", "two")]
    assert scores[0] == pytest.approx(scores[1], rel=1e-3)
    held_out = [read_metrics(tmp_path / name / "metrics.csv")[5]["val/critic_loss"] for name in ("one", "two")]
    assert held_out[0] == pytest.approx(held_out[1], rel=1e-3)


def test_evaluate_repeats_the_final_score_to_the_last_digit(train: Train, tmp_path: Path) -> None:
    scored = [*TINY[:-1], "generator_steps=3", "metrics.samples=200", "metrics.splits=2", "hydra.run.dir=run"]
    assert train(*scored).code == 0
    scores = result(tmp_path / "run")["scores"]
    evaluated = ended(start("-m", "gan_lightning.evaluate", "run", folder=tmp_path))
    assert evaluated.code == 0, evaluated.err
    report = json.loads(evaluated.out)
    assert report["scores"] | {"generator_step": 3} == scores["final"]
    assert report["protocol"] == scores["protocol"]


DIVERGING = (*TINY, "generator_steps=4", "every.log=2", "learning_rate_scale=1e30", "hydra.run.dir=here")


def test_an_iterator_that_ends_within_ones_own_network_fails_the_run(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
from gan_lightning.networks.dcgan import Critic
class Ending(Critic):
    calls = iter(range(40))
    def forward(self, *args, **kwargs):
        next(self.calls)
        return super().forward(*args, **kwargs)
"""
    own_module("ending_networks", text, tmp_path, monkeypatch)
    done = train(*TINY, "generator_steps=1000", "hydra.run.dir=here", "arch.critic._target_=ending_networks.Ending")
    assert done.code == 1
    assert "failed: a network or an objective raised StopIteration after generator iteration " in done.out + done.err
    assert result(train.folder / "here")["status"] == "failed"


def test_a_run_that_diverges_says_so_in_its_last_line_and_in_the_sweeps(train: Train) -> None:
    alone = train(*DIVERGING)
    assert alone.code == 0
    assert alone.out.splitlines()[-1].startswith("diverged at generator iteration 2, ")
    sweep = train("-m", *DIVERGING[:-1], "seed=0,1")
    assert sweep.code == 0
    *_, first, second, last = sweep.out.splitlines()
    assert first.startswith("diverged: ") and second.startswith("diverged: ")
    assert "sweep of 2 runs: 0 finished, 2 diverged, 0 failed" in last


def test_a_run_whose_dashboards_folder_is_a_link_is_refused(train: Train) -> None:
    (train.folder / "here").mkdir()
    (train.folder / "elsewhere").mkdir()
    (train.folder / "here" / "tensorboard").symlink_to(train.folder / "elsewhere")
    done = train(*TINY, "generator_steps=2", "logger=tensorboard", "hydra.run.dir=here")
    assert done.code != 0
    assert "tensorboard is a link, and a folder is needed there" in done.out + done.err
    assert not list((train.folder / "elsewhere").iterdir())
