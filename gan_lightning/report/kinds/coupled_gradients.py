"""Proposition 1: the gradients of trained critics between points that are coupled optimally."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

from gan_lightning.metrics.wasserstein import wasserstein_distance
from gan_lightning.randomness import seeded_generator
from gan_lightning.report.archive import write_rows
from gan_lightning.report.critics import Trained, finished_runs, load_trained
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.plots.coupling import draw_histograms
from gan_lightning.report.study import Study

PAIRS = 20_000
"""Coupled pairs that gradients are taken between, at one point each."""

ASSIGNED = 1_000
"""Pairs among which an exact assignment finds none that lie closer."""

BINS = 50


@dataclass
class Settings:
    """The `report` section of a study of this kind: nothing but the kind."""


@dataclass(frozen=True)
class Between:
    """Gradient norms `(N,)` of one run's critic at points between coupled pairs, and cosines `(N,)` with y - x."""

    method: str
    label: str
    seed: int
    norms: np.ndarray
    cosines: np.ndarray
    norm_at_real: float
    norm_at_fake: float


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `gradients.png` and `gradients.csv` into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError, FileNotFoundError: if no run has finished, if a run's networks cannot be had, or if its pairs are
            not coupled optimally.
    """
    runs, left_out = finished_runs(study)
    critics = [load_trained(run, trusted=study.trusted) for run in runs]
    distances = [coupled_distance(critic) for critic in critics]
    found = [between(critic) for critic in critics]
    lines = [
        f"# {study.name}: gradients of critics between coupled points",
        "",
        f"- Coupled: a generated point x and a real one y of the same latents, {max(distances):.3f} apart in the mean "
        f"of {ASSIGNED:,}; no assignment of these is shorter. The gradient of D is taken at tx + (1 - t)y, t uniform, "
        f"of {PAIRS:,} pairs. By Proposition 1 its norm is 1 and its cosine with y - x is 1 for the optimal critic.",
        *(f"- Left out: {line}." for line in left_out),
        "",
        *gradients_table(found),
    ]
    text = "\n".join(lines) + "\n"
    output.mkdir(parents=True, exist_ok=True)
    norms = {f"{one.label}, seed {one.seed}": one.norms for one in found}
    cosines = {f"{one.label}, seed {one.seed}": one.cosines for one in found}
    write_histograms(output / "gradients.csv", {"norm": norms, "cosine": cosines})
    draw_histograms(output / "gradients.png", norms, cosines, bins=BINS)
    return text


def coupled_points(critic: Trained, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Generated points `(count, 2)` and real ones of the same latents, and t `(count, 1)`, uniform on [0, 1).

    `count` is a multiple of a sampler's block.
    """
    stream = seeded_generator(0, "coupled points")
    latents = torch.randn(count, critic.module.latent_dim, generator=stream)
    t = torch.rand(count, 1, generator=stream)
    fake = critic.module.sampler.of_latents(latents)
    return fake, critic.data.distribution(latents).to(fake.device), t.to(fake.device)


def coupled_distance(critic: Trained) -> float:
    """The mean distance of coupled pairs.

    Raises:
        ValueError: if some of them can be coupled otherwise at a smaller one.
    """
    fake, real, _ = coupled_points(critic, ASSIGNED)
    coupled = float((real - fake).double().norm(dim=1).mean())
    least = wasserstein_distance(*(side.double().numpy(force=True) for side in (fake, real)))
    if least < coupled - 1e-6:
        raise ValueError(
            f"{critic.run.directory}: points of equal latents are not coupled optimally: their mean distance is "
            f"{coupled:.4f}, that of others {least:.4f}"
        )
    return coupled


def between(critic: Trained) -> Between:
    """A critic's gradients at one point between the two of each pair, Proposition 1's x_t."""
    fake, real, t = coupled_points(critic, PAIRS)
    gradients = critic.gradients(t * fake + (1 - t) * real)
    run = critic.run
    return Between(
        method=run.method,
        label=run.label,
        seed=run.seed,
        norms=gradients.norm(dim=1).numpy(force=True),
        cosines=cosine_similarity(gradients, real - fake).numpy(force=True),
        norm_at_real=float(critic.gradients(real).norm(dim=1).median()),
        norm_at_fake=float(critic.gradients(fake).norm(dim=1).median()),
    )


def gradients_table(found: Sequence[Between]) -> list[str]:
    """Markdown: a row a run."""
    titles = ["median norm", "5 to 95 %", "median at real points", "at generated", "median cosine", "5 % below"]
    rows = [["method", "seed", *titles]]
    for one in found:
        low, middle, high = np.percentile(one.norms, [5, 50, 95])
        least, cosine = np.percentile(one.cosines, [5, 50])
        norms = [f"{middle:.3g}", f"{low:.3g} to {high:.3g}", f"{one.norm_at_real:.3g}", f"{one.norm_at_fake:.3g}"]
        rows.append([one.label, str(one.seed), *norms, f"{cosine:.4f}", f"{least:.4f}"])
    return markdown_table(rows, left=1)


def write_histograms(file: Path, quantities: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """One row a bin: quantity, run, from, to, pairs."""
    rows = []
    for quantity, by_run in quantities.items():
        for run, values in by_run.items():
            counts, edges = np.histogram(values, bins=BINS)
            rows += [
                {"quantity": quantity, "run": run, "from": f"{low:.6g}", "to": f"{high:.6g}", "pairs": int(count)}
                for count, low, high in zip(counts, edges, edges[1:], strict=False)
            ]
    write_rows(file, ["quantity", "run", "from", "to", "pairs"], rows)
