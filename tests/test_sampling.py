"""Samples are a function of generator, seed, purpose, number and label, whoever asks for them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lightning.randomness import seeded_generator
from gan_lightning.sampling import BLOCK, Sampler, measured

CPU = torch.device("cpu")
ASKED: dict[str, Any] = {"seed": 3, "purpose": "samples"}


class Generator(nn.Module):
    """Latents, plus ten times the label where there is one, through batch norm over the block."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4, affine=False, track_running_stats=False)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        shift = 0 if labels is None else 10 * labels[:, None]
        return self.norm(latents) + shift


def sampler(classes: int | None = None) -> Sampler:
    return Sampler(Generator(), latent_dim=4, device=CPU, classes=classes)


def classes_of(samples: Tensor) -> Tensor:
    """The labels that were added to the samples of the generator above."""
    return (samples.mean(1) / 10).round().long()


@pytest.mark.parametrize("classes", [None, 5])
@pytest.mark.parametrize("processes", [2, 3])
def test_samples_do_not_depend_on_the_number_of_processes(classes: int | None, processes: int) -> None:
    asked = sampler(classes)
    whole = asked.samples(550, **ASKED)
    seen: set[int] = set()
    for rank in range(processes):
        for first, block in asked.blocks(550, **ASKED, rank=rank, processes=processes):
            assert torch.equal(block, whole[first : first + BLOCK])
            seen.add(first)
    assert seen == set(range(0, 550, BLOCK))


def test_followed_samples_are_the_same_in_another_form() -> None:
    followed = sampler(5).followed_by(lambda samples: 2 * samples)
    assert torch.equal(followed.samples(130, **ASKED), 2 * sampler(5).samples(130, **ASKED))
    assert followed.classes == 5


def test_every_process_has_a_block_where_there_are_more_processes_than_blocks() -> None:
    shares = [[first for first, _ in sampler().blocks(200, **ASKED, rank=rank, processes=3)] for rank in range(3)]
    assert shares == [[0], [100], [0]]


@pytest.mark.parametrize("classes", [None, 5])
def test_a_count_that_is_no_multiple_is_cut_from_whole_blocks(classes: int | None) -> None:
    assert torch.equal(sampler(classes).samples(130, **ASKED), sampler(classes).samples(300, **ASKED)[:130])


def test_latents_of_a_block_are_a_function_of_seed_purpose_and_number() -> None:
    drawn = sampler().latents(2, seed=3, purpose="evaluation latents")
    stream = seeded_generator(3, "evaluation latents", 2)
    assert torch.equal(drawn, torch.randn(BLOCK, 4, generator=stream))


@pytest.mark.parametrize("changed", [{"seed": 4}, {"purpose": "evaluation latents"}])
def test_another_seed_or_purpose_gives_other_samples_and_labels(changed: dict[str, Any]) -> None:
    first, other = sampler(5).samples(100, **ASKED), sampler(5).samples(100, **ASKED | changed)
    assert not torch.equal(first, other)
    assert not torch.equal(classes_of(first), classes_of(other))


def test_labels_are_drawn_uniformly_over_the_classes() -> None:
    counts = classes_of(sampler(5).samples(5000, **ASKED)).bincount(minlength=5)
    assert len(counts) == 5
    assert 900 < counts.min() <= counts.max() < 1100


def test_classes_do_not_change_the_latents() -> None:
    conditional = sampler(5).samples(200, **ASKED)
    shift = 10.0 * classes_of(conditional)[:, None]
    torch.testing.assert_close(conditional - shift, sampler().samples(200, **ASKED), atol=1e-5, rtol=0)


def test_given_labels_are_those_of_the_samples_in_their_order() -> None:
    labels = torch.arange(130) % 5
    assert torch.equal(classes_of(sampler(5).samples(130, **ASKED, labels=labels)), labels)


