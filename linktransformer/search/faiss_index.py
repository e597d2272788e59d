"""Dense search by FAISS: flat and exact; inverted lists (IVF) and codes (PQ) where that is too much."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.optional import need
from linktransformer.search.faiss_choice import COPY_UP_TO, ROUNDING, Choice, by_parts, choose

__all__ = ["available", "top_k"]

SPARE = 16  # more neighbours than asked for are fetched, so that ties at the last place can be settled
REFINED = 4  # of codes so many times k are fetched, and multiplied again
WIDEST = 2048  # neighbours at a time; a GPU finds no more
MOST_PARTS = 64  # in which items that no card has room for are searched on cards
TRIED = 500  # queries on which the recall of an approximate search is measured
WANTED = 0.95
STALLED = 0.01  # of recall, for twice the lists
NUMBERS = 2**25  # gathered at a time: 128 MiB

Matrix = Floats


class _NoRoomError(Exception):
    """No card has room for an index."""


def available() -> bool:
    """Whether FAISS is installed.

    Returns:
        True where it can be imported.
    """
    return importlib.util.find_spec("faiss") is not None


def top_k(
    queries: Matrix, items: Matrix, k: int, *, device: str | None = None
) -> tuple[Integers, Matrix, dict[str, Any]]:
    """Find the k rows with the largest inner product for each query.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        k: How many. FAISS finds 2,048 at a time on a GPU; more are found in parts of the items.
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
    job = _Search(
        faiss,
        np.ascontiguousarray(queries, dtype=np.float32),
        np.ascontiguousarray(items, dtype=np.float32),
        min(k, len(items)),
        device != "cpu" and getattr(faiss, "get_num_gpus", lambda: 0)() > 0,
    )
    choice = choose(len(queries), *items.shape, card=job.card, copy_up_to=COPY_UP_TO)
    found = _flat(job) if choice.kind == "flat" else _approximate(job, choice)
    rows[:, : job.k], scores[:, : job.k], open_, report = found
    if open_:
        report["ties_not_settled"] = open_
    return rows, scores, report


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What is looked for: the k best of items for each query, on cards or on the processor."""

    faiss: Any
    queries: Matrix
    items: Matrix
    k: int
    card: bool

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.queries), len(self.items), self.k

    def best(self, index: Any, which: Integers, wide: int, start: int, stop: int) -> tuple[Integers, Matrix]:
        """Find the best items of some queries in one part of the items, by exact scores.

        Args:
            index: The index of the part.
            which: Numbers of the queries, (n,) int64.
            wide: How many items to find for each query.
            start: The first item of the part.
            stop: The last item of the part + 1.

        Returns:
            Item numbers, -1 where there are fewer, and their scores, (n, wide) each.
        """
        row, score = _rescored(index, self.queries[which], self.items[start:stop], wide)
        return np.where(row < 0, -1, row + start), score


Found = tuple[Integers, Matrix, int, dict[str, Any]]


def _flat(job: _Search) -> Found:
    """An exact search; on cards whole, divided, in half precision, or in parts, as there is room.

    The scores of what is found are computed again in float32, so that half precision changes no score.
    """
    faiss, d = job.faiss, job.items.shape[1]

    def built(start: int, stop: int) -> Any:
        index = faiss.IndexFlatIP(d)
        index.add(job.items[start:stop])
        return index

    report: dict[str, Any] = {"index": "FAISS flat"}
    n_parts = 1 if job.k + SPARE <= WIDEST else -(-2 * job.k // WIDEST)  # by chance each has half of its most
    while job.card and n_parts <= max(MOST_PARTS, -(-4 * job.k // WIDEST)):
        for shard, half in ((False, False), (True, False), (True, True)):

            def there(start: int, stop: int, shard: bool = shard, half: bool = half) -> Any:
                return _on_cards(faiss, built(start, stop), shard, half)

            try:
                found = by_parts(there, job.best, job.sizes, n_parts=n_parts, spare=SPARE, widest=WIDEST)
            except _NoRoomError:
                continue
            report["device"] = _words(faiss, shard, half)
            return *found, report | ({"parts": n_parts} if n_parts > 1 else {})
        n_parts *= 2
    if job.card:
        report["device"] = "cpu, since the items do not fit the GPU"
    most = max(WIDEST, job.k + SPARE)
    return *by_parts(built, job.best, job.sizes, n_parts=1, spare=SPARE, widest=most), report


def _words(faiss: Any, shard: bool, half: bool) -> str:
    divided = ["divided"] if shard and faiss.get_num_gpus() > 1 else []
    return ", ".join(["gpu", *divided, *(["half precision"] if half else [])])


def _on_cards(faiss: Any, index: Any, shard: bool, half: bool) -> Any:
    """An index copied to every card, or divided among them.

    Raises:
        _NoRoomError: There is no room for it.
    """
    several = faiss.get_num_gpus() > 1
    if shard and not several and not half:
        raise _NoRoomError  # as it was before
    options = faiss.GpuMultipleClonerOptions()
    options.shard, options.useFloat16 = shard and several, half
    try:
        return faiss.index_cpu_to_all_gpus(index, options)
    except RuntimeError as error:  # of all errors the lack of memory can be told by its words alone
        if "memory" not in str(error).lower():
            raise
        raise _NoRoomError from error


def _approximate(job: _Search, choice: Choice) -> Found:
    """A search of as many inverted lists as it takes to find 95 % of the k nearest items of a sample."""
    faiss, items = job.faiss, job.items
    report: dict[str, Any] = {"index": f"FAISS {choice.kind}", "lists": choice.lists}
    report |= {"bytes of a row": choice.code} if choice.code else {}
    index = _trained(job, choice)
    index.add(items)
    card = job.card and job.k + SPARE <= WIDEST
    if job.card and not card:
        report["device"] = f"cpu, since k is above {WIDEST - SPARE}"
    for shard, half in ((False, False), (True, False), (True, True)) if card else ():
        try:
            index = _on_cards(faiss, index, shard, half)
        except _NoRoomError:
            continue
        report["device"] = _words(faiss, shard, half)
        break
    else:
        if card and choice.kind == "IVF":
            smaller = choose(*job.sizes[:2], items.shape[1], card=True, copy_up_to=0)
            if smaller.code:
                return _approximate(job, smaller)
        if card:
            report["device"] = "cpu, since the items do not fit the GPU"
        card = False

    def probe(lists: int) -> None:
        if card:
            faiss.GpuParameterSpace().set_index_parameter(index, "nprobe", lists)
        else:
            index.nprobe = lists

    most = min(len(items), WIDEST if card else max(WIDEST, job.k + SPARE))
    wide = min(most, SPARE + (REFINED if choice.code else 1) * job.k)
    lists, recall, every = 4, 0.0, min(choice.lists, WIDEST) if card else choice.lists
    while True:
        lists, recall = _probes(job, index, probe, (lists, every), wide, coded=bool(choice.code))
        if recall >= WANTED or not choice.code or wide >= most:
            break
        wide = min(most, 2 * wide)  # what codes cannot tell apart
    report |= {"probes": lists, "recall": round(recall, 4)}
    spare = wide - job.k
    found = by_parts(lambda *_: index, job.best, job.sizes, n_parts=1, spare=spare, widest=most)
    return *found, report


def _trained(job: _Search, choice: Choice) -> Any:
    """An index with its lists' centres, and what its codes stand for; the centres are found on a card."""
    faiss, (m, d) = job.faiss, job.items.shape
    flat = faiss.IndexFlatIP(d)
    if choice.code:
        index = faiss.IndexIVFPQ(flat, d, choice.lists, choice.code, 8, faiss.METRIC_INNER_PRODUCT)
        index.pq.cp.seed = 0
    else:
        index = faiss.IndexIVFFlat(flat, d, choice.lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = 0
    if job.card:
        index.clustering_index = faiss.index_cpu_to_all_gpus(faiss.IndexFlatIP(d))
    index.train(job.items[_sample(m, max(64 * choice.lists, 256 * 64 if choice.code else 0))])
    return index


def _rescored(index: Any, queries: Matrix, items: Matrix, wide: int) -> tuple[Integers, Matrix]:
    """The `wide` nearest items by an index, with true scores, sorted by falling score and row.

    The index gives the items. Their scores are computed again, since its own depend on where in a block
    an item lies: equal items must get equal scores for ties to go to the lower row.
    """
    m = len(items)
    rows = np.empty((len(queries), wide), dtype=np.int64)
    scores = np.empty((len(queries), wide), dtype=np.float32)
    step = max(1, NUMBERS // (wide * items.shape[1]))
    for start in range(0, len(queries), step):
        some = slice(start, start + step)
        row = index.search(queries[some], wide)[1]
        score = np.einsum("nd,nkd->nk", queries[some], items[row])
        score[row < 0] = -np.inf
        row[row < 0] = m
        order = np.lexsort((row, -score), axis=1)
        row, scores[some] = np.take_along_axis(row, order, 1), np.take_along_axis(score, order, 1)
        rows[some] = np.where(row < m, row, -1)
    return rows, scores


def _sample(n: int, size: int) -> Integers:
    return np.sort(np.random.default_rng(0).choice(n, min(n, size), replace=False))


def _probes(
    job: _Search,
    index: Any,
    probe: Callable[[int], None],
    lists: tuple[int, int],
    wide: int,
    *,
    coded: bool,
) -> tuple[int, float]:
    """Search as many lists as it takes to find 95 % of the k nearest items; return that and the recall.

    An item counts as found when another one that is as near was found in its place. Codes that tell no more
    items apart in more lists are not asked for all of them.
    """
    sample, k = job.queries[_sample(len(job.queries), TRIED)], min(job.k, WIDEST)
    kth = job.faiss.knn(sample, job.items, k, metric=job.faiss.METRIC_INNER_PRODUCT)[0][:, -1:]
    some, most, before = min(lists), lists[1], 0.0
    while True:
        probe(some)
        score = _rescored(index, sample, job.items, wide)[1][:, :k]
        recall = float(np.mean(score >= kth - ROUNDING))
        stalled = coded and recall < before + STALLED
        if recall >= WANTED or some >= most or stalled:
            return some, recall
        some, before = min(most, 2 * some), recall
