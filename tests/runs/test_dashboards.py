"""What W&B and TensorBoard get to know of a run, read back from the files that their clients write."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from commands import TINY, Train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from wandb.proto import wandb_internal_pb2 as wandb_records

from gan_lightning.runs.dashboards import LONGEST, names_on_wandb

SCORED = ("metrics=digits_classifier", "metrics.samples=100", "metrics.splits=2", "metrics.every=2")
DIVERGING = (*TINY, "generator_steps=4", "every.log=2", "learning_rate_scale=1e30", "study=blown")


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SILENT", "true")


def records(run: Path) -> list[Any]:
    """What the client wrote for a run, record by record: LevelDB's log format behind seven bytes."""
    (file,) = run.glob("wandb/offline-run-*/run-*.wandb")
    content, place, whole, found = file.read_bytes(), 7, b"", []
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:  # what is left of a block has no room for a record's head
            place += 32768 - place % 32768
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            found.append(wandb_records.Record.FromString(whole))
            whole = b""
    return found


def of_kind(run: Path, kind: str) -> list[Any]:
    return [getattr(record, kind) for record in records(run) if record.WhichOneof("record_type") == kind]


def configured(run: Path) -> dict[str, Any]:
    updates = [*(r.config for r in of_kind(run, "run")), *of_kind(run, "config")]
    pairs = [(item.key or ".".join(item.nested_key), item.value_json) for update in updates for item in update.update]
    return {key: json.loads(value) for key, value in pairs}


def summed_up(run: Path) -> dict[str, Any]:
    updates = [item for summary in of_kind(run, "summary") for item in summary.update]
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in updates}


def test_wandb_gets_names_settings_scores_and_pictures_with_no_network_and_no_account(train: Train) -> None:
    short = (*TINY, *SCORED, "generator_steps=4", "every.log=1", "every.pictures=2")
    sweep = train("-m", *short, "objective=wgan_gp,lsgan", "seed=0,1", "logger=wandb", "study=mine")
    assert sweep.code == 0, sweep.out + sweep.err
    runs = sorted(
        (file.parent for file in (train.folder / "runs" / "mine").glob("*/result.json")),
        key=lambda run: (configured(run)["objective"], configured(run)["seed"]),
    )
    names = [of_kind(run, "run")[0] for run in runs]
    assert len({name.run_id for name in names}) == 4
    assert [name.display_name.rpartition(", ")[2] for name in names] == 2 * ["seed 0", "seed 1"]
    groups = [name.run_group for name in names]
    assert groups[0] == groups[1] != groups[2] == groups[3]
    assert all(name.job_type == "mine" and set(name.tags) >= {"mine", "digits", "dcgan_tiny"} for name in names)
    config = configured(runs[0])
    assert config["objective"] == config["method"] == "lsgan" and config["data"] == "digits"
    assert config["constraint"] == "none" and config["optimizer"] == "rmsprop_lsgan" and config["arch"] == "dcgan_tiny"
    assert config["optimizer.lr"] == 1e-4 and config["n_critic"] == 1 and config["study"] == "mine"
    assert config["parameters.generator"] > 0 and config["versions.torch"]
    assert not [key for key in config if "_target_" in key or key.startswith("choices")]
    result = json.loads((runs[0] / "result.json").read_text())
    summary = summed_up(runs[0])
    assert summary["final/digits_score"] == result["scores"]["final"]["digits_score"]
    assert summary["best/generator_step"] == result["scores"]["best"]["generator_step"]
    assert summary["status"] == "finished" and summary["seconds"] > 0
    history = [{i.key or "/".join(i.nested_key): i.value_json for i in row.item} for row in of_kind(runs[0], "history")]
    logged = {key for row in history for key in row}
    assert {
        "train/critic_loss",
        "rate/generator",
        "rate/critic",
        "iterations_per_second",
        "seconds",
    } <= logged
    defined = {metric.name: metric for metric in of_kind(runs[0], "metric")}
    assert "seconds" in defined and defined["score/digits_score"].summary.max
    assert list(runs[0].glob("wandb/offline-run-*/files/media/images/samples*.png"))


def test_wandb_shows_that_a_run_diverged_by_status_and_tag(train: Train) -> None:
    assert train(*DIVERGING, "logger=wandb").code == 0
    (run,) = (train.folder / "runs" / "blown").iterdir()
    assert summed_up(run)["status"] == "diverged"
    assert "diverged" in of_kind(run, "run")[-1].tags
    assert of_kind(run, "exit")[-1].exit_code == 0


