"""From settings to objects: what a user's own YAML may leave out, and what depends on the seed alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import run_claimed
from omegaconf import DictConfig
from torch import Tensor

from gan_lightning.runs.build import (
    build,
    build_data,
    build_interim_scorer,
    build_module,
    build_scorer,
    load_run,
)
from gan_lightning.runs.directory import RunDirectory
from gan_lightning.runs.metrics_file import read_metrics
from gan_lightning.runs.settings import Settings, resolve

SMALL = ("arch.width_scale=0.125", "metrics=none", "trainer=cpu")


@pytest.fixture
def settings(compose_config: Callable[..., DictConfig]) -> Callable[..., Settings]:
    return lambda *overrides: resolve(compose_config(*SMALL, *overrides))


def critic_decay(settings: Settings) -> list[float]:
    module = build_module(settings)
    return [group["weight_decay"] for group in module.make_critic_optimizer(module.critic).param_groups]


def test_arch_without_a_weight_decay_has_none(settings: Callable[..., Settings]) -> None:
    own = settings("arch=dcgan", "arch.critic.norm=layer")
    del own["arch"]["critic_weight_decay"]
    assert critic_decay(own) == [0, 0]


@pytest.mark.parametrize("norm", [{}, {"norm": None}, {"norm": "none"}])
def test_critic_that_is_not_normalised_is_not_decayed(settings: Callable[..., Settings], norm: Settings) -> None:
    own = settings("arch=dcgan", "arch.critic_weight_decay=0.1")
    own["arch"]["critic"] = {"_target_": f"{__name__}.OwnCritic"} | norm
    assert critic_decay(own) == [0, 0]


class OwnCritic(torch.nn.Module):
    """A network that need not be told a norm."""

    def __init__(self, norm: str | None = None) -> None:
        super().__init__()
        self.norm, self.scores = norm, torch.nn.Linear(1, 1)


def test_batches_of_an_iteration_are_as_many_as_critic_steps(settings: Callable[..., Settings]) -> None:
    own = settings("n_critic=3")
    assert build_data(own).n_critic == 3


def test_when_a_run_is_scored_is_no_business_of_the_scorer(compose_config: Callable[..., DictConfig]) -> None:
    metrics = resolve(compose_config("metrics.every=7"))["metrics"]
    assert metrics["every"] == 7
    scorer = build_scorer(metrics)
    assert scorer is not None and scorer.monitor == "digits_score"


def test_number_of_samples_on_the_way_is_refused_by_its_own_name(compose_config: Callable[..., DictConfig]) -> None:
    metrics = resolve(compose_config("metrics.interim_samples=150"))["metrics"]
    with pytest.raises(
        ValueError, match=r"^metrics\.interim_samples=150 is not possible: [^\n]*a multiple of 100 is needed"
    ):
        build_interim_scorer(metrics)


def test_run_is_scored_by_fewer_samples_on_the_way(compose_config: Callable[..., DictConfig], tmp_path: Path) -> None:
    small = ("arch.width_scale=0.125", "trainer=cpu", "generator_steps=2", "n_critic=1", "data.batch_size=4")
    metrics = ("metrics.every=1", "metrics.samples=200", "metrics.splits=2", "metrics.interim_samples=100")
    directory = RunDirectory(tmp_path)
    assert run_claimed(resolve(compose_config(*small, *metrics)), directory) == "finished"
    rows = read_metrics(directory.metrics)
    assert "score/digits_score_100" in rows[1] and "score/digits_score" not in rows[1]
    assert {"score/digits_score_100", "score/digits_score"} <= rows[2].keys()
    assert directory.result is not None
    assert directory.result.score("final", "digits_score") == pytest.approx(rows[2]["score/digits_score"])


def test_metrics_none_has_no_scorer(settings: Callable[..., Settings]) -> None:
    assert build_scorer(settings()["metrics"]) is None


def test_what_a_constraint_draws_for_the_critic_is_a_function_of_the_seed(settings: Callable[..., Settings]) -> None:
    def state() -> dict[str, Any]:
        return build_module(settings("constraint=spectral_norm")).state_dict()

    torch.manual_seed(1)
    first, random = state(), torch.random.get_rng_state()
    torch.manual_seed(2)
    for name, value in state().items():
        assert torch.equal(value, first[name]), name
    torch.manual_seed(1)
    assert torch.equal(torch.random.get_rng_state(), random)


def test_what_an_optimiser_does_not_take_is_said_in_one_line(settings: Callable[..., Settings]) -> None:
    own = settings()
    own["optimizer"]["momentum"] = 0.9
    with pytest.raises(ValueError, match=r"^optimizer\.momentum is not possible: Adam takes params, lr, betas[^\n]*$"):
        build(own)


class ConditionalGenerator(torch.nn.Module):
    """Each class has a constant image of its own, plus what the latent adds."""

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        self.images, self.latents = torch.nn.Embedding(classes, 256), torch.nn.Linear(8, 256)

    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        return (self.images(labels) + self.latents(latent)).tanh().unflatten(1, (1, 16, 16))


class ConditionalCritic(torch.nn.Module):
    """Scores, and class scores beside them."""

    def __init__(self, *, classes: int) -> None:
        super().__init__()
        self.labels, self.scores = torch.nn.Embedding(classes, 1), torch.nn.Linear(256, 1 + classes)

    def forward(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.scores(images.flatten(1))
        return outputs[:, 0] + self.labels(labels).squeeze(1), outputs[:, 1:]


def conditional(own: Settings, *, classes: int) -> Settings:
    own["latent_dim"], own["optimizer"]["lr"] = 8, 1e-3
    arch = {
        name: {"_target_": f"{__name__}.Conditional{name.title()}", "classes": classes}
        for name in ("generator", "critic")
    }
    return own | {"arch": {**arch, "classes": classes, "drawn": None}}


def test_conditional_networks_train_and_are_sampled_with_labels_of_their_own(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    own = conditional(settings("generator_steps=2", "n_critic=1", "data.batch_size=4"), classes=10)
    directory = RunDirectory(tmp_path)
    assert run_claimed(own, directory) == "finished"
    with pytest.raises(ValueError, match=r"^arch\.generator\._target_=[^\n]*--trust PACKAGE allows that$"):
        load_run(directory, checkpoint="last")
    module, _, step = load_run(directory, checkpoint="last", trusted=[__name__])
    labels = torch.arange(100) % 10
    samples = module.sampler.samples(100, seed=0, purpose="samples", labels=labels)
    assert (step, samples.shape) == (2, (100, 1, 16, 16))
    assert not torch.equal(samples, module.sampler.samples(100, seed=0, purpose="samples", labels=labels.flip(0)))


def test_classes_that_the_data_do_not_have_are_refused(settings: Callable[..., Settings]) -> None:
    with pytest.raises(ValueError, match=r"^arch\.classes=7 is not possible: the data have 10 classes$"):
        build(conditional(settings(), classes=7))


def test_critic_of_ones_own_is_decayed_where_it_has_norm_layers(settings: Callable[..., Settings]) -> None:
    own = settings("arch=dcgan", "arch.critic_weight_decay=0.1")
    own["arch"]["critic"] = {"_target_": f"{__name__}.NormalisedCritic"}
    assert critic_decay(own) == [0.1, 0]


class NormalisedCritic(OwnCritic):
    """Its norm goes by another name."""

    def __init__(self) -> None:
        super().__init__()
        self.scaling = torch.nn.LayerNorm(1)
