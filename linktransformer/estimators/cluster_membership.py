"""Rows held against clusters that stand: which one a row joins, each row by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.estimators.one_more_record import Judged, Newcomers, judged
from linktransformer.estimators.reference import Asked, Reference
from linktransformer.estimators.table_job import TableJob
from linktransformer.estimators.written_rows import written_of
from linktransformer.search.blocking import Nodes
from linktransformer.tables import key_columns
from linktransformer.tables.frames import Table

__all__ = ["Clustered", "Entries", "entries", "first_allowed", "linkage", "near_rows"]

AT_ONCE = 250  # rows: it changes the memory, not the result
REDUCE = {"average": np.add, "hdbscan": np.add, "complete": np.minimum, "single": np.maximum}


@dataclass(frozen=True, eq=False)
class Clustered:
    """A table whose rows are in clusters.

    Args:
        known: The table.
        cluster: The id of each row's cluster, (n_rows,) int64; -1 for a row that is in none yet.
        next_id: The first id that was never used.
        method: How a row is held against a cluster: as its rows were held against each other.
        threshold: The match probability that a row needs to join.
        job: The job of the table, None where it had no row with a key.
        one_per: A column of whose values a cluster has one row each at most; None for none.
        cannot_link: Pairs of rows that must stay apart, (n_pairs, 2) int64.
        kept_apart: Pairs of ids that `fit` left apart though they are near, (n_pairs, 2) int64.
        details: How they were found.
    """

    known: Reference
    cluster: Integers
    next_id: int
    method: str
    threshold: float
    job: TableJob | None = None
    one_per: str | None = None
    cannot_link: Integers = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    kept_apart: Integers = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    details: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def members(self) -> tuple[Integers, Integers]:
        """Each different text of each cluster: the cluster and the node, sorted, (n_members,) int64 each."""
        node = self.known.nodes.node_of_row
        rows = np.flatnonzero((node >= 0) & (self.cluster >= 0))
        pairs = np.unique(np.stack([self.cluster[rows], node[rows]], axis=1), axis=0)
        return pairs[:, 0], pairs[:, 1]

    @cached_property
    def sizes(self) -> Integers:
        """How many different texts each cluster has, (next_id,) int64."""
        return np.bincount(self.members[0], minlength=self.next_id)

    @cached_property
    def by_node(self) -> tuple[Integers, Integers]:
        """The clusters of each node: sorted by node, and where each one's start, (n_nodes + 1,)."""
        cluster, node = self.members
        order = np.lexsort((cluster, node))
        return cluster[order], np.searchsorted(node[order], np.arange(len(self.known.nodes) + 1))

    @cached_property
    def node_of(self) -> dict[tuple[str, int], int]:
        """The node of each text in each block."""
        texts = self.known.records.texts[self.known.nodes.text].tolist()
        blocks = self.known.nodes.block.tolist()
        return dict(zip(zip(texts, blocks, strict=True), range(len(texts)), strict=True))

    @property
    def needed(self) -> np.float32:
        """The threshold as probabilities are compared with it."""
        return np.float32(self.threshold)

    def values(self, table: Table) -> tuple[Integers | None, Integers]:
        """The value of each row of which a cluster has one, and those taken, as cluster and value.

        Args:
            table: The rows.

        Returns:
            (n_rows,) int64, -1 for none, None without such a column; and (n_taken, 2) int64.
        """
        if self.one_per is None:
            return None, np.empty((0, 2), dtype=np.int64)
        names = [self.one_per]
        mine, theirs = key_columns.codes(table, self.known.table, names, names)
        has = np.flatnonzero((theirs >= 0) & (self.cluster >= 0))
        return mine, np.unique(np.stack([self.cluster[has], theirs[has]], axis=1), axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Clusters that a node may join, sorted by node, falling score, id.

    Args:
        node: Asked node, (n,) int64.
        cluster: The id, (n,) int64.
        score: The probability, (n,) float32; 1 where the cluster has the same text.
    """

    node: Integers
    cluster: Integers
    score: Floats


def near_rows(of: Clustered, asked: Asked, k: int) -> tuple[Judged | None, Integers]:
    """The records of the table that are near to asked ones.

    Args:
        of: The clusters.
        asked: Rows.
        k: Neighbours in each view.

    Returns:
        Pairs with probabilities, None where there is nothing to compare; and the record of the table with the
        very text of each asked node, -1 for none, (n_asked,) int64.
    """
    known, n = of.known, len(asked.nodes)
    texts = asked.records.texts[asked.nodes.text]
    named = zip(texts.tolist(), asked.nodes.block.tolist(), strict=True)
    itself = np.array([of.node_of.get(name, -1) for name in named], dtype=np.int64)
    if of.job is None:
        return None, itself
    on = known.keys.queries, known.keys.reference
    written = written_of(asked.table, 0, on, known.reading, asked.records, asked.nodes)
    parts = []
    for start in range(0, n, AT_ONCE):
        some = np.arange(start, min(start + AT_ONCE, n))
        nodes = Nodes(asked.nodes.text[some], asked.nodes.block[some], np.arange(len(some)))
        everything = np.full(len(some), len(known.nodes), dtype=np.int64)
        none = np.zeros(len(some), dtype=bool)
        newcomers = Newcomers(
            nodes, texts[some], asked.matrices, written, some, itself[some], everything, none
        )
        part = judged(known, of.job, newcomers, k)
        parts.append((some[part.left], part.right, part.probability))
    if not parts:
        return None, itself
    left, right, probability = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Judged(left, right, probability, of.job.near), itself


def linkage(method: str, probability: Floats, starts: Integers, size: Integers) -> Floats:
    """How probably records belong to clusters, as `agglomerate` has it of two clusters.

    Args:
        method: Linkage: "average" or "hdbscan" (mean match probability), "complete" (lowest) or "single"
            (highest).
        probability: Of pairs of a record and one of a cluster, those of one cluster together, (n_pairs,)
            float32. Other records of the cluster count as 0.
        starts: Where those of each cluster start, (n,) int64.
        size: How many records each cluster has, (n,) int64.

    Returns:
        (n,) float32.
    """
    reduce = REDUCE[method]
    value = reduce.reduceat(probability.astype(np.float64), starts)
    if reduce is np.add:
        value = value / size
    elif reduce is np.minimum:
        value = np.where(np.diff(np.append(starts, len(probability))) == size, value, 0)
    return np.asarray(value, dtype=np.float32)


def entries(of: Clustered, asked: Asked, k: int) -> Entries:
    """The clusters that have a near row, and how probably each asked node belongs to them.

    A cluster that has the very text comes first.

    Args:
        of: The clusters.
        asked: Rows.
        k: Neighbours in each view.

    Returns:
        The clusters.
    """
    found, itself = near_rows(of, asked, k)
    width = max(of.next_id, 1)
    has = np.flatnonzero(itself >= 0)
    node, cluster = _clusters_of(of, itself[has])
    code = np.unique(has[node] * width + cluster)
    score = np.ones(len(code), dtype=np.float32)
    if found is not None and len(found.left):
        pair, cluster = _clusters_of(of, found.right)
        each = found.left[pair] * width + cluster
        other = np.flatnonzero(~np.isin(each, code))
        other = other[np.argsort(each[other], kind="stable")]
        if len(other):
            each, probability = each[other], found.probability[pair[other]]
            starts = np.flatnonzero(np.diff(each, prepend=-1))
            size = of.sizes[each[starts] % width]
            code = np.concatenate([code, each[starts]])
            score = np.concatenate([score, linkage(of.method, probability, starts, size)])
    order = np.lexsort((code % width, -score, code // width))
    return Entries(code[order] // width, code[order] % width, score[order])


def first_allowed(of: Clustered, asked: Asked, found: Entries) -> tuple[Integers, Floats]:
    """The cluster of each asked row, and the score of the best one that it may join.

    Args:
        of: The clusters.
        asked: Rows.
        found: From `entries`.

    Returns:
        Ids, -1 where none is as probable as the threshold, and scores, NaN where none is near, (n_rows,)
        each.
    """
    starts = np.searchsorted(found.node, np.arange(len(asked.nodes) + 1))
    rows = np.flatnonzero(asked.nodes.node_of_row >= 0)
    node = asked.nodes.node_of_row[rows]
    size = starts[node + 1] - starts[node]
    row = np.repeat(rows, size)
    total = np.append(0, np.cumsum(size))
    place = np.arange(total[-1]) - np.repeat(total[:-1] - starts[node], size)
    value, taken = of.values(asked.table)
    if value is not None:
        width = max(1, int(max(value.max(initial=-1), taken[:, 1].max(initial=-1))) + 1)
        used = np.isin(found.cluster[place] * width + value[row], taken[:, 0] * width + taken[:, 1])
        free = (value[row] < 0) | ~used
        row, place = row[free], place[free]
    first = np.flatnonzero(np.diff(row, prepend=-1))
    score = np.full(asked.table.n_rows, np.nan, dtype=np.float32)
    cluster = np.full(asked.table.n_rows, -1, dtype=np.int64)
    score[row[first]] = found.score[place[first]]
    cluster[row[first]] = found.cluster[place[first]]
    cluster[~(np.nan_to_num(score, nan=-np.inf) >= of.needed)] = -1
    return cluster, score


def _clusters_of(of: Clustered, node: Integers) -> tuple[Integers, Integers]:
    """The clusters of nodes of the table: places in `node`, and a cluster for each."""
    cluster, starts = of.by_node
    size = starts[node + 1] - starts[node]
    total = np.append(0, np.cumsum(size))
    which = np.arange(total[-1]) - np.repeat(total[:-1] - starts[node], size)
    return np.repeat(np.arange(len(node)), size), cluster[which]