def test_wandb_shows_that_a_run_failed_by_its_exit_code_too(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "failing.py").write_text(
        "from gan_lightning.objectives import Wasserstein\n"
        "class Failing(Wasserstein):\n"
        "    left = 3\n"
        "    def generator_loss(self, fake, real):\n"
        "        Failing.left -= 1\n"
        "        if Failing.left < 0: raise ArithmeticError('boom')\n"
        "        return super().generator_loss(fake, real)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    short = (*TINY, "generator_steps=4", "study=broken", "logger=wandb", "objective._target_=failing.Failing")
    assert train(*short).code == 1
    (run,) = (train.folder / "runs" / "broken").iterdir()
    assert summed_up(run)["status"] == "failed" and "failed" in of_kind(run, "run")[-1].tags
    assert of_kind(run, "exit")[-1].exit_code == 1


@pytest.mark.parametrize(
    ("overrides", "group"),
    [
        (["objective=lsgan", "seed=3"], "lsgan"),
        (["method=wgan_gp", "seed=3", "constraint.weight=0.1"], "wgan_gp, constraint.weight=0.1"),
        (["arch.critic.depth=3", "constraint=none"], "constraint=none, critic.depth=3"),
        (["+sweeps=table2", "seed=3"], "wgan_gp, digits"),
        ([], "wgan_gp, digits"),
    ],
)
def test_names_say_what_was_set_and_groups_leave_out_the_seed(overrides: list[str], group: str) -> None:
    choices = {"objective": "lsgan", "method": "wgan_gp", "data": "digits", "arch": "dcgan", "constraint": "none"}
    settings = {"seed": 3, "study": "mine", "method": "wgan_gp", "choices": choices, "overrides": overrides}
    found = names_on_wandb(settings)
    assert (found["name"], found["group"]) == (f"{group}, seed 3", group)
    assert found["tags"] == ["mine", "wgan_gp", "digits", "dcgan"]


def test_long_names_keep_their_seed() -> None:
    overrides = [f"arch.generator.key{number}={number}" for number in range(20)]
    settings = {"seed": 17, "study": "mine", "method": "wgan_gp", "choices": {}, "overrides": overrides}
    found = names_on_wandb(settings)
    assert len(found["name"]) == len(found["group"]) == LONGEST and found["name"].endswith(", seed 17")
    other = names_on_wandb(settings | {"overrides": [*overrides[:-1], "arch.generator.key19=20"]})
    assert other["group"] != found["group"] and other["group"][:50] == found["group"][:50]


def test_tensorboard_has_real_metrics_a_layout_and_pictures(train: Train) -> None:
    short = (*TINY, *SCORED, "generator_steps=4", "every.log=1", "every.pictures=2", "study=board")
    assert train(*short, "logger=tensorboard").code == 0
    (run,) = (train.folder / "runs" / "board").iterdir()
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"tensors": 0}).Reload()
    result = json.loads((run / "result.json").read_text())
    assert events.Scalars("final/digits_score")[0].value == pytest.approx(result["scores"]["final"]["digits_score"])
    assert "hp_metric" not in events.Tags()["scalars"]
    assert [image.step for image in events.Images("samples")] == [2, 4]
    assert {"rate/generator", "iterations_per_second", "seconds"} <= set(events.Tags()["scalars"])
    metadata = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    started = plugin_data_pb2.HParamsPluginData.FromString(metadata).session_start_info.hparams
    assert started["objective"].string_value == "wgan_gp" and started["optimizer.lr"].number_value == 1e-4
    (tensor,) = events.Tensors("custom_scalars__config__")
    shown = layout_pb2.Layout.FromString(tensor.tensor_proto.string_val[0])
    charts = {chart.title: list(chart.multiline.tag) for category in shown.category for chart in category.chart}
    assert charts["digits score"] == ["score/digits_score"]
    assert charts["held out beside training"] == ["train/critic_loss", "val/critic_loss"]


def test_tensorboard_shows_how_a_run_ended(train: Train) -> None:
    assert train(*DIVERGING, "logger=tensorboard").code == 0
    (run,) = (train.folder / "runs" / "blown").iterdir()
    (status,) = EventAccumulator(str(run / "tensorboard")).Reload().Tensors("status/text_summary")
    assert status.tensor_proto.string_val == [b"diverged"]
