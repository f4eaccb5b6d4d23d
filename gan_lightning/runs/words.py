"""What a run says of itself: what it is when it starts, how it ended, and nothing that others would say."""

import logging
import threading
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

from gan_lightning.runs.result import Result
from gan_lightning.runs.settings import Settings
from gan_lightning.runs.world import processes_of


def opening(settings: Settings, result: Result, path: Path) -> str:
    """Three lines on what a run is: its method, how it is trained, and where its files are.

    Args:
        settings: of the run, resolved.
        result: as it stands when training starts.
        path: of the run directory.
    """
    arch, parameters = settings["arch"], result.parameters or {}
    networks = " and ".join(
        f"{'.'.join(arch[name]['_target_'].split('.')[-2:])} of {parameters[name]:,} parameters" for name in parameters
    )
    recipe, scale = settings["optimizer"], settings["learning_rate_scale"]
    optimizer = in_words({**recipe, "lr": recipe["lr"] * scale})
    if scale != 1:
        optimizer += f" with {scale:g} times the recipe's rate of {recipe['lr']:g}"
    schedules = [in_words(settings[name]) for name in ("decay", "ema") if settings[name].get("_target_")]
    processes = processes_of(settings["trainer"])
    place = result.device if processes == 1 else f"{processes} x {result.device}"
    length = f"n_critic {settings['n_critic']}, {settings['generator_steps']:,} iterations on {place}"
    gone_on = f": going on from generator iteration {result.generator_step}" if result.generator_step else ""
    return "\n".join(
        (
            f"{result.label} ({result.method}), {in_words(settings['constraint'])}, {networks}, {result.data}",
            ", ".join((optimizer, *schedules, length)),
            f"{path}{gone_on}",
        )
    )


def in_words(node: Settings) -> str:
    """A node with a ``_target_`` as the call that it stands for: ``GradientPenalty(weight=10)``."""
    arguments = {key: value for key, value in node.items() if not key.startswith("_")}
    name = node["_target_"].rpartition(".")[2]
    if not arguments:
        return name
    return f"{name}({', '.join(f'{key}={_value_in_words(value)}' for key, value in arguments.items())})"


def _value_in_words(value: Any) -> str:
    if isinstance(value, dict) and value.get("_target_"):
        return in_words(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def closing(result: Result, path: Path) -> str:
    """One line on how a run ended, with its score and its directory; or on how to go on where it was asked to stop."""
    if not result.ended:
        how = result.error or "interrupted"
        return f"{how} at generator iteration {result.generator_step}; the same command goes on from there: {path}"
    parts = [f"{result.status} at generator iteration {result.generator_step}"]
    if result.scores:
        monitor, final, best = (result.scores[key] for key in ("monitor", "final", "best"))
        watched = result.scores.get("watched", monitor)
        shown = [
            f"{name.replace('_', ' ')} {final[name]:.3f}" for name in dict.fromkeys((monitor, watched)) if name in final
        ]
        parts.append(f"{', '.join(shown)} (best {best[watched]:.3f} at {best['generator_step']})")
    parts.append(f"in {timedelta(seconds=round(result.seconds))}")
    if result.error:
        parts.append(result.error)
    return f"{', '.join(parts)}: {path}"


def nothing_to_do(result: Result, settings: Settings, path: Path) -> str:
    """One line on a run that has ended, or has come farther than it is asked to."""
    step, length = result.generator_step, settings["generator_steps"]
    how = f"at {step}" if result.status != "diverged" and step > length else result.status
    return f"already {how}, nothing to do for generator_steps={length}: {path}"


def quieten() -> None:
    """Keep Lightning's notices, known warnings, and tracebacks of threads that find a disk full off the screen."""
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = tell_of_a_thread
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # A run starts its own processes, on a SLURM node as well.
    warnings.filterwarnings("ignore", message=".*`srun` command is available.*")
    # Of a run on the CPU beside a GPU: the settings asked for it.
    warnings.filterwarnings("ignore", message="GPU available but not used.*")
    # Workaround: Lightning 2.6 asks torch 2.15's pytree in a way that is deprecated there.
    warnings.filterwarnings("ignore", message=".*isinstance\\(treespec, LeafSpec\\).*")


def tell_of_a_thread(found: threading.ExceptHookArgs) -> None:
    """Say in one line that a thread could not read or write, such as the one that writes TensorBoard's events."""
    if isinstance(found.exc_value, OSError):
        logging.getLogger(__name__).error("a dashboard's files cannot be written: %s", found.exc_value)
    else:
        threading.__excepthook__(found)
