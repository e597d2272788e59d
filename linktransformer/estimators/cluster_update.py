"""New rows put into existing clusters, one after the other: rows that were there keep their ids."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.estimators.cluster_query import QueryRecords, ScoredPairs, scored
from linktransformer.estimators.clustered_table import ClusteredTable, linkage
from linktransformer.estimators.query_reader import QueryReader, cells_of
from linktransformer.estimators.reference import Reference
from linktransformer.search.blocking import Nodes
from linktransformer.tables import frames

__all__ = ["with_rows"]


def with_rows(
    clustered: ClusteredTable, larger: Reference, k: int, reader: QueryReader | None = None
) -> ClusteredTable:
    """The clusters of a table with rows at its end, each put in as if they came one by one."""
    n_old = len(clustered.cluster)
    none = np.full(larger.table.n_rows - n_old, -1, dtype=np.int64)
    clustered = replace(clustered, reference=larger, cluster=np.concatenate([clustered.cluster, none]))
    rows, records = _new_records(clustered, n_old)
    pairs = None
    if clustered.job is not None:
        if reader is not None:
            records = replace(records, cells=cells_of(larger, larger))
        pairs, known = scored(larger, clustered.job, records, k, reader)
        clustered = replace(clustered, job=replace(clustered.job, pairs=known))
    new, next_id = _placed(clustered, n_old, rows, pairs)
    cluster = np.concatenate([clustered.cluster[:n_old], new])
    return replace(clustered, cluster=cluster, next_id=next_id)


def _new_records(clustered: ClusteredTable, n_old: int) -> tuple[Integers, QueryRecords]:
    """The new rows that are compared with others, and their records.

    A row with the text of an earlier row joins its cluster uncompared, where `one_per` sets no limit.
    """
    reference = clustered.reference
    node = reference.nodes.node_of_row
    n_seen = int(node[:n_old].max(initial=-1)) + 1
    before = np.maximum.accumulate(np.append(n_seen, node[n_old:] + 1))[:-1]  # nodes are in order of row
    rows = np.flatnonzero(node[n_old:] >= 0)
    if clustered.one_per is None:
        rows = rows[node[n_old + rows] >= before[rows]]
    record, limit = node[n_old + rows], before[rows]
    nodes = Nodes(reference.nodes.text[record], reference.nodes.block[record], np.arange(len(rows)))
    return rows, QueryRecords(
        nodes=nodes,
        texts=reference.records.texts[nodes.text],
        matrices=reference.matrices,
        contents=reference.contents,
        place=record,
        itself=record,
        limit=limit,
        new=record >= limit,
    )


@dataclass(slots=True)
class _GrowingClusters:
    """The clusters while rows are put in: new members of clusters, and new clusters of nodes."""

    clustered: ClusteredTable
    members_added: dict[int, list[int]] = field(default_factory=dict)
    clusters_added: dict[int, list[int]] = field(default_factory=dict)

    def clusters(self, node: int) -> list[int]:
        """The ids of the clusters that have a node."""
        cluster, starts = self.clustered.by_node
        return [*cluster[starts[node] : starts[node + 1]].tolist(), *self.clusters_added.get(node, [])]

    def members(self, cluster: int) -> Integers:
        """The nodes of a cluster, (n_members,) int64."""
        owner, member = self.clustered.members
        first, last = np.searchsorted(owner, cluster, "left"), np.searchsorted(owner, cluster, "right")
        added = np.array(self.members_added.get(cluster, []), dtype=np.int64)
        return np.append(member[first:last], added)

    def join(self, node: int, cluster: int) -> None:
        """Put a node into a cluster, if it is not there."""
        if cluster not in self.clusters(node):
            self.clusters_added.setdefault(node, []).append(cluster)
            self.members_added.setdefault(cluster, []).append(node)

    def candidates(self, node: int, right: Integers, probability: Floats) -> list[int]:
        """The clusters that a node may join: those with its text, then the others, the most probable first.

        `right` are the other nodes of its pairs, with their match probabilities.
        """
        same = sorted(self.clusters(node))
        near = right[probability >= self.clustered.threshold].tolist()  # no linkage is above its highest pair
        others = sorted({cluster for other in near for cluster in self.clusters(other)} - set(same))
        if not others or (same and self.clustered.one_per is None):
            return same
        score = []
        for cluster in others:
            members = self.members(cluster)
            inside, size = probability[np.isin(right, members)], np.array([len(members)])
            score.append(linkage(self.clustered.method, inside, np.array([0]), size)[0])
        order = np.lexsort((np.array(others), -np.array(score)))
        return same + [others[place] for place in order.tolist() if score[place] >= self.clustered.threshold]


def _placed(
    clustered: ClusteredTable, n_old: int, rows: Integers, pairs: ScoredPairs | None
) -> tuple[Integers, int]:
    """The cluster of each new row, in which rows before it count as well, and the next free id.

    A row may join what another new row began, so that one has to come after the other: a loop over rows.
    """
    n_new = len(clustered.cluster) - n_old
    record = np.full(n_new, -1, dtype=np.int64)
    record[rows] = np.arange(len(rows))
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    right, probability = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    if pairs is not None:
        starts = np.searchsorted(pairs.left, np.arange(len(rows) + 1))
        right, probability = pairs.right, pairs.probability
    growing, next_id = _GrowingClusters(clustered), clustered.next_id
    new_rows = frames.take(clustered.reference.table, np.arange(n_old, n_old + n_new))
    values, used = clustered.values(frames.wrap(new_rows, "rows"))
    taken = {(cluster, value) for cluster, value in used.tolist()}
    placed = np.empty(n_new, dtype=np.int64)
    for row, node in enumerate(clustered.reference.nodes.node_of_row[n_old:].tolist()):
        value = -1 if values is None else int(values[row])
        candidates: list[int] = []
        if node >= 0:
            its = slice(*starts[record[row] : record[row] + 2]) if record[row] >= 0 else slice(0)
            candidates = growing.candidates(node, right[its], probability[its])
        free = (cluster for cluster in candidates if value < 0 or (cluster, value) not in taken)
        cluster = next(free, next_id)
        next_id += cluster == next_id
        if node >= 0:
            growing.join(node, cluster)
        if value >= 0:
            taken.add((cluster, value))
        placed[row] = cluster
    return placed, next_id
