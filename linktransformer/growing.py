"""New rows put into clusters that stand, one after the other: what is there keeps its id."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from linktransformer.blocking import Nodes
from linktransformer.column_words import ColumnWords
from linktransformer.fuse import BELOW_ONE
from linktransformer.placing import Clustered, linkages, near_pairs
from linktransformer.reference import Asked, Reference

__all__ = ["as_asked", "grown", "placed_one_by_one"]

Integers = NDArray[np.int64]


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
    n_new = larger.table.n_rows - n_old
    cluster = np.concatenate([of.cluster, np.full(n_new, -1, dtype=np.int64)])
    more = replace(of, known=larger, cluster=cluster)
    asked = as_asked(larger, n_old)
    cluster[n_old:], next_id = placed_one_by_one(more, asked, k)
    return replace(of, known=larger, cluster=cluster, next_id=next_id)


def as_asked(known: Reference, start: int) -> Asked:
    """The last rows of a reference as rows that are asked against it.

    Args:
        known: The reference.
        start: The first of them.

    Returns:
        The rows; their nodes are those of the reference, numbered anew in order of row.
    """
    from linktransformer import frames

    table = frames.wrap(frames.take(known.table, np.arange(start, known.table.n_rows)), "rows")
    node_of_row = known.nodes.node_of_row[start:]
    has = node_of_row[node_of_row >= 0]
    node, first = np.unique(has, return_index=True)
    node = node[np.argsort(first)]  # in order of row
    number = np.full(len(known.nodes) + 1, -1, dtype=np.int64)
    number[node] = np.arange(len(node))
    nodes = Nodes(known.nodes.text[node], known.nodes.block[node], number[node_of_row])
    columns = tuple(
        ColumnWords(
            replace(column.cells, text_of_row=column.cells.text_of_row[start:]), column.words, column.vectors
        )
        for column in known.columns
    )
    return Asked(table, known.records, nodes, known.matrices, columns)


@dataclass(slots=True)
class _Standing:
    """The clusters while rows are put in."""

    of: Clustered
    own: Integers  # the reference's node of each asked node
    next_id: int
    more: dict[int, list[int]] = field(default_factory=dict)  # new members of clusters
    new: dict[int, list[int]] = field(default_factory=dict)  # new clusters of nodes

    def clusters(self, node: int) -> list[int]:
        """The ids that a node of the reference has."""
        cluster, starts = self.of.by_node
        return [*cluster[starts[node] : starts[node + 1]].tolist(), *self.new.get(node, [])]

    def members(self, cluster: int) -> Integers:
        """The nodes of a cluster, rising, so that sums do not depend on how they came in."""
        owner, member = self.of.members
        first, last = np.searchsorted(owner, cluster, "left"), np.searchsorted(owner, cluster, "right")
        return np.sort(np.append(member[first:last], np.array(self.more.get(cluster, []), dtype=np.int64)))

    def join(self, node: int, cluster: int) -> None:
        """Put a node into a cluster."""
        if cluster not in self.clusters(node):
            self.new.setdefault(node, []).append(cluster)
            self.more.setdefault(cluster, []).append(node)


def placed_one_by_one(of: Clustered, asked: Asked, k: int) -> tuple[Integers, int]:
    """The cluster of each row, in which rows before it count as well.

    A row may join what another new row began, so that one has to come after the other: a loop over rows.

    Args:
        of: Clusters of a table that ends with these rows; theirs are -1.
        asked: The rows, from `as_asked`.
        k: Neighbours in each view.

    Returns:
        The ids, (n_rows,) int64, and the next one that is free.
    """
    fused = near_pairs(of, asked, k + 1)  # the row itself is one of them
    close = np.flatnonzero(fused.score >= of.needed)
    left, right = fused.candidates.left[close], fused.candidates.right[close]
    starts = np.searchsorted(left, np.arange(len(asked.nodes) + 1))
    start = of.known.table.n_rows - asked.table.n_rows
    own = np.full(len(asked.nodes), -1, dtype=np.int64)
    rows = np.flatnonzero(asked.nodes.node_of_row >= 0)
    own[asked.nodes.node_of_row[rows]] = of.known.nodes.node_of_row[start + rows]
    standing = _Standing(of, own, of.next_id)
    value, pairs = of.values(asked)
    taken = {(cluster, of_row) for cluster, of_row in pairs.tolist()}
    found = np.empty(asked.table.n_rows, dtype=np.int64)
    for row, node in enumerate(asked.nodes.node_of_row.tolist()):
        mine = -1 if value is None else int(value[row])
        chosen = -1
        if node >= 0:
            near = right[starts[node] : starts[node + 1]]
            for cluster in _in_order(standing, asked, node, near):
                if mine < 0 or (cluster, mine) not in taken:
                    chosen = cluster
                    break
        if chosen < 0:
            chosen, standing.next_id = standing.next_id, standing.next_id + 1
        if node >= 0:
            standing.join(int(own[node]), chosen)
        if mine >= 0:
            taken.add((chosen, mine))
        found[row] = chosen
    return found, standing.next_id


def _in_order(standing: _Standing, asked: Asked, node: int, near: Integers) -> list[int]:
    """The clusters that a node may join, the most similar first."""
    same = sorted(standing.clusters(int(standing.own[node])))
    others = sorted({one for other in near.tolist() for one in standing.clusters(other)} - set(same))
    if not others or (same and standing.of.one_per is None):
        return same
    members = [standing.members(cluster) for cluster in others]
    edges = np.append(0, np.cumsum([len(one) for one in members]))
    score = linkages(standing.of, asked, np.full(len(others), node), edges, np.concatenate(members))
    score = np.minimum(score, BELOW_ONE)
    order = np.lexsort((np.array(others), -score))
    return same + [others[place] for place in order.tolist() if score[place] >= standing.of.needed]
