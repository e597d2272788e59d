"""A table whose rows are in clusters, and which of its clusters would be one by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.model import sigmoid
from linktransformer.estimators.known_pairs import TablePairs
from linktransformer.estimators.pair_scoring import JobModel
from linktransformer.estimators.reference import Reference
from linktransformer.linking.reader_scale import Scale
from linktransformer.search.groups import ragged
from linktransformer.tables import frames, key_columns
from linktransformer.tables.frames import Table

__all__ = ["ClusteredTable", "TableJob", "linkage", "mergeable", "some_rows"]

NO_PAIRS = np.empty((0, 2), dtype=np.int64)
REDUCE = {"average": np.add, "hdbscan": np.add, "complete": np.minimum, "single": np.maximum}


@dataclass(frozen=True, slots=True, eq=False)
class TableJob:
    """The job of a table with itself: what scores pairs, its candidate pairs, and the scale of a reader."""

    model: JobModel
    pairs: TablePairs
    scale: Scale | None = None


@dataclass(frozen=True, eq=False)
class ClusteredTable:
    """A table whose rows are in clusters.

    Args:
        reference: The table.
        cluster: The id of each row's cluster, (n_rows,) int64; -1 for a row that is in none yet.
        next_id: The first id that was never used.
        method: The linkage of a row and a cluster.
        job: The job of the table, None where it had no row with a key.
        one_per: A column: a cluster has one row at most of each of its values; None for none.
        cannot_link: Pairs of rows that must stay apart, (n_pairs, 2) int64.
        kept_apart: Pairs of ids that `fit` left apart though they are near, (n_pairs, 2) int64.
        details: For the report.
    """

    reference: Reference
    cluster: Integers
    next_id: int
    method: str
    job: TableJob | None = None
    one_per: str | None = None
    cannot_link: Integers = field(default_factory=NO_PAIRS.copy)
    kept_apart: Integers = field(default_factory=NO_PAIRS.copy)
    details: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def members(self) -> tuple[Integers, Integers]:
        """Each node of each cluster: cluster and node, sorted, (n_members,) int64 each."""
        node = self.reference.nodes.node_of_row
        rows = np.flatnonzero((node >= 0) & (self.cluster >= 0))
        pairs = np.unique(np.stack([self.cluster[rows], node[rows]], axis=1), axis=0)
        return pairs[:, 0], pairs[:, 1]

    @cached_property
    def sizes(self) -> Integers:
        """The number of nodes of each cluster, (next_id,) int64."""
        return np.bincount(self.members[0], minlength=self.next_id)

    @cached_property
    def by_node(self) -> tuple[Integers, Integers]:
        """Clusters in order of node, and where those of each node start, (n_nodes + 1,)."""
        cluster, node = self.members
        order = np.lexsort((cluster, node))
        return cluster[order], np.searchsorted(node[order], np.arange(len(self.reference.nodes) + 1))

    def clusters_of(self, node: Integers) -> tuple[Integers, Integers]:
        """The clusters of some nodes: places in `node`, and a cluster for each."""
        cluster, starts = self.by_node
        place, at = ragged(starts[node], starts[node + 1])
        return place, cluster[at]

    @cached_property
    def node_of(self) -> dict[tuple[str, int], int]:
        """The node of each text in each block."""
        nodes = self.reference.nodes
        texts = self.reference.records.texts[nodes.text].tolist()
        return dict(zip(zip(texts, nodes.block.tolist(), strict=True), range(len(nodes)), strict=True))

    @property
    def threshold(self) -> np.float32:
        """The match probability that a row needs to join a cluster, in the precision of probabilities."""
        return np.float32(self.reference.threshold or 0.0)

    def values(self, table: Table) -> tuple[Integers | None, Integers]:
        """The value of `one_per` in rows, and the values that clusters have.

        Returns (n_rows,) int64, -1 for null, None without such a column; and (n, 2) int64: cluster, value.
        """
        if self.one_per is None:
            return None, NO_PAIRS
        names = [self.one_per]
        of_rows, own = key_columns.codes(table, self.reference.table, names, names)
        has = np.flatnonzero((own >= 0) & (self.cluster >= 0))
        return of_rows, np.unique(np.stack([self.cluster[has], own[has]], axis=1), axis=0)


def linkage(method: str, probability: Floats, starts: Integers, size: Integers) -> Floats:
    """The probability that a record belongs to each cluster, as `agglomerate` has it of two clusters.

    It is the mean match probability with all records of the cluster ("average" and "hdbscan"), the lowest
    ("complete") or the highest ("single"). `probability` has those of the pairs of each cluster together,
    from `starts` on; the other records of the cluster, of `size`, count as 0. Returns (n_clusters,) float32.
    """
    reduce = REDUCE[method]
    value = reduce.reduceat(probability.astype(np.float64), starts)
    if reduce is np.add:
        value = value / size
    elif reduce is np.minimum:
        value = np.where(np.diff(np.append(starts, len(probability))) == size, value, 0)
    return np.asarray(value, dtype=np.float32)


def mergeable(clustered: ClusteredTable) -> tuple[Integers, Floats]:
    """Pairs of clusters that are one with a probability of the threshold or more, the most probable first.

    Pairs that `fit` left apart and those that must stay apart are left out. Returns ids, (n, 2) int64, and
    the probability, (n,).
    """
    if clustered.job is None:
        return NO_PAIRS, np.empty(0, dtype=np.float32)
    known = clustered.job.pairs
    cluster, starts = clustered.by_node
    size = np.diff(starts)
    n = size[known.left] * size[known.right]
    pair, place = ragged(np.zeros_like(n), n)
    left, right = known.left[pair], known.right[pair]
    a = cluster[starts[left] + place // size[right]]
    b = cluster[starts[right] + place % size[right]]
    probability = sigmoid(known.raised)[pair]
    apart = a != b
    width = max(1, clustered.next_id)
    code = (np.minimum(a, b) * width + np.maximum(a, b))[apart]
    order = np.argsort(code, kind="stable")
    code, probability = code[order], probability[apart][order]
    first = np.flatnonzero(np.diff(code, prepend=-1))
    if not len(first):
        return NO_PAIRS, np.empty(0, dtype=np.float32)
    pairs = np.stack([code[first] // width, code[first] % width], axis=1)
    score = linkage(clustered.method, probability, first, clustered.sizes[pairs].prod(axis=1))
    near = (score >= clustered.threshold) & ~_kept_apart(clustered, pairs, width)
    pairs, score = pairs[near], score[near]
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -score))
    return pairs[order], score[order]


def _kept_apart(clustered: ClusteredTable, pairs: Integers, width: int) -> Bools:
    """Which pairs of clusters stay apart whatever their probability."""
    rows = np.sort(clustered.cluster[clustered.cannot_link], axis=1).reshape(-1, 2)
    known = np.concatenate([clustered.kept_apart, rows])
    apart = np.isin(pairs[:, 0] * width + pairs[:, 1], known[:, 0] * width + known[:, 1])
    if clustered.one_per is None:
        return apart
    no_rows = frames.take(clustered.reference.table, np.empty(0, dtype=np.int64))
    _, taken = clustered.values(frames.wrap(no_rows, "rows"))
    starts = np.searchsorted(taken[:, 0], np.arange(width + 1))
    for place in np.flatnonzero(~apart).tolist():
        a, b = (taken[starts[one] : starts[one + 1], 1] for one in pairs[place].tolist())
        apart[place] = bool(np.intersect1d(a, b).size)
    return apart


def some_rows(clustered: ClusteredTable, rows: Integers) -> ClusteredTable:
    """The clusters of some rows, in that order, with the ids that they had."""
    number = np.full(len(clustered.cluster), -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    apart = number[clustered.cannot_link]
    before, job = clustered.reference, clustered.job
    after = before.some_rows(rows)
    if job is not None:
        old, new = before.nodes.node_of_row[rows], after.nodes.node_of_row
        node = np.full(len(before.nodes), -1, dtype=np.int64)
        node[old[old >= 0]] = new[old >= 0]
        job = replace(job, pairs=job.pairs.renumbered(node, len(after.nodes)))
    return replace(
        clustered,
        reference=after,
        cluster=clustered.cluster[rows],
        job=job,
        cannot_link=apart[(apart >= 0).all(axis=1)].reshape(-1, 2),
    )
