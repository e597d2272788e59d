"""The best and second-best partner of every node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers

__all__ = ["Ranking", "rank", "stable_order"]

COUNTED_FROM = 2**17  # numbers: fewer are sorted as quickly as they are counted


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The best and second-best partner of each node on one side.

    Args:
        nodes: The nodes that have candidates, rising, (n,) int64.
        best: The candidate pair of each that scores highest; ties to the lower partner, (n,) int64.
        second: The next one, -1 where there is none, (n,) int64.
    """

    nodes: Integers
    best: Integers
    second: Integers


def rank(group: Integers, other: Integers, score: Floats) -> Ranking:
    """Rank the partners (`other`) of each node (`group`) by finite scores.

    Example:
        >>> ranking = rank(np.array([0, 0, 1]), np.array([4, 5, 4]), np.array([0.2, 0.9, 0.5], dtype="f4"))
        >>> ranking.best.tolist(), ranking.second.tolist()
        ([1, 2], [0, -1])
    """
    order = _by_group(group, other)
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    count = np.diff(np.append(starts, len(order)))
    segment = np.repeat(np.arange(len(starts)), count)
    remaining = score[order].astype(np.float32)
    ranked = []
    for place in range(2):
        pair = np.full(len(starts), -1, dtype=np.int64)
        if len(starts):
            highest = np.maximum.reduceat(remaining, starts)
            equal = np.flatnonzero(remaining >= highest[segment])
            first = equal[np.diff(segment[equal], prepend=-1) > 0]  # partners rise: ties to the lower
            pair[count > place] = order[first[count > place]]
            remaining[first] = -np.inf
        ranked.append(pair)
    return Ranking(group[order][starts], *ranked)


def _by_group(group: Integers, other: Integers) -> Integers:
    """The pairs in order of node and then of partner; candidates are in one of these orders already."""
    order = np.arange(len(group))
    if (group[1:] < group[:-1]).any():
        order = stable_order(group)
    node, partner = group[order], other[order]
    if ((node[1:] == node[:-1]) & (partner[1:] < partner[:-1])).any():
        order = np.lexsort((other, group))
    return order


def stable_order(numbers: Integers) -> Integers:
    """`np.argsort(kind="stable")` of numbers from 0, none much larger than there are numbers, (n,) int64.

    Example:
        >>> stable_order(np.array([2, 0, 2, 1])).tolist()
        [1, 3, 0, 2]
    """
    n, largest = len(numbers), int(numbers.max(initial=0))
    if n < COUNTED_FROM or largest > 4 * n:
        return np.argsort(numbers, kind="stable")
    # a matrix of one row, by columns: its entries are put in order by counting, not by comparing
    kind = np.int32 if max(n, largest) < 2**31 - 1 else np.int64
    row = sp.csr_matrix(
        (np.arange(n, dtype=np.int64), numbers.astype(kind), np.array([0, n], dtype=kind)),
        shape=(1, largest + 1),
    )
    return np.asarray(row.tocsc().data)
