"""Dashboards beside ``metrics.csv``: what a run is called there, what is known of it, and how it ended."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import lightning as L
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger

from gan_lightning.callbacks.measures import is_due
from gan_lightning.metrics import Scorer
from gan_lightning.own_files import check_folder, check_plain
from gan_lightning.runs.build import Parts, build_dashboard
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.identity import is_within, key_of
from gan_lightning.runs.metrics_logger import MetricsLogger
from gan_lightning.runs.result import Result, read_result
from gan_lightning.runs.settings import CODE, Settings, flatten

WRONG = ("diverged", "failed")

LONGEST = 60
"""Letters of a name."""

ITERATION = "trainer/global_step"
"""What Lightning calls the iteration on W&B: the axis of its plots."""

CHARTS = {
    "losses": ["train/critic_loss", "train/generator_loss"],
    "held out beside training": ["train/critic_loss", "val/critic_loss"],
    "gradient norm": ["train/gradient_norm"],
    "rates": ["rate/generator", "rate/critic"],
    "speed": ["iterations_per_second"],
}
"""What stands together on a dashboard, by the titles of the charts; scores come beside."""


def make_dashboards(settings: Settings, directory: RunDirectory, *, parts: Parts) -> list[Logger]:
    """The dashboard that was asked for, if one was, knowing what the run is.

    Args:
        settings, directory: of the run.
        parts: built from the settings.
    """
    make_logger = build_dashboard(settings)
    if make_logger is None:
        return []
    for folder in ("tensorboard", "wandb"):
        check_folder(directory.path / folder)
    check_plain(directory.path / "tensorboard" / "hparams.yaml")
    place: dict[str, Any] = {"save_dir": str(directory.path)}
    if "project" in settings["logger"]:  # Weights & Biases
        place |= {"id": id_on_wandb(settings, directory), "resume": "allow", **names_on_wandb(settings)}
    logger = make_logger(**place)
    if isinstance(logger, WandbLogger):
        known = plain_config(settings, read_result(directory.result_file))
        logger.experiment.config.update(known, allow_val_change=True)
        define_metrics(logger, parts.scorer)
    elif isinstance(logger, TensorBoardLogger):
        logger.experiment.add_custom_scalars(layout(parts.scorer))
    return [logger]


def id_on_wandb(settings: Settings, directory: RunDirectory) -> str:
    """What W&B knows a run by: a function of its study and its directory's name."""
    return sha256(f"{settings['study']}/{directory.path.name}".encode()).hexdigest()[:16]


def ended_tags(tags: Iterable[str], status: str) -> tuple[str, ...]:
    """A run's tags once it has ended: with its status where it diverged or failed."""
    others = tuple(tag for tag in tags if tag not in WRONG)
    return (*others, status) if status in WRONG else others


def names_on_wandb(settings: Settings) -> dict[str, Any]:
    """What a run is called: by what was set for it, its seed last; its group is the same without the seed.

    So W&B's grouping folds seeds. A run of which nothing was set is called by its method and data.
    """
    choices = settings.get("choices") or {}
    overrides = [override for override in settings.get("overrides") or [] if key_of(override) not in ("sweeps", "seed")]
    options_first = sorted(overrides, key=lambda override: (key_of(override) not in choices, override))
    words = [called(override, choices) for override in options_first]
    group = ", ".join(words) or f"{settings['method']}, {choices.get('data', 'data')}"
    seed = f", seed {settings['seed']}"
    tags = dict.fromkeys([str(settings["study"]), settings["method"], choices.get("data"), choices.get("arch")])
    return {
        "name": f"{shortened(group, LONGEST - len(seed))}{seed}",
        "group": shortened(group, LONGEST),
        "job_type": str(settings["study"]),
        "tags": [tag[:64] for tag in tags if tag],
    }


def called(override: str, choices: Mapping[str, str]) -> str:
    """An override in short: the option alone of a config group, unless that is none; of a key its last two parts."""
    key, _, value = override.lstrip("+").partition("=")
    if key in choices and value != "none":
        return value
    return f"{'.'.join(key.split('.')[-2:])}={value}"


def shortened(name: str, length: int) -> str:
    """A name of so many letters at most; of a longer one, its beginning and a digest that tells it from others."""
    if len(name) <= length:
        return name
    return f"{name[: length - 5]}…{sha256(name.encode()).hexdigest()[:4]}"


