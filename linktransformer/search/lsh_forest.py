"""The nearest sparse rows in linear time: only rows in one leaf of a random tree are multiplied."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.parallel import chunks, cores, mapped
from linktransformer.progress import stage
from linktransformer.search.groups import places_of, starts_of
from linktransformer.search.lexical import sparse_top_k
from linktransformer.search.matrices import Report, Sparse
from linktransformer.search.nearest_lists import Nearest, keep_best

__all__ = ["EXACT_UP_TO", "both_ways", "top_k"]

Result = tuple[Integers, Integers, Floats, Report]

EXACT_UP_TO = 2e9  # pairs: up to there all are multiplied
LEAF = 256  # rows that are multiplied with each other
LEVELS = 8  # how often rows that are still too many are divided
PER_LEAF = 24  # neighbours, or half of k, that are taken from one leaf: the others come from other trees
TREES = 40  # the most
LOOK = 2  # trees between two looks at the recall
RECALL = 0.95  # of the k nearest neighbours of a sample
SAMPLE = 500  # queries on which that is measured
PART = 2048  # rows that draw at a time: their n-grams stay in the cache
BATCH = 32  # leaves that are multiplied in one call
MOST_COLUMNS = 2**21  # of such a product: an n-gram has one in each leaf

LOW = np.uint64(2**32 - 1)
HALF = np.uint64(32)


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
    return _searched(queries, items, k, 1)[0]


def both_ways(left: Sparse, right: Sparse, k: int) -> tuple[Result, Result]:
    """`top_k` of the left rows among the right ones, and of the right rows among the left ones.

    Both searches divide the rows in the same way, so that each tree is grown once.
    """
    forward, backward = _searched(left, right, k, 2)
    return forward, backward


def _searched(left: Sparse, right: Sparse, k: int, n_ways: int) -> list[Result]:
    same = left is right
    n, total = left.shape[0], left.shape[0] + (0 if same else right.shape[0])
    draw = np.random.default_rng(0)
    weights = draw.random(left.shape[1])
    rows = left if same else sp.vstack([left, right], format="csr")
    filled = np.flatnonzero(np.diff(rows.indptr))  # rows that have any n-gram
    rows = rows if len(filled) == rows.shape[0] else rows[filled]
    take = min(k, max(PER_LEAF, k // 2))
    middle = len(filled) if same else int(np.searchsorted(filled, n))
    ways = [_Way(np.arange(len(filled)), filled, n, same, take)]
    if n_ways == 2:
        turned = np.concatenate([np.arange(middle, len(filled)), np.arange(middle)])
        number = np.concatenate([filled[middle:] - n, filled[:middle] + (total - n)])
        ways.append(_Way(turned, number, total - n, same, take))
    column = _shared_columns(rows, middle, same=same)
    searches = [
        _Search.begin(way, *sides, k, weights)
        for way, sides in zip(ways, ((left, right), (right, left)), strict=False)
    ]
    rest = n_ways * n if n_ways == 1 else total
    rest, n_done = rest - sum(len(search.sample) for search in searches), 0
    with stage("search", n if n_ways == 1 else total) as tick:  # samples are counted where they are searched
        for n_trees, (branch, size, random) in enumerate(_trees(rows, draw), 1):
            for search in searches:
                if not search.done:
                    leaf = _leaves(branch[search.way.row], size, random)
                    search.add(search.way.within(rows, column, leaf))
            tick(rest * n_trees // TREES - n_done)
            n_done = rest * n_trees // TREES
            if all(search.done for search in searches):
                break
        tick(rest - n_done)
    return [search.result() for search in searches]


def _sample(rows: Sparse, weights: Doubles) -> Integers:
    """Some rows at random, the same ones in any order of rows."""
    value = (rows @ weights).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.sort(np.argsort(value, kind="stable")[:SAMPLE])


def _shared_columns(rows: Sparse, middle: int, *, same: bool) -> tuple[NDArray[np.int32], int]:
    """The number of each column among those that both tables have, -1 for others; and how many there are."""
    if same:
        return np.arange(rows.shape[1], dtype=np.int32), rows.shape[1]
    border = rows.indptr[middle]
    in_both = np.ones(rows.shape[1], dtype=bool)
    for side in (rows.indices[:border], rows.indices[border:]):
        present = np.zeros(rows.shape[1], dtype=bool)
        present[side] = True
        in_both &= present
    number = np.where(in_both, np.cumsum(in_both) - 1, -1).astype(np.int32)
    return number, int(in_both.sum())


def _trees(rows: Sparse, draw: np.random.Generator) -> Iterator[tuple[Integers, Integers, Doubles]]:
    """Each tree: the branch of each row, (n,) int64, the rows of each, and random numbers for `_leaves`."""
    n = rows.shape[0]
    for _ in range(TREES if n else 0):
        branch = np.zeros(n, dtype=np.int64)
        crowded = np.arange(n)
        size = np.array([n])
        for _ in range(LEVELS):
            time = draw.exponential(size=rows.shape[1]).astype(np.float32)
            key = _keys(rows, crowded, time)
            _, branch = np.unique(branch * (rows.shape[1] + 1) + key, return_inverse=True)
            size = np.bincount(branch)
            crowded = np.flatnonzero(size[branch] > LEAF)
            if not len(crowded):
                break
        yield branch, size, draw.random(int(size[size > 2 * LEAF].sum()))


def _keys(rows: Sparse, crowded: Integers, time: Floats) -> Integers:
    """The number, from 1, of the n-gram that each crowded row draws, and 0 for the others."""
    key = np.zeros(rows.shape[0], dtype=np.int64)

    def draw(part: slice) -> None:
        some = part if len(crowded) == len(key) else crowded[part]
        key[some] = _drawn(rows[some], time) + 1

    deque(mapped(draw, chunks(len(crowded), PART)), maxlen=0)
    return key


def _drawn(rows: Sparse, time: Floats) -> Integers:
    """The n-gram that comes first in each row, where an n-gram of weight w takes the time / w."""
    arrives = time[rows.indices] / rows.data
    # a time of 0 or more has the order of its bits: above the place, the least is the first of the least
    packed = arrives.view(np.uint32).astype(np.uint64) << HALF
    packed |= np.arange(len(arrives), dtype=np.uint64)
    place = np.minimum.reduceat(packed, rows.indptr[:-1]) & LOW
    return np.asarray(rows.indices[place], dtype=np.int64)


def _leaves(branch: Integers, size: Integers, random: Doubles) -> Integers:
    """Pack branches that lie side by side into leaves; one that could not be divided is split at random."""
    start = (np.cumsum(size) - size)[branch]
    large = np.flatnonzero(size[branch] > 2 * LEAF)
    if len(large):
        order = large[np.lexsort((random, branch[large]))]
        start[order] += places_of(branch[order])
    return start // LEAF


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """One direction of a search among rows that trees divide: all queries, then all items, or one table.

    Args:
        row: The row at each place, queries first, (n,) int64.
        number: Its number among all queries and items, rising.
        n_queries: How many queries there are.
        same: Queries and items are one table.
        k: Neighbours that are taken from one leaf.
    """

    row: Integers
    number: Integers
    n_queries: int
    same: bool
    k: int

    def within(self, rows: Sparse, column: tuple[NDArray[np.int32], int], leaf: Integers) -> Nearest:
        """The nearest items of each query within its leaf; `leaf` is that of each place."""
        from sparse_dot_topn import sp_matmul_topn

        nearest = Nearest.of_none(self.n_queries, self.k)
        order = np.argsort(leaf, kind="stable")  # queries first, then items, in each leaf
        starts = starts_of(leaf[order])
        at_once = LEAF * max(1, min(BATCH, MOST_COLUMNS // (column[1] + 2)))
        first = starts[np.flatnonzero(np.diff(starts // at_once, prepend=-1))]
        batches = [order[a:b] for a, b in pairwise([*first.tolist(), len(order)])]

        def prepared(places: Integers) -> tuple[Integers, Integers, Sparse, Sparse]:
            """The queries and the items of some leaves; an n-gram has columns of its own in each leaf."""
            number, of_leaf = self.number[places], leaf[places] - leaf[places[0]]
            query = slice(None) if self.same else number < self.n_queries
            item = slice(None) if self.same else number >= self.n_queries
            n_leaves = int(of_leaf[-1]) + 1
            sides = [
                _apart(rows[self.row[places[side]]], of_leaf[side], n_leaves, column, alone)
                for side, alone in ((query, 0), (item, 1))
            ]
            first_item = 0 if self.same else self.n_queries
            return number[query], number[item] - first_item, sides[0], sides[1].T.tocsr()

        for query_number, item_number, queries, postings in mapped(prepared, batches):
            if not len(query_number) or not len(item_number):
                continue
            product = sp_matmul_topn(
                queries, postings, top_n=min(self.k, len(item_number)), threshold=0.0, n_threads=cores()
            )
            n_items = np.diff(product.indptr)
            query = np.repeat(query_number, n_items)
            place = np.arange(product.nnz) - np.repeat(product.indptr[:-1], n_items)
            nearest.item[query, place] = item_number[product.indices]
            nearest.score[query, place] = product.data
        return nearest


def _apart(
    rows: Sparse, leaf: Integers, n_leaves: int, column: tuple[NDArray[np.int32], int], alone: int
) -> Sparse:
    """Rows whose n-grams have other columns in each leaf, so that only rows of one leaf have any in common.

    `alone` is the column, after the shared ones, of those that only one table has.
    """
    number, n_shared = column
    width = n_shared + 2
    indices = number[rows.indices]
    indices[indices < 0] = n_shared + alone
    indices += np.repeat((leaf * width).astype(np.int32), np.diff(rows.indptr))
    return sp.csr_matrix((rows.data, indices, rows.indptr), shape=(rows.shape[0], n_leaves * width))


class _Search:
    """The search in one direction, tree by tree."""

    def __init__(self, way: _Way, sample: Integers, least: Floats, n_true: int, k: int) -> None:
        self.way, self.sample, self._least, self._n_true = way, sample, least, n_true
        self._nearest, self._n_trees, self._recall = Nearest.of_none(way.n_queries, k), 0, 1.0
        self.done = False

    @classmethod
    def begin(cls, way: _Way, queries: Sparse, items: Sparse, k: int, weights: Doubles) -> _Search:
        """Search a sample of the queries among all items."""
        sample = _sample(queries, weights)
        true_query, _, true_score = sparse_top_k(queries[sample], items, k)
        # the score of each query's last neighbour; one as near in its place counts too
        least = np.full(len(sample), np.inf, dtype=np.float32)
        np.minimum.at(least, true_query, true_score - np.float32(1e-6))
        return cls(way, sample, least, len(true_query), k)

    def add(self, new: Nearest) -> None:
        """Add what one more tree found, and look at the recall now and then."""
        keep_best(self._nearest, new)
        self._n_trees += 1
        if self._n_trees % LOOK == 0:
            near = self._nearest.score[self.sample] >= self._least[:, None]
            self._recall = float(min(1.0, near.sum() / max(1, self._n_true)))
            self.done = self._recall >= RECALL

    def result(self) -> Result:
        """Pairs, scores and how they were searched."""
        report: Report = {
            "index": "LSH forest",
            "trees": self._n_trees,
            "recall": round(self._recall, 4),
        }
        item, score = self._nearest.item, self._nearest.score
        query, place = np.nonzero(item >= 0)
        return query, item[query, place].astype(np.int64), score[query, place], report
