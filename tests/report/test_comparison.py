"""Runs without a study file are compared by what differs between them, best first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from test_plain_runs import better, cells_of

from gan_lightning.report.__main__ import main
from gan_lightning.report.groups import Group
from gan_lightning.report.runs import read_run
from gan_lightning.report.samples import REAL, Samples
from gan_lightning.report.samples import cells_of as sample_cells

AddMember = Callable[..., Path]
OBJECTIVES = {"wgan_gp": {"n_critic": 3}, "dcgan": {"n_critic": 1, "optimizer": {"betas": [0.5, 0.9]}}}


@pytest.fixture
def compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The comparison of the runs in `grouped`, or of another folder."""

    def run(*arguments: str, folder: str = "runs/grouped") -> str:
        assert main([str(tmp_path / folder), *arguments]) == 0
        return capsys.readouterr().out

    return run


def add_objectives(add_member: AddMember, **scores: tuple[float, ...]) -> None:
    for objective, values in scores.items():
        for seed, score in enumerate(values):
            add_member(
                objective,
                seed,
                score,
                choices={"method": "none", "objective": objective},
                settings={"data": {"seed": seed}, **OBJECTIVES[objective]},
                n_critic=OBJECTIVES[objective]["n_critic"],
            )


def test_groups_are_by_what_was_swept_and_not_by_what_follows_from_it(
    add_member: AddMember, compare: Callable[..., str]
) -> None:
    add_objectives(add_member, dcgan=(1.0, 2.0), wgan_gp=(2.0, 4.0))
    text = compare()
    assert text.startswith("# grouped: 4 runs by objective\n")
    assert [row[:3] for row in better(text)] == [["WGAN-GP", "2", "3 ± 1.4"], ["GAN", "2", "1.5 ± 0.71"]]
    assert "higher is better" in text and "protocol" in text.lower()


def test_a_setting_that_differs_within_an_option_is_an_axis(add_member: AddMember, compare: Callable[..., str]) -> None:
    for seed, (bound, score) in enumerate([(0.1, 1.0), (0.01, 2.0), (0.01, 3.0)]):
        add_member("wgan_clip", seed, score, settings={"constraint": {"bound": bound, "p": 2}})
    text = compare()
    assert cells_of(text, "## Which was better")[0][0] == "bound"
    assert [row[:2] for row in better(text)] == [["0.01", "2"], ["0.1", "1"]]


@pytest.mark.parametrize("config", ["{}", "seed: [", '{"method": "wgan_gp"}'])
def test_a_run_of_a_broken_config_is_told_and_splits_no_groups(
    config: str, add_member: AddMember, compare: Callable[..., str]
) -> None:
    add_objectives(add_member, dcgan=(1.0,), wgan_gp=(2.0, 3.0))
    broken = add_member("wgan_gp", 7, 2.0, choices={"method": "none", "objective": "wgan_gp"})
    (broken / "config.yaml").write_text(config)
    text = compare()
    assert [row[:2] for row in better(text)] == [["WGAN-GP", "2"], ["GAN", "1"]]
    assert f"- Left out: {broken.name}: " in text and "config.yaml" in text


def test_a_run_without_a_config_is_told_apart_by_its_options(
    add_member: AddMember, compare: Callable[..., str]
) -> None:
    add_objectives(add_member, dcgan=(1.0,), wgan_gp=(2.0, 3.0))
    lost = add_member("wgan_gp", 7, 4.0, choices={"method": "none", "objective": "wgan_gp"})
    (lost / "config.yaml").unlink()
    assert [row[:3] for row in better(compare())] == [["WGAN-GP", "3", "3 ± 1"], ["GAN", "1", "1"]]


def test_what_a_seed_draws_is_no_axis(add_member: AddMember, compare: Callable[..., str]) -> None:
    for seed, depth in enumerate([4, 12, 20]):
        add_member("wgan_gp", seed, 2.0, settings={"arch": {"depth": depth}}, architecture={"depth": depth})
    assert [row[:2] for row in better(compare())] == [["WGAN-GP", "3"]]


def test_runs_that_went_wrong_are_counted_and_told_and_have_no_part_in_a_mean(
    add_member: AddMember, compare: Callable[..., str]
) -> None:
    add_objectives(add_member, wgan_gp=(2.0,))
    choices = {"method": "none", "objective": "wgan_gp"}
    add_member("wgan_gp", 5, 9.0, choices=choices, settings=OBJECTIVES["wgan_gp"], status="diverged", error="at 30")
    add_member("wgan_gp", 6, choices=choices, settings=OBJECTIVES["wgan_gp"], status="failed", scores=None, error="no")
    text = compare()
    (row,) = better(text)
    assert row[1:6] == ["3", "2", "2", "1", "1"]
    assert "- Diverged: " in text and ": at 30." in text and "- Failed: " in text and ": no." in text


def test_a_group_that_never_finished_comes_last(add_member: AddMember, compare: Callable[..., str]) -> None:
    choices = {"method": "none", "objective": "dcgan"}
    add_member("dcgan", 0, choices=choices, status="failed", scores=None)
    add_objectives(add_member, wgan_gp=(-3.0,))
    assert [(row[0], row[2]) for row in better(compare())] == [("WGAN-GP", "-3"), ("GAN", "-")]


