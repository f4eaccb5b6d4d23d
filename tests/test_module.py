"""Algorithm 1, step by step, under a real trainer, with networks whose losses are known."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from math import pi, sqrt
from pathlib import Path
from typing import Any, cast

import lightning as L
import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from gan_lightning.averaging import ExponentialAverage
from gan_lightning.callbacks.measures import Measures
from gan_lightning.class_losses import AuxiliaryClassifier
from gan_lightning.constraints import Constraint, GradientPenalty, NoConstraint, SpectralNorm, WeightClipping
from gan_lightning.data.base import Batch, RealData
from gan_lightning.module import AdversarialModule, Diverged
from gan_lightning.networks.norms import make_norm
from gan_lightning.objectives import Hinge, LeastSquares, NonSaturating, Objective, Relativistic, Wasserstein
from gan_lightning.optimizers import LinearDecay, RMSprop
from gan_lightning.penalties import interpolates, one_sided, real_and_fake_points, squared_norm, two_sided
from gan_lightning.randomness import RandomStreams
from gan_lightning.runs.checkpoints import AtomicCheckpointIO

Fit = Callable[..., L.Trainer]
B = 8
WGAN_GP = GradientPenalty(10.0, points=interpolates, distance=two_sided)
PENALTIES = [
    WGAN_GP,
    GradientPenalty(10.0, points=interpolates, distance=one_sided),
    GradientPenalty(0.5, points=real_and_fake_points, distance=squared_norm),
]


class Generator(nn.Module):
    """Latents of 3 numbers to points of the square."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.labels: list[Tensor | None] = []

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        self.labels.append(labels)
        return self.layer(latent).tanh()


class Critic(nn.Module):
    """Points to scores, by one hidden layer with a norm."""

    def __init__(self, norm: str = "layer") -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 16), nn.Unflatten(1, (16, 1, 1)), make_norm(norm, 16), nn.Tanh())
        self.last = nn.Linear(16, 1)
        self.labels: list[Tensor | None] = []

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        self.labels.append(labels)
        return self.last(self.layers(points).flatten(1)).squeeze(1)


