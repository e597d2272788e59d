"""The best and second-best partner of every node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranking", "rank"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The best and second-best partner of each node on one side.

    Args:
        nodes: The nodes that have candidates, (n,) int64.
        best: The candidate pair of each that scores highest; ties to the lower partner, (n,) int64.
        second: The next one, -1 where there is none, (n,) int64.
        third: The one after that, -1 where there is none, (n,) int64.
    """

    nodes: Integers
    best: Integers
    second: Integers
    third: Integers


def rank(group: Integers, other: Integers, score: Floats) -> Ranking:
    """Find each node's three best partners.

    Args:
        group: The node of each pair, (n,) int64.
        other: Its partner, (n,) int64.
        score: (n,) float32.

    Returns:
        The ranking, in rising order of node.
    """
    order = np.lexsort((other, -score, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    count = np.diff(np.append(starts, len(order)))
    later = []
    for place in (1, 2):
        at = np.full(len(starts), -1, dtype=np.int64)
        at[count > place] = order[starts[count > place] + place]
        later.append(at)
    return Ranking(group[order][starts], order[starts], *later)
