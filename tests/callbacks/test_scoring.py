"""What goes with a score."""

from types import SimpleNamespace
from typing import Any

from gan_lightning.callbacks.scoring import whole_protocol


def test_protocol_says_whose_samples_are_scored_and_relative_to_what() -> None:
    scorer: Any = SimpleNamespace(protocol=lambda: {"samples": 100})
    protocol = whole_protocol(scorer, generator="last iterate", data="Digits 1x16x16")
    assert protocol == {"samples": 100, "generator": "last iterate", "data": "Digits 1x16x16"}
