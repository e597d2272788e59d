"""The output of `linktransformer dedup --dry-run`: counts, and the clusters to check first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Doubles
from linktransformer.tables import frames

if TYPE_CHECKING:
    from linktransformer.results.clusters import Clusters

__all__ = ["preview"]

SHOWN = 5  # clusters of each kind
ROWS = 4  # of each cluster
LONGEST = 100  # characters of a row


def preview(clusters: Clusters) -> str:
    """Counts of rows, clusters and rows that would be dropped, the estimated precision, and examples.

    The examples are the clusters with the most rows, and those of several rows with the lowest mean match
    probability, with some rows each.
    """
    rows, sizes, probability = clusters.table.n_rows, clusters.sizes, _mean_probability(clusters)
    estimate = clusters.details["estimated_precision"]
    lines = [
        f"rows: {rows}",
        f"clusters: {len(clusters)}",
        f"rows that would go: {rows - len(clusters)}",
        f"clusters of several rows: {int((sizes > 1).sum())}",
        f"estimated precision of their pairs: {'too few pairs' if estimate is None else f'{estimate:.2f}'}",
    ]
    several = np.flatnonzero(sizes > 1)
    uncertain = several[np.isfinite(probability[several])]
    for title, numbers in (
        ("largest clusters", several[np.argsort(-sizes[several], kind="stable")]),
        ("least certain clusters", uncertain[np.argsort(probability[uncertain], kind="stable")]),
    ):
        if len(numbers):
            lines += ["", f"{title}:"]
        for cluster in numbers[:SHOWN].tolist():
            lines += _one(clusters, cluster, int(sizes[cluster]), float(probability[cluster]))
    return "\n".join(lines) + "\n"


def _mean_probability(clusters: Clusters) -> Doubles:
    """The mean match probability of the compared pairs of each cluster, NaN for none, (n_clusters,)."""
    cluster_of_pair = clusters.label[clusters.left_rows]
    count = np.bincount(cluster_of_pair, minlength=len(clusters))
    total = np.bincount(cluster_of_pair, clusters.score, minlength=len(clusters))
    return np.where(count > 0, total / np.maximum(1, count), np.nan)


def _one(clusters: Clusters, cluster: int, size: int, probability: float) -> list[str]:
    """The lines of one cluster: rows of different keys first."""
    table, on = clusters.table, list(clusters.details["on"])
    rows = np.flatnonzero(clusters.label == cluster)
    if clusters.pictures is not None and not on:
        texts = np.full(len(rows), "", dtype=object)
    else:
        texts = frames.joined(table.rows(rows), on, " | ", False)
    _, first = np.unique(texts.astype(str), return_index=True)
    order = np.concatenate([np.sort(first), np.setdiff1d(np.arange(len(rows)), first)])[:ROWS]
    mean = "rows of equal keys" if np.isnan(probability) else f"mean probability {probability:.2f}"
    lines = [f"  cluster {cluster}: {size} rows, {mean}"]
    labels = frames.index_labels(table, rows[order]).tolist()
    for label, text in zip(labels, texts[order].tolist(), strict=True):
        lines.append(f"    row {label}: {text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}")
    return [*lines, f"    and {size - len(order)} more"] if size > len(order) else lines
