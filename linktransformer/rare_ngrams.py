"""The nearest sparse rows without multiplying all with all: by the n-grams that few rows have."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.lexical import sparse_top_k
from linktransformer.pairwise import pair_scores

__all__ = ["EXACT_UP_TO", "top_k"]

EXACT_UP_TO = 2e9  # pairs: up to there all are multiplied
SHARES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35)  # of the multiplications that are made, tried in this order
WANTED = 0.95  # of the k nearest that have to be found
WIDER = 3  # times as many rows as asked for are scored again by all n-grams
TRIED = 500  # queries on which that is measured

Integers = NDArray[np.int64]
Found = tuple[Integers, Integers, NDArray[np.float32]]


def top_k(
    queries: sp.csr_matrix, items: sp.csr_matrix, k: int, *, threads: int | None = None
) -> tuple[Integers, Integers, NDArray[np.float32], dict[str, Any]]:
    """Find the k rows with the largest positive inner product for each query, nearly all of them.

    Most of a sparse product goes into a few n-grams that a great part of the rows has, and that weigh little
    by their inverse document frequency. They are left out to find three times as many rows as asked for,
    which are then scored by all n-grams. How many can be left out is measured on a sample of the queries
    against the whole product.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        k: How many at most; rows that share nothing are left out.
        threads: None uses all cores.

    Returns:
        Queries, items and scores of the found pairs as `lexical.sparse_top_k` gives them, and how it was
        searched, with the recall on the sample.
    """
    n = queries.shape[0]
    cost = _counts(queries) * _counts(items)
    order = np.argsort(cost, kind="stable")
    total = np.cumsum(cost[order])
    sample = np.sort(np.random.default_rng(0).choice(n, min(n, TRIED), replace=False))
    wanted = sparse_top_k(queries[sample], items, k, threads=threads)
    for share in SHARES:
        kept = np.zeros(queries.shape[1], dtype=bool)
        kept[order[: np.searchsorted(total, share * total[-1], side="right")]] = True
        some = _only(items, kept)
        recall = _recall(_search(queries[sample], items, kept, some, k, threads), wanted, k)
        if recall >= WANTED:
            found = _search(queries, items, kept, some, k, threads)
            how = {"index": "sparse product of rare n-grams", "share": share, "recall": round(recall, 4)}
            return *found, how
    return *sparse_top_k(queries, items, k, threads=threads), {"index": "exact sparse product"}


def _counts(matrix: sp.csr_matrix) -> NDArray[np.float64]:
    """How many rows have each n-gram."""
    return np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(float)


def _only(matrix: sp.csr_matrix, kept: NDArray[np.bool_]) -> sp.csr_matrix:
    """The matrix without the n-grams that are not kept."""
    some = kept[matrix.indices]
    starts = np.append(0, np.cumsum(some))[matrix.indptr]
    return sp.csr_matrix((matrix.data[some], matrix.indices[some], starts), shape=matrix.shape)


def _search(
    queries: sp.csr_matrix,
    items: sp.csr_matrix,
    kept: NDArray[np.bool_],
    some: sp.csr_matrix,
    k: int,
    threads: int | None,
) -> Found:
    """The k best of the rows that the kept n-grams find, scored by all n-grams."""
    query, item, _ = sparse_top_k(_only(queries, kept), some, WIDER * k, threads=threads)
    score = pair_scores(queries, items, query, item)
    order = np.lexsort((item, -score, query))
    query, item, score = query[order], item[order], score[order]
    starts = np.searchsorted(query, np.arange(queries.shape[0]))
    keep = np.arange(len(query)) - starts[query] < k
    return query[keep], item[keep], score[keep]


def _recall(found: Found, wanted: Found, k: int) -> float:
    """The share of the k nearest that were found; one as near in its place counts too."""
    n = int(wanted[0].max(initial=-1)) + 1
    if not n:
        return 1.0
    last = np.full(n, np.inf, dtype=np.float32)
    np.minimum.at(last, wanted[0], wanted[2])
    ours = found[0] < n
    hit = found[2][ours] >= last[found[0][ours]] - 1e-6
    return float(min(1.0, hit.sum() / len(wanted[0])))
