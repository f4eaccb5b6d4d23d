"""Figure 1b: the gradient of critics with respect to each layer's output, and their weights."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from statistics import linear_regression
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_lightning.report.archive import write_rows
from gan_lightning.report.critics import Trained, finished_runs, load_trained
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.plots.layers import draw_layers
from gan_lightning.report.study import Study
from gan_lightning.runs.build import build_module

FRESH = 5_000
"""Points of either side that gradients are averaged over."""

BINS = 60
OUTERMOST = 0.005
"""The share of weights, those of the first layer above all, that would make a histogram of the others too narrow."""

NEAR_BOUND = 0.98
"""A weight counts as clipped from this share of the bound on."""


@dataclass
class Settings:
    """The `report` section of a study of this kind; `histograms` names the methods whose weights are shown."""

    histograms: list[str]


@dataclass(frozen=True)
class Layers:
    """A critic's gradient norms, of the first layer's output to the last one's, the scores; its weights and bound.

    `norms_at_first` are those of its first weights, after the first projection where the constraint has one.
    """

    method: str
    label: str
    seed: int
    norms: list[float]
    norms_at_first: list[float]
    weights: np.ndarray
    bound: float | None

    @property
    def title(self) -> str:
        """What tells the run from the others in a picture."""
        bound = "" if self.bound is None or f"{self.bound:g}" in self.label else f" at {self.bound:g}"
        return f"{self.label}{bound}, seed {self.seed}"

    @property
    def histogram(self) -> tuple[np.ndarray, np.ndarray]:
        """Counts `(BINS,)` and edges `(BINS + 1,)` of the weights, the outermost ones aside."""
        limit = 1.05 * np.quantile(np.abs(self.weights), 1 - OUTERMOST)
        return np.histogram(self.weights, bins=BINS, range=(-limit, limit))

    @property
    def clipped(self) -> float | None:
        """The share of weights at the bound; None where there is none."""
        return None if self.bound is None else float((np.abs(self.weights) >= NEAR_BOUND * self.bound).mean())


def slope(norms: Sequence[float]) -> float | None:
    """Of the straight line through log10 of the hidden layers' norms, those aside that are 0; None below two.

    Args:
        norms: of all layers; the last one's is no hidden layer's.
    """
    points = [(layer, log10(norm)) for layer, norm in enumerate(norms[:-1], start=1) if norm > 0]
    return linear_regression(*zip(*points, strict=True)).slope if len(points) > 1 else None


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `layers.png`, `gradients.csv` and `weights.csv` into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError, FileNotFoundError: if no run has finished, or if a run's networks cannot be had.
    """
    runs, left_out = finished_runs(study)
    critics = [layers(load_trained(run, trusted=study.trusted), trusted=study.trusted) for run in runs]
    lines = [
        f"# {study.name}: gradients of critics, layer by layer",
        "",
        *explanation(),
        *(f"- Left out: {line}." for line in left_out),
        "",
        *slopes_table(critics),
    ]
    text = "\n".join(lines) + "\n"
    output.mkdir(parents=True, exist_ok=True)
    write_gradients(output / "gradients.csv", critics)
    shown = [critic for critic in critics if critic.method in settings.histograms]
    write_weights(output / "weights.csv", shown)
    draw_layers(
        output / "layers.png",
        {critic.title: critic.norms for critic in critics},
        {critic.title: critic.histogram for critic in shown},
    )
    return text


def layers(critic: Trained, *, trusted: Collection[str]) -> Layers:
    """What is shown of a run's critic; ``trusted`` are packages whose code its settings may name."""
    points = torch.cat([critic.real(FRESH, "layers"), critic.fake(FRESH, "layers")])
    weights = [layer.weight.detach().flatten() for layer in weight_layers(critic.module.critic)]
    run, first = critic.run, build_module(critic.settings, trusted=trusted)
    first.constraint.project(first.critic)
    return Layers(
        method=run.method,
        label=run.label,
        seed=run.seed,
        norms=output_gradients(critic.module.critic, points),
        norms_at_first=output_gradients(first.critic, points.cpu()),
        weights=torch.cat(weights).numpy(force=True),
        bound=clipping_bound(critic.settings["constraint"]),
    )


