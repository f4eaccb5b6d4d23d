"""The exact Wasserstein distance where it is known."""

from itertools import permutations

import numpy as np
import pytest

from gan_lightning.metrics.wasserstein import wasserstein_distance


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_distance_of_a_translation_is_its_length() -> None:
    points = normal(300, 2)
    moved = np.random.default_rng(1).permutation(points + np.array([3.0, -4.0]))
    assert wasserstein_distance(points, moved) == pytest.approx(5.0, rel=1e-9)


def test_distance_on_the_line_couples_in_ascending_order() -> None:
    first, second = normal(300, 1), 2 * normal(300, 1, seed=1) + 0.5
    expected = np.abs(np.sort(first, axis=0) - np.sort(second, axis=0)).mean()
    assert wasserstein_distance(first, second) == pytest.approx(expected, rel=1e-9)


def test_distance_is_the_least_over_all_couplings() -> None:
    first, second = normal(6, 2), normal(6, 2, seed=1)
    least = min(np.linalg.norm(first - second[list(order)], axis=1).mean() for order in permutations(range(6)))
    assert wasserstein_distance(first, second) == pytest.approx(least, rel=1e-12)


def test_distance_moves_mass_from_full_places_to_empty_ones() -> None:
    first = np.repeat([[0.0, 0.0], [10.0, 0.0]], [75, 25], axis=0)
    second = np.repeat([[0.0, 0.0], [10.0, 0.0]], [25, 75], axis=0)
    assert wasserstein_distance(first, second) == pytest.approx(5.0, rel=1e-9)


def test_distance_of_a_set_from_itself_is_nothing() -> None:
    assert wasserstein_distance(np.ones((4, 2)), np.ones((4, 2))) == 0
    assert wasserstein_distance(normal(50, 2), normal(50, 2)[::-1]) == 0


def test_sets_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"sets of \(3, 2\) and \(4, 2\) are not possible"):
        wasserstein_distance(normal(3, 2), normal(4, 2))
