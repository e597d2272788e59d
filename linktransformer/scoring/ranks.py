"""Where a pair stands among the other candidates of its two records, by any score."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.parallel import mapped
from linktransformer.search.groups import places_of, stable_order, starts_of

__all__ = ["Places", "Selection", "among_rivals", "highest", "one_side", "places"]

MANY = 2**17  # pairs: fewer are sorted before threads have started

Selection = slice | Integers | Bools  # of pairs: a slice, positions or a mask


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The rank of each pair and its gap to the best rival, on either side.

    Args:
        rank_left: How many candidates of the left record score higher, (n_pairs,) float32.
        rank_right: How many candidates of the right record score higher.
        gap_left: The score less that of the best other candidate of the left record.
        gap_right: The score less that of the best other candidate of the right record.
    """

    rank_left: Floats
    rank_right: Floats
    gap_left: Floats
    gap_right: Floats

    def some(self, at: Selection) -> Places:
        """Those of some pairs."""
        return Places(self.rank_left[at], self.rank_right[at], self.gap_left[at], self.gap_right[at])

    def replaced(self, at: Integers, places: Places) -> Places:
        """Those of all pairs, with other ones of the pairs `at`."""
        fields = []
        for name in ("rank_left", "rank_right", "gap_left", "gap_right"):
            values = getattr(self, name).copy()
            values[at] = getattr(places, name)
            fields.append(values)
        return Places(*fields)


def places(
    left: Integers, right: Integers, score: Floats, floor: float = 0.0, *, same: bool = False
) -> Places:
    """Rank the candidates of every record by a finite score, (n_pairs,) float32, higher is more similar.

    `floor` is the score of a rival where there is none; with `same` both sides are one table, and each pair
    is there once. The places do not depend on the order of the pairs.

    Example:
        >>> found = places(np.array([0, 0]), np.array([4, 5]), np.array([0.5, 0.25], dtype="f4"))
        >>> found.rank_left.tolist(), found.gap_left.tolist(), found.gap_right.tolist()
        ([0.0, 1.0], [0.25, -0.25], [0.5, 0.25])
    """
    if same:
        n = len(left)
        rank, gap = one_side(np.concatenate([left, right]), np.concatenate([score, score]), floor)
        return Places(rank[:n], rank[n:], gap[:n], gap[n:])
    rank_left, gap_left = one_side(left, score, floor)
    rank_right, gap_right = one_side(right, score, floor)
    return Places(rank_left, rank_right, gap_left, gap_right)


def highest(group: Integers, score: Floats, n_groups: int, n_scores: int) -> Floats:
    """The highest scores of every record, falling, (n_groups, n_scores) float32, NaN where there are fewer.

    Example:
        >>> highest(np.array([0, 0, 2]), np.array([0.5, 0.75, 0.25], dtype="f4"), 3, 2).tolist()
        [[0.75, 0.5], [nan, nan], [0.25, nan]]
    """
    scores = np.full((n_groups, n_scores), np.nan, dtype=np.float32)
    order, place = _ordered(group, score)
    top = place < n_scores
    scores[group[order[top]], place[top]] = score[order[top]]
    return scores


def one_side(group: Integers, score: Floats, floor: float) -> tuple[Floats, Floats]:
    """The rank of each pair among those of its record of one table, and its gap to the best rival."""
    rank = np.zeros(len(group), dtype=np.float32)
    gap = np.zeros(len(group), dtype=np.float32)
    if not len(group):
        return rank, gap
    order, place = _ordered(group, score)
    falling = score[order]
    # pairs of equal score have equal rank: the number of those that score higher
    new = np.flatnonzero((place == 0) | np.append(True, falling[1:] != falling[:-1]))
    rank[order] = np.repeat(place[new], np.diff(new, append=len(order)))
    starts = np.flatnonzero(place == 0)
    count = np.diff(starts, append=len(order))
    best = falling[starts]
    second = np.where(count > 1, falling[np.minimum(starts + 1, len(order) - 1)], np.float32(floor))
    gap[order] = falling - np.where(place == 0, np.repeat(second, count), np.repeat(best, count))
    return rank, gap


def among_rivals(score: Floats, pair: Integers, rival: Floats, floor: float) -> tuple[Floats, Floats]:
    """Rank each pair among rivals of its own.

    `pair` is the pair of each rival, rising, and `rival` its score, (n_rivals,). Returns how many rivals
    score higher, and the score less that of the best rival (`floor` where there is none), (n_pairs,) each.

    Example:
        >>> scores, rivals = np.array([0.5, 0.25], dtype="f4"), np.array([0.75, 0.25], dtype="f4")
        >>> [array.tolist() for array in among_rivals(scores, np.array([0, 0]), rivals, 0.0)]
        [[1.0, 0.0], [-0.25, 0.25]]
    """
    rank = np.bincount(pair[rival > score[pair]], minlength=len(score)).astype(np.float32)
    best = np.full(len(score), floor, dtype=np.float32)
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    if len(starts):
        best[pair[starts]] = np.maximum.reduceat(rival, starts)
    return rank, score - best


def _ordered(group: Integers, score: Floats) -> tuple[Integers, Integers]:
    """Pairs by group and falling score, and the place of each in its group; equal scores come in any order.

    One number for each pair, its group above the bits of its score, is sorted several times as fast as two
    keys one after the other. Of many pairs some groups are sorted at a time, on all cores.
    """
    n = len(group)
    if n < MANY:
        order = _by_score(group, score)
        return order, places_of(group[order])
    by_group = None if (group[1:] >= group[:-1]).all() else stable_order(group)
    if by_group is not None:
        group, score = group[by_group], score[by_group]
    starts = starts_of(group)
    edges = [*starts[np.flatnonzero(np.diff(starts // (MANY // 2), prepend=-1))].tolist(), n]
    order = np.empty(n, dtype=np.int64)

    def sort(edge: tuple[int, int]) -> None:
        part = slice(*edge)
        order[part] = _by_score(group[part], score[part])
        order[part] += edge[0]

    deque(mapped(sort, pairwise(edges)), maxlen=0)
    place = np.arange(n) - np.repeat(starts, np.diff(starts, append=n))
    return order if by_group is None else by_group[order], place


def _by_score(group: Integers, score: Floats) -> Integers:
    """The order of pairs by group and falling score."""
    bits = np.ascontiguousarray(score, dtype=np.float32).view(np.uint32)
    rising = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(2**31))  # as the scores are
    return np.argsort((group.astype(np.uint64) << np.uint64(32)) | ~rising)
