"""Made-up run directories."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROTOCOL = {"extractor": "digits_classifier", "weights_sha256": "c0ffee", "samples": 2000, "splits": 10, "seed": 0}


@pytest.fixture
def add_run(tmp_path: Path) -> Callable[..., Path]:
    """Write `runs/table2_laptop/<name>/result.json` for an objective, a seed and a final score; return its path."""

    def write(
        objective: str, seed: int, score: float | None = None, *, name: str | None = None, **changes: Any
    ) -> Path:
        final = {"digits_score": score, "digits_score_std": 0.1, "generator_step": 400}
        norm = "layer" if objective == "wgan_gp" else "batch"
        result = {
            "status": "finished",
            "generator_step": 400,
            "generator_steps": 400,
            "seconds": 1800.0,
            "objective": objective,
            "seed": seed,
            "study": "table2_laptop",
            "architecture": {"generator.depth": 12, "generator.norm": "none", "critic.norm": norm},
            "scores": {"monitor": "digits_score", "final": final, "best": final, "protocol": PROTOCOL},
            "versions": {"torch": "2.15.0"},
            "error": None,
        }
        directory = tmp_path / "runs" / "table2_laptop" / (name or f"objective={objective},seed={seed}")
        directory.mkdir(parents=True)
        file = directory / "result.json"
        file.write_text(json.dumps(result | changes), encoding="utf-8")
        return file

    return write


@pytest.fixture
def add_pair(add_run: Callable[..., Path]) -> Callable[[int, float, float], None]:
    """Write both finished runs of a seed: the score without the penalty, then with it."""

    def write(seed: int, baseline: float, penalised: float) -> None:
        add_run("dcgan", seed, baseline)
        add_run("wgan_gp", seed, penalised)

    return write
