"""Where clustering stops: the threshold at which rows sit best, and clusters that are none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linktransformer import agglomerate, blocking, records, search
from linktransformer.silhouette import silhouette, widths

__all__ = ["STRICT", "TRIED", "WEAK", "best_cut", "sample_nodes", "without_weak"]

TRIED = np.arange(0.9, 0.14, -0.05).round(2).tolist()  # thresholds of which the best silhouette is taken
WEAK = 0.25  # mean silhouette width of a cluster that has no substantial structure
STRICT = 0.6  # what every cluster needs where most have none
SAMPLE = 20_000  # nodes that the silhouette is measured on

Integers = NDArray[np.int64]


def best_cut(
    found: search.Candidates,
    score: NDArray[np.float32],
    thresholds: list[float],
    method: str,
    sample: Integers | None,
    apart: agglomerate.Apart | None = None,
) -> tuple[Integers, float, dict[str, float]]:
    """The clusters at the threshold with the best silhouette; the highest threshold of equally good ones.

    Args:
        found: Pairs of nodes.
        score: (n_pairs,) float32.
        thresholds: Falling; a single one is taken without a look at the silhouette.
        method: A linkage.
        sample: Nodes on which the silhouette is measured; None for all.
        apart: What must not be in one cluster.

    Returns:
        The cluster of each node, the threshold, and the silhouette at each that was tried.
    """
    left, right = found.left, found.right
    if apart is not None:  # that a row is near one it cannot be with says nothing against its cluster
        allowed = apart.allowed(left, right)
        left, right, score = left[allowed], right[allowed], score[allowed]
    every = agglomerate.cuts(found.n_left, left, right, score, thresholds, method, apart)
    if len(thresholds) == 1:
        return next(every), thresholds[0], {}
    best, chosen, at = -np.inf, np.arange(found.n_left), thresholds[0]
    tried: dict[str, float] = {}
    for threshold, label in zip(thresholds, every, strict=True):
        width = silhouette(left, right, score, label, sample)
        tried[f"{threshold:g}"] = round(width, 4)
        if width > best + 1e-9:
            best, chosen, at = width, label, threshold
    return chosen, at, tried


def without_weak(
    found: search.Candidates,
    score: NDArray[np.float32],
    label: Integers,
    at: float,
    method: str,
    apart: agglomerate.Apart | None,
) -> tuple[Integers, int, float | None]:
    """Divide the clusters whose rows sit about as well elsewhere.

    A table without duplicates has neighbours too, and the best threshold is the best of bad ones there: then
    the mean width of all nodes in clusters of several is below 0.25, and a cluster needs 0.6 to stay.
    Elsewhere 0.25 will do. On the scale of L. Kaufman and P. Rousseeuw, Finding groups in data, 1990, a mean
    width of 0.25 or less is no substantial structure, one above 0.5 a reasonable one. What does not stay is
    taken apart; in a table with structure it is first clustered again at each higher threshold, so that rows
    that are as good as equal remain together.

    Args:
        found: Pairs of nodes.
        score: (n_pairs,) float32.
        label: The cluster of each node, (n,) int64.
        at: The threshold at which they were found.
        method: A linkage.
        apart: What must not be in one cluster.

    Returns:
        The clusters, how many were divided, and the mean width of the nodes in those of several, None where
        there are none.
    """
    left, right = found.left, found.right
    if apart is not None:
        allowed = apart.allowed(left, right)
        left, right, score = left[allowed], right[allowed], score[allowed]
    width = widths(left, right, score, label)
    several = np.bincount(label)[label] > 1
    structured = several.any() and width[several].mean() >= WEAK
    least = WEAK if structured else STRICT
    n_divided = 0
    doubtful = np.flatnonzero(several)
    higher = sorted(tried for tried in TRIED if tried > at) if structured else []
    for threshold in [*higher, None]:
        size = np.bincount(label)
        mean = np.bincount(label[doubtful], width[doubtful], len(size)) / size
        bad = np.zeros(len(size), dtype=bool)
        bad[label[doubtful]] = True
        bad &= (size > 1) & (mean < least)
        n_divided = n_divided or int(bad.sum())
        doubtful = np.flatnonzero(bad[label])
        if not len(doubtful):
            break
        label = _divided(left, right, score, label, doubtful, threshold, method, apart)
        width[doubtful] = widths(left, right, score, label, doubtful)
    several = np.bincount(label)[label] > 1
    separation = round(float(width[several].mean()), 4) if several.any() else None
    return label, n_divided, separation


def _divided(
    left: Integers,
    right: Integers,
    score: NDArray[np.float32],
    label: Integers,
    nodes: Integers,
    threshold: float | None,
    method: str,
    apart: agglomerate.Apart | None,
) -> Integers:
    """The clusters that these nodes are, clustered again at a threshold; None is each by itself."""
    n = len(label)
    again = np.arange(n)
    if threshold is not None:
        among = np.zeros(n, dtype=bool)
        among[nodes] = True
        inside = among[left] & among[right] & (label[left] == label[right])
        again = agglomerate.agglomerate(
            n, left[inside], right[inside], score[inside], threshold, method, apart
        )
    label = label.copy()
    label[nodes] = n + again[nodes]
    return agglomerate.in_order(label)


def sample_nodes(texts: records.Records, nodes: blocking.Nodes) -> Integers | None:
    """Nodes on which the silhouette is measured, the same in any order of rows.

    Args:
        texts: The texts.
        nodes: The nodes.

    Returns:
        Numbers of nodes, None for all of them.
    """
    if len(nodes) <= SAMPLE:
        return None
    by_text = sorted(range(len(nodes)), key=texts.texts[nodes.text].tolist().__getitem__)
    return np.array(by_text)[np.random.default_rng(0).choice(len(nodes), SAMPLE, replace=False)]
