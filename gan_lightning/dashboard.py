"""``python -m gan_lightning.dashboard STUDY``: a study on Weights & Biases, as a workspace and a report.

The workspace has scores by group with bands, losses, the critic's estimate beside its held-out one, gradient norms,
rates and samples, beside W&B's own table of runs; the report has the tables of the study's own report and those panels.
A second call changes both and makes no others. ``--sync`` sends runs first that were logged offline, ``--from-runs``
those that were trained without W&B. Where another server than W&B's own is meant, WANDB_BASE_URL names it.
"""

if __name__ == "__main__":  # before what takes seconds to load
    import gan_lightning.start  # noqa: F401


import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_lightning.cli import add_trust, mistakes_in_one_line
from gan_lightning.own_files import check_folder
from gan_lightning.report.kinds import write_report
from gan_lightning.report.study import Study, read_study
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2.interface import LinePlot, Runset
    from wandb_workspaces.workspaces.interface import Section

ACCOUNT = "set WANDB_API_KEY, or log in once with: wandb login"
PATIENCE = 300
"""Seconds that the sending of one run may take."""

PICTURES = ("samples", "real samples")

SECONDS = "seconds"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lightning.dashboard", description=__doc__)
    parser.add_argument("study", help="name of a study, or path to a directory of runs")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where study directories lie (default: runs)")
    parser.add_argument("--project", default="gan_lightning", help="on W&B (default: gan_lightning)")
    parser.add_argument("--entity", help="on W&B: a user or a team (default: the account's own)")
    parser.add_argument("--sync", action="store_true", help="send the study's runs that were logged offline first")
    parser.add_argument(
        "--from-runs", action="store_true", help="log runs that were trained without W&B first, and send them"
    )
    add_trust(parser)
    options = parser.parse_args(arguments)
    with mistakes_in_one_line(ValueError, OSError):
        check_packages()
        study = read_study(options.study, options.runs, trusted=options.trust)
        entity = account(options.entity)
        if options.from_runs:
            for line in log_runs(study, project=options.project):
                print(f"left out: {line}", file=sys.stderr)
        if options.sync or options.from_runs:
            sent = sync(study, project=options.project, entity=entity)
            print(f"{sent} runs sent", file=sys.stderr)
        text = write_report(study, check_folder(study.directory / "report"))
        print(save_workspace(study, project=options.project, entity=entity))
        print(save_report(study, text, project=options.project, entity=entity))


def check_packages() -> None:
    """Refuse to start without the package that makes workspaces.

    Raises:
        ValueError: naming what to install.
    """
    if find_spec("wandb_workspaces") is None:
        raise ValueError("a dashboard needs wandb-workspaces: pip install 'gan_lightning[dashboard]'")


def account(entity: str | None) -> str:
    """Who the dashboard is to belong to: asks the server once, and nobody at the keyboard.

    Raises:
        ValueError: if there is no key, or the server does not know it or is not there, with the remedy.
    """
    os.environ.setdefault("WANDB_SILENT", "true")
    import wandb

    place = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")
    try:
        if not wandb.login(prompt=False, verify=False):
            raise ValueError(f"no account for {place}: {ACCOUNT}")
        found = wandb.Api(timeout=15).default_entity
    except ValueError:
        raise
    except Exception as error:  # the client has many
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{place} does not answer as W&B does ({reason}): {ACCOUNT}, or set WANDB_BASE_URL") from error
    if not (entity or found):
        raise ValueError(f"{place} knows no user by this key: {ACCOUNT}, or name --entity")
    return entity or str(found)


