"""The charts of clusters: their values, given to the charts that draw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Bools, Doubles, Integers
from linktransformer.charts import bars, graphs, probabilities
from linktransformer.charts.chart import Chart
from linktransformer.charts.graphs import ClusterGraph
from linktransformer.charts.probabilities import Scored
from linktransformer.errors import InvalidArgumentError
from linktransformer.results import cluster_explanation, link_charts
from linktransformer.results.pair_explanation import check_number
from linktransformer.tables import frames

if TYPE_CHECKING:
    from linktransformer.results.cluster_values import ClusterValues

__all__ = ["KINDS", "cluster_chart", "looseness", "nearest_apart"]

KINDS = ("sizes", "probability", "weights", "loosest", "largest", "cluster", "pair")
SHOWN = 6  # clusters drawn as graphs
MOST_KEYS = 40  # points of one graph
GRAPH = 3  # different keys from which a cluster can be loose in more than one pair


def cluster_chart(clusters: ClusterValues, kind: str, cluster: int | None, pair: int | None) -> Chart:
    """One of `KINDS`; `Clusters.chart` has what they show.

    Raises:
        InvalidArgumentError: Another kind, or what it is of is missing.
    """
    if kind not in KINDS:
        raise InvalidArgumentError(f"kind={kind!r} is not one of {', '.join(map(repr, KINDS))}.")
    if kind in ("cluster", "pair"):
        return _of_one(clusters, kind, cluster, pair)
    if kind == "weights":
        return link_charts.weights_chart_of(clusters.details)
    if kind == "probability":
        return _probability(clusters)
    if kind == "sizes":
        several = int((clusters.sizes > 1).sum())
        counts = f"{clusters.table.n_rows:,} rows in {len(clusters):,} clusters, {several:,} of several rows."
        return bars.size_chart(clusters.sizes, [counts])
    several_rows = np.flatnonzero(clusters.sizes > 1)
    if kind == "largest":
        order = several_rows[np.argsort(-clusters.sizes[several_rows], kind="stable")]
        return _graphs(clusters, order[:SHOWN], "The largest clusters")
    loose, keys = looseness(clusters), _keys_of_clusters(clusters)
    order = np.argsort(loose, kind="stable")
    order = order[np.isfinite(loose[order])]
    of_three = order[keys[order] >= GRAPH]
    title = "The loosest clusters" + (f" of {GRAPH} keys and more" if len(of_three) else "")
    return _graphs(clusters, (of_three if len(of_three) else order)[:SHOWN], title)


def looseness(clusters: ClusterValues) -> Doubles:
    """The mean score of all pairs of different keys in each cluster, (n_clusters,); NaN where there is none.

    A pair that was not compared counts as 0, as in the estimate of precision.
    """
    of_pair = clusters.label[clusters.left_rows]
    total = np.bincount(of_pair, clusters.score, minlength=len(clusters))
    keys = _keys_of_clusters(clusters)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(keys > 1, total / (keys * (keys - 1) / 2), np.nan)


def _keys_of_clusters(clusters: ClusterValues) -> Integers:
    """How many different keys each cluster has that were compared, (n_clusters,)."""
    compared = np.unique(np.append(clusters.left_rows, clusters.right_rows))
    return np.bincount(clusters.label[compared], minlength=len(clusters))


def nearest_apart(next_cluster: Integers) -> Integers:
    """The clusters that have a next one; of two that are each other's next one the lower."""
    has_next = np.flatnonzero(next_cluster >= 0)
    following = next_cluster[has_next]
    repeated: Bools = (next_cluster[following] == has_next) & (following < has_next)
    return has_next[~repeated]


def _measure(clusters: ClusterValues) -> str:
    """What the scores are; candidates are kept where they are probabilities."""
    known = clusters.evidence is not None or clusters.details.get("estimated_precision") is not None
    return "match probability" if known else "similarity"


