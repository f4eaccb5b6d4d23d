"""From a node of settings to the object that its ``_target_`` names, with every argument looked at before."""

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from functools import partial
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from torch import nn
from torch.optim import Optimizer

from gan_lightning.ranges import check_arguments, check_value, short
from gan_lightning.runs.settings import Settings

FUNCTIONS = ("gan_lightning.penalties", "gan_lightning.distributions")
"""Where all that is public is a pure function of tensors: what parts take as arguments."""

ROOMS = {nn.Module: "gan_lightning.networks", Optimizer: "gan_lightning.optimizers"}
"""Where the package has its parts of kinds that are not its own; others lie beside their kind."""

Trusted = Collection[str] | None
"""Packages whose code may run because settings name it; ``None`` for all, where the user wrote the settings."""


def make(
    node: Settings, *where: str, kind: type | None = None, trusted: Trusted = None, as_recipe: bool = False
) -> Any:
    """The object that a node's ``_target_`` names, with the node's other keys as arguments; ``None`` without a target.

    Nodes among the arguments are made first; such a one with ``_partial_: true`` is a function that makes its object of
    what is still missing.

    Args:
        node: plain settings.
        where: the names under which it stands.
        kind: what is to come of it; an argument's type has that in its function's signature.
        trusted: see :data:`Trusted`. From elsewhere nothing is imported, and of the package itself only what is a part.
        as_recipe: whether a function is wanted that makes the object of what is still missing.

    Raises:
        ValueError: in one line, if the target is not to be had, not trusted or not of its kind, or if an argument is
            unknown, missing or not of its type; else what the constructor raises, with an ``OSError`` as it is.
    """
    place = ".".join(where)
    target = node.get("_target_")
    if target is None:
        return None
    maker = _trusted_object(target, place, kind, trusted) if trusted is not None else _any_object(target, place)
    is_partial = node.get("_partial_", False)
    check_value(is_partial, bool, *where, "_partial_")
    if kind is not None and is_partial and not as_recipe:
        raise ValueError(f"{place}._partial_=true is not possible: it is made as a whole")
    is_partial = is_partial or as_recipe
    if kind is not None and not _may_make(maker, kind):
        raise ValueError(f"{place}._target_={target} is not possible: it is no {kind.__name__}")
    arguments = {
        key: _argument(value, *where, key, trusted=trusted)
        for key, value in node.items()
        if key not in ("_target_", "_partial_", "_convert_")
    }
    _check_arguments(maker, arguments, where, is_partial=is_partial)
    if is_partial:
        return partial(maker, **arguments)
    try:
        made = maker(**arguments)
    except (ValueError, OSError) as error:
        if isinstance(error, OSError) or not where or where[0] in str(error):
            raise
        raise ValueError(f"{place}: {error}") from error
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{place}: {target} cannot be made: {type(error).__name__}: {short(reason)}") from error
    if kind is not None and not _is_class_of(type(made), kind):
        raise ValueError(f"{place}._target_={target} is not possible: what it makes is no {kind.__name__}")
    return made


def _is_class_of(made: Any, kind: type) -> bool:
    """Whether this is a class whose objects are of a kind: it inherits it, or has all that a protocol lists."""
    if not isinstance(made, type):
        return False
    if getattr(kind, "_is_protocol", False):
        return all(hasattr(made, name) for name in vars(kind) if not name.startswith("_"))
    return issubclass(made, kind)


def _may_make(maker: Callable[..., Any], kind: type) -> bool:
    """Whether what comes of a call can be of a kind, as far as a class or a function says so before it is called."""
    if isinstance(maker, type):
        return _is_class_of(maker, kind)
    try:
        told = get_type_hints(maker).get("return", object)
    except (NameError, TypeError):  # it tells nothing about itself
        return True
    for each in get_args(told) if isinstance(told, UnionType) or get_origin(told) is Union else [told]:
        made = get_origin(each) or each
        if made is Any or not isinstance(made, type) or made in kind.__mro__ or _is_class_of(made, kind):
            return True
    return False


