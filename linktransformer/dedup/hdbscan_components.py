"""HDBSCAN within the connected components of a sparse graph."""

from __future__ import annotations

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.results.agglomerate import components, in_order

__all__ = ["LARGEST", "within_components"]

LARGEST = 4_000  # nodes of a component whose whole distance matrix is made; larger ones keep their clusters


def within_components(
    n: int,
    left: Integers,
    right: Integers,
    score: Floats,
    threshold: float,
    otherwise: Integers,
) -> tuple[Integers, int]:
    """Cluster each connected component by density (L. McInnes, J. Healy and S. Astels, hdbscan, 2017).

    scikit-learn's HDBSCAN with clusters of two nodes and more, on 1 - score, and 1 for nodes without an edge.
    It refuses graphs of several components, hence one component at a time. Noise is a cluster of one node.
    Nodes of components with more than `LARGEST` nodes have their cluster of `otherwise`.

    Returns:
        The cluster of each node, (n,) int64, numbered in order of first node, and how many components are
        too large.
    """
    near = score >= np.float32(threshold)
    component = components(n, left[near], right[near])
    label = np.arange(n)
    size = np.bincount(component)
    too_large = size > LARGEST
    label[too_large[component]] = n + otherwise[too_large[component]]
    inside = (component[left] == component[right]) & ~too_large[component[left]]
    order = np.argsort(component[left[inside]], kind="stable")
    a, b, value = left[inside][order], right[inside][order], score[inside][order]
    members = np.argsort(component, kind="stable")
    starts = np.searchsorted(component[members], np.arange(len(size)))
    edges = np.searchsorted(component[a], np.arange(len(size) + 1))
    for group in np.flatnonzero((size > 1) & ~too_large).tolist():
        nodes = np.sort(members[starts[group] : starts[group] + size[group]])
        part = slice(edges[group], edges[group + 1])
        one, other = np.searchsorted(nodes, a[part]), np.searchsorted(nodes, b[part])
        label[nodes] = nodes[_clusters(len(nodes), one, other, value[part])]
    return in_order(label), int(too_large.sum())


def _clusters(n: int, one: Integers, other: Integers, score: Floats) -> Integers:
    """The first node of each node's cluster."""
    from sklearn.cluster import HDBSCAN

    if n == 2:
        return np.zeros(2, dtype=np.int64)
    distance = np.ones((n, n))
    distance[one, other] = distance[other, one] = np.maximum(0.0, 1 - score.astype(float))
    np.fill_diagonal(distance, 0)
    model = HDBSCAN(min_cluster_size=2, metric="precomputed", allow_single_cluster=True, copy=True)
    label = model.fit(distance).labels_
    first = np.arange(n)
    for cluster in range(int(label.max()) + 1):
        first[label == cluster] = np.flatnonzero(label == cluster)[0]
    return first
