"""The module under Lightning's own trainer, with anybody's networks and loader, as the README shows it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import gan_lightning as gl
from gan_lightning.constraints import NoConstraint
from gan_lightning.objectives import Wasserstein
from gan_lightning.planning.timing import Repeated

README = (Path(__file__).parent.parent / "README.md").read_text()
EXAMPLE = next(block for block in re.findall(r"```python\n(.*?)```", README, re.S) if "CriticBatches" in block)
QUIETLY = 'max_steps=200, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False'


def run_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: str) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    code = EXAMPLE.replace("max_steps=200", QUIETLY)
    for before, after in changes.values():
        assert before in code
        code = code.replace(before, after)
    names: dict[str, Any] = {}
    torch.manual_seed(0)
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.mark.filterwarnings("ignore:.*does not have many workers.*", "ignore:.*ModelCheckpoint.*")
def test_the_readmes_example_logs_to_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(EXAMPLE.strip().splitlines()) <= 32
    trainer = run_example(tmp_path, monkeypatch)["trainer"]
    assert trainer.global_step == 200
    events = EventAccumulator(trainer.logger.log_dir).Reload()
    logged = events.Scalars("train/critic_loss")
    assert [event.step for event in logged][:3] == [9, 19, 29] and len(logged) == 20
    assert {"train/generator_loss", "train/gradient_norm"} <= set(events.Tags()["scalars"])


@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
def test_the_readmes_example_stops_on_nan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poison = {"change": ("angles.cos(), angles.sin()", "angles.cos(), torch.full_like(angles, torch.nan)")}
    with pytest.raises(gl.Diverged, match="a loss was not finite at generator iteration 1"):
        run_example(tmp_path, monkeypatch, **poison)


def module_of(**changes: Any) -> gl.AdversarialModule:
    torch.manual_seed(0)
    parts: dict[str, Any] = {
        "generator": nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (1, 2, 2))),
        "critic": nn.Sequential(nn.Flatten(), nn.Linear(4, 1), nn.Flatten(0)),
    } | changes
    return gl.AdversarialModule(
        parts["generator"],
        parts["critic"],
        objective=Wasserstein(),
        constraint=NoConstraint(),
        generator_optimizer=lambda network: torch.optim.Adam(network.parameters(), lr=1e-3),
        critic_optimizer=lambda network: torch.optim.Adam(network.parameters(), lr=1e-3),
        latent_dim=3,
        seed=0,
    )


def images(count: int = 40, *, batch_size: int = 4) -> DataLoader:
    stream = torch.Generator().manual_seed(1)
    return DataLoader(TensorDataset(torch.rand(count, 1, 2, 2, generator=stream)), batch_size=batch_size)


@pytest.fixture
def fit(tmp_path: Path) -> Callable[..., L.Trainer]:
    """Train with what is given to the trainer, without its bars and its words."""

    def fitted(module: gl.AdversarialModule, loader: Any, *, checkpoint: Any = None, **options: Any) -> L.Trainer:
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu", "devices": 1}
        options = {"logger": False, "enable_checkpointing": False, "default_root_dir": tmp_path} | options
        trainer = L.Trainer(**quiet, **options)
        trainer.fit(module, loader, ckpt_path=checkpoint)
        return trainer

    return fitted


pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers.*")


@pytest.mark.filterwarnings("ignore:Using ModelCheckpoint with manual optimization.*")
def test_lightnings_checkpoints_early_stop_and_csv_see_the_measures(
    fit: Callable[..., L.Trainer], tmp_path: Path
) -> None:
    kept = ModelCheckpoint(tmp_path / "kept", monitor="train/critic_loss", every_n_train_steps=1, save_top_k=1)
    stop = EarlyStopping("train/generator_loss", patience=1, min_delta=1e9, check_on_train_epoch_end=True)
    logger = CSVLogger(tmp_path, flush_logs_every_n_steps=1)
    trainer = fit(
        module_of(),
        gl.CriticBatches(images(), n_critic=2),
        callbacks=[kept, stop],
        enable_checkpointing=True,
        logger=logger,
        log_every_n_steps=1,
        max_epochs=50,
    )
    assert trainer.global_step == 10  # two epochs of five iterations: the second was no better by so much
    assert kept.best_model_score is not None and Path(kept.best_model_path).is_file()
    rows = (Path(logger.log_dir) / "metrics.csv").read_text().splitlines()
    assert "train/critic_loss" in rows[0] and len(rows) == 11


def test_lightnings_own_checkpoint_of_an_epochs_end_goes_on_to_the_last_bit(
    fit: Callable[..., L.Trainer], tmp_path: Path
) -> None:
    def batches() -> gl.CriticBatches:
        return gl.CriticBatches(images(), n_critic=2)

    whole, first, second = (
        module_of(),
        module_of(),
        module_of(generator=nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (1, 2, 2)))),
    )
    fit(whole, batches(), max_epochs=4)
    fit(first, batches(), max_epochs=2).save_checkpoint(tmp_path / "half.ckpt")
    fit(second, batches(), max_epochs=4, checkpoint=tmp_path / "half.ckpt")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert not torch.equal(first.critic[1].weight, whole.critic[1].weight)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (torch.rand(8, 1, 2, 2), "CriticBatches"),  # a loader's batch
        ((torch.rand(8, 1, 2, 2), None), r"real samples \(1, 2, 2\) beside generated ones \(1, 1, 2, 2\)"),
        ([torch.rand(8, 1, 2, 2)], "CriticBatches"),
        ([torch.rand(8, 1, 2, 2), torch.zeros(8, dtype=torch.long)], "CriticBatches"),
        ((torch.rand(2, 8, 4), None), r"real samples \(8, 4\) beside generated ones \(8, 1, 2, 2\)"),
        ((torch.rand(2), None), "CriticBatches"),
    ],
)
def test_a_batch_of_another_shape_is_refused(fit: Callable[..., L.Trainer], batch: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit(module_of(), Repeated(batch), max_steps=1)


def test_scores_that_are_no_row_are_refused(fit: Callable[..., L.Trainer]) -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    with pytest.raises(ValueError, match=r"scores \(4, 1\) is not possible: \(B,\) are needed"):
        fit(module_of(critic=critic), gl.CriticBatches(images(), n_critic=2), max_steps=1)


def test_labels_are_given_to_networks_that_take_them(fit: Callable[..., L.Trainer]) -> None:
    seen: list[Tensor] = []

    class Conditional(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, inputs: Tensor, labels: Tensor) -> Tensor:
            seen.append(labels)
            return self.network(inputs)

    plain = module_of()
    module = module_of(generator=Conditional(plain.generator), critic=Conditional(plain.critic))
    data = TensorDataset(torch.rand(8, 1, 2, 2), torch.arange(8))
    fit(module, gl.CriticBatches(DataLoader(data, batch_size=4), n_critic=2, labels=True), max_steps=1)
    assert torch.equal(seen[0], torch.arange(4)) and torch.equal(seen[-1], torch.arange(4, 8))


def test_critic_batches_are_the_loaders_in_their_order_without_what_is_left() -> None:
    loader = DataLoader(TensorDataset(torch.arange(23.0)[:, None], torch.arange(23)), batch_size=4)
    batches = list(gl.CriticBatches(loader, n_critic=2, labels=True))
    assert [batch[0].shape for batch in batches] == [(2, 4, 1)] * 2  # of 4 4 4 4 4 3, two pairs and one are whole
    assert batches[1][0].flatten().tolist() == [float(number) for number in range(8, 16)]
    assert batches[1][1] is not None and batches[1][1].flatten().tolist() == list(range(8, 16))
    assert all(batch[1] is None for batch in gl.CriticBatches(loader, n_critic=2))


@pytest.mark.parametrize(
    ("loader", "options", "words"),
    [
        ([], {"n_critic": 0}, "n_critic=0"),
        ([torch.rand(2, 3)], {"n_critic": 1, "labels": True}, "no second part"),
        ([["a", "b"]], {"n_critic": 1}, "a batch of list"),
    ],
)
def test_critic_batches_refuse_what_they_cannot_be_made_of(loader: Any, options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        list(gl.CriticBatches(loader, **options))


def test_weights_that_the_last_update_made_infinite_are_no_success(fit: Callable[..., L.Trainer]) -> None:
    """Its losses were still finite."""
    module = module_of()
    module.make_generator_optimizer = lambda network: torch.optim.SGD(network.parameters(), lr=torch.inf)
    with pytest.raises(gl.Diverged, match="a weight was not finite at generator iteration 1"):
        fit(module, gl.CriticBatches(images(), n_critic=2), max_steps=1)


def test_a_loader_of_too_few_batches_trains_nothing_and_says_so() -> None:
    loader = DataLoader(torch.zeros(7, 1, 2, 2), batch_size=4)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="n_critic=3 is not possible: the loader has 2 batches"):
        gl.CriticBatches(loader, n_critic=3)
    with pytest.raises(ValueError, match="n_critic=2 is not possible: the loader has 1 batches of one size"):
        list(gl.CriticBatches(loader, n_critic=2))
