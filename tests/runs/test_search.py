"""Sweeps that search: what is tried, where it is looked next, and how a search goes on."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest
from commands import Train, run_study
from optuna.distributions import FloatDistribution
from optuna.samplers import RandomSampler
from optuna.study import create_study

from gan_lightning import cli
from gan_lightning.report.__main__ import main as report
from gan_lightning.runs import search as search_module
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.intervals import Interval
from gan_lightning.runs.result import Result, write_result
from gan_lightning.runs.search import Outcome, best_of, outcome_of, read_record
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.suggestions import suggest
from gan_lightning.runs.world import World

RATE = Interval(0.01, 1000.0, log=True, whole=False)
AXIS = "learning_rate_scale=tag(log,interval(0.01,1000))"
SEARCH = ("-m", "hydra/sweeper=search", AXIS, "generator_steps=1")

Runs = list[tuple[str, int, float]]
"""Objective, seed and rate of what was trained."""


def score_at(rate: float, seed: int = 0) -> float:
    """At most 5, at a rate of 3; each seed has its own level."""
    return 5.0 - math.log10(rate / 3.0) ** 2 + 0.1 * seed


@pytest.fixture
def trained(train: Train, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """What was trained, in order: rates from 500 diverge, those below 0.02 fail."""
    runs: Runs = []

    def lead(settings: Settings, directory: RunDirectory) -> str:
        if directory.has_ended(settings):
            return "finished"
        rate, seed = settings["learning_rate_scale"], settings["seed"]
        runs.append((settings["method"], seed, rate))
        status = "diverged" if rate >= 500 else "failed" if rate < 0.02 else "finished"
        scores = {"monitor": "digits_score", "higher_is_better": True, "final": {"digits_score": score_at(rate, seed)}}
        directory.begin(
            settings,
            Result(
                status=status,
                study=settings["study"],
                method=settings["method"],
                label=settings["label"],
                seed=seed,
                generator_steps=settings["generator_steps"],
                generator_step=settings["generator_steps"],
                seconds=1.0,
                scores=scores if status == "finished" else None,
            ),
        )
        return status

    monkeypatch.setattr(cli, "lead", lead)
    return runs


def rates(runs: Runs) -> list[float]:
    return [rate for *_, rate in runs]


def trials(folder: Path) -> list[list[dict[str, float]]]:
    """By combination, what was tried."""
    record = read_record(folder)
    assert record is not None
    return [[dict(trial.at) for trial in search.trials] for search in record.searches]


def searched(find: Callable[[list[tuple[dict[str, float | int], Outcome]]], dict[str, float | int]]) -> float:
    """The best of 25 trials, each where ``find`` says."""
    tried: list[tuple[dict[str, float | int], Outcome]] = []
    for _ in range(25):
        at = find(tried)
        tried.append((at, Outcome("finished", (score_at(at["rate"]) + score_at(at["weight"]),), "score")))
    return max(outcome.value or 0.0 for _, outcome in tried)


def test_a_search_comes_nearer_to_the_best_than_drawing_does() -> None:
    axes = {"rate": RATE, "weight": RATE}

    def drawn(seed: int) -> Callable[[object], dict[str, float | int]]:
        study = create_study(sampler=RandomSampler(seed=seed))
        kind = FloatDistribution(RATE.low, RATE.high, log=True)
        return lambda _: study.ask(dict.fromkeys(axes, kind)).params

    ours = [searched(lambda tried, seed=seed: suggest(axes, tried, count=1, seed=seed)[0]) for seed in range(6)]
    random = [searched(drawn(seed)) for seed in range(6)]
    assert fmean(ours) > 9.8 > fmean(random), "of at most 10"


def test_the_lowest_is_searched_where_lower_is_better() -> None:
    tried: list[tuple[dict[str, float | int], Outcome]] = []
    for _ in range(25):
        at = suggest({"rate": RATE}, tried, count=1, seed=0)[0]
        tried.append((at, Outcome("finished", (-score_at(at["rate"]),), "fid", higher_is_better=False)))
    assert min(outcome.value or 0.0 for _, outcome in tried) < -4.95


def test_diverged_trials_keep_a_search_away_even_before_any_has_finished() -> None:
    tried: list[tuple[dict[str, float | int], Outcome]] = [({"rate": 900.0}, Outcome("diverged"))] * 8
    assert min(at["rate"] for at in suggest({"rate": RATE}, tried, count=20, seed=0)) < 1.0
    tried += [({"rate": rate}, Outcome("finished", (1.0,), "score")) for rate in (0.5, 1.0, 2.0)]
    near = [suggest({"rate": RATE}, tried, count=1, seed=seed)[0]["rate"] for seed in range(20)]
    assert sum(rate > 300 for rate in near) <= 2, near


def test_trials_asked_for_at_once_differ() -> None:
    tried = [({"rate": rate}, Outcome("finished", (score_at(rate),), "score")) for rate in (0.1, 1.0, 3.0, 10.0, 99.0)]
    assert len({at["rate"] for at in suggest({"rate": RATE}, tried, count=4, seed=0)}) == 4


def test_values_have_four_digits_and_stay_within_their_bounds() -> None:
    assert RATE.rounded(0.00123456) == 0.01
    assert RATE.rounded(1.23456) == 1.235
    assert Interval(1, 8, log=False, whole=True).rounded(2.6) == 3
    assert RATE.middle == pytest.approx(math.sqrt(10), rel=1e-3)
    assert [value in Interval(1, 8, log=False, whole=True) for value in (1, 8, 8.5, 9, True, "2")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_each_combination_is_searched_and_seeds_are_averaged(train: Train, trained: Runs) -> None:
    done = train(*SEARCH, "objective=wgan_gp,lsgan", "seed=0,2", "hydra.sweeper.n_trials=6", "study=s")
    assert done.err == ""
    assert len(trained) == 2 * 6 * 2
    folder = train.folder / "runs" / "s"
    record = read_record(folder)
    assert record is not None
    assert [search.fixed for search in record.searches] == [["objective=wgan_gp"], ["objective=lsgan"]]
    for search in record.searches:
        assert len(search.trials) == 6
        for trial in search.trials:
            outcome = outcome_of(trial, folder)
            if outcome.status == "finished":
                assert outcome.value == pytest.approx(score_at(float(trial.at["learning_rate_scale"]), 1))
                assert outcome.spread == pytest.approx(0.2 / math.sqrt(2))
    best = best_of([(trial, outcome_of(trial, folder)) for trial in record.searches[0].trials])
    assert best is not None
    assert f"digits_score {best[1].value:.4g} ± 0.14, the best of 6 trials" in done.out
    assert f"objective=wgan_gp learning_rate_scale={best[0].at['learning_rate_scale']:g}" in done.out
    assert "search: 12 of 12 trials begun" in done.out


def test_the_recipes_own_value_is_tried_first(train: Train, trained: Runs) -> None:
    train(*SEARCH, "hydra.sweeper.n_trials=1", "study=one")
    train(
        *SEARCH,
        "hydra.sweeper.n_trials=1",
        "study=other",
        "data=eight_gaussians",
        "arch=toy",
        "metrics=digits_classifier",
    )
    assert rates(trained)[0] == 20.0, "conf/arch/dcgan_tiny.yaml"


def test_a_search_that_was_cut_off_goes_on_as_if_it_had_not_been(
    train: Train, trained: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = (*SEARCH, "objective=wgan_gp,lsgan", "seed=0,1", "hydra.sweeper.n_trials=8")
    train(*asked, "study=whole")
    whole = trained.copy()
    trained.clear()
    goes_on = cli.lead
    for limit in (5, 14):

        def lead(settings: Settings, directory: RunDirectory, limit: int = limit) -> str:
            return "interrupted" if len(trained) >= limit else goes_on(settings, directory)

        monkeypatch.setattr(cli, "lead", lead)
        assert train(*asked, "study=cut").code == 1
        assert len(trained) == limit
    monkeypatch.setattr(cli, "lead", goes_on)
    train(*asked, "study=cut")
    assert sorted(trained) == sorted(whole)
    assert trials(train.folder / "runs" / "cut") == trials(train.folder / "runs" / "whole")
    trained.clear()
    assert "16 of 16 trials begun" in train(*asked, "study=cut").out
    assert [rate for rate in rates(trained) if rate >= 0.02] == [], "only what failed is tried again"


def test_more_trials_go_on_with_those_that_were(train: Train, trained: Runs) -> None:
    train(*SEARCH, "hydra.sweeper.n_trials=3", "study=s")
    first = rates(trained)
    train(*SEARCH, "hydra.sweeper.n_trials=6", "study=s")
    assert rates(trained)[:3] == first
    train(*SEARCH, "hydra.sweeper.n_trials=6", "study=at_once")
    assert rates(trained)[6:] == rates(trained)[:6]


def test_runs_that_diverged_and_failed_are_told(train: Train, trained: Runs) -> None:
    axis = "learning_rate_scale=tag(log,interval(600,1000))"
    done = train("-m", "hydra/sweeper=search", axis, "hydra.sweeper.n_trials=2", "study=high")
    assert "2 trials, none of which finished: 0 finished, 2 diverged, 0 failed" in done.out
    assert done.code == 0
    axis = "learning_rate_scale=tag(log,interval(0.001,0.01))"
    done = train("-m", "hydra/sweeper=search", axis, "hydra.sweeper.n_trials=2", "study=low")
    assert "0 finished, 0 diverged, 2 failed" in done.out
    assert done.code == 1


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ((AXIS,), "cannot be swept: an interval is searched, by hydra/sweeper=search"),
        (("hydra/sweeper=search", "seed=0,1"), "nothing is searched; give an interval"),
        (("hydra/sweeper=search", "learning_rate_scale=interval(2,1)"), "from 2.0 to 1.0 is not possible"),
        (("hydra/sweeper=search", "learning_rate_scale=interval(1,inf)"), "two numbers are needed"),
        (("hydra/sweeper=search", "learning_rate_scale=tag(log,interval(0,1))"), "log from 0.0 is not possible"),
        (("hydra/sweeper=search", "learning_rate_scale=tag(lg,interval(1,2))"), "tag lg is not known; allowed: log"),
        (("hydra/sweeper=search", "learning_rate_scale=interval(-1,1)"), "learning_rate_scale"),
        (("hydra/sweeper=search", "seed=int(interval(0,9))"), "seed cannot be searched"),
        (("hydra/sweeper=search", "generator_steps=int(interval(1,9))"), "generator_steps cannot be searched"),
        (("hydra/sweeper=search", AXIS, "metrics=none"), "there is nothing to search by"),
        (("hydra/sweeper=search", AXIS, "hydra.sweeper.n_trials=0"), "hydra.sweeper.n_trials=0 is not possible"),
        (("hydra/sweeper=search", AXIS, "hydra.sweeper.trials_at_once=0"), "trials_at_once=0 is not possible"),
        (("hydra/sweeper=search", "learning_rat=interval(1,2)"), "learning_rat"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(
    train: Train, trained: Runs, overrides: tuple[str, ...], words: str
) -> None:
    done = train("-m", *overrides)
    assert done.code == 2
    assert words in done.err
    assert done.err.count("\n") == 1, done.err
    assert trained == []


def test_without_optuna_the_line_says_how_to_get_it(
    train: Train, trained: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = train(*SEARCH)
    assert (done.code, trained) == (2, [])
    assert done.err == "error: hydra/sweeper=search needs Optuna: pip install 'gan_lightning[search]'\n"


def test_one_of_several_processes_does_not_search(train: Train, trained: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(rank=0, size=2, node=0, local_rank=0, address="localhost", port=1, launcher="torchrun")
    monkeypatch.setattr(search_module, "this_world", lambda: world)
    done = train(*SEARCH)
    assert (done.code, trained) == (2, [])
    assert "not possible in one of 2 processes that torchrun started" in done.err


def test_another_search_needs_a_study_of_its_own(train: Train, trained: Runs) -> None:
    train(*SEARCH, "hydra.sweeper.n_trials=2", "study=s")
    for other in (("hydra.sweeper.seed=1",), ("learning_rate_scale=interval(1,2)",)):
        done = train(*SEARCH, "study=s", *other)
        assert done.code == 2
        assert "is of another search: its axes (learning_rate_scale=tag(log,interval(0.01,1000)))" in done.err
    assert len(trained) == 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"axes": {}}', "[" * 10**5])
def test_a_broken_record_is_told_in_one_line(train: Train, trained: Runs, content: str) -> None:
    (train.folder / "runs" / "s").mkdir(parents=True)
    (train.folder / "runs" / "s" / "search.json").write_text(content)
    done = train(*SEARCH, "study=s")
    assert done.code == 2
    assert "search.json cannot be read" in done.err
    assert done.err.count("\n") == 1
    assert trained == []


def test_a_record_names_no_directories_outside_of_the_study(train: Train, trained: Runs) -> None:
    train(*SEARCH, "hydra.sweeper.n_trials=1", "study=s")
    file = train.folder / "runs" / "s" / "search.json"
    content = json.loads(file.read_text())
    content["searches"][0]["trials"][0]["runs"] = ["../other"]
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="cannot be read"):
        read_record(file.parent)


def test_status_and_rerun_know_of_a_search(
    train: Train, trained: Runs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = cli.lead
    monkeypatch.setattr(
        cli, "lead", lambda settings, place: "interrupted" if len(trained) >= 3 else goes_on(settings, place)
    )
    train(*SEARCH, "hydra.sweeper.n_trials=5", "study=s")
    code, out, _ = run_study(capsys, "status", "s")
    assert code == 0
    assert "search: 4 of 5 trials begun" in out
    assert "s: 4 runs: 3 finished" in out
    assert "1 missing" in out
    monkeypatch.setattr(cli, "lead", goes_on)
    code, out, _ = run_study(capsys, "rerun", "s")
    assert len(trained) == 5
    assert "search: 5 of 5 trials begun" in out


def test_a_report_of_a_search_has_the_best_and_all_trials(
    train: Train, trained: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    train(*SEARCH, "objective=wgan_gp,lsgan", "hydra.sweeper.n_trials=6", "study=s")
    assert report(["runs/s"]) == 0
    out, _ = capsys.readouterr()
    best = max((rate for method, _, rate in trained if method == "lsgan" and 0.02 <= rate < 500), key=score_at)
    assert f"python train.py objective=lsgan learning_rate_scale={best:g}" in out
    folder = train.folder / "runs" / "s" / "report"
    assert (folder / "search.png").is_file()
    lines = (folder / "trials.csv").read_text().splitlines()
    assert len(lines) == 13
    assert lines[1].startswith("objective=wgan_gp,0,20.0,finished,digits_score,")
    assert report(["runs/s", "--by", "objective"]) == 0, "runs by what differs, where that is asked for"
    write_result(folder.parent / "other" / "result.json", Result(**RESULT))
    assert report(["runs/s"]) == 0


RESULT = {
    "status": "finished",
    "study": "s",
    "method": "dcgan",
    "label": "GAN",
    "seed": 0,
    "generator_steps": 1,
    "generator_step": 1,
    "seconds": 0.0,
}
