"""Everything that goes into an exported folder, which is there whole or not at all."""

import json
import shutil
from collections.abc import Collection
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from gan_lightning.atomic import atomic_folder
from gan_lightning.callbacks.pictures import shown_samples
from gan_lightning.data.base import RealData
from gan_lightning.data.images import ImageData
from gan_lightning.data.text import TextData
from gan_lightning.export.card import model_card
from gan_lightning.export.frozen import LATENTS, Frozen, by_batch, freeze, of_generator
from gan_lightning.export.programs import has_onnx, write_programs
from gan_lightning.runs.build import build_scorer, load_run
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.result import Result, read_result
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.words import quieten
from gan_lightning.sampling import Sampler

SEED = 0
"""Of the latents that statistics are taken over, and of the samples that are shown."""

FILES = {
    "generator.safetensors": "its weights",
    "generator.pt2": "a program of `torch.export`, for any batch size",
    "generator.onnx": "the same in ONNX",
    "config.json": "what it takes, what it gives, how it was trained and scored",
    "load.py": "loads it with torch alone",
}

OF_THE_MACHINE = ("trainer", "logger", "every", "data", "metrics")
"""Settings that are no part of what was trained, or say where files lie."""


def check_free(folder: Path) -> None:
    """Refuse a place where something lies.

    Raises:
        ValueError: naming it.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ValueError(f"{folder} is not a directory: name one that is not there yet")
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: name a directory that is not there yet, or move what lies there away")


def export_run(
    run: Path, folder: Path, *, checkpoint: str, statistics: str, scored: bool, trusted: Collection[str] = ()
) -> list[str]:
    """Write the folder of a run's generator.

    Args:
        run: its directory.
        folder: not there yet, or empty.
        checkpoint: ``last`` or ``best``.
        statistics: of batch norm, ``frozen`` or those of the ``batch``.
        scored: whether a generator with frozen statistics is scored as the run was.
        trusted: packages whose code the run's settings may name.

    Returns:
        What was left out, a line each.

    Raises:
        ValueError, OSError: in one line, if the run or the checkpoint cannot be had, the generator not be exported, or
            the folder not be written; nothing of it is then left.
    """
    quieten()
    directory = RunDirectory(run)
    module, data, step = load_run(directory, checkpoint=checkpoint, trusted=trusted)
    settings, result = directory.sound_settings, read_result(directory.result_file)
    own = of_generator(deepcopy(module.sampler.generator).cpu().eval(), module.sampler)
    frozen = freeze(own, seed=SEED) if statistics == "frozen" and by_batch(own.generator) else None
    sampler = own if frozen is None else of_generator(frozen.generator, own)
    told: list[str] = []
    rescored = score_again(settings, data, sampler, told) if frozen and scored else None
    with atomic_folder(folder) as temporary:
        write_folder(
            temporary,
            sampler,
            data=data,
            described=described(settings, result, sampler, data)
            | {
                "statistics": statistics_in_words(own.generator, frozen),
                "scores": {
                    "recorded": result.scores_taken("best" if checkpoint == "best" else "final"),
                    "frozen": rescored,
                    "protocol": (result.scores or {}).get("protocol"),
                },
                "training": training_of(settings, result)
                | {"generator_step": step, "checkpoint": checkpoint, "weights": module.sampled_generator},
            },
            title=result.label,
        )
        if not has_onnx():
            told.append("generator.onnx is left out: pip install 'gan_lightning[export]'")
    return told


def write_folder(folder: Path, sampler: Sampler, *, data: RealData, described: dict[str, Any], title: str) -> None:
    """Write every file of an export.

    Args:
        folder: empty.
        sampler: of the generator.
        data: of the run, by which samples are shown.
        described: what ``config.json`` says, but for the files.
        title: of the method, as people write it.
    """
    generator = sampler.generator
    weights = {name: value.contiguous() for name, value in generator.state_dict().items()}
    (folder / "generator.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))
    differences = write_programs(
        generator,
        folder,
        latent_dim=sampler.latent_dim,
        classes=sampler.classes,
        by_batch=bool(by_batch(generator)),
    )
    shutil.copyfile(Path(__file__).with_name("load.py"), folder / "load.py")
    shown = data.show(shown_samples(sampler, data.shown, seed=SEED), folder / "samples")
    files = {name: what for name, what in FILES.items() if name != "generator.onnx" or name in differences}
    config = {**described, "files": files, "largest_difference": differences}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    card = model_card(config, title=title, shown=shown.name if shown else None)
    (folder / "README.md").write_text(card, encoding="utf-8")


def described(settings: Settings, result: Result, sampler: Sampler, data: RealData) -> dict[str, Any]:
    """What the generator takes and gives, and what it is."""
    with torch.no_grad():
        shape = list(sampler.samples(1, seed=SEED, purpose="shape").shape[1:])
    node = settings["arch"]["generator"]
    return {
        "format": 1,
        "latent_dim": sampler.latent_dim,
        "classes": sampler.classes or 0,
        "samples": {"shape": shape, **meaning_of(data)},
        "architecture": {name.strip("_"): value for name, value in node.items()},
        "parameters": (result.parameters or {}).get("generator"),
        "versions": result.versions,
    }


def meaning_of(data: RealData) -> dict[str, Any]:
    """What samples are."""
    if isinstance(data, ImageData):
        pixels = "(x + 1) * 128, rounded down" if data.dequantise else "(x + 1) * 127.5, rounded"
        return {"kind": "images", "meaning": f"Images `(B, C, H, W)` in [-1, 1]; a pixel's byte is {pixels}."}
    if isinstance(data, TextData):
        return {"kind": "text", "meaning": "Texts `(B, length, vocabulary)`: the largest entry of a place is its sign."}
    return {"kind": "points", "meaning": "Points `(B, D)`."}


def statistics_in_words(generator: nn.Module, frozen: Frozen | None) -> dict[str, Any]:
    """Whose statistics batch norm takes, and what freezing them changed."""
    if frozen is not None:
        meaning = (
            f"Batch norm uses statistics frozen over {LATENTS:,} latents (variances {frozen.variance}), so a sample "
            "depends on its own latent alone. In training and in the run's own scores it used those of the batch: "
            f"beside blocks of 100, samples differ by {number_of(frozen.mean_difference)} on average and "
            f"{number_of(frozen.largest_difference)} at most."
        )
        return {
            "kind": "frozen",
            "latents": LATENTS,
            "variance": frozen.variance,
            "mean_difference": frozen.mean_difference,
            "largest_difference": frozen.largest_difference,
            "meaning": meaning,
        }
    if by_batch(generator):
        meaning = (
            "Batch norm uses the statistics of the batch, as in training and in the scores: a sample depends on what "
            "is in the batch beside it, and the run's samples are made in batches of 100."
        )
        return {"kind": "batch", "meaning": meaning}
    return {"kind": "none", "meaning": "It has no batch norm: a sample depends on its own latent alone."}


def number_of(value: float) -> str:
    """A difference with two digits."""
    return f"{value:.2g}"


def training_of(settings: Settings, result: Result) -> dict[str, Any]:
    """How the run was trained, by names of the configuration."""
    choices = result.choices or {}
    return {
        "method": result.method,
        "data": result.data or choices.get("data"),
        "arch": choices.get("arch"),
        "seed": result.seed,
        "n_critic": settings["n_critic"],
        "settings": {key: value for key, value in settings.items() if key not in OF_THE_MACHINE},
    }


def score_again(settings: Settings, data: RealData, sampler: Sampler, told: list[str]) -> dict[str, float] | None:
    """Scores of another form of the run's generator, by the run's own scorer; None where they cannot be, and a line."""
    try:
        scorer = build_scorer(settings["metrics"], trusted=())
        if scorer is None:
            return None
        scorer.prepare()
        return scorer.score(sampler.followed_by(data.to_rows), reference=data.reference())
    except (ValueError, OSError) as error:
        told.append(f"not scored with frozen statistics: {' '.join(str(error).split())}")
        return None
