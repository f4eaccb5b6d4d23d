"""Operations of a step that can be counted by hand."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.constraints import Constraint, GradientPenalty, NoConstraint
from gan_lightning.module import AdversarialModule
from gan_lightning.objectives import Wasserstein
from gan_lightning.penalties import interpolates, two_sided
from gan_lightning.planning.operations import META, Cost, Unfilled, cost_of_iteration, critic_cost, generator_cost
from gan_lightning.planning.plan import planned_runs, settings_of

B, LATENT, D, HIDDEN = 4, 3, 5, 7


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(LATENT, D)

    def forward(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layer(latent)


class Critic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(D, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))

    def forward(self, points: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.layers(points).squeeze(1)


def on_meta(constraint: Constraint) -> tuple[AdversarialModule, Tensor]:
    make = partial(torch.optim.SGD, lr=0.1)
    with META:
        module = AdversarialModule(
            Generator(),
            Critic(),
            objective=Wasserstein(),
            constraint=constraint,
            generator_optimizer=lambda network: make(network.parameters()),
            critic_optimizer=lambda network: make(network.parameters()),
            latent_dim=LATENT,
            seed=0,
        )
    module.streams = Unfilled()  # pyright: ignore[reportAttributeAccessIssue]
    return module, torch.empty(B, D, device=META)


FAKE, FIRST, SECOND = 2 * B * LATENT * D, 2 * B * D * HIDDEN, 2 * B * HIDDEN
"""Of a product with the generator's matrix, and with each of the critic's, for a batch."""


def test_critic_step_has_a_forward_and_a_backward_pass_of_real_and_of_generated_samples() -> None:
    once = 2 * FIRST + 3 * SECOND  # both weights' gradients, and that of the hidden layer
    assert critic_cost(*on_meta(NoConstraint()), None).operations == FAKE + 2 * once


def test_penalty_adds_a_pass_there_and_back_and_a_backward_pass_of_both() -> None:
    """Of the first matrix: the score, its gradient, the gradient of that for the matrix and what it is multiplied by,
    and the matrix's own through the hidden layer's slope. Of the second: the score, its gradient, and that for it."""
    plain = critic_cost(*on_meta(NoConstraint()), None).operations
    penalty = GradientPenalty(10.0, points=interpolates, distance=two_sided)
    assert critic_cost(*on_meta(penalty), None).operations - plain == 5 * FIRST + 3 * SECOND


def test_generator_step_goes_through_the_critic_and_leaves_its_weights_alone() -> None:
    assert generator_cost(*on_meta(NoConstraint()), None).operations == 2 * FAKE + 2 * (FIRST + SECOND)


def test_costs_add_up() -> None:
    assert 3 * Cost(10, 2) + Cost(1, 5) == Cost(31, 11)


@pytest.mark.parametrize("study", ["table3", "table4", "figure1b"])
def test_studies_are_counted_for_images_text_and_points(study: str) -> None:
    small = ["arch.width=8"] if study == "figure1b" else ["arch.width_scale=0.125", "data.batch_size=2"]
    (settings,) = settings_of(planned_runs(study, small)[:1])
    counted = cost_of_iteration(settings)
    assert counted.operations > 10**5 and counted.calls > 100
