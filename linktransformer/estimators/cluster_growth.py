"""New rows put into clusters that stand, one after the other: what is there keeps its id."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.estimators.cluster_membership import Clustered, linkage
from linktransformer.estimators.one_more_record import Judged, Newcomers, judged
from linktransformer.estimators.reference import Reference
from linktransformer.search.blocking import Nodes
from linktransformer.tables import frames

__all__ = ["grown"]


def grown(of: Clustered, larger: Reference, k: int) -> Clustered:
    """Put rows at the end of the table and each into its cluster, as if they came one by one.

    Args:
        of: The clusters.
        larger: The table with the new rows at its end.
        k: Neighbours in each view.

    Returns:
        The clusters, in which no old row has another id.
    """
    n_old = len(of.cluster)
    more = np.full(larger.table.n_rows - n_old, -1, dtype=np.int64)
    of = replace(of, known=larger, cluster=np.concatenate([of.cluster, more]))
    rows, asked = _asked(of, n_old)
    found = None
    if of.job is not None:
        found = judged(larger, of.job, asked, k)
        of = replace(of, job=replace(of.job, near=found.near))
    more, next_id = _placed(of, n_old, rows, found)
    cluster = np.concatenate([of.cluster[:n_old], more])
    return replace(of, cluster=cluster, next_id=next_id)


def _asked(of: Clustered, n_old: int) -> tuple[Integers, Newcomers]:
    """The new rows that are held against others, and their records.

    Those that have the text of an earlier row join its cluster, unless that may have one row of a value only.
    """
    known = of.known
    node = known.nodes.node_of_row
    n_seen = int(node[:n_old].max(initial=-1)) + 1
    before = np.maximum.accumulate(np.append(n_seen, node[n_old:] + 1))[:-1]  # nodes are in order of row
    rows = np.flatnonzero(node[n_old:] >= 0)
    if of.one_per is None:
        rows = rows[node[n_old + rows] >= before[rows]]
    mine, limit = node[n_old + rows], before[rows]
    nodes = Nodes(known.nodes.text[mine], known.nodes.block[mine], np.arange(len(rows)))
    texts = known.records.texts[nodes.text]
    new = mine >= limit
    return rows, Newcomers(nodes, texts, known.matrices, known.written, mine, mine, limit, new)


@dataclass(slots=True)
class _Standing:
    """The clusters while rows are put in."""

    of: Clustered
    more: dict[int, list[int]] = field(default_factory=dict)  # new members of clusters
    new: dict[int, list[int]] = field(default_factory=dict)  # new clusters of nodes

    def clusters(self, node: int) -> list[int]:
        """The ids that a node has.

        Args:
            node: Number of the node.

        Returns:
            The ids: those from before, then those that it got since.
        """
        cluster, starts = self.of.by_node
        return [*cluster[starts[node] : starts[node + 1]].tolist(), *self.new.get(node, [])]

    def members(self, cluster: int) -> Integers:
        """The nodes of a cluster.

        Args:
            cluster: Id of the cluster.

        Returns:
            Numbers of the nodes, (n_members,) int64.
        """
        owner, member = self.of.members
        first, last = np.searchsorted(owner, cluster, "left"), np.searchsorted(owner, cluster, "right")
        return np.append(member[first:last], np.array(self.more.get(cluster, []), dtype=np.int64))

    def join(self, node: int, cluster: int) -> None:
        """Put a node into a cluster.

        Args:
            node: Number of the node; nothing happens where it is in the cluster already.
            cluster: Id of the cluster.
        """
        if cluster not in self.clusters(node):
            self.new.setdefault(node, []).append(cluster)
            self.more.setdefault(cluster, []).append(node)

    def in_order(self, node: int, right: Integers, probability: Floats) -> list[int]:
        """The clusters that a node may join, the most probable first; those that have its text before all.

        Args:
            node: Number of the node.
            right: The other node of each of its pairs, (n_pairs,) int64.
            probability: Match probability of each pair, (n_pairs,) float32.

        Returns:
            Ids of the clusters.
        """
        same = sorted(self.clusters(node))
        near = right[probability >= self.of.needed].tolist()  # no linkage is above its highest pair
        others = sorted({one for other in near for one in self.clusters(other)} - set(same))
        if not others or (same and self.of.one_per is None):
            return same
        score = []
        for cluster in others:
            members = self.members(cluster)
            inside = probability[np.isin(right, members)]
            score.append(linkage(self.of.method, inside, np.array([0]), np.array([len(members)]))[0])
        order = np.lexsort((np.array(others), -np.array(score)))
        return same + [others[place] for place in order.tolist() if score[place] >= self.of.needed]


def _placed(of: Clustered, n_old: int, rows: Integers, found: Judged | None) -> tuple[Integers, int]:
    """The cluster of each new row, in which rows before it count as well, and the next id that is free.

    A row may join what another new row began, so that one has to come after the other: a loop over rows.
    """
    n_new = len(of.cluster) - n_old
    record = np.full(n_new, -1, dtype=np.int64)
    record[rows] = np.arange(len(rows))
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    right, probability = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    if found is not None:
        starts = np.searchsorted(found.left, np.arange(len(rows) + 1))
        right, probability = found.right, found.probability
    standing, next_id = _Standing(of), of.next_id
    table = frames.wrap(frames.take(of.known.table, np.arange(n_old, n_old + n_new)), "rows")
    value, pairs = of.values(table)
    taken = {(cluster, of_row) for cluster, of_row in pairs.tolist()}
    cluster = np.empty(n_new, dtype=np.int64)
    for row, node in enumerate(of.known.nodes.node_of_row[n_old:].tolist()):
        mine = -1 if value is None else int(value[row])
        chosen = -1
        if node >= 0:
            of_row = slice(*starts[record[row] : record[row] + 2]) if record[row] >= 0 else slice(0)
            for one in standing.in_order(node, right[of_row], probability[of_row]):
                if mine < 0 or (one, mine) not in taken:
                    chosen = one
                    break
        if chosen < 0:
            chosen, next_id = next_id, next_id + 1
        if node >= 0:
            standing.join(node, chosen)
        if mine >= 0:
            taken.add((chosen, mine))
        cluster[row] = chosen
    return cluster, next_id
