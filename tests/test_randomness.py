import torch

from gan_lightning.randomness import seeded_generator


def draw(*purpose: str | int, seed: int = 0) -> list[float]:
    return torch.randn(4, generator=seeded_generator(seed, *purpose)).tolist()


def test_stream_is_a_function_of_seed_and_purpose() -> None:
    assert draw("latents", 3) == draw("latents", 3)


def test_streams_differ_by_seed_and_by_every_part_of_the_purpose() -> None:
    draws = [draw("latents", 3), draw("latents", 4), draw("epsilon", 3), draw("latents"), draw("latents", 3, seed=1)]
    assert len({tuple(numbers) for numbers in draws}) == len(draws)


def test_purposes_that_read_alike_have_different_streams() -> None:
    assert draw("a", "b") != draw("ab")
    assert draw(1, 23) != draw(12, 3)
    assert draw("1") != draw(1)


def test_stream_is_pinned_for_old_checkpoints_and_scores() -> None:
    assert seeded_generator(0, "evaluation latents", 0).initial_seed() == 7_424_978_415_609_544_985


def test_global_random_state_is_left_as_found() -> None:
    before = torch.get_rng_state()
    draw("latents")
    assert torch.equal(torch.get_rng_state(), before)
