"""Made-up run directories."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_lightning.report import study
from gan_lightning.runs.metrics_file import write_metrics

PROTOCOL = {"extractor": "digits_classifier", "weights_sha256": "c0ffee", "samples": 2000, "splits": 10, "seed": 0}
LABELS = {"dcgan": "GAN", "wgan_gp": "WGAN-GP", "lsgan": "LSGAN"}


@pytest.fixture
def add_run(tmp_path: Path) -> Callable[..., Path]:
    """Write `runs/<folder>/<name>/result.json` for a method, a seed and a final score; return its path.

    `curve` are rows of `metrics.csv`: step, seconds and score.
    """

    def write(
        method: str,
        seed: int,
        score: float | None = None,
        *,
        name: str | None = None,
        folder: str = "table2_laptop",
        curve: Sequence[tuple[int, float, float]] = (),
        **changes: Any,
    ) -> Path:
        final = {"digits_score": score, "digits_score_std": 0.1, "generator_step": 400}
        norm = "layer" if method == "wgan_gp" else "batch"
        result = {
            "status": "finished",
            "generator_step": 400,
            "generator_steps": 400,
            "seconds": 1800.0,
            "method": method,
            "label": LABELS.get(method),
            "seed": seed,
            "learning_rate_scale": 10.0,
            "n_critic": 5 if method == "wgan_gp" else 1,
            "study": folder,
            "architecture": {"generator.depth": 12, "generator.norm": "none", "critic.norm": norm},
            "parameters": {"generator": 1234, "critic": 567},
            "scores": {
                "monitor": "digits_score",
                "higher_is_better": True,
                "final": final,
                "best": final,
                "protocol": PROTOCOL,
            },
            "versions": {"torch": "2.15.0"},
            "error": None,
        } | changes
        factor = result["learning_rate_scale"]
        directory = tmp_path / "runs" / folder / (name or f"learning_rate_scale={factor},method={method},seed={seed}")
        directory.mkdir(parents=True)
        file = directory / "result.json"
        file.write_text(json.dumps(result), encoding="utf-8")
        lines = ["step,score/digits_score,seconds,train/critic_loss", "50,,1.0,0.5"]
        lines += [f"{step},{taken},{seconds},0.5" for step, seconds, taken in curve]
        (directory / "metrics.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    return write


@pytest.fixture
def add_member(add_run: Callable[..., Path]) -> Callable[..., Path]:
    """Write a run of the study `grouped` with its `config.yaml`, `metrics.csv` and pictures; return its directory.

    `choices` are options of config groups, `settings` anything else; `logged` are rows of `metrics.csv` by iteration;
    `samples` are the iterations of its pictures: 10 x 10 squares of 6 pixels, the darker the later the row.
    """

    def write(
        method: str,
        seed: int,
        score: float | None = None,
        *,
        choices: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        logged: Mapping[int, Mapping[str, float]] | None = None,
        samples: Sequence[int] = (),
        **changes: Any,
    ) -> Path:
        chosen = {"method": method} | dict(choices or {})
        name = ",".join(f"{key}={value}" for key, value in {**chosen, **(settings or {}), "seed": seed}.items())
        directory = add_run(method, seed, score, folder="grouped", name=name, choices=chosen, **changes).parent
        config = {"method": method, "seed": seed, "generator_steps": 400, "choices": chosen, **(settings or {})}
        (directory / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
        write_metrics(directory / "metrics.csv", logged or {})
        (directory / "samples").mkdir()
        shades = np.repeat(np.arange(250, 0, -25, dtype=np.uint8), 6)[:, None].repeat(60, axis=1)
        for step in samples:
            Image.fromarray(shades).save(directory / "samples" / f"{step:06d}.png")
        return directory

    return write


@pytest.fixture
def add_pair(add_run: Callable[..., Path]) -> Callable[[int, float, float], None]:
    """Write both finished runs of a seed: the score without the penalty, then with it."""

    def write(seed: int, baseline: float, penalised: float) -> None:
        add_run("dcgan", seed, baseline)
        add_run("wgan_gp", seed, penalised)

    return write


@pytest.fixture
def use_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a study's YAML into a `sweeps/` of the test's own."""
    monkeypatch.setattr(study, "project_folder", lambda name: tmp_path / "sweeps")

    def write(name: str, text: str) -> None:
        (tmp_path / "sweeps").mkdir(exist_ok=True)
        (tmp_path / "sweeps" / f"{name}.yaml").write_text(text, encoding="utf-8")

    return write
