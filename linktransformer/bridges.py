"""Clusters against clusters: which would be one by now, and from what score on a row belongs to one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import fuse, search
from linktransformer.calibration import best_f1
from linktransformer.growing import as_asked
from linktransformer.placing import REDUCE, Clustered, with_evidence

__all__ = ["bridges", "joining_threshold", "neighbours_within"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]


def neighbours_within(
    of: Clustered, k: int, *, memory_limit: int | None = None, device: str | None = None
) -> fuse.Fused:
    """Search the table in itself; nothing is encoded.

    Args:
        of: The clusters.
        k: Neighbours in each view.
        memory_limit: For the search.
        device: Likewise.

    Returns:
        Pairs of nodes, the lower one on the left, with the score of `placing.pair_score`.
    """
    known = of.known
    both: Mapping[str, Any] = {name: (matrix, matrix) for name, matrix in known.matrices.items()}
    found = search.search(
        both, known.nodes, known.nodes, k, memory_limit=memory_limit, device=device, same=True
    )
    score = np.zeros(len(found), dtype=np.float32)
    for name, weight in known.weights.items():
        score += np.float32(weight) * found.views[name]
    fused = fuse.Fused(found, np.minimum(score, fuse.BELOW_ONE), known.weights, 0.0)
    return with_evidence(of, as_asked(known, 0), fused)


def bridges(of: Clustered, fused: fuse.Fused) -> tuple[Integers, Floats]:
    """Pairs of clusters that are as similar as the threshold.

    Args:
        of: The clusters.
        fused: From `neighbours_within`.

    Returns:
        Pairs of ids, (n, 2) int64, and their score, (n,), falling. Pairs that `fit` left apart are not
        among them, nor those that must stay apart.
    """
    found = fused.candidates
    cluster, starts = of.by_node
    size = np.diff(starts)
    n = size[found.left] * size[found.right]
    place = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
    left, right = np.repeat(found.left, n), np.repeat(found.right, n)
    a = cluster[starts[left] + place // size[right]]
    b = cluster[starts[right] + place % size[right]]
    score = np.repeat(fused.score, n)
    apart = a != b
    width = max(1, of.next_id)
    code = (np.minimum(a, b) * width + np.maximum(a, b))[apart]
    order = np.argsort(code, kind="stable")
    code, score = code[order], score[apart][order].astype(np.float64)
    first = np.flatnonzero(np.diff(code, prepend=-1))
    if not len(first):
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32)
    value, count = REDUCE[of.method].reduceat(score, first), np.diff(first, append=len(code))
    pairs = np.stack([code[first] // width, code[first] % width], axis=1)
    ids, members = np.unique(of.members[0], return_counts=True)
    area = members[np.searchsorted(ids, pairs)].prod(axis=1)
    if REDUCE[of.method] is np.add:
        value = value / area
    elif of.method == "complete":
        value = np.where(count == area, value, 0.0)
    value = value.astype(np.float32)
    near = (value >= of.needed) & ~_never(of, pairs, width)
    pairs, value = pairs[near], value[near]
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -value))
    return pairs[order], value[order]


def _never(of: Clustered, pairs: Integers, width: int) -> NDArray[np.bool_]:
    """Which pairs of clusters stay apart whatever they look like."""
    rows = np.sort(of.cluster[of.cannot_link], axis=1).reshape(-1, 2)
    known = np.concatenate([of.kept_apart, rows])
    never = np.isin(pairs[:, 0] * width + pairs[:, 1], known[:, 0] * width + known[:, 1])
    if of.one_per is None:
        return never
    _, taken = of.values(as_asked(of.known, of.known.table.n_rows))
    starts = np.searchsorted(taken[:, 0], np.arange(width + 1))
    for place in np.flatnonzero(~never).tolist():
        a, b = (taken[starts[one] : starts[one + 1], 1] for one in pairs[place].tolist())
        never[place] = bool(np.intersect1d(a, b).size)
    return never


def joining_threshold(of: Clustered, fused: fuse.Fused) -> float:
    """The score from which on a row belongs to the cluster that it is nearest to, as the clusters have it.

    Each node is held against its own cluster without it, and against the others. The threshold is the one at
    which "the nearest cluster, at or above it" agrees most nearly with the clusters (by F1); where no cluster
    has two nodes, one above the score of any two.

    Args:
        of: The clusters, whose threshold is the one of `fit`: the result is never lower.
        fused: From `neighbours_within`.

    Returns:
        The threshold.
    """
    found = fused.candidates
    if not len(found):
        return of.threshold
    cluster, starts = of.by_node
    own = cluster[np.minimum(starts[:-1], len(cluster) - 1)]
    size = np.bincount(own, minlength=of.next_id)
    node = np.concatenate([found.left, found.right])
    other = own[np.concatenate([found.right, found.left])]
    score = np.concatenate([fused.score, fused.score]).astype(np.float64)
    code = node * max(1, of.next_id) + other
    order = np.argsort(code, kind="stable")
    first = np.flatnonzero(np.diff(code[order], prepend=-1))
    value = REDUCE[of.method].reduceat(score[order], first)
    count = np.diff(first, append=len(code))
    node, other = node[order][first], other[order][first]
    rest = size[other] - (other == own[node])
    if REDUCE[of.method] is np.add:
        value = value / rest
    elif of.method == "complete":
        value = np.where(count == rest, value, 0.0)
    matches = int((size[own] > 1).sum())
    if not matches:
        return float(min(np.float32(1), np.nextafter(np.float32(value.max()), np.float32(2))))
    _, at = best_f1(node, other, value, other == own[node], matches)
    return max(of.threshold, at)


def without_these(of: Clustered, rows: Integers) -> Clustered:
    """Keep some rows only.

    Args:
        of: The clusters.
        rows: Row numbers, rising.

    Returns:
        Their clusters, with the ids that they had.
    """
    number = np.full(len(of.cluster), -1, dtype=np.int64)
    number[rows] = np.arange(len(rows))
    pairs = number[of.cannot_link]
    return replace(
        of,
        known=of.known.rows_kept(rows),
        cluster=of.cluster[rows],
        cannot_link=pairs[(pairs >= 0).all(axis=1)].reshape(-1, 2),
    )
