"""Arguments and their signatures: what is compared, and what cannot be."""

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from gan_lightning.ranges import Positive, check_arguments, check_value, checked

if TYPE_CHECKING:
    from nowhere import Unknown  # pyright: ignore[reportMissingImports]


def rate(lr: Positive, other: "Unknown" = None, anything=None) -> float:
    return lr


class Step:
    @checked
    def __init__(self, length: Positive, times: "int" = 1) -> None:
        self.length = length


def test_a_type_that_only_a_type_checker_knows_does_not_excuse_the_others() -> None:
    check_arguments(rate, {"lr": 0.1, "other": "x", "anything": object()}, "optimizer")
    with pytest.raises(ValueError, match=r"^optimizer\.lr=-1 is not possible: a positive number is needed$"):
        check_arguments(rate, {"lr": -1, "other": "x"}, "optimizer")


def test_checked_arguments_are_compared_by_place_and_by_name() -> None:
    assert Step(2.0).length == 2.0
    for call in (lambda: Step(-1), lambda: Step(length=-1)):
        with pytest.raises(ValueError, match=r"^length=-1 is not possible: a positive number is needed$"):
            call()
    with pytest.raises(ValueError, match=r"^times=1\.5 is not possible: a whole number is needed$"):
        Step(1.0, 1.5)  # pyright: ignore[reportArgumentType]


def many(*values: Positive) -> None: ...


def named(**values: Positive) -> None: ...


@pytest.mark.parametrize("function", [many, named])
def test_any_number_of_arguments_cannot_be_checked(function: Any) -> None:
    with pytest.raises(TypeError, match="takes any number of arguments"):
        checked(function)


class Unhashable:
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __call__(self, obj: int) -> None: ...


@pytest.mark.parametrize("function", [len, print, object.__init__, dict, Unhashable(), partial(rate, lr=-1)])
def test_what_tells_nothing_about_itself_takes_anything(function: Any) -> None:
    check_arguments(function, {"obj": 1, "sep": object()})


def test_numbers_of_other_spellings_are_no_numbers() -> None:
    for value in (True, "1", None, [1], float("nan"), 2**63):
        with pytest.raises(ValueError, match=r"^lr=.* is not possible: "):
            check_value(value, Positive, "lr")
