"""How well rows sit in their clusters, without knowing the true ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["silhouette", "widths"]

Integers = NDArray[np.int64]


def silhouette(
    left: Integers,
    right: Integers,
    score: NDArray[np.float32],
    label: Integers,
    sample: Integers | None = None,
) -> float:
    """Say how much nearer nodes are to their own cluster than to the next one.

    The mean silhouette width (P. Rousseeuw, Silhouettes: a graphical aid to the interpretation and validation
    of cluster analysis, 1987) with 1 - score as distance; nodes without an edge have the distance 1, and a
    node that is a cluster by itself counts 0, so that neither all apart nor all together is rewarded.

    Args:
        left: One end of each edge, (n_edges,) int64; every pair of nodes at most once.
        right: The other end.
        score: Similarity of each edge, at most 1, (n_edges,) float32.
        label: The cluster of each node, numbered from 0, (n,) int64.
        sample: The nodes whose mean is taken; None for all.

    Returns:
        A mean between -1 and 1; 0 without nodes.

    Example:
        >>> edges = np.array([0, 2]), np.array([1, 3]), np.array([0.75, 0.75], "f4")
        >>> silhouette(*edges, np.array([0, 0, 1, 1]))
        0.75
    """
    width = widths(left, right, score, label, sample)
    return float(width.mean()) if len(width) else 0.0


def widths(
    left: Integers,
    right: Integers,
    score: NDArray[np.float32],
    label: Integers,
    sample: Integers | None = None,
) -> NDArray[np.float64]:
    """The silhouette width of each node, as `silhouette` takes the mean of.

    Args:
        left: As for `silhouette`.
        right: Likewise.
        score: Likewise.
        label: Likewise.
        sample: The nodes that are looked at, rising; None for all.

    Returns:
        Between -1 and 1, 0 for a node that is a cluster by itself, (n,) or (n_sample,) float64.
    """
    wanted = np.ones(len(label), dtype=bool)
    if sample is not None:
        wanted = np.zeros(len(label), dtype=bool)
        wanted[sample] = True
    n_labels = int(label.max(initial=-1)) + 1
    of_left, of_right = np.flatnonzero(wanted[left]), np.flatnonzero(wanted[right])
    node = np.concatenate([left[of_left], right[of_right]])
    other = np.concatenate([right[of_left], left[of_right]])
    weight = np.concatenate([score[of_left], score[of_right]])
    size = np.bincount(label, minlength=n_labels)
    cell, place = np.unique(node * n_labels + label[other], return_inverse=True)
    total = np.bincount(place, weight, len(cell))
    of_node, of_label = cell // n_labels, cell % n_labels
    own = label[of_node] == of_label
    mean = total / np.where(own, np.maximum(size[of_label] - 1, 1), size[of_label])
    inside, outside = np.ones(len(label)), np.ones(len(label))  # mean distances
    inside[of_node[own]] -= mean[own]
    np.minimum.at(outside, of_node[~own], 1 - mean[~own])
    widest = np.maximum(np.maximum(inside, outside), 1e-12)
    width = np.where(size[label] > 1, (outside - inside) / widest, 0.0)
    return np.asarray(width[wanted])
