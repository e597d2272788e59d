"""Explanation of a cluster, of a pair in it, or of two rows in one cluster or in two."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.job_evidence import JobEvidence
from linktransformer.decision.model import sigmoid
from linktransformer.errors import InvalidArgumentError
from linktransformer.results import pair_explanation
from linktransformer.results.agglomerate import LINKAGES, agglomerate
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.results.pair_explanation import Columns, Pair, label_of
from linktransformer.tables import frames
from linktransformer.tables.frames import Table

__all__ = ["of_cluster", "of_pair", "of_rows", "pairs_of_cluster"]

HALVINGS = 24  # of the interval in which the threshold lies at which two rows come together
NEAREST = 10  # pairs between two clusters that are shown

Line: TypeAlias = tuple[str, str | None, str | None, float | None]  # item, left, right, score


def pairs_of_cluster(clusters: ClusterValues, cluster: int) -> Integers:
    """The compared pairs of a cluster: positions among all pairs, the highest score first, (n,) int64."""
    pairs = np.flatnonzero(clusters.label[clusters.left_rows] == cluster)
    return pairs[np.argsort(-clusters.score[pairs], kind="stable")]


def of_cluster(clusters: ClusterValues, pairs: Integers) -> Columns:
    """A line for each compared pair of a cluster, given their positions, the highest score first."""
    return {
        "left": frames.index_labels(clusters.table, clusters.left_rows[pairs]),
        "right": frames.index_labels(clusters.table, clusters.right_rows[pairs]),
        "score": clusters.score[pairs],
        "cosine": clusters.cosine[pairs],
        "weakest": np.arange(len(pairs)) == len(pairs) - 1,
    }


def of_pair(clusters: ClusterValues, place: int) -> Columns:
    """The columns that `Clusters.explain` gives for a compared pair, by its position among all pairs."""
    rows = int(clusters.left_rows[place]), int(clusters.right_rows[place])
    score = float(clusters.score[place])
    on = list(clusters.details["on"])
    views = {"nearest": float(clusters.cosine[place])}
    if clusters.evidence is not None:
        node = clusters.evidence.nodes[0].node_of_row[list(rows)]
        position = int(clusters.evidence.find(node[:1], node[1:])[0])
        views = pair_explanation.views_at(clusters.evidence, position)
    pair = Pair((clusters.table, clusters.table), (on, on), rows, score, views)
    return pair_explanation.of_pair(pair, clusters.evidence)


def of_rows(clusters: ClusterValues, rows: tuple[int, int]) -> Columns:
    """Explain why two rows are in one cluster, or in two: columns item, left, right and score.

    Raises:
        InvalidArgumentError: Candidates were not kept, because the scores are similarities.
    """
    evidence = clusters.evidence
    if evidence is None:
        raise InvalidArgumentError(
            "The candidates of these clusters were not kept, since they were not decided by match "
            "probabilities. Use clusters.explain(number) for a cluster's own pairs."
        )
    node = evidence.nodes[0].node_of_row[list(rows)]
    labels = [label_of(clusters.table, row) for row in rows]
    if rows[0] != rows[1] and node.min() < 0:
        without_key = [label for label, number in zip(labels, node.tolist(), strict=True) if number < 0]
        return _columns(
            [("no key: the row is a cluster by itself", label, None, None) for label in without_key]
        )
    lines: list[Line] = [("pair", labels[0], labels[1], _score(evidence, node))]
    if node[0] == node[1]:
        return _columns([*lines, ("equal keys", labels[0], labels[1], None)])
    numbers = clusters.label[list(rows)]
    lines.append(("threshold", None, None, float(clusters.details["threshold"])))
    if numbers[0] == numbers[1]:
        return _columns(lines + _together(clusters, evidence, rows))
    return _columns(lines + _between(clusters, evidence, numbers))


def _together(clusters: ClusterValues, evidence: JobEvidence, rows: tuple[int, int]) -> list[Line]:
    """The strongest path between two records of a cluster, and the two parts that were joined."""
    node = evidence.nodes[0].node_of_row[list(rows)]
    row_of_node = dict(zip(node.tolist(), rows, strict=True))
    members = _members(clusters, evidence, int(clusters.label[rows[0]]))
    inside = np.flatnonzero(np.isin(evidence.left, members) & np.isin(evidence.right, members))
    left, right = (np.searchsorted(members, side[inside]) for side in (evidence.left, evidence.right))
    p = sigmoid(evidence.log_odds[inside])
    a, b = np.searchsorted(members, node).tolist()
    path = _strongest_path(len(members), left, right, p, a, b)
    if path[0] != a:
        return [("must_link: no candidate pairs lead from one to the other", None, None, None)]
    lines: list[Line] = []
    for one, other in itertools.pairwise(path):
        step = ((left == one) & (right == other)) | ((left == other) & (right == one))
        labels = _labels(clusters.table, evidence, members[[one, other]], row_of_node)
        lines.append(("path", *labels, float(p[step][0])))
    if clusters.details["method"] in LINKAGES:
        parts = _parts(len(members), (left, right, p), (a, b), str(clusters.details["method"]))
        mean = _mean(parts, left, right, p)
        left_size, right_size = (f"{int(part.sum())} of {len(members)} records" for part in parts)
        lines.append(("mean between the parts joined", left_size, right_size, mean))
        if mean < float(clusters.details["threshold"]):
            lines.append(("below the threshold: joined by must_link", None, None, None))
    return lines


def _strongest_path(n: int, left: Integers, right: Integers, p: Floats, a: int, b: int) -> list[int]:
    """The path whose weakest pair is strongest: that in the spanning tree with the largest sum."""
    graph = sp.coo_matrix((2.0 - p.astype(np.float64), (left, right)), shape=(n, n)).tocsr()
    tree = sp.csgraph.minimum_spanning_tree(graph)
    _, before = sp.csgraph.breadth_first_order(tree, a, directed=False)
    path = [b]
    while path[-1] != a and before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path[::-1]


def _parts(
    n: int, pairs: tuple[Integers, Integers, Floats], ends: tuple[int, int], method: str
) -> tuple[Bools, Bools]:
    """The clusters of two records just before these are merged, as the threshold falls."""
    low, high = 0.0, 1.0  # in one cluster at 0, in two at 1
    label = np.arange(n)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        clusters = agglomerate(n, *pairs, middle, method)
        if clusters[ends[0]] == clusters[ends[1]]:
            low = middle
        else:
            high, label = middle, clusters
    return label == label[ends[0]], label == label[ends[1]]


def _between(clusters: ClusterValues, evidence: JobEvidence, numbers: Integers) -> list[Line]:
    """What keeps two clusters apart."""
    one, other = (_members(clusters, evidence, int(number)) for number in numbers)
    both = np.isin(evidence.left, one) & np.isin(evidence.right, other)
    both |= np.isin(evidence.left, other) & np.isin(evidence.right, one)
    between = np.flatnonzero(both)
    p = sigmoid(evidence.log_odds[between])
    sizes = f"cluster {numbers[0]}, {len(one)} records", f"cluster {numbers[1]}, {len(other)} records"
    mean = float(p.sum(dtype=np.float64)) / (len(one) * len(other))
    lines: list[Line] = [("mean between the clusters", *sizes, mean)]
    lines += _apart(clusters, evidence, one, other)
    for place in np.argsort(-p, kind="stable")[:NEAREST].tolist():
        ends = np.array([evidence.left[between[place]], evidence.right[between[place]]])
        lines.append(("candidate between them", *_labels(clusters.table, evidence, ends), float(p[place])))
    if not len(between):
        lines.append(("no pair between them is among the nearest candidates", None, None, None))
    return lines


def _apart(clusters: ClusterValues, evidence: JobEvidence, one: Integers, other: Integers) -> list[Line]:
    """The rules that forbid two clusters to be merged."""
    rules = clusters.apart
    lines: list[Line] = []
    if rules is None:
        return []
    pairs = np.isin(rules.left, one) & np.isin(rules.right, other)
    pairs |= np.isin(rules.left, other) & np.isin(rules.right, one)
    for place in np.flatnonzero(pairs)[:NEAREST].tolist():
        ends = np.array([rules.left[place], rules.right[place]])
        lines.append(("cannot_link", *_labels(clusters.table, evidence, ends), None))
    if rules.masks.shape[1]:
        shared = np.bitwise_or.reduce(rules.masks[one], axis=0) & np.bitwise_or.reduce(
            rules.masks[other], axis=0
        )
        if shared.any():
            ends = np.array([part[(rules.masks[part] & shared).any(axis=1)][0] for part in (one, other)])
            lines.append(("one_per: a value is in both", *_labels(clusters.table, evidence, ends), None))
    return lines


def _mean(parts: tuple[Bools, Bools], left: Integers, right: Integers, p: Floats) -> float:
    """The mean probability between two parts, 0 for pairs that were not compared."""
    one, other = parts
    across = (one[left] & other[right]) | (other[left] & one[right])
    return float(p[across].sum(dtype=np.float64)) / float(one.sum() * other.sum())


def _members(clusters: ClusterValues, evidence: JobEvidence, number: int) -> Integers:
    """The records of a cluster, rising."""
    node = evidence.nodes[0].node_of_row[clusters.label == number]
    return np.unique(node[node >= 0])


def _score(evidence: JobEvidence, node: Integers) -> float | None:
    if node[0] == node[1]:
        return None
    at = int(evidence.find(node[:1], node[1:])[0])
    return None if at < 0 else float(sigmoid(evidence.log_odds[[at]])[0])


def _first_row(evidence: JobEvidence, node: int) -> int:
    return int(np.flatnonzero(evidence.nodes[0].node_of_row == node)[0])


def _labels(
    table: Table, evidence: JobEvidence, nodes: Integers, row_of_node: Mapping[int, int] | None = None
) -> tuple[str, str]:
    """The labels of two records: of a row that the caller named, else of the first one with this key."""
    rows = row_of_node or {}
    left, right = (rows[node] if node in rows else _first_row(evidence, node) for node in nodes.tolist())
    return label_of(table, left), label_of(table, right)


def _columns(lines: list[Line]) -> Columns:
    return pair_explanation.table_of(("item", "left", "right", "score"), lines)
