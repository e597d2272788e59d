"""The exact index: the k nearest rows by inner product, in plain NumPy; every other index is held to it."""

from __future__ import annotations

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Floats, Integers

__all__ = ["exact_top_k", "largest"]

Matrix = Floats


def exact_top_k(
    queries: Matrix, items: Matrix, k: int, *, memory_limit: int = 256 * 2**20
) -> tuple[Integers, Matrix]:
    """Find the k rows with the largest inner product for each query.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        k: How many; fewer come back when there are fewer items.
        memory_limit: Bytes for a block of scores.

    Returns:
        Item rows (n, k) int64 and scores (n, k) float32, best first; ties go to the lower row.

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


def largest(scores: Matrix, k: int) -> tuple[Integers, Matrix]:
    """The k largest of each row; of equal scores the lower columns.

    Args:
        scores: (n, m) float32.
        k: How many, m at most.

    Returns:
        Columns (n, k) int64 and scores (n, k) float32, best first.
    """
    n, m = scores.shape
    kth = np.partition(scores, m - k, axis=1)[:, m - k]
    line, column = np.nonzero(scores >= kth[:, None])  # row-major: columns rise within a line
    value = scores[line, column]
    order = np.lexsort((column, -value, line))
    line, column, value = line[order], column[order], value[order]
    first = np.searchsorted(line, np.arange(n))
    keep = np.arange(len(line)) - first[line] < k
    return column[keep].reshape(n, k).astype(np.int64), value[keep].reshape(n, k)
