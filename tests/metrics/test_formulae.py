import pytest
import torch

from gan_lightning.metrics import formulae
from gan_lightning.metrics.formulae import (
    evenly,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_and_recall,
)


def certain_of(labels: torch.Tensor) -> torch.Tensor:
    """Logits of a classifier that is sure of the given ones of ten classes."""
    return 100 * torch.nn.functional.one_hot(labels, 10).float()


def test_certain_scores_spread_over_ten_classes_score_ten() -> None:
    mean, deviation = inception_score(certain_of(torch.arange(200) % 10), splits=10)
    assert mean == pytest.approx(10)
    assert deviation == pytest.approx(0)


def test_equal_scores_for_every_image_score_one() -> None:
    mean, _ = inception_score(torch.randn(1, 10).expand(200, 10), splits=10)
    assert mean == pytest.approx(1)


def test_splits_are_contiguous_in_the_order_of_the_samples() -> None:
    # Sorted by class, each of ten splits holds one class only; a shuffle would bring them near 10.
    mean, _ = inception_score(certain_of(torch.arange(200) // 20), splits=10)
    assert mean == pytest.approx(1)


def test_deviation_is_the_population_s_over_splits() -> None:
    one_class, two_classes = torch.zeros(100, dtype=torch.long), torch.arange(100) % 2
    mean, deviation = inception_score(certain_of(torch.cat([one_class, two_classes])), splits=2)
    assert mean == pytest.approx(1.5)
    assert deviation == pytest.approx(0.5)  # The sample's would be 0.707.


def test_equal_covariances_have_the_squared_distance_of_the_means_as_fid() -> None:
    features = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
    shift = torch.tensor([3.0, 4.0, 0, 0, 0, 0, 0, 0])
    assert frechet_distance(features + shift, features) == pytest.approx(25, rel=1e-4)


def test_scaled_normal_features_have_the_closed_form_fid() -> None:
    # Covariances S and 4 S: tr(S + 4 S - 2 * 2 S) = tr(S).
    features = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
    features = features - features.mean(0)
    assert frechet_distance(2 * features, features) == pytest.approx(features.T.cov().trace().item(), rel=1e-4)


def test_kid_of_two_points_is_the_closed_form_of_the_cubic_kernel() -> None:
    # k(x, y) = (x.y / 4 + 1)^3: k(a, a) = 8, k(b, b) = 125, k(a, b) = 27.
    a, b = torch.ones(30, 4), torch.full((20, 4), 2.0)
    assert kernel_distance(a, b) == pytest.approx(8 + 125 - 2 * 27, rel=1e-5)


def on_a_line(*places: float) -> torch.Tensor:
    """Features ``(N, 1)``."""
    return torch.tensor(places, dtype=torch.float32)[:, None]


def test_equal_sets_have_full_precision_and_recall() -> None:
    features = torch.randn(300, 8, generator=torch.Generator().manual_seed(0))
    assert precision_and_recall(features, features.flip(0)) == (1, 1)


def test_sets_far_apart_have_neither_precision_nor_recall() -> None:
    features = torch.randn(300, 8, generator=torch.Generator().manual_seed(0))
    assert precision_and_recall(features + 1000, features) == (0, 0)


def test_precision_and_recall_count_the_members_inside_the_other_set_s_balls() -> None:
    # Balls reach to the third neighbour. Those around 0 to 3, and around 1000 to 1003, have radii 3, 2, 2 and 3.
    reference = on_a_line(0, 1, 2, 3, 1000, 1001, 1002, 1003)
    # The first five of these are within [-3, 6], the union of those balls. Their own balls cover 0 to 3 alone.
    samples = on_a_line(0.5, 1.5, 2.5, 3.5, 5.9, 7.1, 7.2, 7.3)
    assert precision_and_recall(samples, reference) == (5 / 8, 4 / 8)


def test_the_larger_set_is_thinned_to_the_size_of_the_smaller_at_even_distances(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert evenly(torch.arange(10), 4).tolist() == [0, 2, 5, 7]
    features = torch.randn(300, 8, generator=torch.Generator().manual_seed(0))
    other = features + 1
    thinned = precision_and_recall(features[::3], other[::3])
    assert thinned != precision_and_recall(features, other)
    assert precision_and_recall(features[::3], other) == thinned
    assert precision_and_recall(features, other[::3]) == thinned
    monkeypatch.setattr(formulae, "PRC_IMAGES", 100)
    assert precision_and_recall(features, other) == thinned


def test_distances_in_pieces_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    features = torch.randn(300, 8, generator=torch.Generator().manual_seed(0))
    whole = precision_and_recall(features, features + 1)
    monkeypatch.setattr(formulae, "PRC_ROWS", 70)
    assert precision_and_recall(features, features + 1) == whole
