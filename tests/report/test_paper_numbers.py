"""The paper's numbers are copied without a slip."""

from itertools import pairwise

from gan_lightning.report.paper import APPENDIX_C, TABLE_3, TABLE_5


def test_each_of_the_17_rows_sums_to_200_architectures() -> None:
    assert [row.total for row in TABLE_5] == [200] * 17


def test_thresholds_run_from_1_to_9_in_halves() -> None:
    assert [row.threshold for row in TABLE_5] == [1 + 0.5 * index for index in range(17)]


def test_successes_of_either_objective_never_grow_with_the_threshold() -> None:
    for lower, higher in pairwise(TABLE_5):
        assert lower.baseline >= higher.baseline
        assert lower.penalised >= higher.penalised


def test_rows_of_table_2_appear_in_table_5() -> None:
    printed = [(1.0, 0, 8, 192, 0), (3.0, 1, 88, 110, 1), (5.0, 0, 147, 42, 11), (7.0, 1, 104, 5, 90)]
    assert set(printed) < set(TABLE_5)


def test_table_3_has_seven_rows_a_half_in_ascending_order() -> None:
    for half in TABLE_3.values():
        scores = [row.score for row in half]
        assert len(scores) == 7
        assert scores == sorted(scores)


def test_table_3_has_the_papers_own_two_rows() -> None:
    ours = {half: row[1:] for half, rows in TABLE_3.items() for row in rows if row.method == "WGAN-GP ResNet"}
    assert ours == {"unsupervised": (7.86, 0.07), "supervised": (8.42, 0.10)}


def test_counts_of_appendix_c_are_quoted_as_they_are_with_what_is_odd_about_them() -> None:
    for number in ("174", "100", "77", "177"):
        assert f" {number}" in APPENDIX_C
    assert "\n" not in APPENDIX_C
