"""Intervals and tests have their closed forms."""

import math

import pytest
from scipy.stats import kruskal

from gan_lightning.report.inference import holm, median_interval, rank_test, sign_test, wilson_interval


def test_sign_test_has_its_closed_form() -> None:
    assert sign_test(10, 0) == pytest.approx(2 / 2**10)
    assert sign_test(1, 9) == pytest.approx(2 * (1 + 10) / 2**10)
    assert sign_test(0, 0) == 1.0


def test_wilson_interval_has_its_closed_form() -> None:
    z, rate, total = 1.959963984540054, 0.8, 10
    centre = (rate + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(rate * (1 - rate) / total + z**2 / (4 * total**2))
    assert wilson_interval(8, 10) == pytest.approx((centre - half, centre + half))
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_wilson_interval_of_no_success_reaches_above_zero() -> None:
    assert wilson_interval(0, 10) == pytest.approx((0.0, 1.959963984540054**2 / (10 + 1.959963984540054**2)))


def test_holm_multiplies_by_the_tests_that_are_left_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_stays_at_one_and_takes_no_tests() -> None:
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_median_interval_of_six_values_is_their_range() -> None:
    assert median_interval([3.0, 1.0, 2.0, 6.0, 5.0, 4.0]) == (1.0, 6.0)  # covers with 1 - 2/64


def test_median_interval_of_ten_values_leaves_one_out_at_either_end() -> None:
    assert median_interval([float(value) for value in range(10)]) == (1.0, 8.0)  # 1 - 2 (1 + 10)/1024 = 0.979


def test_median_interval_of_fifty_values_is_from_the_18th_to_the_33rd() -> None:
    assert median_interval([float(value) for value in range(1, 51)]) == (18.0, 33.0)  # tables of the sign test


@pytest.mark.parametrize("total", range(6))
def test_fewer_than_six_values_bound_no_median(total: int) -> None:
    assert median_interval([1.0] * total) is None


def test_rank_test_is_kruskal_wallis_over_the_groups_that_have_values() -> None:
    groups = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert rank_test([*groups, []]) == pytest.approx(kruskal(*groups).pvalue)
    assert rank_test(groups) == pytest.approx(math.erfc(math.sqrt(27 / 7 / 2)))  # H = 27/7, one degree of freedom


def test_rank_test_of_scores_that_are_all_level_is_one_and_of_one_group_none() -> None:
    assert rank_test([[1.0, 1.0], [1.0]]) == 1.0
    assert rank_test([[1.0, 2.0], []]) is None
