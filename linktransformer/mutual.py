"""Which records are the one best of each other, by any score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.ranking import stable_order
from linktransformer.search import Candidates

__all__ = ["Sides", "mutual_best", "mutual_best_rate"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Where the pairs of each left and of each right node stand, so that maxima need no sorting.

    Args:
        left_starts: First pair of each left node that has any.
        left_nodes: Those nodes.
        by_right: The pairs in order of right node.
        right_starts: Likewise.
        right_nodes: Likewise.
    """

    left_starts: NDArray[np.int64]
    left_nodes: NDArray[np.int64]
    by_right: NDArray[np.int64]
    right_starts: NDArray[np.int64]
    right_nodes: NDArray[np.int64]

    @classmethod
    def of(cls, candidates: Candidates) -> Sides:
        """Sort the pairs once."""
        by_right = stable_order(candidates.right)
        right = candidates.right[by_right]
        left_starts = np.flatnonzero(np.diff(candidates.left, prepend=-1))
        right_starts = np.flatnonzero(np.diff(right, prepend=-1))
        return cls(left_starts, candidates.left[left_starts], by_right, right_starts, right[right_starts])

    def best(self, candidates: Candidates, score: Floats) -> tuple[Floats, Floats]:
        """The best score of each left and of each right node; -inf for a node without candidates."""
        left = np.full(candidates.n_left, -np.inf, dtype=np.float32)
        right = np.full(candidates.n_right, -np.inf, dtype=np.float32)
        if len(score):
            left[self.left_nodes] = np.maximum.reduceat(score, self.left_starts)
            right[self.right_nodes] = np.maximum.reduceat(score[self.by_right], self.right_starts)
        return left, right


def mutual_best_rate(candidates: Candidates, score: Floats, sides: Sides) -> float:
    """The share of left nodes that are the one best of their own one best right node.

    A node with several equally good partners counts for nothing, so that a view that cannot tell
    rows apart gets no credit.

    Args:
        candidates: Pairs, sorted by left node.
        score: (n,) float32.
        sides: `Sides.of(candidates)`.

    Returns:
        A share of the left nodes.
    """
    return float(mutual_best(candidates, score, sides).mean()) if len(score) else 0.0


def mutual_best(candidates: Candidates, score: Floats, sides: Sides) -> NDArray[np.bool_]:
    """Which left nodes are the one best of their own one best right node.

    Args:
        candidates: Pairs, sorted by left node.
        score: (n,) float32.
        sides: `Sides.of(candidates)`.

    Returns:
        (n_left,) bool.
    """
    left_best, right_best = sides.best(candidates, score)
    of_left = score >= left_best[candidates.left]
    of_right = score >= right_best[candidates.right]
    left_count = np.bincount(candidates.left[of_left], minlength=candidates.n_left)
    right_count = np.bincount(candidates.right[of_right], minlength=candidates.n_right)
    one = (left_count[candidates.left] == 1) & (right_count[candidates.right] == 1)
    found = np.zeros(candidates.n_left, dtype=bool)
    found[candidates.left[of_left & of_right & one]] = True
    return found
