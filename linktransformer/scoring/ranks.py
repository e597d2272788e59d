"""Where a pair stands among the other candidates of its two records, by any score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer.arrays import Floats, Integers

__all__ = ["Places", "among_rivals", "highest", "one_side", "places"]


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

    def some(self, at: Any) -> Places:
        """Those of some pairs."""
        sides = (self.rank_left, self.rank_right, self.gap_left, self.gap_right)
        return Places(*(values[at] for values in sides))


def places(
    left: Integers, right: Integers, score: Floats, floor: float = 0.0, *, same: bool = False
) -> Places:
    """Rank the candidates of every record."""
    if same:
        n = len(left)
        rank, gap = one_side(np.concatenate([left, right]), np.concatenate([score, score]), floor)
        return Places(rank[:n], rank[n:], gap[:n], gap[n:])
    rank_left, gap_left = one_side(left, score, floor)
    rank_right, gap_right = one_side(right, score, floor)
    return Places(rank_left, rank_right, gap_left, gap_right)


def highest(group: Integers, score: Floats, n_groups: int, how_many: int) -> Floats:
    """The highest scores of every record.

    Returns falling scores, NaN where a record has fewer candidates, (n_groups, how_many) float32.
    """
    found = np.full((n_groups, how_many), np.nan, dtype=np.float32)
    order, _, place = _ordered(group, score)
    kept = place < how_many
    found[group[order[kept]], place[kept]] = score[order[kept]]
    return found


def one_side(group: Integers, score: Floats, floor: float) -> tuple[Floats, Floats]:
    """Rank the candidates of the records of one table.

    Returns the rank of each pair and its gap to the best rival, (n_pairs,) float32 each.
    """
    rank = np.zeros(len(group), dtype=np.float32)
    gap = np.zeros(len(group), dtype=np.float32)
    if not len(group):
        return rank, gap
    order, starts, place = _ordered(group, score)
    falling = score[order]
    # pairs of equal score have equal rank: the number of those that score higher
    new = np.flatnonzero((place == 0) | np.append(True, falling[1:] != falling[:-1]))
    rank[order] = np.repeat(place[new], np.diff(np.append(new, len(order))))
    count = np.diff(np.append(starts, len(order)))
    best = falling[starts]
    second = np.where(count > 1, falling[np.minimum(starts + 1, len(order) - 1)], np.float32(floor))
    rival = np.where(place == 0, np.repeat(second, count), np.repeat(best, count))
    gap[order] = falling - rival
    return rank, gap


def among_rivals(score: Floats, pair: Integers, rival: Floats, floor: float) -> tuple[Floats, Floats]:
    """Rank each pair among rivals of its own.

    Returns how many rivals score higher, and the score less that of the best rival, (n_pairs,) float32 each.
    """
    rank = np.bincount(pair[rival > score[pair]], minlength=len(score)).astype(np.float32)
    best = np.full(len(score), floor, dtype=np.float32)
    starts = np.flatnonzero(np.diff(pair, prepend=-1))
    if len(starts):
        best[pair[starts]] = np.maximum.reduceat(rival, starts)
    return rank, score - best


def _ordered(group: Integers, score: Floats) -> tuple[Integers, Integers, Integers]:
    """Pairs by group and falling score, where each group starts, and the place of each pair in its group.

    Pairs of equal score come in any order. One number for each pair, its group above the bits of its score,
    is sorted several times as fast as two keys one after the other.
    """
    bits = np.ascontiguousarray(score, dtype=np.float32).view(np.uint32)
    rising = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(2**31))  # as the scores are
    order = np.argsort((group.astype(np.uint64) << np.uint64(32)) | ~rising)
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    count = np.diff(np.append(starts, len(order)))
    return order, starts, np.arange(len(order)) - np.repeat(starts, count)
