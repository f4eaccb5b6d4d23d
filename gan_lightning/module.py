"""Algorithm 1 of arXiv:1704.00028, for any objective, constraint and pair of networks."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, cast

import lightning as L
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from gan_lightning.averaging import Averaging
from gan_lightning.class_losses import AuxiliaryClassifier
from gan_lightning.constraints import Constraint
from gan_lightning.data.base import Batch
from gan_lightning.objectives import Objective
from gan_lightning.parallel import average_gradients
from gan_lightning.randomness import RandomStreams
from gan_lightning.sampling import Sampler, measured

MakeOptimizer = Callable[[nn.Module], Optimizer]


SHAPES = (
    "a batch is (real samples (n_critic, B, *), labels (n_critic, B) or None); CriticBatches makes them of a loader's"
)


class Diverged(Exception):
    """A loss is no longer finite: a result of the run, not a fault of the program."""


class AdversarialModule(L.LightningModule):
    """Trains a generator against a critic; one ``training_step`` is one generator iteration.

    Lightning's ``global_step`` counts the steps of wrapped optimisers. Only the generator's is stepped wrapped, so
    ``global_step``, ``max_steps``, checkpoints and loggers all count generator iterations. Its checkpoints have the
    random streams too: training goes on to the last bit where the loader does, as from the end of an epoch.

    Args:
        generator: latents ``(B, latent_dim)`` to samples ``(B, *)``; where the data have labels ``(B,)``, of both.
        critic: samples to scores ``(B,)``, or to scores and class scores ``(B, classes)``; likewise.
        objective: the pair of losses.
        constraint: what keeps the critic Lipschitz; asked at once whether it goes with this critic.
        generator_optimizer, critic_optimizer: make a network's optimiser.
        latent_dim: size of the latent.
        seed: of latents, mixing draws and labels of fakes.
        decay: factor on both rates as a function of the generator iteration, or ``None`` for constant rates.
        classes: of conditional networks, whose generator step draws labels of its own; ``None`` if the networks have no
            use for labels.
        class_loss: what the critic's class scores add to both losses; ``None`` for nothing.
        generator_batch_multiple: samples of a generator step for each real sample of a critic step, positive.
        ema: how the generator is averaged for sampling; ``None`` for its last iterate.
        log: whether every iteration's measures are logged, and looked at for a loss that is not finite, which ends
            training; a run of this package has callbacks for both, which do so at intervals.

    Raises:
        ValueError: if ``generator_batch_multiple`` is not positive, if the critic has running statistics, if the
            constraint refuses it, or if there is a ``class_loss`` without ``classes``.
    """

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        *,
        objective: Objective,
        constraint: Constraint,
        generator_optimizer: MakeOptimizer,
        critic_optimizer: MakeOptimizer,
        latent_dim: int,
        seed: int,
        decay: Callable[[int], float] | None = None,
        classes: int | None = None,
        class_loss: AuxiliaryClassifier | None = None,
        generator_batch_multiple: int = 1,
        ema: Averaging | None = None,
        log: bool = True,
    ) -> None:
        super().__init__()
        if generator_batch_multiple < 1:
            raise ValueError(f"generator_batch_multiple={generator_batch_multiple} must be at least 1")
        if class_loss is not None and classes is None:
            raise ValueError("class_loss is not possible: the networks know no classes; allowed: none")
        _refuse_running_statistics(critic)
        constraint.prepare(critic)
        self.generator, self.critic = generator, critic
        self.objective, self.constraint = objective, constraint
        self.make_generator_optimizer, self.make_critic_optimizer = generator_optimizer, critic_optimizer
        self.latent_dim, self.seed, self.decay = latent_dim, seed, decay
        self.classes, self.class_loss = classes, class_loss
        self.generator_batch_multiple, self.ema, self.log_measures = generator_batch_multiple, ema, log
        self.averaged_generator = None if ema is None else deepcopy(generator).requires_grad_(False)
        self.automatic_optimization = False

    def setup(self, stage: str) -> None:
        """Start the random streams; a checkpoint sets them further on."""
        self.streams = self._streams("train")
        self.finite = torch.tensor(True, device=self.trainer.strategy.root_device)

    def configure_optimizers(self) -> Any:
        """The generator's optimiser, then the critic's, with their schedulers if the rates decay."""
        optimizers = [self.make_generator_optimizer(self.generator), self.make_critic_optimizer(self.critic)]
        return optimizers, [] if self.decay is None else [_scheduler(o, self.decay) for o in optimizers]

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Tensor]:
        """One iteration of Algorithm 1's outer loop.

        Args:
            batch: real samples ``(n_critic, B, *)``, and labels ``(n_critic, B)`` or ``None``.
            batch_idx: unused; the clock is ``global_step``.

        Returns:
            Measures of this iteration; those of the critic are of its last step, before that step's update.

        Raises:
            ValueError: if the batch has another shape.
            Diverged: if a loss is not finite and nobody else looks.
        """
        generator_optimizer, _ = cast(list[LightningOptimizer], self.optimizers())
        _, critic_optimizer = cast(list[Optimizer], self.optimizers(use_pl_optimizer=False))
        real, labels = _checked(batch)
        measures: dict[str, Tensor] = {}
        for i in range(len(real)):  # line 2
            latent = self.streams.latents(real.shape[1], self.latent_dim)  # line 4
            epsilon = self.streams.epsilon(real.shape[1])
            conditions = None if labels is None else labels[i]
            loss, measures = self.critic_loss(real[i], conditions, latent=latent, epsilon=epsilon)  # lines 5 to 7
            self._descend(loss, critic_optimizer)  # line 9
            self.constraint.project(self.critic)

        with measured(self.critic), frozen(self.critic):
            loss = self.generator_loss(real[-1], None if labels is None else labels[-1])
            self._descend(loss, generator_optimizer)  # line 12
        if self.ema is not None and self.averaged_generator is not None:
            samples = self.generator_batch_multiple * real.shape[1] * self.trainer.world_size
            self.ema.update(self.averaged_generator, self.generator, step=self.global_step, samples=samples)
        for scheduler in self._schedulers():
            scheduler.step()

        measures["generator_loss"] = loss.detach()
        self.finite &= measures["critic_loss"].isfinite() & measures["generator_loss"].isfinite()
        measures = {f"train/{name}": value for name, value in measures.items()}
        if self.log_measures:
            self.log_dict(measures, prog_bar=True, sync_dist=self.trainer.world_size > 1)
            self._check_finite()
        return measures

    def critic_loss(
        self, real: Tensor, labels: Tensor | None, *, latent: Tensor, epsilon: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The critic's loss with its penalty, Algorithm 1, lines 5 to 7.

        A parametrisation of the critic is computed once, so that real, fake and penalised points meet the same weights.

        Args:
            real: ``(B, *)``.
            labels: ``(B,)`` of the real samples, given to the fakes as well, or ``None``.
            latent: ``(B, latent_dim)``.
            epsilon: ``(B,)`` in [0, 1).

        Returns:
            The scalar loss and its detached parts by name.

        Raises:
            ValueError: if real and generated samples, or the critic's scores, have other shapes.
        """
        with torch.no_grad():
            fake = conditioned(self.generator, latent, labels)
        if fake.shape != real.shape:
            raise ValueError(
                f"real samples {tuple(real.shape)} beside generated ones {tuple(fake.shape)} are not possible: {SHAPES}"
            )

        def critic(samples: Tensor) -> Tensor:
            return scores_of(conditioned(self.critic, samples, labels))

        with parametrize.cached():
            real_output, fake_output = (conditioned(self.critic, samples, labels) for samples in (real, fake))
            real_scores, fake_scores = scores_of(real_output), scores_of(fake_output)
            if real_scores.shape != real.shape[:1]:
                raise ValueError(f"a critic with scores {tuple(real_scores.shape)} is not possible: (B,) are needed")
            loss = self.objective.critic_loss(real_scores, fake_scores)
            measures = self.objective.measures(real_scores.detach(), fake_scores.detach())
            added = [self.constraint.penalty(critic, real, fake, epsilon=epsilon)]
        if self.class_loss is not None and labels is not None:
            added.append(
                self.class_loss.critic_term(class_scores_of(real_output), class_scores_of(fake_output), labels)
            )
        for term, parts in filter(None, added):
            loss, measures = loss + term, measures | parts
        return loss, {"critic_loss": loss.detach(), **measures}

    def generator_loss(self, real: Tensor, labels: Tensor | None) -> Tensor:
        """The generator's loss, Algorithm 1, lines 11 and 12.

        Args:
            real: ``(B, *)`` of the last critic step, which an objective may compare with.
            labels: ``(B,)`` of the real samples, or ``None``.

        Returns:
            A scalar, over ``generator_batch_multiple * B`` samples, with labels of their own if there are ``classes``.
        """
        multiple, classes = self.generator_batch_multiple, self.classes
        # Drawn batch by batch: a process then has its share of each, and the i-th fakes meet the i-th real samples.
        latent = torch.cat([self.streams.latents(len(real), self.latent_dim) for _ in range(multiple)])  # line 11
        conditions = None if labels is None else torch.cat([labels] * multiple)
        if classes is not None:
            conditions = torch.cat([self.streams.labels(len(real), classes) for _ in range(multiple)])

        @torch.no_grad()
        def real_scores() -> Tensor:
            return torch.cat([scores_of(conditioned(self.critic, real, labels))] * multiple)

        output = conditioned(self.critic, conditioned(self.generator, latent, conditions), conditions)
        loss = self.objective.generator_loss(scores_of(output), real_scores)
        if self.class_loss is not None and conditions is not None:
            loss = loss + self.class_loss.generator_term(class_scores_of(output), conditions)
        return loss

    @torch.no_grad()
    def held_out_critic_loss(self, batches: Iterable[Batch]) -> Tensor:
        """Mean critic loss, penalty included, over held-out batches and all processes.

        The latents and mixing draws are a function of (seed, batch index): the same at every call.

        Args:
            batches: this process's share ``(B, *)`` and labels of every global batch.

        Returns:
            A scalar; NaN if there is no batch.
        """
        losses = []
        with measured(self.critic), measured(self.generator):
            for index, (real, labels) in enumerate(batches):
                streams = self._streams("held out", index)
                latent, epsilon = streams.latents(len(real), self.latent_dim), streams.epsilon(len(real))
                losses.append(self.critic_loss(real, labels, latent=latent, epsilon=epsilon)[0])
        mean = torch.stack(losses).mean() if losses else torch.tensor(torch.nan, device=self.device)
        return self.trainer.strategy.reduce(mean, reduce_op="mean")

    @property
    def sampler(self) -> Sampler:
        """Makes what is shown and scored: samples of the averaged generator where there is one."""
        generator = self.generator if self.averaged_generator is None else self.averaged_generator
        return Sampler(generator, latent_dim=self.latent_dim, device=self.device, classes=self.classes)

    @property
    def sampled_generator(self) -> str:
        """Whose samples are shown and scored, in words."""
        return "last iterate" if self.ema is None else str(self.ema)

    def on_train_end(self) -> None:
        """Look at what the last update made, where nobody else looks.

        Raises:
            Diverged: if a weight is not finite.
        """
        if self.log_measures and not all(weight.isfinite().all() for weight in self.parameters()):
            raise Diverged(f"a weight was not finite at generator iteration {self.global_step}")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["random_streams"] = self.streams.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.streams.load_state_dict(checkpoint["random_streams"])

    def _check_finite(self) -> None:
        if not self.finite:
            raise Diverged(f"a loss was not finite at generator iteration {self.global_step}")

    def _streams(self, *purpose: str | int) -> RandomStreams:
        trainer = self.trainer
        device = trainer.strategy.root_device
        return RandomStreams(
            self.seed, *purpose, rank=trainer.global_rank, world_size=trainer.world_size, device=device
        )

    def _schedulers(self) -> list[LambdaLR]:
        return [] if self.decay is None else cast(list[LambdaLR], self.lr_schedulers())

    def _descend(self, loss: Tensor, optimizer: Any) -> None:
        optimizer.zero_grad()
        self.manual_backward(loss)
        average_gradients(optimizer)
        optimizer.step()


