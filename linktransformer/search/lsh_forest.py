"""The nearest sparse rows without multiplying all with all: only those that random trees bring together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.search.lexical import cores, sparse_top_k

__all__ = ["EXACT_UP_TO", "top_k"]

EXACT_UP_TO = 2e9  # pairs: up to there all are multiplied
LEAF = 256  # rows that are multiplied with each other
LEVELS = 8  # how often rows that are still too many are divided
PER_LEAF = 24  # neighbours, or half of k, that are taken from one leaf: the others come from other trees
TREES = 40  # the most
LOOK = 2  # trees between two looks at the recall
WANTED = 0.95  # of the k nearest that have to be found
TRIED = 500  # queries on which that is measured
ROWS = 8192  # whose neighbours are sorted at a time
PIECE = 2**16  # rows that are copied at a time, so that the table is not copied whole

NONE = np.uint64(2**64 - 1)
LOW = np.uint64(2**32 - 1)
HALF = np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class _Nearest:
    """The best items of each query, (n, k) int32 with -1 for none, and their scores, (n, k) float32."""

    item: NDArray[np.int32]
    score: Floats


def top_k(
    queries: sp.csr_matrix, items: sp.csr_matrix, k: int, *, threads: int | None = None
) -> tuple[Integers, Integers, Floats, dict[str, Any]]:
    """Find the k rows with the largest inner product for each query, nearly all of them, in linear time.

    An LSH forest (M. Bawa, T. Condie and P. Ganesan, LSH forest: self-tuning indexes for similarity search,
    2005): a tree divides the rows by an n-gram drawn from each, again and again until few enough are
    together, and those are multiplied with each other. Rows draw by their weights and with common random
    numbers, so that two draw the same n-gram the more often the more they have in common
    (R. Moulton and Y. Jiang, Maximally consistent sampling and the Jaccard index of probability
    distributions, 2018). Trees are added until a sample of the queries finds 95 % of its neighbours.

    Args:
        queries: (n, d) float32, unit rows.
        items: (m, d) float32, unit rows; the same object as `queries` for a table against itself.
        k: How many at most; rows that share nothing are left out.
        threads: None uses all cores.

    Returns:
        Queries, items and scores of the found pairs as `lexical.sparse_top_k` gives them, and how it was
        searched, with the number of trees and the recall on the sample.
    """
    n = queries.shape[0]
    threads = threads or cores()
    draw = np.random.default_rng(0)
    sample = _sample(queries, draw)
    per_leaf = min(k, max(PER_LEAF, k // 2))
    wanted = sparse_top_k(queries[sample], items, k, threads=threads)
    least = _least(wanted, len(sample))
    rows = queries if queries is items else sp.vstack([queries, items], format="csr")
    rows, number = _with_ngrams(rows)
    found = _Nearest(np.full((n, k), -1, dtype=np.int32), np.zeros((n, k), dtype=np.float32))
    recall = 1.0
    n_trees = 0
    for leaf in _trees(rows, draw):
        n_trees += 1
        _keep_best(found, _within(leaf, rows, number, n, queries is items, per_leaf, threads))
        if n_trees % LOOK == 0:
            near = found.score[sample] >= least[:, None]
            recall = float(min(1.0, near.sum() / max(1, len(wanted[0]))))
            if recall >= WANTED:
                break
    how = {"index": "LSH forest", "trees": n_trees, "recall": round(recall, 4)}
    query, place = np.nonzero(found.item >= 0)
    return query, found.item[query, place].astype(np.int64), found.score[query, place], how


def _sample(rows: sp.csr_matrix, draw: np.random.Generator) -> Integers:
    """Some rows at random, the same ones in any order of rows."""
    value = (rows @ draw.random(rows.shape[1])).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.sort(np.argsort(value, kind="stable")[:TRIED])


def _least(wanted: tuple[Integers, Integers, Floats], n: int) -> Floats:
    """The score of each query's last neighbour; one as near in its place counts too."""
    least = np.full(n, np.inf, dtype=np.float32)
    np.minimum.at(least, wanted[0], wanted[2] - np.float32(1e-6))
    return least


def _with_ngrams(rows: sp.csr_matrix) -> tuple[sp.csr_matrix, Integers]:
    """The rows that have any n-gram, and their numbers."""
    number = np.flatnonzero(np.diff(rows.indptr))
    return (rows if len(number) == rows.shape[0] else rows[number]), number