class LinearCritic(nn.Module):
    """Points to w·x, with ‖w‖ = 3."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([3.0, 0.0]))

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        return points @ self.weight


class Step:
    """The state of both networks right after the step of one of them."""

    def __init__(self, player: str, module: AdversarialModule, rate: float) -> None:
        self.player, self.rate = player, rate
        self.weights = {name: deepcopy(getattr(module, name).state_dict()) for name in ("generator", "critic")}
        self.gradients = {
            name: [None if p.grad is None else p.grad.clone() for p in getattr(module, name).parameters()]
            for name in ("generator", "critic")
        }
        self.trainable = {
            name: [p.requires_grad for p in getattr(module, name).parameters()] for name in ("generator", "critic")
        }


class Recorder:
    """Optimisers that write down every step that they take."""

    def __init__(self, make: Callable[..., Optimizer] = SGD, *, lr: float = 0.01) -> None:
        self.make, self.lr = make, lr
        self.steps: list[Step] = []
        self.module: AdversarialModule

    def optimizer(self, player: str, network: nn.Module) -> Optimizer:
        optimizer = self.make(network.parameters(), lr=self.lr)
        optimizer.register_step_post_hook(partial(self._record, player))
        return optimizer

    def _record(self, player: str, optimizer: Optimizer, *_: Any) -> None:
        self.steps.append(Step(player, self.module, optimizer.param_groups[0]["lr"]))

    @property
    def players(self) -> str:
        """G for every step of the generator, C for every step of the critic."""
        return "".join(step.player[0].upper() for step in self.steps)


def make_module(recorder: Recorder | None = None, **changes: Any) -> AdversarialModule:
    torch.manual_seed(0)
    recorder = recorder or Recorder()
    settings: dict[str, Any] = {
        "generator": Generator(),
        "critic": Critic(),
        "objective": Wasserstein(),
        "constraint": WGAN_GP,
        "generator_optimizer": partial(recorder.optimizer, "generator"),
        "critic_optimizer": partial(recorder.optimizer, "critic"),
        "latent_dim": 3,
        "seed": 0,
        "log": False,
    }
    recorder.module = AdversarialModule(**(settings | changes))
    return recorder.module


def real_batch(n_critic: int = 2, labels: Tensor | None = None) -> Batch:
    return torch.rand(n_critic, B, 2, generator=torch.Generator().manual_seed(1)) * 2 - 1, labels


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("n_critic", [1, 2, 5])
def test_every_iteration_is_n_critic_steps_and_one_generator_step(fit: Fit, n_critic: int) -> None:
    recorder = Recorder()
    fit(make_module(recorder), real_batch(n_critic), steps=3)
    assert recorder.players == 3 * (n_critic * "C" + "G")


def test_trainers_clock_counts_generator_iterations(fit: Fit) -> None:
    recorder = Recorder()
    trainer = fit(make_module(recorder), real_batch(5), steps=23)
    assert trainer.global_step == 23
    assert recorder.players.count("G") == 23
    assert recorder.players.count("C") == 115


def test_step_of_one_network_leaves_the_other_bit_identical(fit: Fit) -> None:
    recorder = Recorder(Adam, lr=0.01)
    module = make_module(recorder)
    before = Step("nobody", module, 0.0)
    fit(module, real_batch(), steps=3)
    for earlier, later in zip([before, *recorder.steps], recorder.steps, strict=False):
        other = {"critic": "generator", "generator": "critic"}[later.player]
        assert not equal(earlier.weights[later.player], later.weights[later.player])
        assert equal(earlier.weights[other], later.weights[other])


def test_fakes_of_a_critic_step_carry_no_graph_into_the_generator(fit: Fit) -> None:
    recorder = Recorder()
    fit(make_module(recorder), real_batch(), steps=1)
    assert recorder.players == "CCG"
    assert recorder.steps[1].gradients["generator"] == [None, None]


def test_generator_step_gives_the_critic_no_gradient(fit: Fit) -> None:
    recorder = Recorder()
    module = make_module(recorder)
    fit(module, real_batch(), steps=1)
    critic_step, generator_step = recorder.steps[1:]
    for before, after in zip(critic_step.gradients["critic"], generator_step.gradients["critic"], strict=True):
        assert before is not None and after is not None and torch.equal(before, after)
    assert not any(generator_step.trainable["critic"])
    assert all(p.requires_grad for p in module.critic.parameters())


def test_every_critic_step_sees_real_and_fake_samples_of_its_own(fit: Fit) -> None:
    seen: list[Tensor] = []
    critic = LinearCritic()
    critic.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0].detach().clone()))
    batch = real_batch()
    fit(make_module(critic=critic, constraint=NoConstraint()), batch, steps=1)
    real_1, fake_1, real_2, fake_2, generated = seen
    assert torch.equal(torch.stack([real_1, real_2]), batch[0])
    assert len({tuple(fakes.flatten().tolist()) for fakes in (fake_1, fake_2, generated)}) == 3


def test_first_critic_step_descends_the_penalised_wasserstein_loss(fit: Fit) -> None:
    recorder = Recorder(lr=0.01)
    module = make_module(recorder, critic=LinearCritic())
    fakes: list[Tensor] = []
    module.generator.register_forward_hook(lambda _, inputs, output: fakes.append(output.detach()))
    batch = real_batch(1)
    fit(module, batch, steps=1)
    # Of E[w·fake] - E[w·real] + 10 (‖w‖ - 1)² at w = (3, 0): the difference of means, and 10 · 2 · (3 - 1) along w.
    slope = fakes[0].mean(0) - batch[0][0].mean(0) + torch.tensor([40.0, 0.0])
    torch.testing.assert_close(recorder.steps[0].weights["critic"]["weight"], torch.tensor([3.0, 0.0]) - 0.01 * slope)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_clipped_critic_is_within_its_bound_after_every_step_norm_scales_included(fit: Fit, norm: str) -> None:
    recorder = Recorder(RMSprop, lr=0.05)
    module = make_module(recorder, critic=Critic(norm), constraint=WeightClipping(0.01))
    fit(module, real_batch(), steps=3)
    for step in recorder.steps:
        largest = max(weight.abs().max().item() for weight in step.weights["critic"].values())
        # Recorded right after the optimiser's step: the critic's own is not projected yet.
        assert largest > 0.01 if step.player == "critic" else largest <= 0.01 + 1e-9


@pytest.mark.parametrize("objective", [Wasserstein(), NonSaturating(), LeastSquares(), Hinge(), Relativistic()])
@pytest.mark.parametrize("constraint", [*PENALTIES, WeightClipping(0.01), SpectralNorm(1), NoConstraint()])
def test_every_objective_trains_under_every_constraint(fit: Fit, objective: Objective, constraint: Constraint) -> None:
    class Outputs(L.Callback):
        def on_train_batch_end(
            self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            self.measures = outputs

    recorder, outputs = Recorder(), Outputs()
    fit(make_module(recorder, objective=objective, constraint=constraint), real_batch(), steps=2, callbacks=[outputs])
    expected = {"train/critic_loss", "train/generator_loss"}
    expected |= {"train/gradient_penalty", "train/gradient_norm"} if isinstance(constraint, GradientPenalty) else set()
    expected |= {"train/wasserstein_estimate"} if isinstance(objective, Wasserstein) else set()
    assert set(outputs.measures) == expected
    assert all(value.shape == () and value.isfinite() for value in outputs.measures.values())
    assert not equal(recorder.steps[0].weights["generator"], recorder.steps[-1].weights["generator"])


def test_batch_norm_under_a_penalty_is_refused_with_the_papers_reason() -> None:
    with pytest.raises(ValueError, match=r"batch norm makes every score depend on the whole batch .*section 4"):
        make_module(critic=Critic("batch"))


def test_running_statistics_in_the_critic_are_refused_naming_the_layer() -> None:
    critic = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with pytest.raises(ValueError, match=r"^the critic's 1, a BatchNorm1d, has running statistics: .*=False$"):
        make_module(critic=critic, constraint=NoConstraint())


def test_no_sample_a_generator_step_is_refused() -> None:
    with pytest.raises(ValueError, match="generator_batch_multiple=0 must be at least 1"):
        make_module(generator_batch_multiple=0)


def test_labels_of_the_real_batch_reach_both_networks_and_the_penalty(fit: Fit) -> None:
    labels = torch.arange(2 * B).view(2, B)
    module = make_module()
    fit(module, real_batch(labels=labels), steps=1)
    generator, critic = cast(Generator, module.generator), cast(Critic, module.critic)
    expected_critic = [labels[0]] * 3 + [labels[1]] * 3 + [labels[1]]  # real, fake and interpolates, then generated
    expected_generator = [labels[0], labels[1], labels[1]]
    for seen, expected in ((generator.labels, expected_generator), (critic.labels, expected_critic)):
        assert len(seen) == len(expected)
        assert all(a is not None and torch.equal(a, b) for a, b in zip(seen, expected, strict=True))


def test_networks_without_labels_get_none(fit: Fit) -> None:
    module = make_module()
    fit(module, real_batch(), steps=1)
    assert set(cast(Critic, module.critic).labels) == {None}


class HeldOut:
    """Data that offer the critic loss two held-out batches."""

    def held_out_batches(self) -> Iterator[Batch]:
        yield from ((real, None) for real in real_batch()[0])


@pytest.mark.parametrize("poisoned", ["real samples", "weights"])
def test_loss_that_is_not_finite_ends_the_run_as_diverged(fit: Fit, poisoned: str) -> None:
    module, (real, labels) = make_module(), real_batch()
    if poisoned == "weights":
        cast(Critic, module.critic).last.weight.data.fill_(torch.inf)
    else:
        real[-1, 0] = torch.nan
    measures = Measures(cast(RealData, HeldOut()), log_every=2, held_out_every=100)
    with pytest.raises(Diverged, match=r"at or before generator iteration 2$"):
        fit(module, (real, labels), steps=10, callbacks=[measures])


def test_held_out_loss_is_the_same_at_every_call_and_leaves_the_training_draws_alone(fit: Fit) -> None:
    module = make_module()
    fit(module, real_batch(), steps=1)
    before = deepcopy(module.streams.state_dict())
    losses = [module.held_out_critic_loss(HeldOut().held_out_batches()).item() for _ in range(2)]
    assert losses[0] == losses[1]
    assert equal(before, module.streams.state_dict())


@pytest.mark.parametrize("objective", [Wasserstein(), Relativistic()])
def test_measuring_the_held_out_loss_changes_nothing_that_training_goes_on_with(fit: Fit, objective: Objective) -> None:
    class Measuring(L.Callback):
        def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *_: Any, **__: Any) -> None:
            cast(AdversarialModule, pl_module).held_out_critic_loss(HeldOut().held_out_batches())

    measured, unmeasured = (make_module(objective=objective, constraint=SpectralNorm(1)) for _ in range(2))
    fit(measured, real_batch(), steps=3, callbacks=[Measuring()])
    fit(unmeasured, real_batch(), steps=3)
    assert any(name.endswith("_u") for name in measured.state_dict())
    assert equal(measured.state_dict(), unmeasured.state_dict())
    assert all(layer.training for layer in measured.modules())


def test_power_iteration_goes_on_once_a_critic_step_and_rests_in_the_generators(fit: Fit) -> None:
    recorder = Recorder(lr=0.0)
    module = make_module(recorder, critic=Critic("none"), constraint=SpectralNorm(1))
    reference = deepcopy(module.critic)
    fit(module, real_batch(), steps=1)
    assert recorder.players == "CCG"
    for _ in range(2):
        reference(torch.zeros(1, 2))  # a step of power iteration, whatever goes in
    for step in recorder.steps[1:]:
        assert equal(step.weights["critic"], reference.state_dict())


def test_real_and_fake_samples_of_a_critic_step_meet_the_same_normalised_weights() -> None:
    module = make_module(critic=Critic("none"), constraint=SpectralNorm(1), objective=Wasserstein())
    real = real_batch()[0][0]
    for parameter in module.generator.parameters():
        parameter.data.zero_()
    loss, _ = module.critic_loss(torch.zeros_like(real), None, latent=torch.zeros(B, 3), epsilon=torch.zeros(B))
    assert loss.item() == 0


def test_held_out_loss_is_the_mean_over_batches_with_the_penalty(fit: Fit) -> None:
    module = make_module(Recorder(lr=0.0), critic=LinearCritic())
    for parameter in module.generator.parameters():
        parameter.data.zero_()
    fit(module, real_batch(), steps=1)
    loss = module.held_out_critic_loss(HeldOut().held_out_batches())
    # Fakes are 0, and w is (3, 0): - E[w·real] + 10 (‖w‖ - 1)².
    torch.testing.assert_close(loss, 40 - 3 * real_batch()[0][..., 0].mean())


def test_held_out_loss_of_no_batches_is_not_a_number(fit: Fit) -> None:
    module = make_module()
    fit(module, real_batch(), steps=1)
    assert module.held_out_critic_loss([]).isnan()


def test_rates_of_both_players_decay_together_once_an_iteration(fit: Fit) -> None:
    recorder = Recorder(lr=0.1)
    fit(make_module(recorder, decay=LinearDecay(4)), real_batch(), steps=5)
    expected = [0.1 * factor for factor in (1, 0.75, 0.5, 0.25, 0) for _ in range(3)]
    assert [step.rate for step in recorder.steps] == pytest.approx(expected)


def test_rates_without_decay_are_constant(fit: Fit) -> None:
    recorder = Recorder(lr=0.1)
    fit(make_module(recorder), real_batch(), steps=3)
    assert {step.rate for step in recorder.steps} == {0.1}


def test_resumed_training_ends_bit_identical_to_an_uninterrupted_one(fit: Fit, tmp_path: Path) -> None:
    whole, first, second = (make_module(Recorder(Adam), decay=LinearDecay(6)) for _ in range(3))
    fit(whole, real_batch(), steps=6)
    plugins = [AtomicCheckpointIO()]
    fit(first, real_batch(), steps=3, plugins=plugins).save_checkpoint(tmp_path / "last.ckpt")
    trainer = fit(second, real_batch(), steps=6, plugins=plugins, checkpoint=str(tmp_path / "last.ckpt"))
    assert trainer.global_step == 6
    assert equal(whole.state_dict(), second.state_dict())
    assert not equal(whole.state_dict(), first.state_dict())


def test_prolonged_training_decays_over_its_new_length(fit: Fit, tmp_path: Path) -> None:
    plugins, recorder = [AtomicCheckpointIO()], Recorder(lr=0.1)
    short = make_module(Recorder(lr=0.1), decay=LinearDecay(4))
    fit(short, real_batch(), steps=4, plugins=plugins).save_checkpoint(tmp_path / "last.ckpt")
    longer = make_module(recorder, decay=LinearDecay(8))
    fit(longer, real_batch(), steps=7, plugins=plugins, checkpoint=str(tmp_path / "last.ckpt"))
    assert [step.rate for step in recorder.steps if step.player == "generator"][1:] == pytest.approx([0.0375, 0.025])


def test_relativistic_generator_loss_pairs_fakes_with_the_last_real_batch_without_its_gradient(fit: Fit) -> None:
    seen: list[tuple[Tensor, bool]] = []
    critic = LinearCritic()
    critic.register_forward_hook(
        lambda _, inputs, output: seen.append((inputs[0].detach().clone(), output.requires_grad))
    )
    batch = real_batch()
    module = make_module(critic=critic, objective=Relativistic(), constraint=NoConstraint())
    fit(module, batch, steps=1)
    (_, fake_carries_gradient), (real, real_carries_gradient) = seen[-2:]
    assert len(seen) == 6
    assert torch.equal(real, batch[0][-1])
    assert (fake_carries_gradient, real_carries_gradient) == (True, False)


def test_objective_that_does_not_want_real_scores_does_not_pay_for_them(fit: Fit) -> None:
    calls: list[int] = []
    critic = LinearCritic()
    critic.register_forward_hook(lambda *_: calls.append(1))
    fit(make_module(critic=critic, constraint=NoConstraint()), real_batch(), steps=1)
    assert len(calls) == 2 * 2 + 1


@pytest.mark.parametrize("objective", [Wasserstein(), Relativistic()])
def test_generators_batch_may_be_a_multiple_of_the_critics(fit: Fit, objective: Objective) -> None:
    sizes: list[int] = []
    module = make_module(objective=objective, generator_batch_multiple=3)
    module.generator.register_forward_hook(lambda _, inputs, output: sizes.append(len(output)))
    fit(module, real_batch(), steps=1)
    assert sizes == [B, B, 3 * B]


class ClassifyingCritic(Critic):
    """Scores, and class scores beside them."""

    def forward(self, points: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        scores = super().forward(points, labels)
        return scores, scores[:, None] * torch.arange(10)


def test_class_scores_beside_the_scores_change_nothing_in_losses_and_penalties(fit: Fit) -> None:
    plain, classifying = make_module(critic=Critic()), make_module(critic=ClassifyingCritic())
    classifying.load_state_dict(plain.state_dict())
    for module in (plain, classifying):
        fit(module, real_batch(), steps=2)
    assert equal(plain.state_dict(), classifying.state_dict())


def test_labels_of_a_conditional_generator_step_come_from_a_stream_of_their_own(fit: Fit) -> None:
    labels = torch.arange(2 * B).view(2, B) % 10
    module = make_module(classes=10)
    fit(module, real_batch(labels=labels), steps=1)
    generator, critic = cast(Generator, module.generator), cast(Critic, module.critic)
    drawn = generator.labels[-1]
    assert drawn is not None and torch.equal(drawn, make_streams().labels(B, 10))
    assert critic.labels[-1] is drawn
    assert torch.equal(cast(Tensor, generator.labels[0]), labels[0])


AC_GAN = AuxiliaryClassifier(real=1.0, fake=0.0, generator=0.1)


def test_class_loss_is_that_of_real_samples_and_of_those_made_for_drawn_labels() -> None:
    plain = make_module(critic=ClassifyingCritic(), classes=10)
    module = make_module(critic=ClassifyingCritic(), classes=10, class_loss=AC_GAN)
    module.load_state_dict(plain.state_dict())
    real, labels = real_batch()[0][0], torch.arange(B) % 10
    critic, generator = [], []
    for each in (plain, module):
        each.streams = make_streams()
        critic.append(each.critic_loss(real, labels, latent=torch.ones(B, 3), epsilon=torch.full((B,), 0.5)))
        generator.append(each.generator_loss(real, labels).item())
    drawn = make_streams().labels(B, 10)
    fake = module.generator(make_streams().latents(B, 3), drawn)
    with torch.no_grad():
        told, made = (cross_entropy_by_hand(module, *pair) for pair in ((real, labels), (fake, drawn)))
    assert critic[1][0].item() - critic[0][0].item() == pytest.approx(told, abs=1e-5)
    assert critic[1][1].keys() - critic[0][1].keys() == {"class_accuracy_real", "class_accuracy_fake"}
    assert generator[1] - generator[0] == pytest.approx(0.1 * made, abs=1e-5)
    assert abs(told - made) > 0.01  # so that the one cannot stand for the other


def cross_entropy_by_hand(module: AdversarialModule, samples: Tensor, labels: Tensor) -> float:
    shares = module.critic(samples)[1].double().exp()
    return -(shares[torch.arange(len(labels)), labels] / shares.sum(1)).log().mean().item()


def test_critic_without_class_scores_cannot_have_a_class_loss(fit: Fit) -> None:
    labels = torch.zeros(2, B, dtype=torch.long)
    with pytest.raises(
        ValueError, match=r"^class_loss is not possible: the critic returns no class scores; allowed: none$"
    ):
        fit(make_module(classes=10, class_loss=AC_GAN), real_batch(labels=labels), steps=1)


def test_networks_without_classes_cannot_have_a_class_loss() -> None:
    with pytest.raises(ValueError, match=r"^class_loss is not possible: the networks know no classes; allowed: none$"):
        make_module(class_loss=AC_GAN)


def make_streams() -> RandomStreams:
    return RandomStreams(0, "train", rank=0, world_size=1, device=torch.device("cpu"))


@pytest.mark.parametrize("multiple", [1, 2])
def test_averaged_generator_follows_by_hand_over_three_steps(fit: Fit, multiple: int) -> None:
    recorder = Recorder(lr=0.1)
    half_life = multiple * B  # the samples of a step, so that it has half of the weight
    module = make_module(recorder, ema=ExponentialAverage(half_life=half_life), generator_batch_multiple=multiple)
    expected = module.generator.layer.weight.detach().clone()
    fit(module, real_batch(), steps=3)
    for step in recorder.steps:
        if step.player == "generator":
            expected = expected / 2 + step.weights["generator"]["layer.weight"] / 2
    assert module.averaged_generator is not None
    torch.testing.assert_close(module.averaged_generator.layer.weight, expected)
    assert not torch.equal(module.averaged_generator.layer.weight, module.generator.layer.weight)
    assert not any(p.requires_grad for p in module.averaged_generator.parameters())


def test_what_is_sampled_is_the_average_where_there_is_one(fit: Fit) -> None:
    averaged, plain = make_module(ema=ExponentialAverage(half_life=100)), make_module()
    for module in (averaged, plain):
        fit(module, real_batch(), steps=3)
    latents = plain.sampler.latents(0, seed=1, purpose="samples")
    assert averaged.averaged_generator is not None
    samples = averaged.sampler.samples(100, seed=1, purpose="samples")
    assert torch.equal(samples, averaged.averaged_generator(latents))
    assert torch.equal(plain.sampler.samples(100, seed=1, purpose="samples"), plain.generator(latents))
    assert not torch.equal(samples, plain.generator(latents))


def test_averaging_leaves_training_as_it_is(fit: Fit) -> None:
    averaged, plain = make_module(ema=ExponentialAverage(half_life=100)), make_module()
    for module in (averaged, plain):
        fit(module, real_batch(), steps=3)
    assert equal(plain.state_dict(), averaged.state_dict())
    assert (plain.sampled_generator, averaged.sampled_generator) == (
        "last iterate",
        "exponential moving average, half-life 100 samples",
    )


def test_average_goes_on_across_a_resume_bit_for_bit(fit: Fit, tmp_path: Path) -> None:
    whole, first, second = (make_module(Recorder(Adam), ema=ExponentialAverage(50, ramp_up=0.5)) for _ in range(3))
    fit(whole, real_batch(), steps=6)
    plugins = [AtomicCheckpointIO()]
    fit(first, real_batch(), steps=3, plugins=plugins).save_checkpoint(tmp_path / "last.ckpt")
    fit(second, real_batch(), steps=6, plugins=plugins, checkpoint=str(tmp_path / "last.ckpt"))
    assert any(name.startswith("averaged_generator.") for name in whole.state_dict())
    assert equal(whole.state_dict(), second.state_dict())


def perceptron(outputs: int) -> nn.Sequential:
    """The released toy network, narrower: uniform "He" weights but for the last layer's, which are Glorot's."""
    layers: list[nn.Module] = []
    for inputs in (2, 64, 64):
        hidden = nn.Linear(inputs, 64)
        nn.init.uniform_(hidden.weight, -sqrt(6 / inputs), sqrt(6 / inputs))
        layers += [hidden, nn.ReLU()]
    last = nn.Linear(64, outputs)
    nn.init.xavier_uniform_(last.weight)
    for layer in [*layers, last]:
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers, last)


class Toy(nn.Module):
    """Two coordinates to two coordinates, or to one score."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layers = perceptron(outputs)

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(points).squeeze(1)