def clipping_bound(constraint: dict[str, Any]) -> float | None:
    """c of weight clipping; None under any other constraint, whose bound may be of something else."""
    return constraint["bound"] if constraint.get("_target_") == "gan_lightning.constraints.WeightClipping" else None


def output_gradients(critic: nn.Module, points: Tensor) -> list[float]:
    """Mean norms of a score's gradient with respect to each layer's output, nonlinearity included.

    The Wasserstein part of the critic's loss is a mean of scores, each with its sign, so that these are the norms of
    its gradient for one sample.

    Args:
        critic: one weight layer after the other; its scores depend on their own sample only.
        points: ``(N, *)``.

    Returns:
        One number a weight layer, from the first to the last, whose output is the score itself: 1.
    """
    outputs: list[Tensor] = []
    later = weight_layers(critic)[1:]
    hooks = [layer.register_forward_pre_hook(lambda _, inputs: outputs.append(inputs[0])) for layer in later]
    try:
        scores = critic(points)
    finally:
        for hook in hooks:
            hook.remove()
    gradients = torch.autograd.grad(scores.sum(), [*outputs, scores])
    return [float(gradient.flatten(1).norm(dim=1).mean()) for gradient in gradients[:-1]] + [1.0]


def weight_layers(network: nn.Module) -> list[nn.Linear]:
    """A perceptron's layers in their order."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


def explanation() -> list[str]:
    """What the table shows."""
    return [
        f"- Gradient: of D with respect to a layer's output after its ReLU, its norm averaged over {FRESH:,} fresh "
        "real and as many generated points; the Wasserstein part of the critic's loss, without the penalty. Deviation: "
        "at the end of training; the paper shows it during training.",
        "- Slope: of the straight line through log10 of the norms over the hidden layers' numbers, counted from the "
        "input: positive where gradients vanish towards the input, negative where they explode. Norms of 0 are left "
        "out. At first: of the same network before training, its weights clipped where they will be: what a slope owes "
        "to training is how far it has come from there.",
        f"- Clipped: weights, biases aside, of {NEAR_BOUND:.0%} of the bound or more.",
    ]


def slopes_table(critics: Sequence[Layers]) -> list[str]:
    """Markdown: a row a run, its slope compared with the smallest."""
    least = min((abs(found) for critic in critics if (found := slope(critic.norms)) is not None), default=0.0)
    titles = ["slope of log10 norm a layer", "at first", "over the least", "norm, layer 1", "last hidden", "bound"]
    rows = [["method", "seed", *titles, "clipped"]]
    for critic in critics:
        found, at_first = slope(critic.norms), slope(critic.norms_at_first)
        slopes = ["-" if each is None else f"{each:+.3f}" for each in (found, at_first)]
        ratio = f"{abs(found) / least:.1f}" if found is not None and least else "-"
        norms = [f"{critic.norms[0]:.2g}", f"{critic.norms[-2]:.2g}"]
        clipping = [f"{critic.bound:g}", f"{critic.clipped:.0%}"] if critic.clipped is not None else ["-", "-"]
        rows.append([critic.label, str(critic.seed), *slopes, ratio, *norms, *clipping])
    return markdown_table(rows, left=1)


def write_gradients(file: Path, critics: Sequence[Layers]) -> None:
    """One row a layer of a run."""
    rows = (
        {"method": critic.method, "seed": critic.seed, "layer": layer, "norm": f"{norm:.6g}"}
        for critic in critics
        for layer, norm in enumerate(critic.norms, start=1)
    )
    write_rows(file, ["method", "seed", "layer", "norm"], rows)


def write_weights(file: Path, critics: Sequence[Layers]) -> None:
    """One row a bin of a run's histogram of weights."""
    rows = []
    for critic in critics:
        counts, edges = critic.histogram
        for count, low, high in zip(counts, edges, edges[1:], strict=False):
            bounds = {"from": f"{low:.6g}", "to": f"{high:.6g}"}
            rows.append({"method": critic.method, "seed": critic.seed, **bounds, "weights": int(count)})
    write_rows(file, ["method", "seed", "from", "to", "weights"], rows)
