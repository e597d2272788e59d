"""The nearest records of a fitted table or of a sample; those of a query do not depend on other queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.search import lexical
from linktransformer.search.blocking import Nodes
from linktransformer.search.matrices import Matrix, Passages, as_sparse, is_sparse
from linktransformer.search.passage_search import nearest_texts

__all__ = ["Matrix", "SearchIndex", "nearest", "nearest_by_view"]

SCORES = 2**25  # at a time: 128 MiB


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """Records that are searched.

    Args:
        nodes: The records.
        matrices: By view, the vectors of their texts, (n_texts, d).
        n_blocks: Number of blocks, None without blocks.
    """

    nodes: Nodes
    matrices: Mapping[str, Matrix]
    n_blocks: int | None

    @cached_property
    def postings(self) -> dict[str, sp.csr_matrix]:
        """The transposes of sparse matrices, by view: for each n-gram, its texts."""
        sparse = {name: as_sparse(of) for name, of in self.matrices.items() if is_sparse(of)}
        return {name: matrix.T.tocsr() for name, matrix in sparse.items()}

    @cached_property
    def by_block(self) -> tuple[Integers, Integers]:
        """Records in order of block, and where each block starts, (n_blocks + 2,)."""
        order = np.argsort(self.nodes.block, kind="stable")
        return order, np.searchsorted(self.nodes.block[order], np.arange((self.n_blocks or 0) + 2))


def nearest(
    items: SearchIndex, nodes: Nodes, matrices: Mapping[str, Matrix], k: int
) -> tuple[Integers, Integers]:
    """Pairs of a query node and one of its k nearest items in any view, sorted, (n_pairs,) int64 each.

    `matrices` has the vectors of the query texts by view.
    """
    width = max(1, len(items.nodes))
    codes = [left * width + right for left, right in nearest_by_view(items, nodes, matrices, k)]
    code = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *codes]))
    return code // width, code % width


def nearest_by_view(
    items: SearchIndex, nodes: Nodes, matrices: Mapping[str, Matrix], k: int
) -> list[tuple[Integers, Integers]]:
    """As `nearest`, one pair of arrays for each view and block, each query's nearest item first."""
    pairs: list[tuple[Integers, Integers]] = []
    for queries, some in _groups(items, nodes):
        for name, vectors in matrices.items():
            left, right = vectors[nodes.text[queries]], items.matrices[name]
            if some is not None:
                right = right[items.nodes.text[some]]
            if isinstance(left, Passages) and isinstance(right, Passages):
                a, b = _passages_top_k(left, right, k)
            elif isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
                a, b = _dense_top_k(np.asarray(left), np.asarray(right), k)
            else:
                postings = items.postings[name] if some is None else None
                threads = 1 if len(queries) < 64 else None  # one is quicker for a few rows
                sides = as_sparse(left), as_sparse(right)
                a, b, _ = lexical.sparse_top_k(*sides, k, threads=threads, postings=postings)
            pairs.append((queries[a], b if some is None else some[b]))
    return pairs


def _groups(items: SearchIndex, nodes: Nodes) -> list[tuple[Integers, Integers | None]]:
    """Query nodes with the items of their block; None is all items."""
    if not len(items.nodes) or not len(nodes):
        return []
    if items.n_blocks is None:
        return [(np.arange(len(nodes)), None)]
    order, starts = items.by_block
    groups: list[tuple[Integers, Integers | None]] = []
    by_query = np.argsort(nodes.block, kind="stable")
    edges = np.flatnonzero(np.diff(nodes.block[by_query], prepend=-1))
    for queries in np.split(by_query, edges[1:]):
        block = int(nodes.block[queries[0]])
        if block < items.n_blocks and starts[block + 1] > starts[block]:
            groups.append((queries, np.sort(order[starts[block] : starts[block + 1]])))
    return groups


def _dense_top_k(queries: Floats, items: Floats, k: int) -> tuple[Integers, Integers]:
    """The k nearest items of each query by scores that do not depend on the queries beside it.

    A product of matrices rounds by their shapes. It only finds all items that may be among the k nearest;
    the scores of these are computed again, one by one.
    """
    k, (n, d) = min(k, len(items)), queries.shape
    margin = np.float32(max(1, d) * 2.0**-22)  # more than two sums of d products differ by rounding
    top = np.empty((n, k), dtype=np.int64)
    step = max(1, SCORES // len(items))
    for start in range(0, n, step):
        part = queries[start : start + step]
        scores = (items @ part[0])[None] if len(part) == 1 else part @ items.T
        for place, score in enumerate(scores):
            kth = np.partition(score, len(items) - k)[len(items) - k]
            near = np.flatnonzero(score >= kth - margin)
            exact = np.einsum("ij,ij->i", np.repeat(part[place : place + 1], len(near), axis=0), items[near])
            top[start + place] = near[np.lexsort((near, -exact))[:k]]
    return np.repeat(np.arange(n), k), top.ravel()


def _passages_top_k(queries: Passages, items: Passages, k: int) -> tuple[Integers, Integers]:
    """The k nearest items of each query by passages, each query searched alone."""
    found = [nearest_texts(queries[np.array([row])], items, k)[0][0] for row in range(len(queries))]
    top = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    query = np.repeat(np.arange(len(queries)), [len(rows) for rows in found] if found else 0)
    return query[top >= 0], top[top >= 0]
