"""The best and second-best partner of every node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.search.groups import stable_order

__all__ = ["Ranking", "rank"]


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
