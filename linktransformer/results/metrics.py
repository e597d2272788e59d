"""How good clusters and candidates are, against the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer.arrays import Doubles
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.factorize import factorize

__all__ = ["ClusterScores", "recall_at_k", "score_clusters"]


@dataclass(frozen=True, slots=True)
class ClusterScores:
    """How one clustering of rows agrees with another one that is true. All lie between 0 and 1 but `ari`.

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
        cluster_precision: Share of the clusters that are a true cluster, whole and without others.
        cluster_recall: Share of the true clusters that are found so.
        cluster_f1: Harmonic mean of the two.
        n_clusters: How many clusters.
        n_true_clusters: How many true ones.
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


def score_clusters(truth: Sequence[Any], labels: Sequence[Any]) -> ClusterScores:
    """Compare clusters with the true ones.

    Only the sizes of clusters and of what they share are counted: no pair of rows is looked at, so that a
    million true pairs cost no more than the rows that make them. B-cubed: A. Bagga and B. Baldwin,
    Entity-based cross-document coreferencing, 1998. Adjusted Rand index: L. Hubert and P. Arabie, Comparing
    partitions, 1985. V-measure: A. Rosenberg and J. Hirschberg, 2007.

    Args:
        truth: The true cluster of each row, (n_rows,); any hashable values.
        labels: The found cluster of each row, (n_rows,).

    Returns:
        The scores. Where there is nothing to be wrong about (no pair in one cluster, say), a precision is 1,
        and a recall where there is nothing to find.

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
    true, found = factorize(list(truth))[1], factorize(list(labels))[1]
    n, n_true, n_found = len(true), int(true.max(initial=-1)) + 1, int(found.max(initial=-1)) + 1
    cell, both = np.unique(true * max(1, n_found) + found, return_counts=True)
    row, column, both = cell // max(1, n_found), cell % max(1, n_found), both.astype(float)
    of_true = np.bincount(true, minlength=n_true).astype(float)
    of_found = np.bincount(found, minlength=n_found).astype(float)
    together, true_pairs, found_pairs = _pairs(both), _pairs(of_true), _pairs(of_found)
    precision, recall = _share(together, found_pairs), _share(together, true_pairs)
    b_precision = _share(float((both**2 / of_found[column]).sum()), n)
    b_recall = _share(float((both**2 / of_true[row]).sum()), n)
    homogeneity = _explained(of_true, both, of_found[column], n)
    completeness = _explained(of_found, both, of_true[row], n)
    whole = float(((both == of_true[row]) & (both == of_found[column])).sum())
    return ClusterScores(
        precision,
        recall,
        _harmonic(precision, recall),
        b_precision,
        b_recall,
        _harmonic(b_precision, b_recall),
        _adjusted(together, true_pairs, found_pairs, n),
        homogeneity,
        completeness,
        _harmonic(homogeneity, completeness),
        _share(whole, n_found),
        _share(whole, n_true),
        _harmonic(_share(whole, n_found), _share(whole, n_true)),
        n_found,
        n_true,
    )


def recall_at_k(truth: Iterable[tuple[Any, Any]], left: Sequence[Any], right: Sequence[Any], k: int) -> float:
    """The share of true pairs that are among the first k candidates of their left row.

    Args:
        truth: True (left, right) pairs.
        left: The left row of each candidate, the candidates of a row in order, best first.
        right: The right row of each candidate.
        k: How many of each left row count.

    Returns:
        A share; 1 where there is no true pair.

    Example:
        >>> recall_at_k([(0, 7), (1, 8)], [0, 0, 1, 1], [7, 5, 9, 8], k=1)
        0.5
    """
    wanted = set(truth)
    if not wanted:
        return 1.0
    code = factorize(list(left))[1]
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    place = np.arange(len(code)) - np.repeat(starts, np.diff(np.append(starts, len(code))))
    first = order[place < k].tolist()
    return len(wanted & {(left[pair], right[pair]) for pair in first}) / len(wanted)


def _pairs(size: Doubles) -> float:
    return float((size * (size - 1) / 2).sum())


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 1.0


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _adjusted(together: float, true_pairs: float, found_pairs: float, n: int) -> float:
    if n < 2:
        return 1.0
    expected = true_pairs * found_pairs / (n * (n - 1) / 2)
    most = (true_pairs + found_pairs) / 2
    return (together - expected) / (most - expected) if most != expected else 1.0


def _explained(of_one: Doubles, both: Doubles, of_other: Doubles, n: int) -> float:
    """One minus the entropy of one clustering given the other, as a share of its own entropy."""
    own = -float((of_one / max(1, n) * np.log(of_one / max(1, n))).sum())
    left = -float((both / max(1, n) * np.log(both / of_other)).sum())
    return 1 - left / own if own > 0 else 1.0
