"""The nearest sparse rows in linear time: only rows in one leaf of a random tree are multiplied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.progress import stage
from linktransformer.search.groups import places_of, starts_of
from linktransformer.search.lexical import sparse_top_k
from linktransformer.search.matrices import Report, Sparse

__all__ = ["EXACT_UP_TO", "top_k"]

EXACT_UP_TO = 2e9  # pairs: up to there all are multiplied
LEAF = 256  # rows that are multiplied with each other
LEVELS = 8  # how often rows that are still too many are divided
PER_LEAF = 24  # neighbours, or half of k, that are taken from one leaf: the others come from other trees
TREES = 40  # the most
LOOK = 2  # trees between two looks at the recall
RECALL = 0.95  # of the k nearest neighbours of a sample
SAMPLE = 500  # queries on which that is measured
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

    @classmethod
    def of_none(cls, n: int, k: int) -> _Nearest:
        """No items yet."""
        return cls(np.full((n, k), -1, dtype=np.int32), np.zeros((n, k), dtype=np.float32))


def top_k(queries: Sparse, items: Sparse, k: int) -> tuple[Integers, Integers, Floats, Report]:
    """Find the k rows with the largest positive inner product for each query, nearly all, in linear time.

    An LSH forest (M. Bawa, T. Condie and P. Ganesan, LSH forest: self-tuning indexes for similarity search,
    2005): a tree divides the rows by an n-gram drawn from each, again and again until few enough are
    together, and those are multiplied with each other. Rows draw by their weights and with common random
    numbers, so that two draw the same n-gram the more often the more they have in common
    (R. Moulton and Y. Jiang, Maximally consistent sampling and the Jaccard index of probability
    distributions, 2018). Trees are added until a sample of the queries finds 95 % of its neighbours.

    Takes unit rows (n, d) and (m, d) float32, the same object for a table against itself. Returns pairs and
    scores as `lexical.sparse_top_k`, and how they were searched, with trees and recall.
    """
    n = queries.shape[0]
    draw = np.random.default_rng(0)
    sample = _sample(queries, draw)
    true_query, _, true_score = sparse_top_k(queries[sample], items, k)
    # the score of each query's last neighbour; one as near in its place counts too
    least = np.full(len(sample), np.inf, dtype=np.float32)
    np.minimum.at(least, true_query, true_score - np.float32(1e-6))
    rows = queries if queries is items else sp.vstack([queries, items], format="csr")
    number = np.flatnonzero(np.diff(rows.indptr))  # rows that have any n-gram
    rows = rows if len(number) == rows.shape[0] else rows[number]
    forest = _Forest(rows, number, n, queries is items, min(k, max(PER_LEAF, k // 2)))
    nearest = _Nearest.of_none(n, k)
    recall, n_trees, n_done, rest = 1.0, 0, 0, n - len(sample)
    with stage("search", n) as tick:  # the rows of the sample are counted where they are searched
        for leaf in _trees(rows, draw):
            n_trees += 1
            _keep_best(nearest, forest.within(leaf))
            tick(rest * n_trees // TREES - n_done)
            n_done = rest * n_trees // TREES
            if n_trees % LOOK == 0:
                near = nearest.score[sample] >= least[:, None]
                recall = float(min(1.0, near.sum() / max(1, len(true_query))))
                if recall >= RECALL:
                    break
        tick(rest - n_done)
    report: Report = {"index": "LSH forest", "trees": n_trees, "recall": round(recall, 4)}
    query, place = np.nonzero(nearest.item >= 0)
    return query, nearest.item[query, place].astype(np.int64), nearest.score[query, place], report


def _sample(rows: Sparse, draw: np.random.Generator) -> Integers:
    """Some rows at random, the same ones in any order of rows."""
    value = (rows @ draw.random(rows.shape[1])).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.sort(np.argsort(value, kind="stable")[:SAMPLE])


def _trees(rows: Sparse, draw: np.random.Generator) -> Iterator[Integers]:
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
                part = crowded[start : start + PIECE]
                key[part] = _drawn(rows[part], time) + 1
            _, branch = np.unique(branch * (rows.shape[1] + 1) + key, return_inverse=True)
            size = np.bincount(branch)
            crowded = np.flatnonzero(size[branch] > LEAF)
            if not len(crowded):
                break
        yield _leaves(branch, size, draw)


def _drawn(rows: Sparse, time: Floats) -> Integers:
    """The n-gram that comes first in each row, where an n-gram of weight w takes the time / w."""
    arrives = time[rows.indices] / rows.data
    first = np.minimum.reduceat(arrives, rows.indptr[:-1])
    hit = np.flatnonzero(arrives == np.repeat(first, np.diff(rows.indptr)))
    row = np.searchsorted(rows.indptr, hit, side="right") - 1
    once = np.append(True, row[1:] != row[:-1])
    return np.asarray(rows.indices[hit[once]], dtype=np.int64)


def _leaves(branch: Integers, size: Integers, draw: np.random.Generator) -> Integers:
    """Pack branches that lie side by side into leaves; one that could not be divided is split at random."""
    start = (np.cumsum(size) - size)[branch]
    large = np.flatnonzero(size[branch] > 2 * LEAF)
    if len(large):
        order = large[np.lexsort((draw.random(len(large)), branch[large]))]
        start[order] += places_of(branch[order])
    return start // LEAF


@dataclass(frozen=True, slots=True, eq=False)
class _Forest:
    """Rows that trees divide: all queries, then all items, or one table.

    Args:
        rows: Those that have any n-gram.
        number: Their numbers among all queries and items, rising.
        n_queries: How many queries there are.
        same: Queries and items are one table.
        k: Neighbours that are taken from one leaf.
    """

    rows: Sparse
    number: Integers
    n_queries: int
    same: bool
    k: int

    def within(self, leaf: Integers) -> _Nearest:
        """The nearest items of each query within its leaf; `leaf` is that of each row."""
        from sparse_dot_topn import sp_matmul_topn

        nearest = _Nearest.of_none(self.n_queries, self.k)
        order = np.argsort(leaf, kind="stable")  # queries first, then items, in each leaf
        number = self.number[order]
        starts = np.append(starts_of(leaf[order]), len(order)).tolist()
        sorted_rows, first, last = self.rows[:0], 0, 0
        for start, stop in pairwise(starts):
            if stop > last:
                first, last = start, max(stop, min(start + PIECE, len(order)))
                sorted_rows = self.rows[order[first:last]]
            middle = stop if self.same else start + int(np.searchsorted(number[start:stop], self.n_queries))
            begin = start if self.same else middle
            if middle == start or begin == stop:
                continue
            product = sp_matmul_topn(
                sorted_rows[start - first : middle - first],
                sorted_rows[begin - first : stop - first].T.tocsr(),
                top_n=min(self.k, stop - begin),
                threshold=0.0,
                n_threads=1,  # waking others takes longer than the product of a leaf
            )
            n_items = np.diff(product.indptr)
            query = np.repeat(number[start:middle], n_items)
            place = np.arange(product.nnz) - np.repeat(product.indptr[:-1], n_items)
            item = number[begin:stop][product.indices] - (0 if self.same else self.n_queries)
            nearest.item[query, place], nearest.score[query, place] = item, product.data
        return nearest


def _keep_best(nearest: _Nearest, new: _Nearest) -> None:
    """Put new neighbours among those of before, in `nearest` itself; the lower one of equals goes first."""
    k = nearest.item.shape[1]
    for start in range(0, len(nearest.item), ROWS):
        part = slice(start, start + ROWS)
        item = np.concatenate([nearest.item[part], new.item[part]], axis=1)
        score = np.concatenate([nearest.score[part], new.score[part]], axis=1)
        # a score of 0 or more has the order of its bits: one number sorts by item, then by score
        pairs = (item.view(np.uint32).astype(np.uint64) << HALF) | score.view(np.uint32)
        pairs.sort(axis=1)
        item_bits = pairs >> HALF
        repeated = item_bits == LOW
        repeated[:, 1:] |= item_bits[:, 1:] == item_bits[:, :-1]
        ranked = (~pairs << HALF) | item_bits
        ranked[repeated] = NONE
        ranked.sort(axis=1)
        best = ranked[:, :k]
        none = best == NONE
        nearest.item[part] = np.where(none, LOW, best & LOW).astype(np.uint32).view(np.int32)
        nearest.score[part] = np.where(none, 0, ~best >> HALF).astype(np.uint32).view(np.float32)
