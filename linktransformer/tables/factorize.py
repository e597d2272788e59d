"""Integer codes of values: equal values get equal codes, numbered from 0 by first appearance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import count
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Column, Integers

__all__ = ["combine", "factorize", "number"]

H = TypeVar("H", bound=Hashable)


def factorize(values: Sequence[H]) -> tuple[list[H], Integers]:
    """The unique values by first appearance, and the code of each value, (n,) int64.

    Example:
        >>> unique, codes = factorize(["b", "a", "b"])
        >>> unique, codes.tolist()
        (['b', 'a'], [0, 1, 0])
    """
    place: defaultdict[H, int] = defaultdict(count().__next__)  # a new value gets the next number
    codes = np.fromiter(map(place.__getitem__, values), dtype=np.int64, count=len(values))
    return list(place), codes


def number(values: Column, null: Bools) -> Integers:
    """Codes of an array's values, (n,) int64, -1 where it is null.

    Objects are compared as Python compares them; TypeError if one is not hashable.

    Example:
        >>> number(np.array([7.5, 0.0, 7.5]), np.array([False, True, False])).tolist()
        [0, -1, 0]
    """
    codes = np.full(len(values), -1, dtype=np.int64)
    present = values[~null]
    if values.dtype == object:
        codes[~null] = factorize(present.tolist())[1]
        return codes
    _, first, inverse = np.unique(present, return_index=True, return_inverse=True)
    codes[~null] = _by_appearance(first)[inverse]
    return codes


def combine(columns: Sequence[Integers]) -> Integers:
    """Codes of the combinations of columns of codes, (n,) int64 each, -1 where any of them is -1.

    Example:
        >>> combine([np.array([0, 0, 1, -1]), np.array([3, 3, 3, 3])]).tolist()
        [0, 0, 1, -1]
    """
    codes = columns[0]
    for column in columns[1:]:
        null = (codes < 0) | (column < 0)
        width = int(column.max(initial=0)) + 1
        # both factors are below n after numbering, so the product cannot overflow
        codes = number(codes * width + column, null)
    return number(codes, codes < 0)


def _by_appearance(first: NDArray[np.intp]) -> Integers:
    """The rank of each unique value by its first position."""
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank
