"""Operations of a step that can be counted by hand."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from benchmarks import cost
from gan_lightning.constraints import Constraint, GradientPenalty, NoConstraint
from gan_lightning.module import AdversarialModule
from gan_lightning.objectives import Wasserstein
from gan_lightning.penalties import interpolates, two_sided

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
    with cost.META:
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
    module.streams = cost.Unfilled()  # pyright: ignore[reportAttributeAccessIssue]
    return module, torch.empty(B, D, device=cost.META)


FAKE, FIRST, SECOND = 2 * B * LATENT * D, 2 * B * D * HIDDEN, 2 * B * HIDDEN
"""Of a product with the generator's matrix, and with each of the critic's, for a batch."""


def test_critic_step_has_a_forward_and_a_backward_pass_of_real_and_of_generated_samples() -> None:
    once = 2 * FIRST + 3 * SECOND  # both weights' gradients, and that of the hidden layer
    assert cost.critic_operations(*on_meta(NoConstraint()), None) == FAKE + 2 * once


def test_penalty_adds_a_pass_there_and_back_and_a_backward_pass_of_both() -> None:
    """Of the first matrix: the score, its gradient, the gradient of that for the matrix and what it is multiplied by,
    and the matrix's own through the hidden layer's slope. Of the second: the score, its gradient, and that for it."""
    plain = cost.critic_operations(*on_meta(NoConstraint()), None)
    penalty = GradientPenalty(10.0, points=interpolates, distance=two_sided)
    assert cost.critic_operations(*on_meta(penalty), None) - plain == 5 * FIRST + 3 * SECOND


def test_generator_step_goes_through_the_critic_and_leaves_its_weights_alone() -> None:
    assert cost.generator_operations(*on_meta(NoConstraint()), None) == 2 * FAKE + 2 * (FIRST + SECOND)


@pytest.mark.parametrize("study", ["table3", "table4", "figure1b"])
def test_studies_are_counted_for_images_text_and_points(study: str) -> None:
    small = ["arch.width=8"] if study == "figure1b" else ["arch.width_scale=0.125", "data.batch_size=2"]
    counted = cost.cost_of(study, most=1, overrides=[*small, "generator_steps=10"])
    assert counted["counted"] == 1 and counted["runs"] > 1
    assert counted["operations_of_a_run"] > 10**6
