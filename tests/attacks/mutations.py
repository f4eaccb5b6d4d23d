"""Seeded damage to files: what broken disks do to any, and what strangers do to pickles."""

import pickle
import struct
from collections.abc import Iterator
from itertools import chain
from pickletools import genops, opcodes
from random import Random

CODES = [opcode.code.encode("latin1") for opcode in opcodes]

ENORMOUS = struct.pack("<Q", 2**60)
SPLICES = [
    pickle.BINBYTES8 + ENORMOUS,
    pickle.BINUNICODE8 + ENORMOUS,
    pickle.BYTEARRAY8 + ENORMOUS,
    pickle.FRAME + ENORMOUS,
    pickle.BINSTRING + struct.pack("<i", 2**31 - 1),
    pickle.BINSTRING + struct.pack("<i", -5),
    pickle.LONG4 + struct.pack("<i", 2**31 - 1),
    pickle.LONG1 + b"\x08" + ENORMOUS,
    pickle.LONG_BINPUT + struct.pack("<I", 2**31 - 1),
    pickle.LONG_BINGET + struct.pack("<I", 3),
    pickle.BININT + struct.pack("<i", -1),
    pickle.BINFLOAT + struct.pack(">d", float("nan")),
    pickle.EMPTY_LIST + pickle.MEMOIZE + pickle.DUP + pickle.APPEND,
    pickle.EMPTY_TUPLE + pickle.DUP + pickle.TUPLE2,
    pickle.MARK + pickle.MARK + pickle.LIST,
    pickle.MARK + pickle.NONE + pickle.DICT,
    pickle.GLOBAL + b"os\nsystem\n",
    pickle.GLOBAL + b"numpy\nndarray\n",
    pickle.GLOBAL + b"numpy\ndtype\n" + pickle.EMPTY_TUPLE + pickle.REDUCE,
    pickle.GLOBAL + b"numpy\ndtype\n" + b"U\x02O8\x85R",
    pickle.NONE + pickle.BUILD,
    pickle.EMPTY_DICT + pickle.BUILD,
    pickle.NEWTRUE + pickle.SETITEM,
    *(code for code in CODES),
]


def damaged(content: bytes, random: Random) -> bytes:
    """A file with one to four places broken: bytes changed, cut off, put in, taken out or moved."""
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(content) + 1)
        end = min(len(content), place + random.choice((1, 2, 8, 64, 1000)))
        match random.randrange(6):
            case 0 if place < len(content):
                changed = content[place] ^ (1 << random.randrange(8))
                content = content[:place] + bytes([changed]) + content[place + 1 :]
            case 1:
                content = content[:place] + random.randbytes(end - place) + content[end:]
            case 2:
                content = content[:place] if random.random() < 0.2 else content[:place] + content[end:]
            case 3:
                content = content[:place] + random.randbytes(random.choice((1, 8, 64))) + content[place:]
            case 4:
                content = content[:end] + content[place:end] * random.choice((1, 2, 50)) + content[end:]
            case _:
                elsewhere = random.randrange(len(content) + 1)
                content = content[:place] + content[elsewhere : elsewhere + end - place] + content[end:]
    return content


def mutated_pickle(content: bytes, random: Random) -> bytes:
    """The same for a pickle, or one to four of its steps replaced by others, repeated, moved, or others put between."""
    if random.random() < 0.4:
        return damaged(content, random)
    places = [place or 0 for _, _, place in genops(content)]
    steps = [content[start:end] for start, end in zip(places, [*places[1:], len(content)], strict=True)]
    for _ in range(random.randint(1, 4)):
        place, other = random.randrange(len(steps)), random.choice(steps)
        match random.randrange(5):
            case 0:
                steps[place] = random.choice(CODES) + steps[place][1:]
            case 1:
                steps[place] = other
            case 2:
                steps.insert(place, other)
            case 3:
                steps.insert(place, random.choice(SPLICES))
            case _:
                del steps[place]
                steps.append(pickle.STOP)
    return b"".join(steps)


def bombs() -> Iterator[tuple[str, bytes]]:
    """Short pickles that take memory, time or the stack without end, each the value of a key ``data``."""
    memoized = b"q\x00"
    doubled = b"".join(b"q%cq\x01h%c\x86" % (n, n) for n in range(2, 100))  # each pair holds the one before it twice
    deep = {"tuples": b")" + b"\x85" * 10**6, "lists": b"]" * 10**6 + b"a" * (10**6 - 1)}
    yield from (("deep " + name, steps) for name, steps in deep.items())
    yield "a deep key", b"}" + deep["tuples"] + b"Ns"
    yield "a doubled key", b"})" + doubled + b"Ns"
    yield "a doubled name", b")" + doubled + b"U\x01x\x93"
    yield "a doubled type", b"cnumpy\ndtype\n)" + doubled + b"\x85R"
    yield "a doubled value", b")" + doubled
    yield "a list in itself", b"]" + memoized + b"h\x00a"
    yield "a list that grows", b"]" + memoized + b"".join(b"(" + b"h\x00" * 100 + b"e" for _ in range(100))
    yield "many marks", b"(" * 10**7
    yield "many lists", b"]" * 10**7
    yield "many numbers", b"K\x01" * 10**7
    yield "many different numbers", b"".join(b"J" + struct.pack("<i", n) for n in range(10**6))
    yield "much to remember", b"N" + b"\x94" * 10**7
    yield "text encoded again and again", encoded_often()
    yield "a number of a million digits", b"L" + b"9" * 10**6 + b"L\n"
    yield "an array of a shape without end", array(b"(" + b"\x8a\x09" + b"\xff" * 8 + b"\x00" + b"t")
    yield "an array of a million axes", array(b"(" + b"K\x01" * 10**6 + b"t")
    yield "an array of many bytes", array(b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft")
    yield from ((f"splice {n}", splice) for n, splice in enumerate(SPLICES))


def encoded_often() -> bytes:
    """A text of a million letters, as bytes a thousand times."""
    text = b"X" + struct.pack("<I", 10**6) + b"a" * 10**6
    again = b"c_codecs\nencode\nh\x00U\x06latin1\x86R"
    return b"]" + text + b"q\x000(" + again * 1000 + b"e"


def array(shape: bytes) -> bytes:
    """Steps of an array of a few bytes whose shape is what those steps leave."""
    kind = b"cnumpy\ndtype\nU\x02u1\x85R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return b"cnumpy.core.multiarray\n_reconstruct\n)R(K\x01" + shape + kind + b"\x89U\x04abcdtb"


def bomb_files() -> Iterator[tuple[str, bytes]]:
    """Whole pickles of dictionaries with a bomb in them."""
    return chain.from_iterable(
        ((name, b"\x80\x02}U\x04data" + steps + b"s."), (f"{name}, alone", b"\x80\x02" + steps + b"."))
        for name, steps in bombs()
    )