def test_given_latents_give_the_samples_that_they_give_when_drawn() -> None:
    latents = torch.cat([sampler().latents(block, **ASKED) for block in range(2)])
    assert torch.equal(sampler().of_latents(latents), sampler().samples(200, **ASKED))
    labels = torch.arange(200) % 5
    assert torch.equal(sampler(5).of_latents(latents, labels=labels), sampler(5).samples(200, **ASKED, labels=labels))


def stateful_generator() -> nn.Sequential:
    """Its batch norm keeps statistics and its dropout draws from the global generator, where they are in train mode."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))


def test_a_generator_with_tracked_statistics_is_unchanged_by_sampling() -> None:
    generator = stateful_generator()
    generator[0].requires_grad_(False)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    samples = Sampler(generator, latent_dim=4, device=CPU).samples(200, **ASKED)
    assert not samples.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert [p.requires_grad for p in generator.parameters()] == [False, False, True, True, True, True]
    assert all(p.grad is None for p in generator.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_each_part_of_the_generator_is_in_its_own_mode_again(training: bool) -> None:
    generator = stateful_generator().train(training)
    generator[1].train(not training)
    modes = [part.training for part in generator.modules()]
    Sampler(generator, latent_dim=4, device=CPU).samples(100, **ASKED)
    assert [part.training for part in generator.modules()] == modes


def test_samples_are_those_of_eval_mode_whatever_the_mode() -> None:
    asked = Sampler(stateful_generator(), latent_dim=4, device=CPU)
    in_training = asked.samples(100, **ASKED)
    asked.generator.eval()
    assert torch.equal(asked.samples(100, **ASKED), in_training)


def test_modes_are_restored_when_the_generator_fails() -> None:
    generator = stateful_generator()
    with pytest.raises(RuntimeError):
        Sampler(generator, latent_dim=5, device=CPU).samples(100, **ASKED)
    assert all(part.training for part in generator.modules())


def test_the_global_random_state_is_left_as_found_even_by_a_generator_that_draws() -> None:
    class Noisy(nn.Module):
        def forward(self, latents: Tensor) -> Tensor:
            return latents + torch.randn_like(latents)

    state = torch.get_rng_state()
    Sampler(Noisy(), latent_dim=4, device=CPU).samples(200, **ASKED)
    assert torch.equal(torch.get_rng_state(), state)


def test_random_state_and_mode_are_the_caller_s_between_two_blocks() -> None:
    generator = stateful_generator()
    state = torch.get_rng_state()
    for _ in Sampler(generator, latent_dim=4, device=CPU).blocks(200, **ASKED):
        assert generator.training
        assert torch.equal(torch.get_rng_state(), state)


def test_eval_mode_holds_within_and_each_part_has_its_own_mode_afterwards() -> None:
    network = stateful_generator()
    network[1].eval()
    with measured(network):
        assert not any(part.training for part in network.modules())
    assert [part.training for part in network] == [True, False, True, True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sampler().samples(0, **ASKED), "0 samples are not possible"),
        (lambda: sampler().blocks(-1, **ASKED), "-1 samples are not possible"),
        (lambda: sampler().samples(3, **ASKED, labels=torch.zeros(3)), "the generator is unconditional"),
        (lambda: sampler(5).samples(3, **ASKED, labels=torch.zeros(4)), "3 numbers from 0 to 4 are needed"),
        (lambda: sampler(5).samples(2, **ASKED, labels=torch.tensor([0, 5])), r"such as \[0, 5\] are not possible"),
        (lambda: sampler(5).samples(2, **ASKED, labels=torch.tensor([-1, 0])), r"such as \[-1, 0\] are not possible"),
        (lambda: sampler().of_latents(torch.zeros(99, 4)), "99 latents are not possible: a multiple of 100"),
        (lambda: sampler().of_latents(torch.zeros(0, 4)), "0 latents are not possible"),
        (lambda: sampler(5).of_latents(torch.zeros(100, 4)), "the generator knows 5 classes"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
