"""The lexical view: character n-gram TF-IDF, its frequencies taken from the two tables at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.progress import stage
from linktransformer.search import ngrams

__all__ = ["LexicalView", "cores", "fit", "pruned_top_k", "sparse_top_k"]

SMALL = 2**21  # pairs: below, waking a second thread costs more than it saves
AT_ONCE = 2**25  # pairs multiplied at a time: no other thread runs then, not even one that shows progress
SPARE = 16  # more neighbours than asked for are fetched, so that ties at the last place can be settled


@dataclass(frozen=True, slots=True, eq=False)
class LexicalView:
    """Two tables' texts as sparse unit vectors over the same n-grams.

    Args:
        left: (n_left texts, n_grams) float32, unit rows; a text without characters is a zero row.
        right: (n_right texts, n_grams) float32.
    """

    left: sp.csr_matrix
    right: sp.csr_matrix


@stage("n-grams")
def fit(left_texts: Sequence[str], right_texts: Sequence[str]) -> LexicalView:
    """Weigh character n-grams of length 2 to 4 by how rare they are in the two tables together.

    N-grams do not cross word borders; term frequencies are 1 + log(tf); inverse document frequencies
    are smoothed (G. Salton and C. Buckley, Term-weighting approaches in automatic text retrieval, 1988).

    Args:
        left_texts: Unique texts of the left table.
        right_texts: Unique texts of the right table.

    Returns:
        The vectors of both.

    Example:
        >>> view = fit(["acme steel", "baxter"], ["acme steel co"])
        >>> (view.left @ view.right.T).toarray().round(1).tolist()
        [[0.8...], [0.0]]
    """
    left, right = ngrams.tfidf(left_texts, right_texts)
    return LexicalView(left, right)


def sparse_top_k(
    queries: sp.csr_matrix,
    items: sp.csr_matrix,
    k: int,
    *,
    threads: int | None = None,
    postings: sp.csr_matrix | None = None,
) -> tuple[Integers, Integers, Floats]:
    """Find the k rows with the largest positive inner product for each query.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        k: How many at most; rows that share nothing are left out.
        threads: None uses all cores, or one where there is little to do.
        postings: `items.T.tocsr()`, where it is kept for many calls.

    Returns:
        Queries, items and scores of the found pairs, (n_pairs,) each, sorted by query, falling score,
        item; ties go to the lower item.
    """
    from sparse_dot_topn import sp_matmul_topn

    none = np.empty(0, dtype=np.int64)
    if 0 in (queries.shape[0], items.shape[0], queries.nnz, items.nnz):
        return none, none, np.empty(0, dtype=np.float32)
    postings = items.T.tocsr() if postings is None else postings
    threads = threads or (1 if queries.shape[0] * items.shape[0] < SMALL else cores())
    step = max(64, AT_ONCE // items.shape[0])
    found = []
    with stage("search", queries.shape[0]) as tick:
        for start in range(0, queries.shape[0], step):
            some = queries if step >= queries.shape[0] else queries[start : start + step]
            product = sp_matmul_topn(
                some, postings, top_n=min(k + SPARE, items.shape[0]), threshold=0.0, n_threads=threads
            )
            query, item, score = _sorted(product, k)
            found.append((start + query, item, score))
            tick(some.shape[0])
    query, item, score = (np.concatenate(of) for of in zip(*found, strict=True))
    return query, item, score


def _sorted(product: Any, k: int) -> tuple[Integers, Integers, Floats]:
    """The k best items of each query, best first; ties go to the lower item."""
    query = np.repeat(np.arange(product.shape[0], dtype=np.int64), np.diff(product.indptr))
    item, score = product.indices.astype(np.int64), np.asarray(product.data, dtype=np.float32)
    order = np.lexsort((item, -score, query))
    query, item, score = query[order], item[order], score[order]
    place = np.arange(len(query)) - product.indptr[query]
    keep = (place < k) & (score > 0)
    return query[keep], item[keep], score[keep]


def pruned_top_k(
    queries: sp.csr_matrix, items: sp.csr_matrix, k: int, share: float
) -> tuple[Integers, Integers, Floats]:
    """Find nearly the same as `sparse_top_k` by the rarest n-grams of each query alone.

    Frequent n-grams take most of the time and tell little. Those are left out of a query that together hold
    no more than 1 - `share` of its squared length. More rows than asked for are fetched, and their scores are
    computed with all n-grams.

    Args:
        queries: (n, d) float32, unit rows.
        items: (m, d) float32, unit rows.
        k: How many at most.
        share: Of the squared length of a query that is kept, above 0, at most 1.

    Returns:
        Queries, items and exact scores of the found pairs, (n_pairs,) each, sorted by query, falling score,
        item; ties go to the lower item.
    """
    from linktransformer.search.pair_products import pair_scores

    query, item, _ = sparse_top_k(_rarest(queries, items, share), items, k + max(4, k // 2))
    score = pair_scores(queries, items, query, item)
    order = np.lexsort((item, -score, query))
    query, item, score = query[order], item[order], score[order]
    starts = np.flatnonzero(np.diff(query, prepend=-1))
    place = np.arange(len(query)) - np.repeat(starts, np.diff(np.append(starts, len(query))))
    keep = (place < k) & (score > 0)
    return query[keep], item[keep], score[keep]


def _rarest(queries: sp.csr_matrix, items: sp.csr_matrix, share: float) -> sp.csr_matrix:
    with_it = np.bincount(items.indices, minlength=items.shape[1])
    row = np.repeat(np.arange(queries.shape[0]), np.diff(queries.indptr))
    order = np.lexsort((with_it[queries.indices], row))
    square = np.square(queries.data[order], dtype=np.float64)
    before = np.cumsum(square) - square
    first = queries.indptr[:-1]
    before -= np.append(before, 0.0)[np.minimum(first, len(before))][row]  # from the row's rarest one on
    kept = np.zeros(len(order), dtype=bool)
    kept[order] = before < share
    indptr = np.append(0, np.cumsum(np.bincount(row[kept], minlength=queries.shape[0])))
    return sp.csr_matrix((queries.data[kept], queries.indices[kept], indptr), shape=queries.shape)


def cores() -> int:
    """How many cores this process may use.

    Returns:
        The number of cores in the process's CPU affinity; all cores where the system has none.
    """
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
