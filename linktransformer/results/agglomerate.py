"""Agglomerative clustering of a sparse graph, in rounds of array operations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import splits

__all__ = ["LINKAGES", "Apart", "agglomerate", "components", "in_order", "masks_of"]

LINKAGES = ("single", "average", "complete")


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """Edges between clusters: a < b, every pair once.

    `value` is the sum, lowest or highest of the scores between the two, `count` their number, `never` whether
    the two must stay apart; (n_edges,) each.
    """

    a: Integers
    b: Integers
    value: Doubles
    count: Doubles
    never: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Apart:
    """Constraints: nodes that must not be in one cluster.

    Args:
        left: One node of each pair that must not be together, (n_pairs,) int64.
        right: The other node.
        masks: A bit for every value of which a cluster may have one node only, (n, n_words) uint64.
    """

    left: Integers
    right: Integers
    masks: NDArray[np.uint64]


def masks_of(n: int, node: Integers, value: Integers) -> NDArray[np.uint64]:
    """A bit for every value of a node, (n, n_words) uint64.

    `node` and `value` are those of each row, (n_rows,) int64; values are numbered from 0, -1 for none.
    """
    masks = np.zeros((n, (int(value.max(initial=-1)) + 64) // 64), dtype=np.uint64)
    has = np.flatnonzero(value >= 0)
    bit = np.uint64(1) << (value[has] % 64).astype(np.uint64)
    np.bitwise_or.at(masks, (node[has], value[has] // 64), bit)
    return masks


def components(n: int, left: Integers, right: Integers) -> Integers:
    """The connected component of each of n nodes, numbered from 0 by first node, (n,) int64.

    Example:
        >>> components(4, np.array([3]), np.array([1])).tolist()
        [0, 1, 2, 1]
    """
    return in_order(splits.components(n, left, right))


def agglomerate(
    n: int,
    left: Integers,
    right: Integers,
    score: Floats,
    threshold: float,
    linkage: str = "average",
    apart: Apart | None = None,
    start: Integers | None = None,
) -> Integers:
    """Merge clusters, the most similar two first, while their similarity is at least the threshold.

    Two nodes without an edge have similarity 0. In each round all pairs that are each other's most similar
    are merged at once; for these linkages that gives the clusters of one merge at a time (B. Sumengen et al.,
    Scaling hierarchical agglomerative clustering to billion-sized datasets, 2021), with memory for the edges
    only. Of equally similar clusters the one with the lower first node is merged first.

    Args:
        n: Number of nodes.
        left: One end of each edge, (n_edges,) int64; every pair of nodes at most once.
        right: The other end.
        score: Similarity of each edge, (n_edges,) float32.
        threshold: The least similarity (rounded to float32) of two clusters that are merged, above 0.
        linkage: "single" (the highest score between them), "average" or "complete" (the lowest).
        apart: Constraints; None for none.
        start: Initial clusters, any numbers, (n,) int64; None: each node is its own.

    Returns:
        The cluster of each node, numbered from 0 by first node, (n,) int64.

    Raises:
        InvalidArgumentError: Another linkage, or a threshold that is not above 0.

    Example:
        >>> edges = np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([0.9, 0.8, 0.1], "f4")
        >>> agglomerate(3, *edges, 0.5).tolist(), agglomerate(3, *edges, 0.5, "single").tolist()
        ([0, 0, 1], [0, 0, 0])
    """
    if linkage not in LINKAGES:
        raise InvalidArgumentError(f"linkage={linkage!r} is not one of {', '.join(map(repr, LINKAGES))}.")
    if not threshold > 0:
        raise InvalidArgumentError(
            f"threshold={threshold!r} must be above 0: at 0 all rows would be one cluster."
        )
    first = np.arange(n) if start is None else _first_of(start)
    if linkage == "single" and apart is None:
        near = score >= np.float32(threshold)
        return components(n, np.append(left[near], np.arange(n)), np.append(right[near], first))
    none = np.empty(0, dtype=np.int64)
    constraints = apart or Apart(none, none, np.zeros((n, 0), dtype=np.uint64))
    edges = _all_edges(first, left, right, score, constraints, linkage)
    masks = np.zeros_like(constraints.masks)
    np.bitwise_or.at(masks, first, constraints.masks)
    return in_order(_merged_down_to(first, edges, masks, float(np.float32(threshold)), linkage))


def _first_of(label: Integers) -> Integers:
    """The first node of each node's cluster."""
    _, first, place = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(first[place], dtype=np.int64)


