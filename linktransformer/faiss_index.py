"""Dense search by FAISS: flat and exact, and by inverted lists (IVF) once an exact search is too slow."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.optional import need

__all__ = ["available", "top_k"]

EXACT_UP_TO = 2e13  # multiplications
SPARE = 16  # more neighbours than asked for are fetched, so that ties at the last place can be settled
WIDEST = 2048  # neighbours at a time; a GPU finds no more
ROUNDING = 1e-6  # scores of unit rows that are nearer than this may be equal
TRIED = 500  # queries on which the recall of an approximate search is measured
WANTED = 0.95
NUMBERS = 2**25  # gathered at a time: 128 MiB

Matrix = NDArray[np.float32]
Integers = NDArray[np.int64]


def available() -> bool:
    """Whether FAISS is installed."""
    return importlib.util.find_spec("faiss") is not None


def top_k(
    queries: Matrix, items: Matrix, k: int, *, device: str | None = None
) -> tuple[Integers, Matrix, dict[str, Any]]:
    """Find the k rows with the largest inner product for each query.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        k: How many; above 2048 the search stays on the processor, since FAISS finds no more on a GPU.
        device: "cpu" keeps the search off the GPU.

    Returns:
        Item rows (n, k) int64, best first, -1 where there are fewer; scores (n, k) float32, -inf there;
        and how it was searched: with the recall where it is approximate, and with the number of queries
        that have more ties at the last place than could be looked at, where there are such queries.
        Ties go to the lower row.

    Raises:
        MissingExtraError: FAISS is not installed.
    """
    faiss = need("faiss", extra="cpu")
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    if 0 in (*queries.shape, *items.shape, k):
        if k and len(queries) and len(items):  # no dimensions: all scores are 0
            rows[:, : len(items)] = np.arange(min(k, len(items)))
            scores[:, : len(items)] = 0
        return rows, scores, {"index": "nothing to search"}
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    items = np.ascontiguousarray(items, dtype=np.float32)
    index, report = _build(faiss, queries, items, min(k, len(items)))
    on_gpu = device != "cpu" and getattr(faiss, "get_num_gpus", lambda: 0)() > 0
    if on_gpu:
        index, report["device"] = _on_cards(faiss, index, k)
        on_gpu = report["device"].startswith("gpu")
    most = min(len(items), WIDEST if on_gpu else max(WIDEST, k + SPARE))
    every = np.arange(len(queries))
    open_ = _search(index, queries, items, every, min(k + SPARE, most), (rows, scores))
    if len(open_):
        open_ = _search(index, queries, items, open_, most, (rows, scores))
    if len(open_):
        report["ties_not_settled"] = len(open_)
    return rows, scores, report


def _on_cards(faiss: Any, index: Any, k: int) -> tuple[Any, str]:
    """An index copied to every card; or divided among them, or in half precision too, where it does not fit.

    The scores of what it finds are computed again in float32, so that half precision changes no score.
    """
    if k > WIDEST:
        return index, f"cpu, since k is above {WIDEST}"
    several = faiss.get_num_gpus() > 1
    for shard, half in ((False, False), (True, False), (True, True)):
        if shard and not several and not half:
            continue
        options = faiss.GpuMultipleClonerOptions()
        options.shard, options.useFloat16 = shard and several, half
        try:
            there = faiss.index_cpu_to_all_gpus(index, options)
        except RuntimeError as error:  # of all errors the lack of memory can be told by its words alone
            if "memory" not in str(error).lower():
                raise
            continue
        words = ["gpu", *(["divided"] if options.shard else []), *(["half precision"] if half else [])]
        return there, ", ".join(words)
    return index, "cpu, since the items do not fit the GPU"


def _search(
    index: Any, queries: Matrix, items: Matrix, which: Integers, wide: int, into: tuple[Integers, Matrix]
) -> Integers:
    """Look at the `wide` nearest items of some queries and write the best k into `rows, scores`.

    The index gives the items. Their scores are computed again, since its own depend on where in a block
    an item lies: equal items must get equal scores for ties to go to the lower row.

    Returns:
        The queries that tie at the k-th place with the last item looked at: there may be more of them.
    """
    rows, scores = into
    m, k = len(items), min(rows.shape[1], wide)
    unsettled = [which[:0]]
    step = max(1, NUMBERS // (wide * items.shape[1]))
    for start in range(0, len(which), step):
        some = which[start : start + step]
        row = index.search(queries[some], wide)[1]
        score = np.einsum("nd,nkd->nk", queries[some], items[row])
        score[row < 0] = -np.inf
        row[row < 0] = m
        order = np.lexsort((row, -score), axis=1)
        row, score = np.take_along_axis(row, order, 1), np.take_along_axis(score, order, 1)
        found = row[:, :k] < m
        rows[some, :k] = np.where(found, row[:, :k], -1)
        scores[some, :k] = score[:, :k]
        if wide < m:
            unsettled.append(some[found[:, -1] & (score[:, -1] >= score[:, k - 1] - ROUNDING)])
    return np.concatenate(unsettled)


def _build(faiss: Any, queries: Matrix, items: Matrix, k: int) -> tuple[Any, dict[str, Any]]:
    (n, d), m = queries.shape, len(items)
    flat = faiss.IndexFlatIP(d)
    if float(n) * m * d <= EXACT_UP_TO:
        flat.add(items)
        return flat, {"index": "FAISS flat"}
    lists = max(1, min(int(4 * np.sqrt(m)), m // 39))  # k-means wants 39 points for each centre
    index = faiss.IndexIVFFlat(flat, d, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = 0
    index.train(items[_sample(m, 64 * lists)])
    index.add(items)
    recall = _set_probes(faiss, index, queries[_sample(n, TRIED)], items, k)
    return index, {"index": "FAISS IVF", "lists": lists, "probes": index.nprobe, "recall": round(recall, 4)}


def _sample(n: int, size: int) -> Integers:
    return np.sort(np.random.default_rng(0).choice(n, min(n, size), replace=False))


def _set_probes(faiss: Any, index: Any, sample: Matrix, items: Matrix, k: int) -> float:
    """Search as many lists as it takes to find 95% of the k nearest items; return the recall.

    An item counts as found when another one that is as near was found in its place.
    """
    k = min(k, WIDEST)
    kth = faiss.knn(sample, items, k, metric=faiss.METRIC_INNER_PRODUCT)[0][:, -1:]
    index.nprobe = min(index.nlist, 4)
    while True:
        score = index.search(sample, k)[0]
        recall = float(np.mean(score >= kth - ROUNDING))
        if recall >= WANTED or index.nprobe >= index.nlist:
            return recall
        index.nprobe = min(index.nlist, 2 * index.nprobe)