def eight_gaussians(centres: Tensor) -> Iterator[Batch]:
    """Batches for five critic steps. Source: released code, 8 Gaussians."""
    random = torch.Generator().manual_seed(0)
    while True:
        chosen = centres[torch.randint(8, (5, 64), generator=random)]
        yield chosen + 0.0141443 * torch.randn(5, 64, 2, generator=random), None


def test_wgan_gp_covers_all_eight_gaussians(fit: Fit) -> None:
    angles = torch.arange(8) * pi / 4
    centres = 1.41443 * torch.stack([angles.cos(), angles.sin()], dim=1)
    torch.manual_seed(0)
    adam = partial(Adam, lr=1e-3, betas=(0.0, 0.9))
    module = AdversarialModule(
        Toy(2),
        Toy(1),
        objective=Wasserstein(),
        constraint=GradientPenalty(
            0.1, points=interpolates, distance=two_sided
        ),  # the released toy script's: quicker than 10
        generator_optimizer=lambda network: adam(network.parameters()),
        critic_optimizer=lambda network: adam(network.parameters()),
        latent_dim=2,
        seed=0,
        decay=LinearDecay(700),
    )
    fit(module, steps=700, batches=eight_gaussians(centres))
    with torch.no_grad():
        samples = module.generator(torch.randn(4000, 2, generator=torch.Generator().manual_seed(1)))
    distance, nearest = torch.cdist(samples, centres).min(dim=1)
    shares = torch.bincount(nearest[distance < 0.3], minlength=8) / 4000
    assert shares.min() > 0.03, shares
    assert shares.sum() > 0.6, shares
