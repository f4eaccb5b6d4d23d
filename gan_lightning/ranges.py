"""What settings may be: types with ranges, for signatures and for the settings of a run, and how they are compared."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from functools import cache, wraps
from inspect import get_annotations, signature, unwrap
from types import SimpleNamespace
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.errors import PydanticUserError
from pydantic_core import ErrorDetails, PydanticCustomError

Parameters = ParamSpec("Parameters")
Made = TypeVar("Made")

LARGEST = 2**63
"""What no whole number of a setting comes to."""

WORDS = {
    "bool_type": "true or false is needed",
    "callable_type": "a function is needed, by its _target_ and _partial_: true",
    "float_type": "a number is needed",
    "int_type": "a whole number is needed",
    "model_type": "a group of settings is needed",
    "string_type": "a text is needed",
    "tuple_type": "a list is needed",
}
"""What is needed where a type has no words of its own."""


def needed(words: str, *, holds: Callable[[Any], bool] = lambda _: True) -> WrapValidator:
    """Say what is needed in our words, whatever is wrong with a value: type, range, or what has to hold of it."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        with suppress(ValidationError):
            compared = handler(value)
            if holds(compared):
                return compared
        raise PydanticCustomError("needed", "{words}", {"words": words})

    return WrapValidator(check)


def one_of(*names: str) -> WrapValidator:
    """A name is needed, one of these."""
    return needed(f"one of {', '.join(names)} is needed", holds=lambda name: name in names)


Steps = Annotated[int, Field(ge=1, le=10**9), needed("a whole number of at least 1 is needed, and of 10**9 at most")]
Count = Annotated[int, Field(ge=1, le=10**6), needed("a whole number of at least 1 is needed, and of 10**6 at most")]
Few = Annotated[int, Field(ge=1, le=1000), needed("a whole number of at least 1 is needed, and of 1000 at most")]
Samples = Annotated[int, Field(ge=1, le=10**7), needed("a whole number of at least 1 is needed, and of 10**7 at most")]
Seed = Annotated[int, Field(ge=0, lt=2**63), needed("a whole number of at least 0 is needed, below 2**63")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), needed("a positive number is needed")]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), needed("a number of at least 0 is needed")]
FromZero = Annotated[float, Field(ge=0, lt=1), needed("a number of at least 0 is needed, below 1")]
Share = Annotated[float, Field(gt=0, lt=1), needed("a number between 0 and 1 is needed")]
Side = Annotated[int, Field(ge=1, le=4096), needed("a whole number of at least 1 is needed, and of 4096 at most")]
Channels = Annotated[Literal[1, 3], needed("1 or 3 is needed")]
ImageShape = Annotated[tuple[Count, Side, Side], needed("a list of channels, height and width is needed")]
Workers = Annotated[int, Field(ge=0, le=256), needed("a whole number of at least 0 is needed, and of 256 at most")]


def check_value(value: Any, kind: Any, *path: str) -> None:
    """Compare a value with its type, which may have a range.

    Args:
        value: as it was read: plain, but for objects that have been made of a part's nodes.
        kind: type, or annotation with a range.
        path: names of the setting and of the groups around it.

    Raises:
        ValueError: in one line.
    """
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise ValueError(f"{'.'.join(path)}={short(value)} is not possible: no number here is as large")
    if isinstance(value, list) and "tuple[" in str(kind):  # which YAML has no word for
        value = tuple(value)
    try:
        _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        # Beside names and places pydantic tells which of several allowed types it has tried.
        inner = [part for part in first["loc"] if is_model(kind) or isinstance(part, int)]
        raise ValueError(_in_words(first, ".".join([*path, *map(str, inner)]))) from None


def check_arguments(function: Callable[..., Any], arguments: Mapping[str, Any], *path: str) -> None:
    """Compare a function's arguments with the types in its signature.

    One that has none there may be anything, and so may one whose type is known to type checkers alone.

    Args:
        function: or an ``__init__``.
        arguments: by name.
        path: names of the groups that they stand in.

    Raises:
        ValueError: in one line.
    """
    kinds = _kinds(function)
    for name, value in arguments.items():
        with suppress(PydanticUserError):  # a type that nobody can compare with
            check_value(value, kinds.get(name, Any), *path, name)


def checked(function: Callable[Parameters, Made]) -> Callable[Parameters, Made]:
    """A function or ``__init__`` that compares its arguments with its signature when it is called, as settings are.

    Raises:
        TypeError: at once, if the function takes any number of arguments: they have no names to be told by.
    """
    known = signature(function)
    if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in known.parameters.values()):
        raise TypeError(f"{function.__qualname__} takes any number of arguments, which cannot be compared")

    @wraps(function)
    def compared(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Made:
        check_arguments(function, known.bind(*args, **kwargs).arguments)
        return function(*args, **kwargs)

    return compared


def _kinds(function: Callable[..., Any]) -> dict[str, Any]:
    """The types in a signature by the arguments' names, as far as they can be looked up where it is written."""
    kinds: dict[str, Any] = {}
    written = unwrap(function)
    for name, told in get_annotations(written).items():
        alone = SimpleNamespace(__annotations__={name: told})
        with suppress(NameError, TypeError, AttributeError):
            kinds |= get_type_hints(alone, written.__globals__, include_extras=True)
    return kinds


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    if is_model(kind):
        return TypeAdapter(kind)  # it says so itself
    return TypeAdapter(kind, config=ConfigDict(strict=True, arbitrary_types_allowed=True))


def _in_words(error: ErrorDetails, key: str) -> str:
    if error["type"] == "missing":
        return f"{key} is not there: a value is needed"
    words = WORDS.get(error["type"], error["msg"].replace("Input should be", "needed is"))
    return f"{key}={short(error['input'])} is not possible: {words}"


def check_fields(made: Any, *path: str) -> None:
    """Compare the fields of a dataclass with their types.

    Args:
        made: an object of one.
        path: names of the groups that its settings stand in.

    Raises:
        ValueError: in one line.
    """
    kinds = get_type_hints(type(made), include_extras=True)
    for field in fields(made):
        check_value(getattr(made, field.name), kinds[field.name], *path, field.name)


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def short(value: Any) -> str:
    """A value as it is shown in a line, cut where it is long."""
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
