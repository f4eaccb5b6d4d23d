"""A run on text, from its lines to its samples, also where the text is gone."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import run_claimed
from omegaconf import DictConfig

from gan_lightning import sample
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.settings import Settings, resolve


@pytest.fixture
def settings(compose_config: Callable[..., DictConfig], tmp_path: Path) -> Callable[..., Settings]:
    """A run on lines of three symbols and back-ticks."""
    (tmp_path / "text.txt").write_text("".join("xyz"[: 1 + i % 3] * (1 + i % 2) + "\n" for i in range(60)))

    def make(*overrides: str) -> Settings:
        config = compose_config(
            *(
                "data=text_file",
                "data.length=6",
                "data.vocabulary=5",
                "data.batch_size=4",
                f"data.root={tmp_path}/text.txt",
            ),
            *("trainer=cpu", "trainer.threads=1", "latent_dim=3", "metrics.samples=20", "learning_rate_scale=20"),
            *("every.pictures=2", "every.checkpoint=2", *overrides),
        )
        sizes = {"length": config.data.length, "vocabulary": config.data.vocabulary}
        for network in ("generator", "critic"):
            config.arch[network] = {"_target_": f"lines.{network.title()}", **sizes}
        return resolve(config)

    return make


def test_samples_are_lines_of_the_texts_symbols_and_can_be_drawn_again_where_it_is_gone(
    settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = RunDirectory(tmp_path / "run")
    assert run_claimed(settings("generator_steps=2"), directory) == "finished"
    assert run_claimed(settings("generator_steps=4"), directory) == "finished"
    shown = (directory.samples / "000004.txt").read_text(encoding="utf-8")
    assert [len(line) for line in shown.splitlines()] == [6] * 100
    assert set(shown) <= set("xyz`�\n")
    assert (directory.samples / "000002.txt").read_text(encoding="utf-8") != shown

    (tmp_path / "text.txt").unlink()
    again = ["--output", str(tmp_path / "again.txt"), "--trust", "lines"]
    monkeypatch.setattr(sys, "argv", ["sample", str(directory.path), *again])
    sample.main()
    assert (tmp_path / "again.txt").read_text(encoding="utf-8") == shown


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["metrics.samples=54"], "^54 lines of real text are too few: more than metrics.samples=54$"),
        (["metrics=digits_classifier", "metrics.samples=100"], r"^metrics of images .* samples of 6, torch\.uint8$"),
        (["metrics=inception", "metrics.samples=100"], r"^metrics of images .* samples of 6, torch\.uint8$"),
    ],
)
def test_text_that_cannot_be_scored_is_refused_before_training(
    overrides: list[str], said: str, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    directory = RunDirectory(tmp_path / "run")
    with pytest.raises(ValueError, match=said):
        run_claimed(settings(*overrides), directory)
    assert not directory.config.exists()
