"""The random architectures of Table 1: which of all products a seed stands for."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import islice, product
from math import prod
from typing import Any

MOST = 10**6
"""Products of a table, which a permutation is made of."""


def draw(table: Mapping[str, Sequence[Any]], seed: int) -> dict[str, Any]:
    """Entry ``seed`` of one fixed permutation of the table's products.

    The permutation orders the products by a hash of their number, so it is the same on every machine, for every
    objective, and needs no random generator; ``range(n)`` are n different architectures.

    Args:
        table: values of each axis, in the order of the table; 9,216 products for the paper's Table 1.
        seed: from 0 to the number of products minus 1.

    Returns:
        One value for each axis.

    Raises:
        ValueError: if ``seed`` is outside the permutation, or if that would be of more than ``MOST`` products.
    """
    products = prod(len(values) for values in table.values())
    if products > MOST:
        raise ValueError(f"arch.table has {products:,} products; allowed: up to {MOST:,}")
    if not 0 <= seed < products:
        raise ValueError(
            f"seed={seed} is outside the {products:,} architectures of arch=random: 0 to {products - 1} are allowed"
        )
    choice = next(islice(product(*table.values()), _permutation(products)[seed], None))
    return dict(zip(table, choice, strict=True))


@lru_cache
def _permutation(size: int) -> list[int]:
    return sorted(
        range(size), key=lambda index: hashlib.sha256(f"gan_lightning architecture {index}".encode()).digest()
    )
