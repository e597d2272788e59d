"""The lexical view: character n-gram TF-IDF of two tables' texts, and the nearest sparse rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.parallel import chunks, cores, mapped
from linktransformer.progress import stage
from linktransformer.search import ngrams
from linktransformer.search.groups import best_places
from linktransformer.search.matrices import Sparse, writable

__all__ = ["LexicalView", "fit", "pruned_top_k", "sparse_top_k"]

SMALL = 2**21  # pairs: below, waking a second thread costs more than it saves
AT_ONCE = 2**25  # pairs multiplied at a time: no other thread runs then, not even one that shows progress
ROWS = 2**12  # rows whose n-grams are sorted at a time
LONGEST = 2**19  # n-grams of a row up to which they are numbered beside their count
SPARE = 16  # more neighbours than asked for are fetched, so that ties at the last place can be settled


@dataclass(frozen=True, slots=True, eq=False)
class LexicalView:
    """Two tables' texts as sparse unit vectors over the same n-grams.

    Args:
        left: (n_left texts, n_grams) float32, unit rows; a text without characters is a zero row.
        right: (n_right texts, n_grams) float32.
    """

    left: Sparse
    right: Sparse


@stage("n-grams")
def fit(left_texts: Sequence[str], right_texts: Sequence[str]) -> LexicalView:
    """Weigh character n-grams of length 2 to 4 by how rare they are in the two tables together.

    N-grams do not cross word borders; term frequencies are 1 + log(tf); inverse document frequencies are
    smoothed (G. Salton and C. Buckley, Term-weighting approaches in automatic text retrieval, 1988).

    Example:
        >>> view = fit(["acme steel", "baxter"], ["acme steel co"])
        >>> (view.left @ view.right.T).toarray().round(1).tolist()
        [[0.8...], [0.0]]
    """
    return LexicalView(*ngrams.tfidf(left_texts, right_texts))


def sparse_top_k(
    queries: Sparse,
    items: Sparse,
    k: int,
    *,
    threads: int | None = None,
    postings: Sparse | None = None,
) -> tuple[Integers, Integers, Floats]:
    """Find the k rows of items (m, d) with the largest positive inner product for each of the queries (n, d).

    Returns queries, items and scores of the pairs, (n_pairs,) each, sorted by query, falling score, item;
    ties go to the lower item. `postings` is `items.T.tocsr()`, where it is kept for many calls; None
    threads are all cores, or one where there is little to do.
    """
    from sparse_dot_topn import sp_matmul_topn

    n, m = queries.shape[0], items.shape[0]
    if 0 in (n, m, queries.nnz, items.nnz):
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0, dtype=np.float32)
    queries, postings = writable(queries), writable(items.T.tocsr() if postings is None else postings)
    threads = threads or (1 if n * m < SMALL else cores())
    step = max(64, AT_ONCE // m)
    parts = []
    with stage("search", n) as tick:
        for start in range(0, n, step):
            part = queries if step >= n else queries[start : start + step]
            product = sp_matmul_topn(
                part, postings, top_n=min(k + SPARE, m), threshold=0.0, n_threads=threads
            )
            query = np.repeat(np.arange(part.shape[0], dtype=np.int64), np.diff(product.indptr))
            score = np.asarray(product.data, dtype=np.float32)
            parts.append(_best(start + query, product.indices.astype(np.int64), score, k))
            tick(part.shape[0])
    query, item, score = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return query, item, score


def _best(query: Integers, item: Integers, score: Floats, k: int) -> tuple[Integers, Integers, Floats]:
    """The k best items of each query with a positive score, best first; ties go to the lower item."""
    best = best_places(query, item, score, k)
    best = best[score[best] > 0]
    return query[best], item[best], score[best]


def pruned_top_k(queries: Sparse, items: Sparse, k: int, share: float) -> tuple[Integers, Integers, Floats]:
    """Find nearly the same as `sparse_top_k` by the rarest n-grams of each query alone.

    Frequent n-grams take most of the time and carry little information. Those are left out of a query that
    together hold no more than 1 - `share` of its squared norm. More rows than k are fetched, and their scores
    are computed with all n-grams: the scores of the pairs are exact.
    """
    from linktransformer.search.pair_products import pair_scores

    query, item, _ = sparse_top_k(_rarest(queries, items, share), items, k + max(4, k // 2))
    return _best(query, item, pair_scores(queries, items, query, item), k)


def _by_count(indptr: Integers | NDArray[np.int32], count: Integers) -> Integers:
    """The places of each row's n-grams by rising count; of equal ones in their order."""
    order = np.empty(len(count), dtype=np.int64)
    most = int(np.diff(indptr).max(initial=0))

    def sort(part: slice) -> None:
        first, last = int(indptr[part.start]), int(indptr[part.stop])
        n = np.diff(indptr[part.start : part.stop + 1])
        row = np.repeat(np.arange(len(n)), n)
        if most > LONGEST:
            order[first:last] = first + np.lexsort((count[first:last], row))
            return
        start = np.repeat(indptr[part.start : part.stop].astype(np.int64), n)
        place = np.arange(first, last) - start
        # row, count and place in one number, which is sorted many times as fast as two keys
        key = np.sort((row << 50) | (count[first:last] << 19) | place)
        order[first:last] = start + (key & (2**19 - 1))

    deque(mapped(sort, chunks(len(indptr) - 1, ROWS)), maxlen=0)
    return order


def _rarest(queries: Sparse, items: Sparse, share: float) -> Sparse:
    n_items = np.bincount(items.indices, minlength=items.shape[1])
    row = np.repeat(np.arange(queries.shape[0]), np.diff(queries.indptr))
    order = _by_count(queries.indptr, n_items[queries.indices])
    square = np.square(queries.data[order], dtype=np.float64)
    before = np.cumsum(square) - square
    first = queries.indptr[:-1]
    before -= np.append(before, 0.0)[np.minimum(first, len(before))][row]  # from the row's rarest one on
    keep = np.zeros(len(order), dtype=bool)
    keep[order] = before < share
    indptr = np.append(0, np.cumsum(np.bincount(row[keep], minlength=queries.shape[0])))
    return sp.csr_matrix((queries.data[keep], queries.indices[keep], indptr), shape=queries.shape)
