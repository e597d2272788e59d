"""Rows held against clusters that stand: which one a row joins, each row by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import asking, blocking, fuse, keys
from linktransformer.agreement import Agreement
from linktransformer.reference import Asked, Reference

__all__ = ["Clustered", "Entries", "entries", "first_allowed", "linkages", "near_pairs", "pair_score"]

REDUCE = {"average": np.add, "hdbscan": np.add, "complete": np.minimum, "single": np.maximum}

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Clustered:
    """A reference whose rows are in clusters.

    Args:
        known: The table.
        cluster: The id of each row's cluster, (n_rows,) int64; -1 for a row that is in none yet.
        next_id: The first id that was never used.
        method: How a row is held against a cluster: as its rows were held against each other.
        threshold: The score that a row needs to join.
        one_per: A column of whose values a cluster has one row each at most; None for none.
        evidence: What the agreement of each column is worth; None with one column.
        cannot_link: Pairs of rows that must stay apart, (n_pairs, 2) int64.
        kept_apart: Pairs of ids that `fit` left apart though they are near, (n_pairs, 2) int64.
        details: How they were found.
    """

    known: Reference
    cluster: Integers
    next_id: int
    method: str
    threshold: float
    one_per: str | None = None
    evidence: Agreement | None = None
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
        """The threshold as scores are compared with it."""
        return np.float32(self.threshold)

    def values(self, asked: Asked) -> tuple[Integers | None, Integers]:
        """The value of each asked row of which a cluster has one, and those taken, as cluster and value."""
        if self.one_per is None:
            return None, np.empty((0, 2), dtype=np.int64)
        names = [self.one_per]
        mine, theirs = keys.codes(asked.table, self.known.table, names, names)
        has = np.flatnonzero((theirs >= 0) & (self.cluster >= 0))
        return mine, np.unique(np.stack([self.cluster[has], theirs[has]], axis=1), axis=0)


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Clusters that a node may join, sorted by node, falling score, id.

    Args:
        node: Asked node, (n,) int64.
        cluster: The id, (n,) int64.
        score: How similar, (n,) float32; 1 where the cluster has the same text.
    """

    node: Integers
    cluster: Integers
    score: Floats


def pair_score(of: Clustered, asked: Asked, left: Integers, right: Integers) -> Floats:
    """Score pairs as `fit` scored them: by the views, and by the agreement of each column.

    Args:
        of: The clusters.
        asked: Rows.
        left: Asked node of each pair, (n_pairs,) int64.
        right: Node of the reference.

    Returns:
        (n_pairs,) float32, 1 for equal texts alone.
    """
    return with_evidence(of, asked, asking.score_of(of.known, asked, left, right)).score


def with_evidence(of: Clustered, asked: Asked, fused: fuse.Fused) -> fuse.Fused:
    """Take the mean of score and probability, where columns are compared one by one.

    Args:
        of: The clusters.
        asked: Rows.
        fused: Pairs, scored by the views alone.

    Returns:
        The same pairs.
    """
    if of.evidence is None or not len(fused.candidates):
        return fused
    found = fused.candidates
    left, right = blocking.first_rows(asked.nodes)[found.left], of.known.first_rows[found.right]
    graded = np.stack(
        [
            column.levels(mine, left, right)
            for column, mine in zip(of.known.columns, asked.columns, strict=True)
        ],
        axis=1,
    )
    probability = of.evidence.probability_of(graded).astype(np.float32)
    mean = ((fused.score + probability) / 2).astype(np.float32)
    score = np.where(fused.score >= 1, np.float32(1), np.minimum(mean, fuse.BELOW_ONE))
    return replace(fused, score=score.astype(np.float32))


def near_pairs(of: Clustered, asked: Asked, k: int) -> fuse.Fused:
    """The k nearest nodes of the reference in each view, scored.

    Args:
        of: The clusters.
        asked: Rows.
        k: Neighbours in each view.

    Returns:
        Pairs of an asked node and one of the reference, sorted.
    """
    return with_evidence(of, asked, asking.scored(of.known, asked, k))