def _scheduler(optimizer: Optimizer, decay: Callable[[int], float]) -> LambdaLR:
    # Checkpoints hold the attributes of a callable object, not of a function. They would bring back the decay of an
    # earlier run length where a run goes on with a longer one.
    return LambdaLR(optimizer, lambda step: decay(step))


def _refuse_running_statistics(critic: nn.Module) -> None:
    """The critic is in evaluation mode in the generator's step, where it is measured and not trained."""
    for name, layer in critic.named_modules():
        if getattr(layer, "track_running_stats", False):
            raise ValueError(
                f"the critic's {name or 'norm'}, a {type(layer).__name__}, has running statistics: the critic would be "
                "another in the generator's step than in its own; allowed: track_running_stats=False"
            )


def _checked(batch: Any) -> Batch:
    """A batch of real samples and labels, or of something else, as a loader may have it."""
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        real, labels = batch
        if isinstance(real, Tensor) and real.dim() > 1 and (labels is None or labels.shape == real.shape[:2]):
            return real, labels
    raise ValueError(f"a batch of this form is not possible: {SHAPES}")


def conditioned(network: nn.Module, inputs: Tensor, labels: Tensor | None) -> Any:
    """What a network makes of inputs ``(B, *)``, and of their labels ``(B,)`` where there are any."""
    return network(inputs) if labels is None else network(inputs, labels)


def scores_of(output: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """Scores ``(B,)`` from what a critic returns: scores alone, or scores and class scores ``(B, classes)``."""
    return output if isinstance(output, Tensor) else output[0]


def class_scores_of(output: Tensor | tuple[Tensor, Tensor]) -> Tensor:
    """Class scores ``(B, classes)`` from what a critic returns.

    Raises:
        ValueError: if it returns scores alone.
    """
    if isinstance(output, Tensor):
        raise ValueError("class_loss is not possible: the critic returns no class scores; allowed: none")
    return output[1]


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Within it, the network's parameters do not require gradients."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
