"""What a run says of itself."""

import errno
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gan_lightning.runs.result import Result
from gan_lightning.runs.words import closing, in_words, nothing_to_do, opening, tell_of_a_thread

PATH = Path("runs/adhoc/defaults")

SETTINGS: dict[str, Any] = {
    "generator_steps": 1500,
    "n_critic": 5,
    "learning_rate_scale": 1.0,
    "optimizer": {"_target_": "torch.optim.Adam", "_partial_": True, "lr": 1e-4, "betas": [0.0, 0.9]},
    "constraint": {
        "_target_": "gan_lightning.constraints.GradientPenalty",
        "weight": 10.0,
        "points": {"_target_": "gan_lightning.penalties.interpolates", "_partial_": True},
    },
    "decay": {"_target_": None},
    "ema": {"_target_": None},
    "arch": {
        "generator": {"_target_": "gan_lightning.networks.dcgan.Generator"},
        "critic": {"_target_": "mine.Net"},
    },
    "trainer": {"devices": 1, "nodes": 1},
}

RESULT = Result(
    status="running",
    study="adhoc",
    method="wgan_gp",
    label="WGAN-GP",
    seed=0,
    generator_steps=1500,
    generator_step=0,
    seconds=0.0,
    data="Digits 1x16x16",
    parameters={"generator": 123456, "critic": 7890},
    device="cpu",
)


def test_opening_says_method_networks_data_recipe_length_and_place() -> None:
    assert opening(SETTINGS, RESULT, PATH).splitlines() == [
        "WGAN-GP (wgan_gp), GradientPenalty(weight=10, points=interpolates), dcgan.Generator of 123,456 parameters and "
        "mine.Net of 7,890 parameters, Digits 1x16x16",
        "Adam(lr=0.0001, betas=[0.0, 0.9]), n_critic 5, 1,500 iterations on cpu",
        "runs/adhoc/defaults",
    ]


def test_opening_says_the_rate_as_used_and_the_recipes_where_it_is_scaled() -> None:
    scaled = SETTINGS | {"learning_rate_scale": 20.0}
    assert "Adam(lr=0.002, betas=[0.0, 0.9]) with 20 times the recipe's rate of 0.0001," in opening(
        scaled, RESULT, PATH
    )


def test_opening_says_decay_average_devices_and_where_it_goes_on() -> None:
    settings = SETTINGS | {
        "decay": {"_target_": "gan_lightning.optimizers.LinearDecay", "steps": 1500},
        "ema": {"_target_": "gan_lightning.averaging.ExponentialAverage", "half_life": 10000},
        "trainer": {"devices": 2, "nodes": 1},
    }
    lines = opening(settings, replace(RESULT, generator_step=500), PATH).splitlines()
    assert "LinearDecay(steps=1500), ExponentialAverage(half_life=10000), n_critic 5" in lines[1]
    assert lines[1].endswith("on 2 x cpu")
    assert lines[2] == "runs/adhoc/defaults: going on from generator iteration 500"


def test_node_without_arguments_is_its_name() -> None:
    assert in_words({"_target_": "gan_lightning.constraints.NoConstraint"}) == "NoConstraint"


def test_closing_says_how_a_run_ended_with_its_scores() -> None:
    scores = {"monitor": "digits_score", "final": {"digits_score": 7.0}, "protocol": {}}
    scores["best"] = {"digits_score": 7.25, "generator_step": 1250}
    ended = replace(RESULT, status="finished", generator_step=1500, seconds=93.6, scores=scores)
    assert closing(ended, PATH) == (
        "finished at generator iteration 1500, digits score 7.000 (best 7.250 at 1250), in 0:01:34: runs/adhoc/defaults"
    )


def test_closing_says_by_which_score_the_best_was_found() -> None:
    scores = {"monitor": "score", "watched": "score_100", "final": {"score": 7.0, "score_100": 6.0}, "protocol": {}}
    scores["best"] = {"score_100": 6.5, "generator_step": 20}
    ended = replace(RESULT, status="finished", generator_step=30, seconds=2.0, scores=scores)
    assert "score 7.000, score 100 6.000 (best 6.500 at 20)" in closing(ended, PATH)


def test_closing_says_what_went_wrong() -> None:
    diverged = replace(RESULT, status="diverged", generator_step=30, seconds=2.0, error="a loss was not finite")
    assert closing(diverged, PATH) == (
        "diverged at generator iteration 30, in 0:00:02, a loss was not finite: runs/adhoc/defaults"
    )


@pytest.mark.parametrize(
    ("status", "step", "said"),
    [
        ("finished", 1500, "already finished"),
        ("finished", 3000, "already at 3000"),
        ("running", 2000, "already at 2000"),
        ("diverged", 30, "already diverged"),
    ],
)
def test_run_that_has_come_as_far_says_so(status: str, step: int, said: str) -> None:
    line = nothing_to_do(replace(RESULT, status=status, generator_step=step), SETTINGS, PATH)
    assert line == f"{said}, nothing to do for generator_steps=1500: runs/adhoc/defaults"


def test_a_thread_that_finds_the_disk_full_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(threading, "excepthook", tell_of_a_thread)
    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    (record,) = caplog.records
    assert record.getMessage() == "a dashboard's files cannot be written: [Errno 28] No space left on device"