def plain_config(settings: Settings, result: Result) -> dict[str, Any]:
    """All that a run is, by names that people use: options of groups, settings as dotted keys, drawn axes, sizes.

    Without what names code, and without another copy of what is told already.
    """
    drawn = settings["arch"].get("drawn") or {}
    told = ("choices", "overrides", "arch.drawn")
    flat = {
        key: value
        for key, value in flatten(settings).items()
        if key.rpartition(".")[2] not in CODE and not is_within(key, told)
    }
    return {
        **flat,
        **(settings.get("choices") or {}),
        "method": settings["method"],
        **{f"drawn.{axis}": value for axis, value in drawn.items()},
        **{f"parameters.{network}": count for network, count in (result.parameters or {}).items()},
        **{f"versions.{package}": number for package, number in (result.versions or {}).items()},
        "commit": (result.versions or {}).get("commit"),
        "data_content": result.data,
    }


def define_metrics(logger: WandbLogger, scorer: Scorer | None) -> None:
    """Let seconds be an axis for everything, and have the best of a score in the run's summary."""
    run = logger.experiment
    run.define_metric("seconds", hidden=False)
    if scorer is not None:
        best = "max" if scorer.higher_is_better else "min"
        run.define_metric(f"score/{scorer.monitor}", step_metric=ITERATION, summary=f"{best},last")


def layout(scorer: Scorer | None) -> dict[str, dict[str, list[Any]]]:
    """The charts of TensorBoard's custom scalars."""
    charts = {title: ["Multiline", names] for title, names in CHARTS.items()}
    if scorer is not None:
        charts = {scorer.monitor.replace("_", " "): ["Multiline", [f"score/{scorer.monitor}"]], **charts}
    return {"run": charts}


class Pace(L.Callback):
    """Logs seconds of training, iterations per second and rates to dashboards, beside what is logged at intervals.

    Args:
        every: generator iterations between two rows.
        clock: whose rows have the seconds.
    """

    def __init__(self, *, every: int, clock: MetricsLogger) -> None:
        self.every, self.clock = every, clock
        self.last: tuple[int, float] | None = None

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any, **__: Any) -> None:
        if not (is_due(trainer, self.every) and trainer.is_global_zero):
            return
        step, seconds = trainer.global_step, self.clock.clock()
        generator, critic = (optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers)
        measures = {"seconds": seconds, "rate/generator": generator, "rate/critic": critic}
        if self.last is not None and seconds > self.last[1]:
            measures["iterations_per_second"] = (step - self.last[0]) / (seconds - self.last[1])
        self.last = step, seconds
        for logger in trainer.loggers:
            if logger is not self.clock:
                logger.log_metrics(measures, step=step)


def end_dashboards(loggers: Iterable[Logger], settings: Settings, directory: RunDirectory, status: str) -> None:
    """Say on the dashboards of a run how it ended and with which scores, and close them.

    Args:
        loggers: that :func:`make_dashboards` made.
        settings, directory: of the run.
        status: ``finished``, ``diverged``, ``failed`` or ``interrupted``, the last of which may go on.
    """
    for logger in loggers:
        end_dashboard(logger, settings, read_result(directory.result_file), status)


def end_dashboard(logger: Logger, settings: Settings, result: Result, status: str) -> None:
    """As :func:`end_dashboards`, of one and by the run's record."""
    told = outcome(result)
    if isinstance(logger, TensorBoardLogger):
        config = {key: value if value is not None else "none" for key, value in plain_config(settings, result).items()}
        logger.log_hyperparams(config, told)
        logger.experiment.add_text("status", status, result.generator_step)
    elif isinstance(logger, WandbLogger):
        run = logger.experiment
        run.summary.update({"status": status, **told})
        run.tags = ended_tags(run.tags or (), status)
    logger.save()
    logger.finalize("failed" if status == "failed" else "success")
    if isinstance(logger, WandbLogger):  # else the next run of a sweep in this process would go on with its curve
        logger.experiment.finish(exit_code=int(status == "failed"))


def outcome(result: Result) -> dict[str, float]:
    """Final and best scores with their iterations, seconds and pace."""
    told = {"seconds": float(result.seconds)}
    if result.seconds > 0:
        told["iterations_per_second"] = result.generator_step / result.seconds
    for which in ("final", "best"):
        for name, value in result.taken(which).items():
            if value is not None:
                told[f"{which}/{name}"] = float(value)
    return told
