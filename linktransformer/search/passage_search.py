"""The nearest texts by their passages: all of them compared, or an index over passages for many."""

from __future__ import annotations

from typing import cast

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.search import faiss_index
from linktransformer.search.exact import exact_top_k, largest
from linktransformer.search.groups import best_places
from linktransformer.search.passages import Passages, interaction, interactions

__all__ = ["nearest_texts"]

EXACT_UP_TO = 2e12  # multiplications: about a minute on two cores


def nearest_texts(
    queries: Passages, items: Passages, k: int, *, memory: int = 2**30, exact_up_to: float = EXACT_UP_TO
) -> tuple[Integers, Floats, dict[str, object]]:
    """The k nearest items of each query by the interaction of their (dense) passages.

    Returns rows (n, k) int64, -1 where there are fewer, and scores (n, k) float32, best first, ties to the
    lower row; and how they were searched. Above `exact_up_to` multiplications the k nearest passages of each
    passage are searched, by FAISS where it is installed; the texts that have the most similar ones are
    compared by all of their passages. Both need at most `memory` bytes beside input and result.
    """
    k = min(k, len(items))
    n_passages = len(cast(Floats, queries.vectors)), len(cast(Floats, items.vectors))
    work = float(n_passages[0]) * n_passages[1] * queries.shape[1]
    if k and min(n_passages) and work > exact_up_to:
        return _by_index(queries, items, k, memory)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.zeros((len(queries), k), dtype=np.float32)
    of_text = max(1, int(queries.counts.max(initial=1)))
    step = max(1, memory // 4 // (4 * of_text * max(1, n_passages[1])))
    for start in range(0, len(queries) if k else 0, step):
        part = slice(start, start + step)
        rows[part], scores[part] = largest(interactions(queries[part], items), k)
    return rows, scores, {"index": "passages, exact"}


def _by_index(
    queries: Passages, items: Passages, k: int, memory: int
) -> tuple[Integers, Floats, dict[str, object]]:
    """As `nearest_texts`, by the nearest passages of each passage."""
    of_passage = [np.repeat(np.arange(len(side)), side.counts) for side in (queries, items)]
    vectors = cast(Floats, queries.vectors), cast(Floats, items.vectors)
    near: Integers
    if faiss_index.available():
        near, similar, how = faiss_index.top_k(*vectors, k)
    else:
        near, similar = exact_top_k(*vectors, k, memory_limit=memory // 4)
        how = {"index": "exact, NumPy"}
    query = np.repeat(of_passage[0], near.shape[1])
    found = near.ravel() >= 0
    place = np.repeat(np.arange(len(near)), near.shape[1])[found]
    query, item, score = query[found], of_passage[1][near.ravel()[found]], similar.ravel()[found]
    # of each passage its best one in a text, summed over passages, says which texts are compared
    order = np.lexsort((-score, item, place))
    first = np.append(True, (np.diff(place[order]) != 0) | (np.diff(item[order]) != 0))[: len(order)]
    best = order[first]
    code, inverse = np.unique(query[best] * len(items) + item[best], return_inverse=True)
    total = np.bincount(inverse.reshape(-1), score[best], len(code)).astype(np.float32)
    query, item = code // len(items), code % len(items)
    some = best_places(query, item, total, 4 * k)  # sums of what was found are rough
    query, item = query[some], item[some]
    exact = interaction(queries, items, query, item)
    best = best_places(query, item, exact, k)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.zeros((len(queries), k), dtype=np.float32)
    rank = np.arange(len(best)) - np.searchsorted(query[best], query[best])
    rows[query[best], rank], scores[query[best], rank] = item[best], exact[best]
    return rows, scores, {"index": f"passages, the nearest of each: {how['index']}"}