def log_runs(study: Study, *, project: str) -> list[str]:
    """Log runs offline, into their own directories, that have no such log: as they would have been while they trained.

    Their names and ids are those that a run has that was logged while it trained, so that doing it twice, or training
    on with W&B, makes no double.

    Returns:
        A line for each run that cannot be read.
    """
    import wandb

    from gan_lightning.report.pictures import kept_samples, read_picture
    from gan_lightning.runs.dashboards import ITERATION, ended_tags, id_on_wandb, names_on_wandb, outcome, plain_config
    from gan_lightning.runs.result import read_result

    left_out = []
    for run in study.runs:
        directory = RunDirectory(run.directory)
        if list(check_folder(run.directory / "wandb").glob("*run-*")):
            continue
        try:
            settings, result = directory.sound_settings, read_result(directory.result_file)
            rows, names = read_metrics(directory.metrics), names_on_wandb(settings)
            pictures = {step: read_picture(file) for step, file in kept_samples(directory.samples, "png").items()}
        except (KeyError, TypeError, OSError, ValueError) as error:
            left_out.append(f"{run.directory.name}: {' '.join(str(error).split())}")
            continue
        config = plain_config(settings, result)
        logged = wandb.init(
            project=project,
            id=id_on_wandb(settings, directory),
            dir=str(run.directory),
            mode="offline",
            config=config,
            reinit="finish_previous",
            name=names["name"],
            group=names["group"],
            job_type=names["job_type"],
            tags=ended_tags(names["tags"], result.status),
        )
        logged.define_metric(ITERATION)
        logged.define_metric("*", step_metric=ITERATION, step_sync=True)
        for step in sorted({*rows, *pictures}):
            shown: dict[str, Any] = {"samples": [wandb.Image(pictures[step])]} if step in pictures else {}
            logged.log({**rows.get(step, {}), **shown, ITERATION: step})
        if os.path.lexists(directory.samples / "real.png"):
            logged.log({"real samples": wandb.Image(read_picture(directory.samples / "real.png"))})
        logged.summary.update({"status": result.status, **outcome(result)})
        logged.finish(exit_code=int(result.status == "failed"))
    return left_out


def sync(study: Study, *, project: str, entity: str) -> int:
    """Send what the runs of a study have logged offline and not sent yet, by W&B's own command.

    Returns:
        How many runs were sent.

    Raises:
        ValueError: with that command's last line, if it fails.
    """
    sent = 0
    for run in study.runs:
        for folder in sorted(check_folder(run.directory / "wandb").glob("offline-run-*")):
            if list(folder.glob("*.synced")):
                continue
            command = [sys.executable, "-m", "wandb", "sync", str(folder), "--project", project, "--entity", entity]
            try:
                done = subprocess.run(
                    command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE
                )
            except subprocess.TimeoutExpired as error:
                raise ValueError(
                    f"wandb sync {folder} took more than {PATIENCE} s: the same command goes on"
                ) from error
            if done.returncode:
                lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
                raise ValueError(f"wandb sync {folder} failed: {(lines or ['no reason given'])[-1]}")
            sent += 1
    return sent


def view_name(study: Study) -> str:
    """What the study's workspace is called on the server, the same at every call."""
    return sha256(f"gan_lightning workspace of {study.name}".encode()).hexdigest()[:11]


def job_types(study: Study) -> list[str]:
    """What the study's runs are found by."""
    return sorted({str(run.study) for run in study.runs})


def panels(study: Study) -> "dict[str, list[LinePlot]]":
    """Line plots by section: means of groups, lowest to highest run shaded, scores by seconds too."""
    from wandb_workspaces.reports.v2.interface import LinePlot, Metric

    from gan_lightning.report.kinds.runs import common_score
    from gan_lightning.runs.dashboards import ITERATION

    def plot(title: str, *y: str, x: str = ITERATION) -> LinePlot:
        return LinePlot(
            title=title,
            x=x,
            y=list(y),
            groupby=Metric("Group"),
            groupby_aggfunc="mean",
            groupby_rangefunc="minmax",
        )

    score = common_score(study.runs)
    found = {
        "Losses": [plot("critic loss", "train/critic_loss"), plot("generator loss", "train/generator_loss")],
        "Wasserstein estimate and held-out loss": [
            plot("Wasserstein estimate", "train/wasserstein_estimate"),
            plot("held-out critic loss", "val/critic_loss"),
        ],
        "Gradients": [plot("gradient norm", "train/gradient_norm"), plot("gradient penalty", "train/gradient_penalty")],
        "Rates and pace": [
            plot("rates", "rate/generator", "rate/critic"),
            plot("iterations per second", "iterations_per_second"),
        ],
    }
    if not score:
        return found
    title = score.replace("_", " ")
    scores = [plot(title, f"score/{score}"), plot(f"{title} by seconds", f"score/{score}", x=SECONDS)]
    return {"Scores": scores, **found}