def _merged_down_to(
    cluster: Integers, edges: _Edges, masks: NDArray[np.uint64], threshold: float, linkage: str
) -> Integers:
    """Merge until no similarity is at least the threshold: the first node of the cluster of each node."""
    n = len(cluster)
    size = np.bincount(cluster, minlength=n).astype(np.float64)
    while len(edges.a):
        best, partner = _best(n, edges, _similarity(edges, size, masks, linkage))
        nodes = np.flatnonzero(best >= threshold)
        into = nodes[(partner[partner[nodes]] == nodes) & (nodes < partner[nodes])]
        if not len(into):
            break
        parent = np.arange(n)
        parent[partner[into]] = into
        size[into] += size[partner[into]]
        masks[into] |= masks[partner[into]]
        cluster = parent[cluster]
        moved = np.zeros(n, dtype=bool)
        moved[into] = moved[partner[into]] = True
        # a cluster below the threshold with all others stays below it after any merge
        edges = _merged(edges, best >= threshold, moved, parent, linkage)
    return cluster


def _all_edges(
    first: Integers, left: Integers, right: Integers, score: Floats, apart: Apart, linkage: str
) -> _Edges:
    """The edges between the initial clusters, and the pairs that must stay apart."""
    one, other = first[np.append(left, apart.left)], first[np.append(right, apart.right)]
    extra = np.zeros(len(apart.left))
    edges = _Edges(
        np.minimum(one, other),
        np.maximum(one, other),
        np.concatenate([score.astype(float), extra]),
        np.concatenate([np.ones(len(score)), extra]),
        np.concatenate([np.zeros(len(score), dtype=bool), np.ones(len(extra), dtype=bool)]),
    )
    plain = not len(extra) and bool((first[1:] > first[:-1]).all())  # every pair is there once
    return edges if plain else _combined(edges, len(first), linkage)


def _similarity(edges: _Edges, size: Doubles, masks: NDArray[np.uint64], linkage: str) -> Doubles:
    pairs = size[edges.a] * size[edges.b]
    if linkage == "average":
        similar = edges.value / pairs
    else:
        similar = edges.value if linkage == "single" else np.where(edges.count == pairs, edges.value, 0.0)
    never = edges.never
    if masks.shape[1]:
        never = never | (masks[edges.a] & masks[edges.b]).any(axis=1)
    return np.where(never, 0.0, similar)


def _best(n: int, edges: _Edges, similar: Doubles) -> tuple[Doubles, Integers]:
    """The highest similarity of each cluster and its partner, the lower one of ties."""
    best, partner = np.full(n, -np.inf), np.full(n, n, dtype=np.int64)
    for one in (edges.a, edges.b):
        np.maximum.at(best, one, similar)
    for one, other in ((edges.a, edges.b), (edges.b, edges.a)):
        top = similar >= best[one]
        np.minimum.at(partner, one[top], other[top])
    partner[partner == n] = 0  # no edge: never used
    return best, partner


def _merged(edges: _Edges, live: Bools, moved: Bools, parent: Integers, linkage: str) -> _Edges:
    """The edges between the merged clusters, of those that are still above the threshold."""
    is_live = live[edges.a] & live[edges.b]
    touched = moved[edges.a] | moved[edges.b]
    still, changed = _select(edges, is_live & ~touched), _select(edges, is_live & touched)
    a, b = parent[changed.a], parent[changed.b]
    changed = _combined(replace(changed, a=np.minimum(a, b), b=np.maximum(a, b)), len(parent), linkage)
    return _Edges(
        np.append(still.a, changed.a),
        np.append(still.b, changed.b),
        np.append(still.value, changed.value),
        np.append(still.count, changed.count),
        np.append(still.never, changed.never),
    )


def _select(edges: _Edges, rows: Bools) -> _Edges:
    return _Edges(edges.a[rows], edges.b[rows], edges.value[rows], edges.count[rows], edges.never[rows])


def _combined(edges: _Edges, n: int, linkage: str) -> _Edges:
    """Every pair of the n clusters once, and none of a cluster with itself."""
    edges = _select(edges, edges.a != edges.b)
    code = edges.a * n + edges.b
    order = np.argsort(code)
    if not len(order):
        return edges
    code = code[order]
    starts = np.flatnonzero(np.append(True, code[1:] != code[:-1]))
    first = order[starts]
    combine = {"average": np.add, "complete": np.minimum, "single": np.maximum}[linkage]
    return _Edges(
        edges.a[first],
        edges.b[first],
        combine.reduceat(edges.value[order], starts),
        np.add.reduceat(edges.count[order], starts),
        np.logical_or.reduceat(edges.never[order], starts),
    )


def in_order(label: Integers) -> Integers:
    """The same clusters, (n,) int64, numbered from 0 by their first node.

    Example:
        >>> in_order(np.array([7, 2, 7])).tolist()
        [0, 1, 0]
    """
    _, first, place = np.unique(label, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[place])