def _trees(rows: sp.csr_matrix, draw: np.random.Generator) -> Iterator[Integers]:
    """Each tree as the number of the leaf in which each row is, (n,) int64."""
    n = rows.shape[0]
    for _ in range(TREES if n else 0):
        branch = np.zeros(n, dtype=np.int64)
        crowded = np.arange(n)
        size = np.array([n])
        for _ in range(LEVELS):
            time = draw.exponential(size=rows.shape[1]).astype(np.float32)
            key = np.zeros(n, dtype=np.int64)
            for start in range(0, len(crowded), PIECE):
                some = crowded[start : start + PIECE]
                key[some] = _drawn(rows[some], time) + 1
            _, branch = np.unique(branch * (rows.shape[1] + 1) + key, return_inverse=True)
            size = np.bincount(branch)
            crowded = np.flatnonzero(size[branch] > LEAF)
            if not len(crowded):
                break
        yield _leaves(branch, size, draw)


def _drawn(rows: sp.csr_matrix, time: Floats) -> Integers:
    """The n-gram that comes first in each row, where an n-gram of weight w takes the time / w."""
    arrives = time[rows.indices] / rows.data
    first = np.minimum.reduceat(arrives, rows.indptr[:-1])
    hit = np.flatnonzero(arrives == np.repeat(first, np.diff(rows.indptr)))
    row = np.searchsorted(rows.indptr, hit, side="right") - 1
    once = np.append(True, row[1:] != row[:-1])
    return np.asarray(rows.indices[hit[once]], dtype=np.int64)


def _leaves(branch: Integers, size: Integers, draw: np.random.Generator) -> Integers:
    """Pack branches that lie side by side into leaves; one that could not be divided is cut at random."""
    start = (np.cumsum(size) - size)[branch]
    large = np.flatnonzero(size[branch] > 2 * LEAF)
    if len(large):
        order = large[np.lexsort((draw.random(len(large)), branch[large]))]
        first = np.flatnonzero(np.diff(branch[order], prepend=-1))
        start[order] += np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    return start // LEAF


def _within(
    leaf: Integers,
    rows: sp.csr_matrix,
    number: Integers,
    n_queries: int,
    same: bool,
    k: int,
    threads: int,
) -> _Nearest:
    """The nearest items of each query within its leaf."""
    from sparse_dot_topn import sp_matmul_topn

    found = _Nearest(np.full((n_queries, k), -1, dtype=np.int32), np.zeros((n_queries, k), dtype=np.float32))
    order = np.argsort(leaf, kind="stable")  # queries first, then items, in each leaf
    number = number[order]
    starts = np.flatnonzero(np.diff(leaf[order], prepend=-1, append=-1))
    sorted_rows, first, last = rows[:0], 0, 0
    for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if stop > last:
            first, last = start, max(stop, min(start + PIECE, len(order)))
            sorted_rows = rows[order[first:last]]
        middle = stop if same else start + int(np.searchsorted(number[start:stop], n_queries))
        begin = start if same else middle
        if middle == start or begin == stop:
            continue
        product = sp_matmul_topn(
            sorted_rows[start - first : middle - first],
            sorted_rows[begin - first : stop - first].T.tocsr(),
            top_n=min(k, stop - begin),
            threshold=0.0,
            n_threads=threads,
        )
        n_found = np.diff(product.indptr)
        query = np.repeat(number[start:middle], n_found)
        place = np.arange(product.nnz) - np.repeat(product.indptr[:-1], n_found)
        found.item[query, place] = number[begin:stop][product.indices] - (0 if same else n_queries)
        found.score[query, place] = product.data
    return found


def _keep_best(found: _Nearest, new: _Nearest) -> None:
    """Put new neighbours among those of before, in `found` itself; the lower one of equals goes first."""
    k = found.item.shape[1]
    for start in range(0, len(found.item), ROWS):
        part = slice(start, start + ROWS)
        item = np.concatenate([found.item[part], new.item[part]], axis=1)
        score = np.concatenate([found.score[part], new.score[part]], axis=1)
        # a score of 0 or more has the order of its bits: one number sorts by item, then by score
        pairs = (item.view(np.uint32).astype(np.uint64) << HALF) | score.view(np.uint32)
        pairs.sort(axis=1)
        of_item = pairs >> HALF
        again = of_item == LOW
        again[:, 1:] |= of_item[:, 1:] == of_item[:, :-1]
        ranked = (~pairs << HALF) | of_item
        ranked[again] = NONE
        ranked.sort(axis=1)
        best = ranked[:, :k]
        none = best == NONE
        found.item[part] = np.where(none, LOW, best & LOW).astype(np.uint32).view(np.int32)
        found.score[part] = np.where(none, 0, ~best >> HALF).astype(np.uint32).view(np.float32)