def test_a_score_of_which_less_is_better_puts_the_lowest_first(
    add_member: AddMember, compare: Callable[..., str]
) -> None:
    for method, score in (("dcgan", 5.0), ("wgan_gp", 3.0)):
        taken = {"fid": score}
        scores = {
            "monitor": "fid",
            "higher_is_better": False,
            "final": taken,
            "best": taken,
            "protocol": {"samples": 9},
        }
        add_member(method, 0, scores=scores)
    text = compare()
    assert [row[0] for row in better(text)] == ["WGAN-GP", "GAN"] and "Fid, lower is better" in text


def test_scores_that_were_taken_in_two_ways_stand_in_two_tables(
    add_member: AddMember, compare: Callable[..., str]
) -> None:
    for seed, samples in ((0, 100), (1, 2000)):
        taken = {"digits_score": 2.0 + seed}
        scores = {"monitor": "digits_score", "final": taken, "best": taken, "protocol": {"samples": samples}}
        add_member("wgan_gp", seed, scores=scores)
    text = compare()
    assert "Scores were taken in 2 ways" in text
    assert "samples 100." in text and "samples 2000." in text
    assert [line.split("|")[2:4] for line in text.splitlines() if line.startswith("| WGAN-GP")] == [
        ["    1 ", "     2 "],
        ["    1 ", "     3 "],
    ]


def test_runs_without_any_score_are_compared_by_time_and_curves(
    add_member: AddMember, compare: Callable[..., str]
) -> None:
    logged = {50: {"val/critic_loss": 1.0, "seconds": 2.0}, 100: {"val/critic_loss": 0.5, "seconds": 4.0}}
    for method in ("dcgan", "wgan_gp"):
        add_member(method, 0, scores=None, logged=logged)
    text = compare()
    assert "No run was scored" in text and "![held out critic loss](held_out_critic_loss.png)" in text
    assert len(better(text)) == 2


def test_axes_score_and_direction_are_chosen_by_hand(
    tmp_path: Path, add_member: AddMember, compare: Callable[..., str]
) -> None:
    add_objectives(add_member, dcgan=(1.0, 2.0), wgan_gp=(2.0, 4.0))
    assert [row[:3] for row in better(compare("--by", "seed"))] == [["1", "2", "3 ± 1.4"], ["0", "2", "1.5 ± 0.71"]]
    assert better(compare("--by", "n_critic,objective"))[0][:2] == ["3", "WGAN-GP"]
    assert better(compare("--score", "digits_score_std"))[0][3] == "0.1 ± 0"
    compare("--x", "seconds")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--by", "colour"], "--by colour is not possible: no run has that setting; these runs differ in objective"),
        (["--score", "fid"], "--score fid is not possible: these runs have digits_score, digits_score_std"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(
    arguments: list[str], said: str, tmp_path: Path, add_member: AddMember, capsys: pytest.CaptureFixture[str]
) -> None:
    add_objectives(add_member, dcgan=(1.0,), wgan_gp=(2.0,))
    assert main([str(tmp_path / "runs/grouped"), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_study_is_compared_in_the_same_way_where_that_is_asked_for(
    tmp_path: Path, add_member: AddMember, use_study: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    use_study("grouped", "report: {kind: groups, axes: [{key: method}]}")
    add_objectives(add_member, dcgan=(1.0,), wgan_gp=(2.0,))
    assert main(["grouped", "--runs", str(tmp_path / "runs"), "--by", "objective"]) == 0
    assert [row[0] for row in better(capsys.readouterr().out)] == ["WGAN-GP", "GAN"]


def test_the_comparison_is_made_again_of_its_csv_files(
    tmp_path: Path, add_member: AddMember, compare: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    add_objectives(add_member, dcgan=(1.0, 2.0), wgan_gp=(2.0, 4.0))
    rows = better(compare("--output", str(tmp_path / "kept")))
    assert main(["grouped", "--from", str(tmp_path / "kept"), "--output", str(tmp_path / "again")]) == 0
    assert better(capsys.readouterr().out) == rows


def test_real_samples_stand_below_those_of_each_column(add_member: AddMember) -> None:
    run = add_member("wgan_gp", 0, 2.0, samples=(100,))
    Image.new("RGB", (60, 60)).save(run / "samples" / "real.png")
    other = add_member("dcgan", 0, 2.0, samples=(100,))
    groups = [Group((m,), (m,), (read_run(d / "result.json"),), 0) for m, d in (("a", run), ("b", other))]
    cells: dict[Any, Any] = sample_cells(groups, Samples())
    assert cells[REAL, "a"].picture == run / "samples" / "real.png"
    assert list(cells) == [("", "a"), ("", "b"), (REAL, "a")]


def test_every_setting_that_differs_has_a_column_and_a_lost_config_adds_none(
    add_member: AddMember, compare: Callable[..., str]
) -> None:
    for seed, (bound, rate) in enumerate([(0.1, 1e-4), (0.01, 1e-3)]):
        settings = {"constraint": {"bound": bound, "p": 2}, "optimizer": {"lr": rate, "_target_": f"a.B{seed}"}}
        add_member("wgan_clip", seed, 1.0, settings=settings)
    (add_member("wgan_clip", 7, 1.0, settings={"other": 1}) / "config.yaml").unlink()
    titles = cells_of(compare(), "## Every run")[0]
    assert {"constraint.bound", "optimizer.lr"} <= set(titles)
    assert not {"constraint.p", "optimizer._target_", "other", "generator_steps"} & set(titles)
