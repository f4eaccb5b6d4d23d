"""What goes with a score."""

from types import SimpleNamespace
from typing import Any

import pytest

from gan_lightning.callbacks.scoring import Scoring, whole_protocol


def test_protocol_says_whose_samples_are_scored_and_relative_to_what() -> None:
    scorer: Any = SimpleNamespace(protocol=lambda: {"samples": 100})
    protocol = whole_protocol(scorer, generator="last iterate", data="Digits 1x16x16")
    assert protocol == {"samples": 100, "generator": "last iterate", "data": "Digits 1x16x16"}


@pytest.mark.parametrize("higher", [True, False])
def test_result_says_which_score_was_watched_and_which_way_is_better(higher: bool) -> None:
    scorer: Any = SimpleNamespace(
        monitor="fid", higher_is_better=higher, protocol=dict, score=lambda *_, **__: {"fid": 2.0}
    )
    data: Any = SimpleNamespace(reference=lambda: None, provenance="Digits")
    recorded: dict[str, Any] = {}
    directory: Any = SimpleNamespace(best="best", record=lambda **changes: recorded.update(changes))
    trainer: Any = SimpleNamespace(
        loggers=[], global_step=3, is_global_zero=True, save_checkpoint=lambda *_, **__: None
    )
    module: Any = SimpleNamespace(sampler=None, sampled_generator="last iterate")
    Scoring(scorer, data, directory=directory, every=1).score(trainer, module)
    assert (recorded["scores"]["monitor"], recorded["scores"]["higher_is_better"]) == ("fid", higher)
