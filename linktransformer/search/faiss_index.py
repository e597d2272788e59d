"""Dense search by FAISS: flat and exact; inverted lists (IVF) and codes (PQ) where that is too much."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.optional import need
from linktransformer.search.faiss_choice import COPY_UP_TO, ROUNDING, Choice, Index, by_parts, choose
from linktransformer.search.matrices import Report

__all__ = ["available", "top_k"]

SPARE = 16  # more neighbours than asked for are fetched, so that ties at the last place can be settled
REFINED = 4  # of codes so many times k are fetched, and multiplied again
WIDEST = 2048  # neighbours at a time; a GPU finds no more
MOST_PARTS = 64  # in which items that no GPU has room for are searched on GPUs
SAMPLE = 500  # queries on which the recall of an approximate search is measured
RECALL = 0.95
STALLED = 0.01  # of recall, for twice the lists
NUMBERS = 2**25  # gathered at a time: 128 MiB
COPIES = ((False, False), (True, False), (True, True))  # on GPUs: divided among them, in half precision
NO_ROOM = "cpu, since the items do not fit the GPU"

Result = tuple[Integers, Floats, int, Report]  # rows, scores, queries with more ties, how it was searched


class _NoRoomError(Exception):
    """No GPU has room for an index."""


def available() -> bool:
    """Whether FAISS is installed."""
    return importlib.util.find_spec("faiss") is not None


def top_k(
    queries: Floats, items: Floats, k: int, *, device: str | None = None
) -> tuple[Integers, Floats, Report]:
    """Find the k rows of items (m, d) with the largest inner product for each of the queries (n, d).

    "cpu" keeps the search off the GPU. Returns item rows (n, k) int64, best first, -1 where there are fewer;
    scores (n, k) float32, -inf there; and how they were searched, with the recall where that is approximate,
    and the number of queries with more ties at the last place than could be looked at. Ties go to the lower
    row.

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
    job = _Search(
        faiss,
        np.ascontiguousarray(queries, dtype=np.float32),
        np.ascontiguousarray(items, dtype=np.float32),
        min(k, len(items)),
        device != "cpu" and getattr(faiss, "get_num_gpus", lambda: 0)() > 0,
    )
    choice = choose(len(queries), *items.shape, gpu=job.gpu, copy_up_to=COPY_UP_TO)
    result = _flat(job) if choice.kind == "flat" else _approximate(job, choice)
    rows[:, : job.k], scores[:, : job.k], n_ties, report = result
    if n_ties:
        report["ties_not_settled"] = n_ties
    return rows, scores, report


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """The task: the k best of items for each query, on GPUs or on the CPU."""

    faiss: ModuleType
    queries: Floats
    items: Floats
    k: int
    gpu: bool

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.queries), len(self.items), self.k

    def best(
        self, index: Index, numbers: Integers, wide: int, start: int, stop: int
    ) -> tuple[Integers, Floats]:
        """The `wide` best items from `start` to `stop` of some queries, by true scores.

        Returns item numbers, -1 where there are fewer, and their scores, (n, wide) each.
        """
        row, score = _rescored(index, self.queries[numbers], self.items[start:stop], wide)
        return np.where(row < 0, -1, row + start), score


