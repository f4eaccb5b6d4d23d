"""What goes with a score."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from gan_lightning.callbacks.scoring import Scoring, whole_protocol
from gan_lightning.metrics.interim import Interim
from gan_lightning.sampling import Sampler

DATA: Any = SimpleNamespace(reference=lambda: None, to_rows=lambda samples: samples, provenance="Digits")
MODULE: Any = SimpleNamespace(
    sampler=Sampler(nn.Identity(), latent_dim=1, device=torch.device("cpu")), sampled_generator="last iterate"
)


def test_protocol_says_whose_samples_are_scored_and_relative_to_what() -> None:
    scorer: Any = SimpleNamespace(protocol=lambda: {"samples": 100})
    protocol = whole_protocol(scorer, generator="last iterate", data="Digits 1x16x16")
    assert protocol == {"samples": 100, "generator": "last iterate", "data": "Digits 1x16x16"}


@pytest.mark.parametrize("higher", [True, False])
def test_result_says_which_score_was_watched_and_which_way_is_better(higher: bool) -> None:
    scorer: Any = SimpleNamespace(
        monitor="fid", higher_is_better=higher, protocol=dict, score=lambda *_, **__: {"fid": 2.0}
    )
    recorded: dict[str, Any] = {}
    directory: Any = SimpleNamespace(best="best", record=lambda **changes: recorded.update(changes))
    trainer: Any = SimpleNamespace(
        loggers=[], global_step=3, is_global_zero=True, save_checkpoint=lambda *_, **__: None
    )
    Scoring(scorer, DATA, directory=directory, every=1).score(trainer, MODULE)
    assert (recorded["scores"]["monitor"], recorded["scores"]["higher_is_better"]) == ("fid", higher)


def scorer_of(name: str, values: list[float]) -> Any:
    """Says one value after the other."""
    return SimpleNamespace(
        monitor=name, higher_is_better=True, protocol=lambda: {"samples": 500}, score=lambda *_: {name: values.pop(0)}
    )


def test_scores_on_the_way_are_of_fewer_samples_and_the_final_one_of_all() -> None:
    watched, final = scorer_of("score", [3.0, 5.0, 4.0]), scorer_of("score", [4.5])
    recorded: dict[str, Any] = {}
    logged: dict[int, dict[str, float]] = {}
    logger: Any = SimpleNamespace(log_metrics=lambda values, step: logged.update({step: values}))
    trainer: Any = SimpleNamespace(
        loggers=[logger], global_step=0, max_steps=30, is_global_zero=True, save_checkpoint=lambda *_, **__: None
    )
    scoring = Scoring(
        SimpleNamespace(**vars(final) | {"score": lambda *_, **__: final.score()}),
        DATA,
        directory=SimpleNamespace(best="best", record=lambda **changes: recorded.update(changes)),  # pyright: ignore[reportArgumentType]
        every=10,
        interim=Interim(watched, 100),
    )
    for trainer.global_step in (10, 20, 30):
        scoring.score(trainer, MODULE)
    assert logged == {
        10: {"score/score_100": 3.0},
        20: {"score/score_100": 5.0},
        30: {"score/score_100": 4.0, "score/score": 4.5},
    }
    scores = recorded["scores"]
    assert (scores["monitor"], scores["watched"]) == ("score", "score_100")
    assert scores["final"] == {"score_100": 4.0, "score": 4.5, "generator_step": 30}
    assert scores["best"] == {"score_100": 5.0, "generator_step": 20}
    assert scores["protocol"]["samples"] == 500
    assert scores["protocol"]["interim_samples"] == 100
