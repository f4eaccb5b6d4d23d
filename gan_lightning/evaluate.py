"""``python -m gan_lightning.evaluate RUN``: score a finished run, by its own protocol or by another.

Processes that ``torchrun`` or ``srun`` starts with it share the work and come to the same score.
"""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401


import argparse
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_lightning.cli import add_trust, mistakes_in_one_line
from gan_lightning.ranges import check_value
from gan_lightning.resources import project_folder
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.schema import Metrics
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.world import speaks, this_world

FIXED = {"_target_", "every", "interim_samples"}
"""What of a ``metrics`` group cannot be set for a score of a finished run."""


def evaluate(
    directory: RunDirectory, *, checkpoint: str, overrides: list[str], trusted: Collection[str] = ()
) -> dict[str, Any]:
    """Scores of a run's generator.

    Args:
        directory: of the run.
        checkpoint: ``last`` or ``best``.
        overrides: ``metrics=NAME`` or ``metrics.KEY=VALUE``, on top of the run's own metrics.
        trusted: packages whose code the run's settings may name; an option of one's own ``conf/`` may name any.

    Returns:
        In every process the scores and their protocol. By the run's own metrics, its final score to the last digit.

    Raises:
        ValueError, OSError: in one line, if the run, the checkpoint or the metrics are not to be had.
    """
    settings = directory.sound_settings
    metrics, is_own = metrics_with(settings["metrics"], overrides)

    from gan_lightning.callbacks.scoring import whole_protocol
    from gan_lightning.runs.build import build_scorer, load_run
    from gan_lightning.runs.processes import connect
    from gan_lightning.runs.words import quieten

    quieten()
    if (world := this_world()) is not None:
        connect(world, settings["trainer"] | {"devices": world.local_rank + 1})  # a GPU for each, if on GPUs
    module, data, generator_step = load_run(directory, checkpoint=checkpoint, trusted=trusted)
    scorer = build_scorer(metrics, trusted=None if is_own else trusted)
    if scorer is None:
        raise ValueError(f"{directory.path} has metrics=none: name others, such as metrics=digits_classifier")
    scorer.prepare()
    scores = scorer.score(module.sampler.followed_by(data.to_rows), reference=data.reference())
    return {
        "run": str(directory.path),
        "checkpoint": checkpoint,
        "generator_step": generator_step,
        "scores": scores,
        "protocol": whole_protocol(scorer, generator=module.sampled_generator, data=data.provenance),
    }


def metrics_with(metrics: Settings, overrides: list[str]) -> tuple[Settings, bool]:
    """A ``metrics`` group with overrides as on the command line, and whether it is the user's own instead of the run's.

    Raises:
        ValueError: for an override of something else, an unknown option or an unknown key.
    """
    changed: list[str] = []
    is_own = False
    for override in overrides:
        key, equals, value = override.partition("=")
        settable = [f"metrics.{name}" for name in metrics if name not in FIXED]
        if key == "metrics":
            metrics, is_own = _option(value), True
        elif equals and key in settable:
            changed.append(override)
        else:
            allowed = ["metrics=NAME", *(f"{name}=VALUE" for name in settable)]
            raise ValueError(f"{override} is not possible here; allowed: {', '.join(allowed)}")
    node = OmegaConf.create({"metrics": metrics})
    node.merge_with_dotlist(changed)
    merged: Any = OmegaConf.to_container(node.metrics, resolve=True)
    check_value(merged, Metrics, "metrics")
    return merged, is_own


def _option(name: str) -> Settings:
    options = {path.stem: path for path in sorted((project_folder("conf") / "metrics").glob("*.yaml"))}
    if name not in options:
        raise ValueError(f"metrics={name} is unknown; allowed: {', '.join(options)}")
    metrics: Any = OmegaConf.to_container(OmegaConf.load(options[name]))
    return metrics


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.evaluate", description=__doc__)
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--checkpoint", choices=("last", "best"), default="last", help="which weights (default: last)")
    add_trust(parser)
    parser.add_argument("overrides", nargs="*", help="metrics=NAME or metrics.KEY=VALUE, e.g. metrics.samples=50000")
    arguments = parser.parse_intermixed_args()
    with mistakes_in_one_line(ValueError, OSError, OmegaConfBaseException):
        report = evaluate(
            RunDirectory(arguments.run),
            checkpoint=arguments.checkpoint,
            overrides=arguments.overrides,
            trusted=arguments.trust,
        )
    if speaks():
        print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
