"""A view: one similarity of the texts of two tables, how to search with it, and how to score given pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.search import faiss_index, lsh_forest
from linktransformer.search.exact import exact_top_k
from linktransformer.search.gpu.devices import gpus, if_it_fits
from linktransformer.search.lexical import pruned_top_k, sparse_top_k
from linktransformer.search.matrices import (
    Matrix,
    Pairs,
    Passages,
    Report,
    Sparse,
    as_dense,
    as_sparse,
    is_sparse,
    rows_of,
)
from linktransformer.search.pair_products import MEMORY, pair_scores
from linktransformer.search.passage_search import nearest_texts

__all__ = ["Index", "Settings", "View", "sparse_neighbours"]

PRUNED_FROM = 2e7  # pairs: above, frequent n-grams are left out of the search, not of the scores
SHARE = 0.9
FAISS_FROM = 2e9  # multiplications: below, NumPy is as quick and exact

Index = Literal["auto", "faiss"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How views are searched.

    Args:
        k: Neighbours of each row.
        memory: Bytes beside the input and the result.
        device: "cpu" keeps the search off the GPU.
        index: For dense views: "faiss", on CPU or GPU, exact or for large searches approximate; "auto" by the
            size of the search, the package's own search where there is a GPU.
    """

    k: int
    memory: int = MEMORY
    device: str | None = None
    index: Index = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One similarity of the texts of two tables: the inner products of unit rows, both sparse or both dense.

    Args:
        left: (n_left texts, d) float32.
        right: (n_right texts, d) float32; the same object for a table against itself.
    """

    left: Matrix
    right: Matrix

    @property
    def is_sparse(self) -> bool:
        """Whether rows are sparse: two that share nothing have a similarity of 0."""
        return is_sparse(self.left)

    def of_rows(self, left: Integers, right: Integers, *, same: bool = False) -> View:
        """The view of some of the texts, in any order."""
        rows = rows_of(self.left, left)
        return View(rows, rows if same else rows_of(self.right, right))

    def nearest(self, settings: Settings, *, same: bool = False) -> tuple[list[Pairs], Report]:
        """The k nearest right rows of each left row and, in two tables, the other way; how they were found.

        Pairs with nothing in common in a sparse view are left out.
        """
        if not same and self.is_sparse:
            sides = as_sparse(self.left), as_sparse(self.right)
            if _in_forest(*sides, settings.device):
                (left, right, *_), (query, item, _, report) = lsh_forest.both_ways(*sides, settings.k)
                return [(left, right), (item, query)], report
        forward, report = _nearest(self.left, self.right, settings)
        if same:
            return [forward], report
        (right, left), report = _nearest(self.right, self.left, settings)
        return [forward, (left, right)], report

    def scores(
        self, left: Integers, right: Integers, *, memory: int = MEMORY, device: str | None = "cpu"
    ) -> Floats:
        """The similarity of each pair of a left and a right text, (n_pairs,) float32."""
        return pair_scores(self.left, self.right, left, right, memory=memory, device=device)


def _in_forest(left: Sparse, right: Sparse, device: str | None) -> bool:
    """Whether both tables are searched by an LSH forest: many pairs, and no GPU."""
    pairs = float(left.shape[0]) * right.shape[0]
    return pairs > lsh_forest.EXACT_UP_TO and not gpus(device, 100 * pairs)


def _nearest(queries: Matrix, items: Matrix, settings: Settings) -> tuple[Pairs, Report]:
    if isinstance(queries, Passages) and isinstance(items, Passages):
        if queries.whole is None or items.whole is None:
            rows, _, report = nearest_texts(queries, items, settings.k, memory=settings.memory)
            query, item = np.repeat(np.arange(len(rows), dtype=np.int64), rows.shape[1]), rows.ravel()
            return (query[item >= 0], item[item >= 0]), report
        queries, items = queries.whole, items.whole
    if sp.issparse(queries):
        query, item, _, report = sparse_neighbours(
            queries, as_sparse(items), settings.k, device=settings.device
        )
        return (query, item), report
    rows, report = _dense_neighbours(as_dense(queries), as_dense(items), settings)
    query, item = np.repeat(np.arange(len(rows), dtype=np.int64), rows.shape[1]), rows.ravel()
    return (query[item >= 0], item[item >= 0]), report


def _dense_neighbours(queries: Floats, items: Floats, settings: Settings) -> tuple[Integers, Report]:
    """The rows of the k nearest items, (n, k) int64, -1 where there are fewer."""
    k, device = settings.k, settings.device
    work = float(queries.shape[0]) * items.shape[0] * queries.shape[1]
    if settings.index == "auto" and (devices := gpus(device, work)):
        from linktransformer.search.gpu import search  # torch

        result = if_it_fits("dense search", lambda: search.top_k(queries, items, k, device=devices))
        if result is not None:
            return result[0], result[2]
        device = "cpu"  # FAISS would find no room on the GPU either
    if settings.index == "faiss" or (work > FAISS_FROM and faiss_index.available()):
        rows, _, report = faiss_index.top_k(queries, items, k, device=device)
        return rows, report
    rows, _ = exact_top_k(queries, items, k, memory_limit=settings.memory // 4)
    return rows, {"index": "exact, NumPy"}


def sparse_neighbours(
    queries: Sparse,
    items: Sparse,
    k: int,
    *,
    device: str | None = None,
    exact_up_to: float | None = None,
    share: float = SHARE,
) -> tuple[Integers, Integers, Floats, Report]:
    """Find the k rows with the largest positive inner product for each query, in the way that suits the size.

    Returns pairs and scores as `lexical.sparse_top_k`, and how they were searched. Above `exact_up_to` pairs
    (None is 2e9) the search is approximate, and the report has its recall on a sample. Of many pairs only a
    `share` of the weight of a query's n-grams is compared, the rarest.
    """
    pairs = float(queries.shape[0]) * items.shape[0]
    devices = gpus(device, 100 * pairs) if pairs > lsh_forest.EXACT_UP_TO else []
    if devices:
        from linktransformer.search.gpu import pairs as gpu_pairs  # torch
        from linktransformer.search.gpu import sparse as gpu_sparse

        if gpu_pairs.possible(devices[0], queries, items):
            result = if_it_fits(
                "sparse search", lambda: gpu_sparse.top_k(queries, items, k, device=devices[0])
            )
            if result is not None:
                return result
    if pairs > (lsh_forest.EXACT_UP_TO if exact_up_to is None else exact_up_to):
        return lsh_forest.top_k(queries, items, k)
    if pairs > PRUNED_FROM:
        report: Report = {"index": f"sparse product, the rarest n-grams ({share:g} of a text's weight)"}
        return *pruned_top_k(queries, items, k, share), report
    return *sparse_top_k(queries, items, k), {"index": "exact sparse product"}
