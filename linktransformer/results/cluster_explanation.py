"""Why rows of a table are in one cluster or in two, as the columns of a table."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.job_evidence import JobEvidence
from linktransformer.decision.model import sigmoid
from linktransformer.errors import InvalidArgumentError
from linktransformer.results import explanation
from linktransformer.results.agglomerate import LINKAGES, agglomerate
from linktransformer.results.explanation import Pair
from linktransformer.tables import frames
from linktransformer.tables.frames import Table

if TYPE_CHECKING:
    from linktransformer.results.clusters import Clusters

__all__ = ["of_cluster", "of_pair", "of_rows", "pairs_of_cluster"]

HALVINGS = 24  # of the interval in which the threshold lies at which two rows come together
NEAREST = 10  # pairs between two clusters that are shown

Columns = dict[str, NDArray[Any]]


def pairs_of_cluster(clusters: Clusters, cluster: int) -> Integers:
    """The pairs of rows of a cluster that were compared.

    Args:
        clusters: The clusters.
        cluster: The number of one.

    Returns:
        Their places among all pairs, the highest score first, (n,) int64.
    """
    some = np.flatnonzero(clusters.label[clusters.left_rows] == cluster)
    return some[np.argsort(-clusters.score[some], kind="stable")]


def of_cluster(clusters: Clusters, some: Integers) -> Columns:
    """Explain a cluster: a line for each pair of its rows that was compared.

    Args:
        clusters: The clusters.
        some: Places of its pairs among all, the highest score first, (n,) int64.

    Returns:
        Columns left, right, score, cosine and weakest.
    """
    return {
        "left": frames.index_labels(clusters.table, clusters.left_rows[some]),
        "right": frames.index_labels(clusters.table, clusters.right_rows[some]),
        "score": clusters.score[some],
        "cosine": clusters.cosine[some],
        "weakest": np.arange(len(some)) == len(some) - 1,
    }


def of_pair(clusters: Clusters, place: int) -> Columns:
    """Explain a pair of rows that was compared.

    Args:
        clusters: The clusters.
        place: The place of the pair among all pairs.

    Returns:
        Columns as `Clusters.explain` says.
    """
    rows = int(clusters.left_rows[place]), int(clusters.right_rows[place])
    score = float(clusters.score[place])
    on = list(clusters.details["on"])
    views = {"nearest": float(clusters.cosine[place])}
    if clusters.evidence is not None:
        kept = clusters.evidence
        node = kept.nodes[0].node_of_row[list(rows)]
        at = int(kept.at[kept.find(node[:1], node[1:])[0]])
        views = {name: float(of[at]) for name, of in kept.searched.views.items()}
    pair = Pair((clusters.table, clusters.table), (on, on), rows, score, views)
    return explanation.of_pair(pair, clusters.evidence)


def of_rows(clusters: Clusters, rows: tuple[int, int]) -> Columns:
    """Say why two rows are in one cluster, or in two.

    Args:
        clusters: The clusters.
        rows: The rows.

    Returns:
        Columns item, left, right and score.

    Raises:
        InvalidArgumentError: Candidates were not kept, as with cosines in place of match probabilities.
    """
    kept = clusters.evidence
    if kept is None:
        raise InvalidArgumentError(
            "The candidates of these clusters were not kept, since they were not decided by match "
            "probabilities. Use clusters.explain(number) for a cluster's own pairs."
        )
    node = kept.nodes[0].node_of_row[list(rows)]
    labels = [explanation.label_of(clusters.table, row) for row in rows]
    if rows[0] != rows[1] and node.min() < 0:
        names = [label for label, of in zip(labels, node.tolist(), strict=True) if of < 0]
        return _columns([("no key: the row is a cluster by itself", name, None, None) for name in names])
    lines: list[tuple[Any, ...]] = [("pair", *labels, _score(kept, node))]
    if node[0] == node[1]:
        return _columns([*lines, ("equal keys", *labels, None)])
    numbers = clusters.label[list(rows)]
    lines.append(("threshold", None, None, float(clusters.details["threshold"])))
    if numbers[0] == numbers[1]:
        return _columns(lines + _together(clusters, kept, rows))
    return _columns(lines + _between(clusters, kept, numbers))


def _together(clusters: Clusters, kept: JobEvidence, rows: tuple[int, int]) -> list[tuple[Any, ...]]:
    """The strongest path between two records of a cluster, and the two parts that were joined."""
    node = kept.nodes[0].node_of_row[list(rows)]
    named = dict(zip(node.tolist(), rows, strict=True))
    members = _members(clusters, kept, int(clusters.label[rows[0]]))
    inside = np.flatnonzero(np.isin(kept.left, members) & np.isin(kept.right, members))
    left, right = (np.searchsorted(members, side[inside]) for side in (kept.left, kept.right))
    p = sigmoid(kept.log_odds[inside])
    a, b = np.searchsorted(members, node).tolist()
    path = _strongest_path(len(members), left, right, p, a, b)
    if path[0] != a:
        return [("must_link: no candidate pairs lead from one to the other", None, None, None)]
    lines = []
    for one, other in itertools.pairwise(path):
        here = ((left == one) & (right == other)) | ((left == other) & (right == one))
        lines.append(
            ("path", *_labels(clusters.table, kept, members[[one, other]], named), float(p[here][0]))
        )
    if clusters.details["method"] in LINKAGES:
        parts = _parts(len(members), (left, right, p), (a, b), str(clusters.details["method"]))
        mean = _mean(parts, left, right, p)
        sizes = [f"{int(part.sum())} of {len(members)} records" for part in parts]
        lines.append(("mean between the parts joined", *sizes, mean))
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
    """The clusters of two records just before these come together, as the threshold falls."""
    low, high = 0.0, 1.0  # together below, apart at 1
    label = np.arange(n)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        tried = agglomerate(n, *pairs, middle, method)
        if tried[ends[0]] == tried[ends[1]]:
            low = middle
        else:
            high, label = middle, tried
    return label == label[ends[0]], label == label[ends[1]]


def _between(clusters: Clusters, kept: JobEvidence, numbers: Integers) -> list[tuple[Any, ...]]:
    """What keeps two clusters apart."""
    one, other = (_members(clusters, kept, int(number)) for number in numbers)
    both = np.isin(kept.left, one) & np.isin(kept.right, other)
    both |= np.isin(kept.left, other) & np.isin(kept.right, one)
    found = np.flatnonzero(both)
    p = sigmoid(kept.log_odds[found])
    sizes = [
        f"cluster {number}, {len(part)} records" for number, part in zip(numbers, (one, other), strict=True)
    ]
    mean = float(p.sum(dtype=np.float64)) / (len(one) * len(other))
    lines: list[tuple[Any, ...]] = [("mean between the clusters", *sizes, mean)]
    lines += _apart(clusters, kept, one, other)
    for place in np.argsort(-p, kind="stable")[:NEAREST].tolist():
        ends = np.array([kept.left[found[place]], kept.right[found[place]]])
        lines.append(("candidate between them", *_labels(clusters.table, kept, ends), float(p[place])))
    if not len(found):
        lines.append(("no pair between them is among the nearest candidates", None, None, None))
    return lines


def _apart(clusters: Clusters, kept: JobEvidence, one: Integers, other: Integers) -> list[tuple[Any, ...]]:
    """The rules that forbid two clusters to be one."""
    rules, lines = clusters.apart, []
    if rules is None:
        return []
    pairs = np.isin(rules.left, one) & np.isin(rules.right, other)
    pairs |= np.isin(rules.left, other) & np.isin(rules.right, one)
    for place in np.flatnonzero(pairs)[:NEAREST].tolist():
        ends = np.array([rules.left[place], rules.right[place]])
        lines.append(("cannot_link", *_labels(clusters.table, kept, ends), None))
    if rules.masks.shape[1]:
        shared = np.bitwise_or.reduce(rules.masks[one], axis=0) & np.bitwise_or.reduce(
            rules.masks[other], axis=0
        )
        if shared.any():
            ends = np.array([part[(rules.masks[part] & shared).any(axis=1)][0] for part in (one, other)])
            lines.append(("one_per: a value is in both", *_labels(clusters.table, kept, ends), None))
    return lines


def _mean(parts: tuple[Bools, Bools], left: Integers, right: Integers, p: Floats) -> float:
    """The mean probability between two parts, 0 for pairs that were not compared."""
    one, other = parts
    across = (one[left] & other[right]) | (other[left] & one[right])
    return float(p[across].sum(dtype=np.float64)) / float(one.sum() * other.sum())


def _members(clusters: Clusters, kept: JobEvidence, number: int) -> Integers:
    """The records of a cluster, rising."""
    node = kept.nodes[0].node_of_row[clusters.label == number]
    return np.unique(node[node >= 0])


def _score(kept: JobEvidence, node: Integers) -> float | None:
    if node[0] == node[1]:
        return None
    at = int(kept.find(node[:1], node[1:])[0])
    return None if at < 0 else float(sigmoid(kept.log_odds[[at]])[0])


def _first_row(kept: JobEvidence, node: int) -> int:
    return int(np.flatnonzero(kept.nodes[0].node_of_row == node)[0])


def _labels(
    table: Table, kept: JobEvidence, nodes: Integers, of: Mapping[int, int] | None = None
) -> list[str]:
    """The labels of records: of a row that the caller named, else of the first one with this key."""
    named = of or {}
    rows = [named[node] if node in named else _first_row(kept, node) for node in nodes.tolist()]
    return [explanation.label_of(table, row) for row in rows]


def _columns(lines: list[tuple[Any, ...]]) -> Columns:
    names = ("item", "left", "right", "score")
    return {name: explanation.array(name, [line[at] for line in lines]) for at, name in enumerate(names)}