def linkages(of: Clustered, asked: Asked, node: Integers, starts: Integers, members: Integers) -> Floats:
    """How similar asked nodes are to clusters: the mean, the lowest or the highest score of all members.

    Args:
        of: The clusters.
        asked: Rows.
        node: Asked node of each pair of node and cluster, (n_pairs,) int64.
        starts: Where the members of each pair's cluster start, (n_pairs + 1,) int64, at least one each.
        members: Their nodes of the reference.

    Returns:
        (n_pairs,) float32.
    """
    if not len(node):
        return np.empty(0, dtype=np.float32)
    size = np.diff(starts)
    score = pair_score(of, asked, np.repeat(node, size), members).astype(np.float64)
    found = REDUCE[of.method].reduceat(score, starts[:-1])
    return np.asarray(found / (size if REDUCE[of.method] is np.add else 1), dtype=np.float32)


def entries(of: Clustered, asked: Asked, k: int) -> Entries:
    """The clusters that have a near row, and how similar they are to each asked node.

    Looked at are the clusters of all neighbours at or above the threshold, and of the nearest one. A cluster
    that has the very text comes first.

    Args:
        of: The clusters.
        asked: Rows.
        k: Neighbours in each view.

    Returns:
        The clusters.
    """
    fused = near_pairs(of, asked, k)
    found, score = fused.candidates, fused.score
    best = np.full(len(asked.nodes), -np.inf, dtype=np.float32)
    np.maximum.at(best, found.left, score)
    use = np.flatnonzero((score >= of.needed) | (score >= best[found.left]))
    node, cluster = _clusters_of(of, found.left[use], found.right[use])
    texts = asked.records.texts[asked.nodes.text].tolist()
    here = np.array(
        [of.node_of.get(key, -1) for key in zip(texts, asked.nodes.block.tolist(), strict=True)],
        dtype=np.int64,
    )
    has = np.flatnonzero(here >= 0)
    same, its = _clusters_of(of, has, here[has])
    width = max(of.next_id, 1)
    sure = np.unique(same * width + its)
    others = np.setdiff1d(np.unique(node * width + cluster), sure)
    owner, member = of.members
    first, last = (np.searchsorted(owner, others % width, side) for side in ("left", "right"))
    starts = np.append(0, np.cumsum(last - first))
    which = np.arange(starts[-1]) - np.repeat(starts[:-1] - first, last - first)
    value = linkages(of, asked, others // width, starts, member[which])
    code = np.concatenate([sure, others])
    value = np.concatenate([np.ones(len(sure), dtype=np.float32), np.minimum(value, fuse.BELOW_ONE)])
    order = np.lexsort((code % width, -value, code // width))
    return Entries(code[order] // width, code[order] % width, value[order])


def first_allowed(of: Clustered, asked: Asked, found: Entries) -> tuple[Integers, Floats]:
    """The cluster of each asked row, and the score of the best one that it may join.

    Args:
        of: The clusters.
        asked: Rows.
        found: From `entries`.

    Returns:
        Ids, -1 where none is as near as the threshold, and scores, NaN where none is near, (n_rows,) each.
    """
    starts = np.searchsorted(found.node, np.arange(len(asked.nodes) + 1))
    rows = np.flatnonzero(asked.nodes.node_of_row >= 0)
    node = asked.nodes.node_of_row[rows]
    size = starts[node + 1] - starts[node]
    row = np.repeat(rows, size)
    total = np.append(0, np.cumsum(size))
    place = np.arange(total[-1]) - np.repeat(total[:-1] - starts[node], size)
    value, taken = of.values(asked)
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


def _clusters_of(of: Clustered, node: Integers, known: Integers) -> tuple[Integers, Integers]:
    """The clusters of nodes of the reference, each beside the asked node that it stands for."""
    cluster, starts = of.by_node
    size = starts[known + 1] - starts[known]
    total = np.append(0, np.cumsum(size))
    which = np.arange(total[-1]) - np.repeat(total[:-1] - starts[known], size)
    return np.repeat(node, size), cluster[which]
