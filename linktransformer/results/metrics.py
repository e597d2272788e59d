"""Scores of clusters and candidates against the truth."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Doubles
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.cells import is_null
from linktransformer.tables.factorize import factorize
from linktransformer.tables.pair_labels import pairs_of

__all__ = ["ClusterScores", "recall_at_k", "score_clusters"]


@dataclass(frozen=True, slots=True)
class ClusterScores:
    """Agreement of clusters with the true ones. All scores lie between 0 and 1 except `ari`.

    Args:
        precision: Share of the pairs of rows in one cluster that are in one true cluster.
        recall: Share of the pairs of rows in one true cluster that are in one cluster.
        f1: Harmonic mean of the two.
        b_cubed_precision: Mean over rows of the share of its cluster that is of its true cluster.
        b_cubed_recall: Mean over rows of the share of its true cluster that is in its cluster.
        b_cubed_f1: Harmonic mean of the two.
        ari: Adjusted Rand index, 0 for clusters by chance; it may be negative.
        homogeneity: 1 where every cluster holds rows of one true cluster only.
        completeness: 1 where every true cluster is in one cluster.
        v_measure: Harmonic mean of the two.
        cluster_precision: Share of the clusters that are equal to a true cluster.
        cluster_recall: Share of the true clusters that are equal to a cluster.
        cluster_f1: Harmonic mean of the two.
        n_clusters: Number of clusters.
        n_true_clusters: Number of true clusters.
    """

    precision: float
    recall: float
    f1: float
    b_cubed_precision: float
    b_cubed_recall: float
    b_cubed_f1: float
    ari: float
    homogeneity: float
    completeness: float
    v_measure: float
    cluster_precision: float
    cluster_recall: float
    cluster_f1: float
    n_clusters: int
    n_true_clusters: int


def score_clusters(truth: Sequence[Hashable], labels: Sequence[Hashable]) -> ClusterScores:
    """Compare clusters with the true ones.

    All scores are computed from the sizes of clusters and of their intersections, without enumerating pairs.
    B-cubed: A. Bagga and B. Baldwin,
    Entity-based cross-document coreferencing, 1998. Adjusted Rand index: L. Hubert and P. Arabie, Comparing
    partitions, 1985. V-measure: A. Rosenberg and J. Hirschberg, 2007.

    Args:
        truth: The true cluster of each row, (n_rows,); any hashable values; null for a cluster of its own.
        labels: The predicted cluster of each row, (n_rows,).

    Returns:
        The scores. Without predicted pairs or clusters a precision is 1, without true ones a recall.

    Raises:
        InvalidArgumentError: The two have different lengths.

    Example:
        >>> scores = score_clusters(["a", "a", "b"], [0, 0, 0])
        >>> round(scores.precision, 3), scores.recall, round(scores.b_cubed_precision, 3)
        (0.333, 1.0, 0.556)
    """
    if len(truth) != len(labels):
        raise InvalidArgumentError(
            f"truth has {len(truth)} rows and labels {len(labels)}. Give one of each for every row."
        )
    own = [object() if is_null(cluster) else cluster for cluster in truth]
    true_code, code = factorize(own)[1], factorize(list(labels))[1]
    n, n_true, n_clusters = len(true_code), int(true_code.max(initial=-1)) + 1, int(code.max(initial=-1)) + 1
    cell, overlap = np.unique(true_code * max(1, n_clusters) + code, return_counts=True)
    row, column, overlap = cell // max(1, n_clusters), cell % max(1, n_clusters), overlap.astype(float)
    true_size = np.bincount(true_code, minlength=n_true).astype(float)
    size = np.bincount(code, minlength=n_clusters).astype(float)
    shared_pairs, true_pairs, cluster_pairs = _pairs(overlap), _pairs(true_size), _pairs(size)
    precision, recall = _share(shared_pairs, cluster_pairs), _share(shared_pairs, true_pairs)
    b_precision = _share(float((overlap**2 / size[column]).sum()), n)
    b_recall = _share(float((overlap**2 / true_size[row]).sum()), n)
    homogeneity = _explained(true_size, overlap, size[column], n)
    completeness = _explained(size, overlap, true_size[row], n)
    equal_clusters = float(((overlap == true_size[row]) & (overlap == size[column])).sum())
    return ClusterScores(
        precision,
        recall,
        _harmonic(precision, recall),
        b_precision,
        b_recall,
        _harmonic(b_precision, b_recall),
        _adjusted(shared_pairs, true_pairs, cluster_pairs, n),
        homogeneity,
        completeness,
        _harmonic(homogeneity, completeness),
        _share(equal_clusters, n_clusters),
        _share(equal_clusters, n_true),
        _harmonic(_share(equal_clusters, n_clusters), _share(equal_clusters, n_true)),
        n_clusters,
        n_true,
    )


def recall_at_k(truth: object, left: Sequence[Hashable], right: Sequence[Hashable], k: int) -> float:
    """The share of true pairs that are among the first k candidates of their left row.

    Args:
        truth: True (left, right) pairs, or triples with 1 (match) or 0, or a table of them, as
            `Links.evaluate` takes them.
        left: The left row of each candidate, the candidates of a row in order, best first.
        right: The right row of each candidate.
        k: How many of each left row count.

    Returns:
        A share; 1 where there is no true pair.

    Raises:
        InvalidArgumentError: `truth` is ambiguous or has its sides exchanged, or `left` and `right` have
            different lengths.

    Example:
        >>> recall_at_k([(0, 7), (1, 8)], [0, 0, 1, 1], [7, 5, 9, 8], k=1)
        0.5
    """
    if len(left) != len(right):
        raise InvalidArgumentError(
            f"left has {len(left)} rows and right {len(right)}. Give one of each for every candidate."
        )
    labels = pairs_of(truth, "truth")
    answered = zip(labels.left, labels.right, labels.answer, strict=True)
    true_pairs = {(a, b) for a, b, answer in answered if answer == 1 and not is_null(b)}
    if not true_pairs:
        return 1.0
    queries, items = set(left), set(right)
    if not any(a in queries for a, _ in true_pairs) and any(a in items for a, _ in true_pairs):
        raise InvalidArgumentError(
            "truth names no left row of the candidates, and right rows in their place. Give (left, right) "
            "pairs."
        )
    code = factorize(list(left))[1]
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    place = np.arange(len(code)) - np.repeat(starts, np.diff(np.append(starts, len(code))))
    first = order[place < k].tolist()
    return len(true_pairs & {(left[pair], right[pair]) for pair in first}) / len(true_pairs)


def _pairs(size: Doubles) -> float:
    return float((size * (size - 1) / 2).sum())


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 1.0


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _adjusted(shared_pairs: float, true_pairs: float, cluster_pairs: float, n: int) -> float:
    if n < 2:
        return 1.0
    expected = true_pairs * cluster_pairs / (n * (n - 1) / 2)
    maximum = (true_pairs + cluster_pairs) / 2
    return (shared_pairs - expected) / (maximum - expected) if maximum != expected else 1.0


def _explained(size: Doubles, overlap: Doubles, other_size: Doubles, n: int) -> float:
    """1 - H(clusters | other clusters) / H(clusters)."""
    entropy = -float((size / max(1, n) * np.log(size / max(1, n))).sum())
    conditional_entropy = -float((overlap / max(1, n) * np.log(overlap / other_size)).sum())
    return 1 - conditional_entropy / entropy if entropy > 0 else 1.0
