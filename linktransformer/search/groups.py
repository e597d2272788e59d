"""Places of values within runs of equal keys, by array operations."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers

__all__ = ["best_places", "places_of", "ragged", "stable_order", "starts_of"]

COUNTED_FROM = 2**17  # numbers: fewer are sorted as quickly as they are counted


def starts_of(group: Integers) -> Integers:
    """Where each run of a sorted array of numbers that are not negative begins."""
    return np.flatnonzero(np.diff(group, prepend=-1))


def places_of(group: Integers) -> Integers:
    """The place of each value in its run of a sorted array, (n,) int64: 0, 1, ...

    Example:
        >>> places_of(np.array([0, 0, 0, 4, 7, 7])).tolist()
        [0, 1, 2, 0, 0, 1]
    """
    starts = starts_of(group)
    return np.arange(len(group)) - np.repeat(starts, np.diff(starts, append=len(group)))


def best_places(group: Integers, other: Integers, score: Floats, k: int) -> Integers:
    """The places of the k best pairs of each group, best first; ties go to the lower other."""
    order = _by_score(group, other, score)
    return np.asarray(order[places_of(group[order]) < k])


def _by_score(group: Integers, other: Integers, score: Floats) -> Integers:
    """`np.lexsort((other, -score, group))`: one number for each pair is sorted many times as fast."""
    largest = int(group.max(initial=0))
    if score.dtype != np.float32 or largest >= 2**32 or group.min(initial=0) < 0 or np.isnan(score).any():
        return np.lexsort((other, -score, group))
    bits = (score + np.float32(0)).view(np.uint32)  # 0.0 for -0.0
    rising = np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(2**31))  # as the scores are
    key = (group.astype(np.uint64) << np.uint64(32)) | ~rising
    order = np.argsort(key)
    key = key[order]
    tied = np.append(key[1:] == key[:-1], False)
    tied[1:] |= tied[:-1].copy()
    some = np.flatnonzero(tied)
    places = order[some]
    order[some] = places[np.lexsort((places, other[places], key[some]))]
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


def ragged(starts: Integers, stops: Integers) -> tuple[Integers, Integers]:
    """The places of ranges one after the other: the range of each place, and the place."""
    count = stops - starts
    owner = np.repeat(np.arange(len(count)), count)
    return owner, np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - starts, count)
