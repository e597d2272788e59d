"""Whether a view knows partners: by how far the best of a node's scores stands above the next ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linktransformer.search import Candidates

__all__ = ["knows_partners", "spacings", "stands_out"]

FEW = 50  # nodes prove nothing
NEXT = 5  # spacings of a node's scores that are looked at
KNOWS = 1.1  # a view whose first spacing is larger by this, and by 4 standard errors, knows partners

Floats = NDArray[np.float32]


def knows_partners(candidates: Candidates, score: Floats) -> bool:
    """Whether the best partner of many nodes stands out from the next ones, seen from one of the sides.

    Where no node has a partner, a node's best scores are the largest of many draws, and the spacings
    between them, each times its rank, have the same mean (A. Renyi, On the theory of order statistics, 1953).
    The rate at which nodes are each other's best can be one half then, and says nothing. Partners make the
    first spacing larger than those after it; several partners of one node hide it on that node's side.

    Args:
        candidates: Pairs that hold the best ones of each node in this view.
        score: (n,) float32.

    Returns:
        True where the first spacing is larger by a tenth and by four standard errors; False for few nodes.
    """
    return stands_out(spacings(candidates, score))


def spacings(candidates: Candidates, score: Floats) -> NDArray[np.float64]:
    """Add up the spacings between the best scores of each node, as `stands_out` takes them.

    Args:
        candidates: As for `knows_partners`.
        score: (n,) float32.

    Returns:
        For the left and the right side: how many nodes have enough candidates, the sum of their first
        spacings, the sum of the means of the next ones, (2, 3). Parts without a common node may be added up.
    """
    sums = np.zeros((2, 3))
    rank = np.arange(NEXT)
    for side, node in enumerate((candidates.left, candidates.right)):
        order = np.lexsort((-score, node))
        node, ordered = node[order], score[order].astype(np.float64)
        start = np.flatnonzero(np.diff(node, prepend=-1))
        start = start[np.diff(np.append(start, len(node))) > NEXT]
        spacing = (ordered[start[:, None] + rank] - ordered[start[:, None] + rank + 1]) * (rank + 1)
        sums[side] = len(start), spacing[:, 0].sum(), spacing[:, 1:].mean(axis=1).sum()
    return sums


def stands_out(sums: NDArray[np.float64]) -> bool:
    """Whether the first spacing is larger than the next ones by a tenth and by four standard errors.

    Args:
        sums: From `spacings`.

    Returns:
        True if so on one of the sides; False for few nodes.
    """
    return any(
        n >= FEW and first > others * max(KNOWS, 1 + 4 / np.sqrt(n)) for n, first, others in sums.tolist()
    )
