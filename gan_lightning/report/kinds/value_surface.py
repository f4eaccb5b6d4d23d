"""Figure 1a: value surfaces of trained critics, and the Wasserstein distance that each finds beside the exact one."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch

from gan_lightning.data.plane import EXTENT
from gan_lightning.metrics.wasserstein import wasserstein_distance
from gan_lightning.penalties import gradient_norm, interpolates
from gan_lightning.report.archive import write_rows
from gan_lightning.report.critics import Trained, data_title, finished_runs, load_trained
from gan_lightning.report.markdown import markdown_table
from gan_lightning.report.plots.surface import Surface, draw_surfaces
from gan_lightning.report.runs import place
from gan_lightning.report.series import trace_of
from gan_lightning.report.study import Study
from gan_lightning.runs.metrics_file import read_metrics

FRESH = 50_000
"""Points of either side that a critic's estimate and its gradient norms are taken over."""

LATTICE = 65
"""Points of a side of the lattice that a surface is read at. Deviation: 128 in the released code, for a large file."""


@dataclass
class Settings:
    """The `report` section of a study of this kind.

    `columns` are the titles of data sets from left to right, `points` the points of either side of an exact distance,
    `repeats` how many such distances there are, each between other points.
    """

    columns: list[str]
    points: int
    repeats: int

    def __post_init__(self) -> None:
        if self.points < 2 or self.points % 2 or self.repeats < 2:
            raise ValueError(f"points={self.points} must be even, repeats={self.repeats} at least 2")


@dataclass(frozen=True)
class Exact:
    """An exact distance: mean and standard deviation over repeats, and what it may lose with ever more points."""

    distance: float
    std: float
    excess: float


@dataclass(frozen=True)
class Estimate:
    """What a trained critic says of the distance between its two sides, and its gradient norms there."""

    data: str
    method: str
    label: str
    seed: int
    exact: float
    exact_std: float
    exact_excess: float
    critic: float
    largest_norm: float
    norm_at_real: float
    norm_at_fake: float
    settling: float

    @property
    def rescaled(self) -> float:
        """The estimate of the critic divided by its largest gradient norm where that was taken."""
        return self.critic / self.largest_norm


def write_report(study: Study, settings: Settings, output: Path) -> str:
    """Write `surfaces.png`, `estimates.csv` and `surfaces.csv` into `output`.

    Returns:
        The report's text.

    Raises:
        ValueError, FileNotFoundError: if no run has finished, if a run's networks cannot be had, or if its generator
            is not fixed.
    """
    runs, left_out = finished_runs(study)
    methods = list(dict.fromkeys(run.method for run in runs))
    runs.sort(key=lambda run: (methods.index(run.method), place(data_title(run), settings.columns)))
    critics = [beside_fixed_generator(load_trained(run, trusted=study.trusted)) for run in runs]
    exact: dict[str, Exact] = {}
    for critic in critics:
        if sides(critic) not in exact:
            asked = f"{settings.repeats} exact distances of {settings.points:,} points"
            print(f"{data_title(critic.run)}: {asked}, a minute or more", file=sys.stderr)
            exact[sides(critic)] = exact_distance(critic, points=settings.points, repeats=settings.repeats)
    estimates = [estimate(critic, exact[sides(critic)]) for critic in critics]
    surfaces = [surface(critic) for critic in critics]
    lines = [
        f"# {study.name}: value surfaces, and the Wasserstein distance by critics and exactly",
        "",
        *explanation(settings),
        *(f"- Left out: {line}." for line in left_out),
        "",
        *estimates_table(estimates),
    ]
    text = "\n".join(lines) + "\n"
    output.mkdir(parents=True, exist_ok=True)
    rows = [asdict(row) | {"rescaled": row.rescaled} for row in estimates]
    write_rows(output / "estimates.csv", list(rows[0]), rows)
    write_surfaces(output / "surfaces.csv", surfaces)
    draw_surfaces(output / "surfaces.png", surfaces, columns=settings.columns, extent=EXTENT)
    return text


def sides(critic: Trained) -> str:
    """What a critic stands between, real points and generated ones; of the same sides there is one exact distance."""
    return repr((critic.settings["data"]["distribution"], critic.settings["arch"]["generator"]))


def beside_fixed_generator(critic: Trained) -> Trained:
    """The same, if its generator does not learn.

    Raises:
        ValueError: if the generator learns.
    """
    if any(parameter.numel() for parameter in critic.module.generator.parameters()):
        raise ValueError(
            f"{critic.run.directory}: value surfaces are of critics beside fixed generators; its own learns"
        )
    return critic


