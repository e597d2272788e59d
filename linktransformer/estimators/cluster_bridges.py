"""Clusters against clusters: which would be one by now; and clusters that lose rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.model import sigmoid
from linktransformer.estimators.cluster_membership import Clustered, linkage
from linktransformer.tables import frames

__all__ = ["bridges", "without_these"]


def bridges(of: Clustered) -> tuple[Integers, Floats]:
    """Pairs of clusters that are as probably one as the threshold.

    Args:
        of: The clusters.

    Returns:
        Pairs of ids, (n, 2) int64, and the probability, (n,), falling. Pairs that `fit` left apart are not
        among them, nor those that must stay apart.
    """
    nothing = np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32)
    if of.job is None:
        return nothing
    near = of.job.near
    cluster, starts = of.by_node
    size = np.diff(starts)
    n = size[near.left] * size[near.right]
    place = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    left, right = np.repeat(near.left, n), np.repeat(near.right, n)
    a = cluster[starts[left] + place // size[right]]
    b = cluster[starts[right] + place % size[right]]
    probability = np.repeat(sigmoid(near.log_odds), n)
    apart = a != b
    width = max(1, of.next_id)
    code = (np.minimum(a, b) * width + np.maximum(a, b))[apart]
    order = np.argsort(code, kind="stable")
    code, probability = code[order], probability[apart][order]
    first = np.flatnonzero(np.diff(code, prepend=-1))
    if not len(first):
        return nothing
    pairs = np.stack([code[first] // width, code[first] % width], axis=1)
    value = linkage(of.method, probability, first, of.sizes[pairs].prod(axis=1))
    found = (value >= of.needed) & ~_never(of, pairs, width)
    pairs, value = pairs[found], value[found]
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -value))
    return pairs[order], value[order]


def _never(of: Clustered, pairs: Integers, width: int) -> Bools:
    """Which pairs of clusters stay apart whatever they look like."""
    rows = np.sort(of.cluster[of.cannot_link], axis=1).reshape(-1, 2)
    known = np.concatenate([of.kept_apart, rows])
    never = np.isin(pairs[:, 0] * width + pairs[:, 1], known[:, 0] * width + known[:, 1])
    if of.one_per is None:
        return never
    nobody = frames.take(of.known.table, np.empty(0, dtype=np.int64))
    _, taken = of.values(frames.wrap(nobody, "rows"))
    starts = np.searchsorted(taken[:, 0], np.arange(width + 1))
    for place in np.flatnonzero(~never).tolist():
        a, b = (taken[starts[one] : starts[one + 1], 1] for one in pairs[place].tolist())
        never[place] = bool(np.intersect1d(a, b).size)
    return never


def without_these(of: Clustered, rows: Integers) -> Clustered:
    """Keep some rows only.

    Args:
        of: The clusters.
        rows: Row numbers, in their new order.

    Returns:
        Their clusters, with the ids that they had.
    """
    number = np.full(len(of.cluster), -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    pairs = number[of.cannot_link]
    fewer, job = of.known.rows_kept(rows), of.job
    if job is not None:
        before, after = of.known.nodes.node_of_row[rows], fewer.nodes.node_of_row
        node = np.full(len(of.known.nodes), -1, dtype=np.int64)
        node[before[before >= 0]] = after[before >= 0]
        job = replace(job, near=job.near.renumbered(node, len(fewer.nodes)))
    return replace(
        of,
        known=fewer,
        cluster=of.cluster[rows],
        job=job,
        cannot_link=pairs[(pairs >= 0).all(axis=1)].reshape(-1, 2),
    )
