"""Places of values within runs of equal keys, by array operations."""

from __future__ import annotations

import numpy as np

from linktransformer.arrays import Floats, Integers

__all__ = ["best_places", "places_of", "starts_of"]


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
    order = np.lexsort((other, -score, group))
    return np.asarray(order[places_of(group[order]) < k])