def exact_distance(critic: Trained, *, points: int, repeats: int) -> Exact:
    """The exact distance between real and generated points, from so many of either side, so many times.

    Between halves of the same points it is larger. The excess over the distance of the distributions is taken to fall
    with the root of the number of points, about as slowly as it does in the plane where both sides are alike.
    """
    whole, halves = [], []
    for repeat in range(repeats):
        purpose = f"exact distance {repeat}"
        real, fake = (
            side.double().numpy(force=True) for side in (critic.real(points, purpose), critic.fake(points, purpose))
        )
        whole.append(wasserstein_distance(real, fake))
        halves += [wasserstein_distance(real[start::2], fake[start::2]) for start in (0, 1)]
    return Exact(mean(whole), stdev(whole), (mean(halves) - mean(whole)) / (2**0.5 - 1))


def estimate(critic: Trained, exact: Exact) -> Estimate:
    """A critic's mean score of fresh real points over that of generated ones, and its gradient norms."""
    real, fake = critic.real(FRESH, "estimate"), critic.fake(FRESH, "estimate")
    epsilon = torch.linspace(0, 1, FRESH, device=real.device)
    (between,) = interpolates(real, fake, epsilon)
    with torch.no_grad():
        difference = critic.scores(real).mean() - critic.scores(fake).mean()
    norms = [gradient_norm(critic.scores, points).detach() for points in (real, fake, between)]
    run = critic.run
    return Estimate(
        data=critic.data.title,
        method=run.method,
        label=run.label,
        seed=run.seed,
        exact=exact.distance,
        exact_std=exact.std,
        exact_excess=exact.excess,
        critic=float(difference),
        largest_norm=float(torch.cat(norms).max()),
        norm_at_real=float(norms[0].mean()),
        norm_at_fake=float(norms[1].mean()),
        settling=trace_of(read_metrics(run.directory / "metrics.csv"), "val/critic_loss").settling,
    )


def surface(critic: Trained) -> Surface:
    """A critic's scores on a lattice, and some real points."""
    ticks = torch.linspace(-EXTENT, EXTENT, LATTICE)
    lattice = torch.cartesian_prod(ticks, ticks).to(critic.module.device)
    with torch.no_grad():
        scores = critic.scores(lattice).unflatten(0, (LATTICE, LATTICE)).T.numpy(force=True)
    run, real = critic.run, critic.real(1000, "surface").numpy(force=True)
    return Surface(critic.data.title, run.method, run.label, run.seed, ticks.numpy(), scores, real)


def explanation(settings: Settings) -> list[str]:
    """How the columns of the table came about."""
    return [
        f"- Exact: SciPy's assignment between {settings.points:,} real and as many generated points, mean and standard "
        f"deviation of {settings.repeats} repeats. Between samples it is too large in the mean: by up to the excess, "
        "taken to fall with the root of the number of points, as halves of the same points tell it.",
        f"- Critic: E D(x) - E D(x~) over {FRESH:,} fresh points of either side. A critic whose gradient norm reaches "
        "k finds up to k times the distance: rescaled is the same divided by its largest norm over real points, "
        "generated ones and points between.",
        "- A penalty of weight λ lets the best critic exceed norm 1: the optimal critic times a factor gains most at "
        "the factor 1 + W / 2λ.",
        "- Settling: by how much the held-out critic loss of the last tenth of training differs from that of the tenth "
        "before.",
    ]


def estimates_table(estimates: Sequence[Estimate]) -> list[str]:
    """Markdown: a row a critic."""
    titles = ["data", "method", "seed", "exact", "excess", "critic", "of exact", "largest norm", "rescaled", "of exact"]
    rows = [[*titles, "mean norm, real", "mean norm, generated", "settling"]]
    for row in estimates:
        found = [f"{row.critic:.3g}", f"{row.critic / row.exact:.1%}", f"{row.largest_norm:.3g}"]
        found += [f"{row.rescaled:.3g}", f"{row.rescaled / row.exact:.1%}"]
        exact = [f"{row.exact:.3f} ± {row.exact_std:.3f}", f"{row.exact_excess:.3f}"]
        norms = [f"{row.norm_at_real:.3g}", f"{row.norm_at_fake:.3g}"]
        rows.append([row.data, row.label, str(row.seed), *exact, *found, *norms, f"{row.settling:.1%}"])
    return markdown_table(rows, left=2)


def write_surfaces(file: Path, surfaces: Sequence[Surface]) -> None:
    """The lattice's points, with a column of scores for each run."""
    ticks = surfaces[0].ticks
    names = [f"{one.data}, {one.method}, seed {one.seed}" for one in surfaces]
    rows = (
        {"x": f"{ticks[i]:g}", "y": f"{ticks[j]:g}"}
        | {name: f"{one.scores[j, i]:.4g}" for name, one in zip(names, surfaces, strict=True)}
        for j, i in np.ndindex(len(ticks), len(ticks))
    )
    write_rows(file, ["x", "y", *names], rows)
