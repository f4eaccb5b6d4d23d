"""Pickles from unknown hands, carried out step by step on plain values: nothing that they name is imported or called.

Python's own unpickler hashes keys of any depth, fills memory that a single step announces, and hands an object's state
to the object. Here a step is one of those that plain content needs, and what a pickle names is one of a few stand-ins.
"""

from collections.abc import Callable, Collection, Mapping
from pickletools import genops
from typing import Any, BinaryIO

MOST_STEPS = 2**22
"""Steps of a pickle: three each for all of ImageNet's labels and file names; a checkpoint has ten for a tensor."""

MOST_CONTAINERS = 2**18
"""Lists, tuples and dictionaries of one, and the marks before them: about ten for each tensor of a checkpoint."""

LONGEST_KEY = 63
"""Bits of a whole number as a key: a longer one's hash takes time, and is taken anew wherever it stands."""

CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
SKIPPED = {"PROTO", "FRAME", "STOP"}
NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
STRINGS = {
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class StandIn:
    """What takes the place of an object that is not plain."""

    def build(self, state: Any) -> None:
        """Take the object's state.

        Raises:
            ValueError: if it is not what such an object has; a stand-in that says nothing else has none.
        """
        raise ValueError("it gives a state to what has none")


class Named:
    """What a pickle names, and what is made where it is called."""

    def __init__(self, maker: Callable[..., Any]) -> None:
        self.maker = maker


class PlainPickle:
    """Carries out a pickle.

    Args:
        makers: by module and name, what may be named; each takes plain values and stand-ins, and checks them.
        needed_by: what kind of content needs no other names, for messages.
        keys: types of dictionaries' keys: such as take no time to speak of to be hashed.
        persistent: makes something of a persistent identifier; ``None`` if there are none.
    """

    def __init__(
        self,
        makers: Mapping[tuple[str, str], Callable[..., Any]],
        *,
        needed_by: str,
        keys: Collection[type] = (str, bytes),
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.makers, self.needed_by, self.persistent, self.keys = makers, needed_by, persistent, keys
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.containers = 0

    def load(self, stream: BinaryIO) -> Any:
        """What the pickle at the stream's place holds: numbers, strings, lists, tuples, dictionaries and stand-ins.

        Memory and time are bounded by the stream's length and the limits of this module.

        Raises:
            ValueError, LookupError, TypeError: if the pickle is broken or takes a step that plain content does not.
        """
        for number, (opcode, argument, _) in enumerate(genops(stream)):
            if number == MOST_STEPS:
                raise ValueError(f"it has more than {MOST_STEPS:,} steps")
            self._take(opcode.name, argument)
        return self.stack.pop()

    def _take(self, name: str, argument: Any) -> None:
        if name in NUMBERS or name in STRINGS:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in TUPLES:
            self._push_container(tuple([self.stack.pop() for _ in range(TUPLES[name])][::-1]))
        elif name in STEPS:
            STEPS[name](self, argument)
        elif name not in SKIPPED:
            raise ValueError(f"it takes a step that {self.needed_by} does not need, {name}")

    def _push_container(self, container: Any) -> None:
        self.containers += 1
        if self.containers > MOST_CONTAINERS:
            raise ValueError(f"it has more than {MOST_CONTAINERS:,} lists, tuples and dictionaries")
        self.stack.append(container)

    def _mark(self, _: None) -> None:
        self._push_container([])
        self.below.append(self.stack)
        self.stack = self.stack.pop()

    def _since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def _new_list(self, _: None) -> None:
        self._push_container([])

    def _new_dictionary(self, _: None) -> None:
        self._push_container({})

    def _marked_tuple(self, _: None) -> None:
        self._push_container(tuple(self._since_mark()))

    def _marked_list(self, _: None) -> None:
        self._push_container(self._since_mark())

    def _marked_dictionary(self, _: None) -> None:
        items = self._since_mark()
        self._push_container({})
        self._set(items)

    def _append(self, _: None) -> None:
        self._extend([self.stack.pop()])

    def _appends(self, _: None) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError("it appends to what is no list")
        self.stack[-1].extend(items)

    def _set_item(self, _: None) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _set_items(self, _: None) -> None:
        self._set(self._since_mark())

    def _set(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise ValueError("it sets an item of what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in self.keys or (type(key) is int and key.bit_length() > LONGEST_KEY):
                names = " or ".join(kind.__name__ for kind in self.keys)
                raise ValueError(f"its keys are not all of {names}: {type(key).__name__}")
            self.stack[-1][key] = value

    def _put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def _memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    def _global(self, argument: str) -> None:
        self._name(*argument.split(" ", 1))

    def _stack_global(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._name(module, name)

    def _name(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            raise ValueError("it asks for what has no name")
        if (module, name) not in self.makers:
            raise ValueError(f"it asks for {module}.{name}, which {self.needed_by} does not need")
        self.stack.append(Named(self.makers[module, name]))

    def _reduce(self, _: None) -> None:
        arguments, named = self.stack.pop(), self.stack.pop()
        if type(named) is not Named or type(arguments) is not tuple:
            raise ValueError("it calls what it has not named")
        self.stack.append(named.maker(*arguments))

    def _build(self, _: None) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], StandIn):
            raise ValueError("it gives a state to what is no object")
        self.stack[-1].build(state)

    def _persistent(self, _: None) -> None:
        if self.persistent is None:
            raise ValueError(f"it refers to something outside of it, which {self.needed_by} does not need")
        self.stack.append(self.persistent(self.stack.pop()))


STEPS: dict[str, Callable[[PlainPickle, Any], None]] = {
    "MARK": PlainPickle._mark,
    "EMPTY_LIST": PlainPickle._new_list,
    "EMPTY_DICT": PlainPickle._new_dictionary,
    "TUPLE": PlainPickle._marked_tuple,
    "LIST": PlainPickle._marked_list,
    "DICT": PlainPickle._marked_dictionary,
    "APPEND": PlainPickle._append,
    "APPENDS": PlainPickle._appends,
    "SETITEM": PlainPickle._set_item,
    "SETITEMS": PlainPickle._set_items,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), PlainPickle._put),
    "MEMOIZE": PlainPickle._memoize,
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), PlainPickle._get),
    "GLOBAL": PlainPickle._global,
    "STACK_GLOBAL": PlainPickle._stack_global,
    "REDUCE": PlainPickle._reduce,
    "BUILD": PlainPickle._build,
    "BINPERSID": PlainPickle._persistent,
}
"""By the names of Python's ``pickletools``."""