def _argument(value: Any, *where: str, trusted: Trusted) -> Any:
    if isinstance(value, dict):
        if "_target_" in value:
            return make(value, *where, trusted=trusted)
        return {key: _argument(item, *where, str(key), trusted=trusted) for key, item in value.items()}
    if isinstance(value, list):
        return [_argument(item, *where, str(place), trusted=trusted) for place, item in enumerate(value)]
    return value


def _any_object(target: Any, place: str) -> Callable[..., Any]:
    """What a dotted path leads to, from whatever package.

    Raises:
        ValueError: if it leads nowhere, or to nothing that can be called.
    """
    if not isinstance(target, str) or not re.fullmatch(r"\w+(\.\w+)+", target):
        raise ValueError(f"{place}._target_={short(target)} is not possible: a dotted path, PACKAGE.NAME, is needed")
    module, found, names = None, None, target.split(".")
    for place_of_name in range(len(names) - 1, 0, -1):
        path = ".".join(names[:place_of_name])
        try:
            module = found = import_module(path)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{path}.".startswith(f"{error.name}."):
                raise ValueError(f"{place}._target_={target} cannot be imported: {error}") from error
            continue
        except Exception as error:
            reason = f"{type(error).__name__}: {short(error)}"
            raise ValueError(f"{place}._target_={target} cannot be imported: {reason}") from error
        for name in names[place_of_name:]:
            found = getattr(found, name, None)
        break
    if module is None or not callable(found):
        raise ValueError(f"{place}._target_={target} is not possible: there is no such class or function")
    return found


def _trusted_object(target: Any, place: str, kind: type | None, trusted: Collection[str]) -> Callable[..., Any]:
    """What a dotted path of unknown hands leads to: a part of this package, torch's optimisers, or what is trusted.

    Raises:
        ValueError: if it is anything else.
    """
    if isinstance(target, str) and target.split(".")[0] in trusted:
        return _any_object(target, place)
    if isinstance(target, str) and re.fullmatch(r"[a-z]\w*(\.[a-zA-Z]\w*)+", target):
        module, _, name = target.rpartition(".")
        if _is_room(module, kind):
            found = _any_object(target, place)
            is_its_own = getattr(found, "__module__", "").startswith(module) and getattr(found, "__name__", "") == name
            if is_its_own and (inspect.isfunction(found) if kind is None else _is_class_of(found, kind)):
                return found
    raise ValueError(
        f"{place}._target_={short(target)} is refused: it is no part of gan_lightning that belongs there, and whoever "
        "wrote these settings would run code of its package here; --trust PACKAGE allows that"
    )


def _is_room(module: str, kind: type | None) -> bool:
    if kind is None:
        return module in FUNCTIONS
    room = ROOMS.get(kind) or ".".join(kind.__module__.split(".")[:2])
    return f"{module}.".startswith(f"{room}.") or (kind is Optimizer and module == "torch.optim")


def _check_arguments(
    maker: Callable[..., Any], arguments: Mapping[str, Any], where: tuple[str, ...], *, is_partial: bool
) -> None:
    """Compare arguments with a signature: names, types and ranges; what has no type there may be anything."""
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):  # it tells nothing about itself
        return
    place, name = ".".join(where), getattr(maker, "__name__", str(maker))
    takes_any = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
    known = [
        key
        for key, each in signature.parameters.items()
        if each.kind in (each.KEYWORD_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    for key in arguments:
        if key not in known and not takes_any:
            raise ValueError(f"{place}.{key} is not possible: {name} takes {', '.join(known) or 'nothing'}")
    for key in known:
        if key not in arguments and signature.parameters[key].default is inspect.Parameter.empty and not is_partial:
            raise ValueError(f"{place}.{key} is not there: {name} needs it")
    check_arguments(maker.__init__ if isinstance(maker, type) else maker, arguments, *where)