def _flat(job: _Search) -> Result:
    """An exact search; on GPUs whole, divided, in half precision, or in parts, as there is room.

    Scores are computed again in float32, so that half precision changes none.
    """
    faiss, d = job.faiss, job.items.shape[1]

    def built(start: int, stop: int) -> Index:
        index: Index = faiss.IndexFlatIP(d)
        index.add(job.items[start:stop])
        return index

    report: Report = {"index": "FAISS flat"}
    n_parts = 1 if job.k + SPARE <= WIDEST else -(-2 * job.k // WIDEST)  # by chance each has half of its most
    while job.gpu and n_parts <= max(MOST_PARTS, -(-4 * job.k // WIDEST)):
        for shard, half in COPIES:

            def on_gpus(start: int, stop: int, shard: bool = shard, half: bool = half) -> Index:
                return _on_gpus(faiss, built(start, stop), shard, half)

            try:
                best = by_parts(on_gpus, job.best, job.sizes, n_parts=n_parts, spare=SPARE, widest=WIDEST)
            except _NoRoomError:
                continue
            report["device"] = _device(faiss, shard, half)
            return *best, report | ({"parts": n_parts} if n_parts > 1 else {})
        n_parts *= 2
    if job.gpu:
        report["device"] = NO_ROOM
    widest = max(WIDEST, job.k + SPARE)
    return *by_parts(built, job.best, job.sizes, n_parts=1, spare=SPARE, widest=widest), report


def _device(faiss: ModuleType, shard: bool, half: bool) -> str:
    divided = ["divided"] if shard and faiss.get_num_gpus() > 1 else []
    return ", ".join(["gpu", *divided, *(["half precision"] if half else [])])


def _on_gpus(faiss: ModuleType, index: Index, shard: bool, half: bool) -> Index:
    """An index copied to every GPU, or divided among them."""
    several = faiss.get_num_gpus() > 1
    if shard and not several and not half:
        raise _NoRoomError  # the same as without `shard`
    options = faiss.GpuMultipleClonerOptions()
    options.shard, options.useFloat16 = shard and several, half
    try:
        copied: Index = faiss.index_cpu_to_all_gpus(index, options)
        return copied
    except RuntimeError as error:  # only its words tell the lack of memory from other errors
        if "memory" not in str(error).lower():
            raise
        raise _NoRoomError from error


def _approximate(job: _Search, choice: Choice) -> Result:
    """A search of as many inverted lists as it takes to find 95 % of the k nearest items of a sample."""
    faiss, items = job.faiss, job.items
    report: Report = {"index": f"FAISS {choice.kind}", "lists": choice.lists}
    report |= {"bytes of a row": choice.code} if choice.code else {}
    index = _trained(job, choice)
    index.add(items)
    gpu = job.gpu and job.k + SPARE <= WIDEST
    if job.gpu and not gpu:
        report["device"] = f"cpu, since k is above {WIDEST - SPARE}"
    for shard, half in COPIES if gpu else ():
        try:
            index = _on_gpus(faiss, index, shard, half)
        except _NoRoomError:
            continue
        report["device"] = _device(faiss, shard, half)
        break
    else:
        if gpu and choice.kind == "IVF":
            smaller = choose(*job.sizes[:2], items.shape[1], gpu=True, copy_up_to=0)
            if smaller.code:
                return _approximate(job, smaller)
        if gpu:
            report["device"] = NO_ROOM
        gpu = False

    def probe(lists: int) -> None:
        if gpu:
            faiss.GpuParameterSpace().set_index_parameter(index, "nprobe", lists)
        else:
            index.nprobe = lists

    widest = min(len(items), WIDEST if gpu else max(WIDEST, job.k + SPARE))
    wide = min(widest, SPARE + (REFINED if choice.code else 1) * job.k)
    lists, recall, most_lists = 4, 0.0, min(choice.lists, WIDEST) if gpu else choice.lists
    while True:
        lists, recall = _probes(job, index, probe, (lists, most_lists), wide, coded=bool(choice.code))
        if recall >= RECALL or not choice.code or wide >= widest:
            break
        wide = min(widest, 2 * wide)  # more than codes can tell apart
    report |= {"probes": lists, "recall": round(recall, 4)}
    spare = wide - job.k
    return *by_parts(lambda *_: index, job.best, job.sizes, n_parts=1, spare=spare, widest=widest), report


def _trained(job: _Search, choice: Choice) -> Index:
    """An index with the centres of its lists and codes; the centres of lists are found on a GPU."""
    faiss, (m, d) = job.faiss, job.items.shape
    flat = faiss.IndexFlatIP(d)
    if choice.code:
        index = faiss.IndexIVFPQ(flat, d, choice.lists, choice.code, 8, faiss.METRIC_INNER_PRODUCT)
        index.pq.cp.seed = 0
    else:
        index = faiss.IndexIVFFlat(flat, d, choice.lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = 0
    if job.gpu:
        index.clustering_index = faiss.index_cpu_to_all_gpus(faiss.IndexFlatIP(d))
    trained: Index = index
    trained.train(job.items[_sample(m, max(64 * choice.lists, 256 * 64 if choice.code else 0))])
    return trained


def _rescored(index: Index, queries: Floats, items: Floats, wide: int) -> tuple[Integers, Floats]:
    """The `wide` nearest items by an index, with true scores, sorted by falling score and row.

    Scores are computed again, since those of the index depend on where in a block an item lies: equal items
    must get equal scores for ties to go to the lower row.
    """
    m = len(items)
    rows = np.empty((len(queries), wide), dtype=np.int64)
    scores = np.empty((len(queries), wide), dtype=np.float32)
    step = max(1, NUMBERS // (wide * items.shape[1]))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        row = index.search(queries[part], wide)[1]
        score = np.einsum("nd,nkd->nk", queries[part], items[row])
        score[row < 0] = -np.inf
        row[row < 0] = m
        order = np.lexsort((row, -score), axis=1)
        row, scores[part] = np.take_along_axis(row, order, 1), np.take_along_axis(score, order, 1)
        rows[part] = np.where(row < m, row, -1)
    return rows, scores


def _sample(n: int, size: int) -> Integers:
    return np.sort(np.random.default_rng(0).choice(n, min(n, size), replace=False))


def _probes(
    job: _Search,
    index: Index,
    probe: Callable[[int], None],
    lists: tuple[int, int],
    wide: int,
    *,
    coded: bool,
) -> tuple[int, float]:
    """How many lists it takes to find 95 % of the k nearest items of a sample, and the recall.

    `lists` are the first and the last number tried. Another item that is as near as the k-th counts too.
    Where more lists of codes add little, the search for a better number stops.
    """
    sample, k = job.queries[_sample(len(job.queries), SAMPLE)], min(job.k, WIDEST)
    kth = job.faiss.knn(sample, job.items, k, metric=job.faiss.METRIC_INNER_PRODUCT)[0][:, -1:]
    n_lists, most, before = min(lists), lists[1], 0.0
    while True:
        probe(n_lists)
        score = _rescored(index, sample, job.items, wide)[1][:, :k]
        recall = float(np.mean(score >= kth - ROUNDING))
        stalled = coded and recall < before + STALLED
        if recall >= RECALL or n_lists >= most or stalled:
            return n_lists, recall
        n_lists, before = min(most, 2 * n_lists), recall
