"""Clusters that are confirmed, split or merged, as pairs of rows with an answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.review.pairs import Pairs

__all__ = ["ClusterList", "between", "cluster_list", "inside"]


@dataclass(frozen=True, slots=True, eq=False)
class ClusterList:
    """The clusters of several rows, the least certain first.

    Args:
        number: Their numbers, (n,) int64.
        size: Their rows, (n,) int64.
        weakest: The probability of the least probable pair in each, NaN where none was compared, (n,)
            float32.
    """

    number: Integers
    size: Integers
    weakest: Floats


def cluster_list(clusters: ClusterValues) -> ClusterList:
    """The clusters of several rows, those with the least probable pair first."""
    weakest = np.full(len(clusters), np.inf, dtype=np.float32)
    np.minimum.at(weakest, clusters.label[clusters.left_rows], clusters.score)
    sizes = clusters.sizes
    several = np.flatnonzero(sizes > 1)
    order = several[np.lexsort((several, -sizes[several], weakest[several]))]
    return ClusterList(order, sizes[order], np.where(np.isinf(weakest), np.nan, weakest)[order])


def inside(pairs: Pairs, rows: Integers) -> Integers:
    """The candidates among some rows, and a chain through all of them, (2, n) int64, lower row first."""
    unit = _units(pairs)
    candidates = _among(pairs, unit, rows, rows)
    return _ordered(np.hstack([candidates, np.stack([rows[:-1], rows[1:]])]))


def between(pairs: Pairs, one: Integers, other: Integers) -> Integers:
    """The candidates between two groups of rows, (2, n) int64, lower row first.

    A row of the first group without one is paired with the first row of the second group.
    """
    candidates = _among(pairs, _units(pairs), one, other)
    without = np.setdiff1d(one, candidates)
    return _ordered(np.hstack([candidates, np.stack([without, np.full(len(without), other[0])])]))


def _units(pairs: Pairs) -> Integers:
    """The record of each row; a row without one is its own."""
    n_rows = pairs.tables[0].n_rows
    if pairs.evidence is None:
        return np.arange(n_rows)
    nodes = pairs.evidence.nodes[0]
    return np.where(nodes.node_of_row < 0, len(nodes) + np.arange(n_rows), nodes.node_of_row)


def _among(pairs: Pairs, unit: Integers, one: Integers, other: Integers) -> Integers:
    """Candidates with a record in either group, written with the rows of these groups."""
    sides = [np.unique(unit[group], return_index=True) for group in (one, other)]
    found = []
    for left, right in ((pairs.left, pairs.right), (pairs.right, pairs.left)):
        use = np.isin(unit[left], sides[0][0]) & np.isin(unit[right], sides[1][0])
        rows = [
            group[first[np.searchsorted(units, unit[end[use]])]]
            for group, (units, first), end in zip((one, other), sides, (left, right), strict=True)
        ]
        found.append(np.stack(rows))
    return np.hstack(found)


def _ordered(rows: Integers) -> Integers:
    """Pairs with the lower row first, each once, without those of a row with itself."""
    rows = np.sort(rows, axis=0)
    different: Bools = rows[0] != rows[1]
    return np.unique(rows[:, different], axis=1).astype(np.int64)