def _probability(clusters: ClusterValues) -> Chart:
    apart = nearest_apart(clusters.next_cluster)
    scored = Scored(
        clusters.score,
        clusters.next_score[apart],
        ("pairs within clusters", "a cluster and the next one, on average"),
        float(clusters.details["threshold"]),
        _measure(clusters),
        False,  # means between clusters are not probabilities of pairs: there is nothing to sum
    )
    precision, interval = (
        clusters.details.get(name) for name in ("estimated_precision", "estimated_precision_interval")
    )
    words = [f"{len(clusters.score):,} compared pairs within clusters."]
    if precision is not None and interval is not None:
        between = f"{interval[0]:.3f} to {interval[1]:.3f}"
        words.append(f"Estimated precision {precision:.3f} ({between}, 90 % interval).")
    return probabilities.probability_chart(scored, words)


def _of_one(clusters: ClusterValues, kind: str, cluster: int | None, pair: int | None) -> Chart:
    if cluster is None or (kind == "pair" and pair is None):
        wanted = "cluster=0" if kind == "cluster" else "cluster=0, pair=0"
        raise InvalidArgumentError(
            f'chart("{kind}") needs {wanted}. Given: cluster={cluster!r}, pair={pair!r}.'
        )
    number = check_number(cluster, len(clusters), f"cluster={cluster!r} is not a cluster.")
    if kind == "cluster":
        return _graphs(clusters, np.array([number]), f"Cluster {number}")
    pairs = cluster_explanation.pairs_of_cluster(clusters, number)
    place = check_number(pair or 0, len(pairs), f"pair={pair!r} is not a pair of cluster {number}.")
    return link_charts.pair_chart(cluster_explanation.of_pair(clusters, int(pairs[place])))


def _graphs(clusters: ClusterValues, chosen: Integers, title: str) -> Chart:
    if not len(chosen):
        raise InvalidArgumentError("No cluster has several rows: there is no graph to draw.")
    loose = looseness(clusters)
    drawn = [_graph(clusters, number, float(loose[number])) for number in chosen.tolist()]
    words = ["Points are rows, those of equal keys one point; lines are compared pairs."]
    cut = sum(len(graph.texts) == MOST_KEYS for graph in drawn)
    if cut:
        words.append(f"Of {cut} of these clusters at most {MOST_KEYS} keys are drawn.")
    return graphs.graph_chart(drawn, title, words)


def _graph(clusters: ClusterValues, number: int, mean: float) -> ClusterGraph:
    members = np.flatnonzero(clusters.label == number)
    first, place, count = _keys(clusters, members)
    rows = members[first][:MOST_KEYS]
    labels = frames.index_labels(clusters.table, rows).tolist()
    keys = frames.joined(clusters.table.rows(rows), list(clusters.details["on"]), " · ", False).tolist()
    of_pairs = np.flatnonzero(clusters.label[clusters.left_rows] == number)
    left, right = (
        place[np.searchsorted(members, side[of_pairs])] for side in (clusters.left_rows, clusters.right_rows)
    )
    drawn = (left < MOST_KEYS) & (right < MOST_KEYS) & (left != right)
    average = (
        f", mean {_measure(clusters).removeprefix('match ')} {mean:.2f}"
        if np.isfinite(mean)
        else ", equal keys"
    )
    more = ["" if n == 1 else f" (×{n})" for n in count[:MOST_KEYS].tolist()]
    return ClusterGraph(
        f"cluster {number}: {len(members):,} rows{average}",
        [f"{label}: {key}{times}" for label, key, times in zip(labels, keys, more, strict=True)],
        left[drawn],
        right[drawn],
        clusters.score[of_pairs[drawn]],
    )


def _keys(clusters: ClusterValues, members: Integers) -> tuple[Integers, Integers, Integers]:
    """The different keys of a cluster's rows, in order of first row.

    The place of the first row of each, the number of the key of each row, and how many rows have each key.
    """
    if clusters.evidence is not None:
        node = clusters.evidence.nodes[0].node_of_row[members]
    else:
        keys = frames.joined(
            clusters.table.rows(members), list(clusters.details["on"]), " ", False, compared=True
        )
        node = np.unique(keys.astype(str), return_inverse=True)[1]
    _, first, place, count = np.unique(node, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[place], count[order]
