"""Dense search by FAISS: flat, and IVF once an exact search is too slow."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.optional import need

__all__ = ["available", "top_k"]

EXACT_UP_TO = 2e13  # multiplications
SPARE = 16  # more neighbours than asked for, so that ties at the last place can be settled
TRIED = 500  # queries on which the recall of an approximate search is measured
WANTED = 0.95
MOST_ON_GPU = 2048

Matrix = NDArray[np.float32]


def available() -> bool:
    """Whether FAISS is installed."""
    return importlib.util.find_spec("faiss") is not None


def top_k(
    queries: Matrix, items: Matrix, k: int, *, device: str | None = None
) -> tuple[NDArray[np.int64], Matrix, dict[str, Any]]:
    """Find the k rows with the largest inner product for each query.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        k: How many.
        device: "cpu" keeps the search off the GPU.

    Returns:
        Item rows (n, k) int64, -1 where there are fewer, scores (n, k) float32, -inf there, and how it was
        searched, with the recall where the search is approximate. Ties go to the lower row.

    Raises:
        MissingExtraError: FAISS is not installed.
    """
    faiss = need("faiss", extra="cpu")
    n = len(queries)
    queries, items = np.ascontiguousarray(queries), np.ascontiguousarray(items)
    index, report = _build(faiss, queries, items, k)
    wide = min(k + SPARE, len(items))
    if device != "cpu" and getattr(faiss, "get_num_gpus", lambda: 0)() > 0:
        index, wide = faiss.index_cpu_to_all_gpus(index), min(wide, MOST_ON_GPU)
        report["device"] = "gpu"
    score, row = index.search(queries, wide)
    row = np.where(row < 0, len(items), row)
    order = np.lexsort((row, -score), axis=1)[:, :k]
    row, score = np.take_along_axis(row, order, 1), np.take_along_axis(score, order, 1)
    rows = np.full((n, k), -1, dtype=np.int64)
    scores = np.full((n, k), -np.inf, dtype=np.float32)
    found = row < len(items)
    rows[:, : row.shape[1]] = np.where(found, row, -1)
    scores[:, : row.shape[1]] = np.where(found, score, -np.inf)
    return rows, scores, report


def _build(faiss: Any, queries: Matrix, items: Matrix, k: int) -> tuple[Any, dict[str, Any]]:
    n, d = queries.shape
    m = len(items)
    flat = faiss.IndexFlatIP(d)
    if float(n) * m * d <= EXACT_UP_TO:
        flat.add(items)
        return flat, {"index": "FAISS flat"}
    lists = int(4 * np.sqrt(m))
    index = faiss.IndexIVFFlat(flat, d, lists, faiss.METRIC_INNER_PRODUCT)
    index.train(items[np.random.default_rng(0).choice(m, min(m, 64 * lists), replace=False)])
    index.add(items)
    sample = queries[np.random.default_rng(0).choice(n, min(n, TRIED), replace=False)]
    exact = faiss.IndexFlatIP(d)
    exact.add(items)
    truth = exact.search(sample, k)[1]
    index.nprobe, recall = 8, 0.0
    while index.nprobe < lists:
        found = index.search(sample, k)[1]
        recall = float(np.mean([np.isin(a, b).mean() for a, b in zip(truth, found, strict=True)]))
        if recall >= WANTED:
            break
        index.nprobe = min(lists, index.nprobe * 2)
    return index, {"index": "FAISS IVF", "lists": lists, "probes": index.nprobe, "recall": round(recall, 4)}