def runset_of(study: Study, *, project: str, entity: str) -> "Runset":
    """The study's runs, grouped as they are called."""
    from wandb_workspaces.reports.v2.interface import Runset

    found = f"JobType in {job_types(study)!r}"
    return Runset(entity=entity, project=project, name=study.name, filters=found, groupby=["Group"])


def sections(study: Study) -> "list[Section]":
    """The workspace's sections: line plots, then samples."""
    from wandb_workspaces.reports.v2.interface import MediaBrowser
    from wandb_workspaces.workspaces.interface import Section

    found = [
        Section(name=name, panels=list(plots), is_open=place < 3)
        for place, (name, plots) in enumerate(panels(study).items())
    ]
    pictures: list[Any] = [MediaBrowser(title=key, media_keys=[key], num_columns=1) for key in PICTURES]
    return [*found, Section(name="Samples", panels=pictures, is_open=True)]


def save_workspace(study: Study, *, project: str, entity: str) -> str:
    """Make the study's workspace, or change it; return its address."""
    from wandb_workspaces.expr import Metric as RunMetric
    from wandb_workspaces.workspaces.interface import RunsetSettings, Workspace

    name = view_name(study)
    base = os.environ.get("WANDB_BASE_URL", "https://wandb.ai")
    try:
        workspace = Workspace.from_url(f"{base}/{entity}/{project}?nw={name}")
    except ValueError:  # there is none yet
        workspace = Workspace(entity=entity, project=project)
        workspace._internal_name = f"nw-{name}-v"
    workspace.name = f"{study.name}: comparison"
    workspace.sections = sections(study)
    found = RunMetric("JobType").isin(job_types(study))
    workspace.runset_settings = RunsetSettings(filters=[found], groupby=[RunMetric("Group")])
    workspace.save()
    return workspace.url


def save_report(study: Study, text: str, *, project: str, entity: str) -> str:
    """Make the study's report, or change it; return its address.

    Args:
        study: that is reported.
        text: of its own report, whose tables are shown; its pictures are drawn anew from what W&B has.
        project, entity: on W&B.
    """
    import wandb
    from wandb_workspaces.reports.v2.interface import MarkdownBlock, MediaBrowser, PanelGrid, Report

    title = f"{study.name}: report"
    own = "\n".join(line for line in text.splitlines() if not line.startswith("!["))
    runset = runset_of(study, project=project, entity=entity)
    grids: list[Any] = [
        block
        for name, plots in panels(study).items()
        for block in (MarkdownBlock(text=f"## {name}"), PanelGrid(runsets=[runset], panels=list(plots)))
    ]
    pictures: list[Any] = [MediaBrowser(title=key, media_keys=[key]) for key in PICTURES]
    report = Report(
        entity=entity,
        project=project,
        title=title,
        description=f"Of {len(study.runs)} runs, by python -m gan_lightning.dashboard",
        blocks=[MarkdownBlock(text=own), *grids, PanelGrid(runsets=[runset], panels=pictures)],
    )
    there = [view for view in wandb.Api(timeout=15).reports(f"{entity}/{project}") if view.display_name == title]
    if there:
        report.id = there[0].id
    report.save()
    return report.url


if __name__ == "__main__":
    main()
