"""Random streams: functions of seed and purpose, shared out over processes."""

import pytest
import torch
from torch import Tensor

from gan_lightning.randomness import RandomStreams, seeded_generator

CPU = torch.device("cpu")


def streams(rank: int = 0, world_size: int = 1, *, seed: int = 0, purpose: str = "train") -> RandomStreams:
    return RandomStreams(seed, purpose, rank=rank, world_size=world_size, device=CPU)


def numbers(seed: int, *purpose: str | int) -> Tensor:
    return torch.rand(4, generator=seeded_generator(seed, *purpose))


def test_stream_is_a_function_of_seed_and_purpose() -> None:
    assert torch.equal(numbers(3, "block", 1), numbers(3, "block", 1))


def test_streams_of_other_seeds_and_purposes_differ() -> None:
    draws = [
        numbers(3),
        numbers(4),
        numbers(3, "block"),
        numbers(3, "block", 1),
        numbers(3, "block", "1"),
        numbers(3, "block1"),
        numbers(3, "b", "lock1"),
        numbers(31, "block"),
    ]
    assert len({tuple(d.tolist()) for d in draws}) == len(draws)


def test_streams_are_pinned_for_old_checkpoints_and_scores() -> None:
    assert seeded_generator(0, "train", "latent").initial_seed() == 1_387_459_407_815_411_220
    assert seeded_generator(0, "evaluation latents", 0).initial_seed() == 6_655_575_018_381_011_951


def test_training_draws_neither_read_nor_move_the_global_generator() -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = streams().latents(4, 2)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(streams().latents(4, 2), first)


@pytest.mark.parametrize("world_size", [2, 4])
def test_processes_together_draw_what_one_process_draws(world_size: int) -> None:
    alone, shares = streams(), [streams(rank, world_size) for rank in range(world_size)]
    for _ in range(2):
        assert torch.equal(torch.cat([s.latents(8 // world_size, 3) for s in shares]), alone.latents(8, 3))
        assert torch.equal(torch.cat([s.epsilon(8 // world_size) for s in shares]), alone.epsilon(8))


def test_processes_never_see_equal_latents() -> None:
    assert not torch.equal(streams(0, 2).latents(4, 3), streams(1, 2).latents(4, 3))


def test_draws_go_on_from_the_state_dict() -> None:
    first = streams()
    first.latents(4, 2)
    first.epsilon(4)
    resumed = streams(seed=9)
    resumed.load_state_dict(first.state_dict())
    assert torch.equal(resumed.latents(4, 2), first.latents(4, 2))
    assert torch.equal(resumed.epsilon(4), first.epsilon(4))


def test_stream_that_a_checkpoint_does_not_know_begins_when_it_is_first_used() -> None:
    first = streams()
    first.latents(4, 2)
    old = first.state_dict()
    assert set(old) == {"latent"}
    resumed = streams()
    resumed.load_state_dict(old)
    assert torch.equal(resumed.labels(8, 10), streams().labels(8, 10))
    assert torch.equal(resumed.latents(4, 2), first.latents(4, 2))


def test_labels_are_uniform_over_the_classes_and_shared_out() -> None:
    labels = streams().labels(10_000, 10)
    assert (labels.dtype, labels.shape) == (torch.int64, (10_000,))
    assert torch.bincount(labels, minlength=10).min() > 800
    assert torch.equal(torch.cat([streams(rank, 2).labels(5_000, 10) for rank in range(2)]), labels)


def test_latents_do_not_depend_on_how_often_epsilon_is_drawn() -> None:
    one, other = streams(), streams()
    other.epsilon(100)
    other.labels(100, 10)
    assert torch.equal(one.latents(4, 2), other.latents(4, 2))


def test_latents_are_standard_normal_and_epsilon_is_uniform() -> None:
    latents, epsilon = streams().latents(20_000, 2), streams().epsilon(40_000)
    assert latents.shape == (20_000, 2)
    assert epsilon.shape == (40_000,)
    assert abs(latents.mean().item()) < 0.02
    assert abs(latents.std().item() - 1) < 0.02
    assert 0 <= epsilon.min() < 0.001
    assert 0.999 < epsilon.max() < 1
    assert abs(epsilon.mean().item() - 0.5) < 0.01
    assert abs(epsilon.var().item() - 1 / 12) < 0.003


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_uniform_draws_of_any_shape_are_shared_out_along_their_first_dimension(world_size: int) -> None:
    shares = [streams(rank, world_size).uniform("noise", 8 // world_size, 3, 5) for rank in range(world_size)]
    assert torch.equal(torch.cat(shares), streams().uniform("noise", 8, 3, 5))
    assert shares[0].dtype == torch.float32


def test_one_number_is_the_same_in_every_process_and_another_at_every_draw() -> None:
    def coins(rank: int, world_size: int) -> list[float]:
        drawing = streams(rank, world_size)
        return [drawing.uniform("coin").item() for _ in range(3)]

    assert coins(0, 2) == coins(1, 2) == coins(0, 1)
    assert len(set(coins(0, 1))) == 3


def test_uniform_streams_of_two_names_are_independent() -> None:
    assert not torch.equal(streams().uniform("one", 4), streams().uniform("other", 4))
