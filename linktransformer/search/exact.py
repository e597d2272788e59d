"""The k nearest dense rows by inner product, in plain NumPy: the reference of every other index."""

from __future__ import annotations

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Floats, Integers

__all__ = ["exact_top_k", "largest"]


def exact_top_k(
    queries: Floats, items: Floats, k: int, *, memory_limit: int = 256 * 2**20
) -> tuple[Integers, Floats]:
    """Find the k rows of items (m, d) with the largest inner product for each of the queries (n, d).

    Returns item rows (n, k) int64 and scores (n, k) float32, best first, fewer where there are fewer items;
    ties go to the lower row. `memory_limit` is the bytes of a block of scores.

    Example:
        >>> rows, scores = exact_top_k(np.eye(2, dtype="f4"), np.eye(2, dtype="f4")[::-1], 1)
        >>> rows.ravel().tolist()
        [1, 0]
    """
    k = min(k, len(items))
    rows = np.empty((len(queries), k), dtype=np.int64)
    best = np.empty((len(queries), k), dtype=np.float32)
    if k == 0 or len(queries) == 0:
        return rows, best
    step = max(1, memory_limit // (12 * len(items)))
    with progress.stage("search", len(queries)) as tick:
        for start in range(0, len(queries), step):
            scores = queries[start : start + step] @ items.T
            rows[start : start + step], best[start : start + step] = largest(scores, k)
            tick(len(scores))
    return rows, best


def largest(scores: Floats, k: int) -> tuple[Integers, Floats]:
    """The k largest of each row of scores (n, m), k at most m: columns and values, best first.

    Of equal scores the lower columns come first.
    """
    n, m = scores.shape
    kth = np.partition(scores, m - k, axis=1)[:, m - k]
    row, column = np.nonzero(scores >= kth[:, None])  # row-major: columns rise within a row
    value = scores[row, column]
    order = np.lexsort((column, -value, row))
    row, column, value = row[order], column[order], value[order]
    first = np.searchsorted(row, np.arange(n))
    keep = np.arange(len(row)) - first[row] < k
    return column[keep].reshape(n, k).astype(np.int64), value[keep].reshape(n, k)
