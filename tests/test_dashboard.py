"""``python -m gan_lightning.dashboard`` beside W&B's own client and a server that records what that sends."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import TINY, Train
from wandb_server import Recorded, recording_server

PROJECT = Path(__file__).parent.parent
SCORED = ("metrics=digits_classifier", "metrics.samples=100", "metrics.splits=2", "metrics.every=2")
SHORT = (*TINY, *SCORED, "generator_steps=4", "every.log=1", "every.pictures=2", "study=mine")


@pytest.fixture
def server() -> Iterator[tuple[str, Recorded]]:
    pytest.importorskip("wandb_workspaces", reason="a dashboard is an extra")
    with recording_server() as started:
        yield started


def dashboard(folder: Path, address: str, *arguments: str, key: str = "a" * 40) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, without the settings of whoever runs the tests."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    own |= {"PYTHONPATH": str(PROJECT), "WANDB_BASE_URL": address, "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    own |= {"WANDB_API_KEY": key} if key else {}
    command = [sys.executable, "-m", "gan_lightning.dashboard", "mine", *arguments]
    return subprocess.run(
        command, cwd=folder, env=own, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300
    )


def titles(view: dict) -> list[str]:
    """The titles of all panels of a view."""
    found: list[str] = []

    def look(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("chartTitle") or node.get("title"), str):
                found.append(node.get("chartTitle") or node["title"])
            for child in node.values():
                look(child)
        elif isinstance(node, list):
            for child in node:
                look(child)

    look(json.loads(view["spec"]))
    return found


def test_a_studys_workspace_and_report_are_made_once_with_all_panels(
    train: Train, server: tuple[str, Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, recorded = server
    monkeypatch.setenv("WANDB_SILENT", "true")
    assert train("-m", *SHORT, "objective=wgan_gp,lsgan").code == 0
    first = dashboard(train.folder, address, "--from-runs")
    assert first.returncode == 0, first.stderr
    assert "2 runs sent" in first.stderr and first.stdout.count("http://") == 2
    workspace, report = recorded.views.values()
    assert (workspace["displayName"], report["displayName"]) == ("mine: comparison", "mine: report")
    wanted = {
        "digits score",
        "digits score by seconds",
        "critic loss",
        "held-out critic loss",
        "Wasserstein estimate",
        "gradient norm",
        "iterations per second",
        "samples",
    }
    assert wanted <= set(titles(workspace)) and wanted <= set(titles(report))
    assert '"Group"' in workspace["spec"].replace("\\", "") or "group" in workspace["spec"]
    assert "Which was better" in report["spec"]
    assert sorted(run["displayName"].rpartition(", ")[2] for run in recorded.runs.values()) == ["seed 0", "seed 0"]
    assert {run["jobType"] for run in recorded.runs.values()} == {"mine"}
    for rows in recorded.rows.values():
        assert {"train/critic_loss", "score/digits_score", "seconds"} <= {key for row in rows for key in row}
    assert any("media/images/samples" in name for name in recorded.files)
    again = dashboard(train.folder, address, "--from-runs")
    assert again.returncode == 0 and "0 runs sent" in again.stderr
    assert len(recorded.views) == 2 and len(recorded.runs) == 2 and again.stdout == first.stdout


def test_runs_that_were_logged_offline_are_sent_under_the_same_names(
    train: Train, server: tuple[str, Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, recorded = server
    monkeypatch.setenv("WANDB_SILENT", "true")
    assert train(*SHORT, "logger=wandb", "objective=lsgan").code == 0
    assert train(*SHORT, "objective=dcgan").code == 0
    sent = dashboard(train.folder, address, "--sync")
    assert sent.returncode == 0, sent.stderr
    assert "1 runs sent" in sent.stderr and len(recorded.runs) == 1
    (run,) = recorded.runs.values()
    assert run["displayName"].endswith("seed 0") and run["groupName"] and set(run["tags"]) >= {"mine", "digits"}


@pytest.mark.parametrize(
    ("key", "address", "words"),
    [
        ("", "http://127.0.0.1:1", "no account for http://127.0.0.1:1: set WANDB_API_KEY, or log in once with"),
        ("a" * 40, "http://127.0.0.1:1", "http://127.0.0.1:1 does not answer as W&B does"),
    ],
)
def test_without_an_account_or_a_server_it_is_one_line(train: Train, key: str, address: str, words: str) -> None:
    pytest.importorskip("wandb_workspaces", reason="a dashboard is an extra")
    assert train(*TINY, "generator_steps=2", "study=mine").code == 0
    done = dashboard(train.folder, address, key=key)
    assert done.returncode == 2 and words in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == done.stderr.splitlines()
