"""The charts of clusters: their values, given to the charts that draw them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.charts import bars, graphs, probabilities
from linktransformer.charts.chart import Chart
from linktransformer.charts.graphs import ClusterGraph
from linktransformer.charts.probabilities import Scored
from linktransformer.errors import InvalidArgumentError
from linktransformer.results import cluster_explanation, link_charts
from linktransformer.results.pair_explanation import check_number
from linktransformer.tables import frames

if TYPE_CHECKING:
    from linktransformer.results.clusters import Clusters

__all__ = ["KINDS", "cluster_chart", "looseness", "nearest_apart"]

KINDS = ("sizes", "probability", "weights", "loosest", "largest", "cluster", "pair")
SHOWN = 6  # clusters drawn as graphs
MOST_ROWS = 40  # of one graph


def cluster_chart(clusters: Clusters, kind: str, cluster: int | None, pair: int | None) -> Chart:
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
    loose = looseness(clusters)
    order = several_rows[np.argsort(loose[several_rows], kind="stable")]
    order = order[np.isfinite(loose[order])]
    return _graphs(clusters, order[:SHOWN], "The loosest clusters")


def looseness(clusters: Clusters) -> Doubles:
    """The mean score of all pairs of different keys in each cluster, (n_clusters,); NaN where there is none.

    A pair that was not compared counts as 0, as in the estimate of precision.
    """
    of_pair = clusters.label[clusters.left_rows]
    total = np.bincount(of_pair, clusters.score, minlength=len(clusters))
    compared = np.unique(np.append(clusters.left_rows, clusters.right_rows))
    keys = np.bincount(clusters.label[compared], minlength=len(clusters)).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(keys > 1, total / (keys * (keys - 1) / 2), np.nan)


def nearest_apart(next_cluster: Integers) -> Integers:
    """The clusters that have a next one; of two that are each other's next one the lower."""
    has_next = np.flatnonzero(next_cluster >= 0)
    following = next_cluster[has_next]
    return has_next[~((next_cluster[following] == has_next) & (following < has_next))]


def _probability(clusters: Clusters) -> Chart:
    apart = nearest_apart(clusters.next_cluster)
    scored = Scored(
        clusters.score,
        clusters.next_score[apart],
        ("pairs within clusters", "a cluster and the next one, on average"),
        float(clusters.details["threshold"]),
        False,  # means between clusters are no probabilities of pairs: there is nothing to sum
    )
    precision, interval = (
        clusters.details.get(name) for name in ("estimated_precision", "estimated_precision_interval")
    )
    words = [f"{len(clusters.score):,} compared pairs within clusters."]
    if precision is not None and interval is not None:
        between = f"{interval[0]:.3f} to {interval[1]:.3f}"
        words.append(f"Estimated precision {precision:.3f} ({between}, 90 % interval).")
    return probabilities.probability_chart(scored, words)


def _of_one(clusters: Clusters, kind: str, cluster: int | None, pair: int | None) -> Chart:
    if cluster is None or (kind == "pair" and pair is None):
        wanted = "cluster=0" if kind == "cluster" else "cluster=0, pair=0"
        raise InvalidArgumentError(
            f'chart("{kind}") needs {wanted}. Given: cluster={cluster!r}, pair={pair!r}.'
        )
    number = check_number(cluster, len(clusters), f"cluster={cluster!r} is no cluster.")
    if kind == "cluster":
        return _graphs(clusters, np.array([number]), f"Cluster {number}")
    pairs = cluster_explanation.pairs_of_cluster(clusters, number)
    place = check_number(pair or 0, len(pairs), f"pair={pair!r} is no pair of cluster {number}.")
    return link_charts.pair_chart(cluster_explanation.of_pair(clusters, int(pairs[place])))


def _graphs(clusters: Clusters, chosen: Integers, title: str) -> Chart:
    if not len(chosen):
        raise InvalidArgumentError("No cluster has several rows: there is no graph to draw.")
    loose, sizes = looseness(clusters), clusters.sizes
    drawn = [_graph(clusters, number, float(loose[number])) for number in chosen.tolist()]
    words = ["Points are rows, lines compared pairs. Rows of equal keys are compared once."]
    cut = int((sizes[chosen] > MOST_ROWS).sum())
    if cut:
        words.append(f"Of {cut} of these clusters the first {MOST_ROWS} rows are drawn.")
    return graphs.graph_chart(drawn, title, words)


def _graph(clusters: Clusters, number: int, mean: float) -> ClusterGraph:
    members = np.flatnonzero(clusters.label == number)
    rows = members[:MOST_ROWS]
    labels = frames.index_labels(clusters.table, rows).tolist()
    keys = frames.joined(clusters.table.rows(rows), list(clusters.details["on"]), " · ", False).tolist()
    inside = np.isin(clusters.left_rows, rows) & np.isin(clusters.right_rows, rows)
    pairs = np.flatnonzero(inside)
    score: Floats = clusters.score[pairs]
    average = f", mean probability {mean:.2f}" if np.isfinite(mean) else ", equal keys"
    return ClusterGraph(
        f"cluster {number}: {len(members):,} rows{average}",
        [f"{label}: {key}" if key else str(label) for label, key in zip(labels, keys, strict=True)],
        np.searchsorted(rows, clusters.left_rows[pairs]),
        np.searchsorted(rows, clusters.right_rows[pairs]),
        score,
    )
