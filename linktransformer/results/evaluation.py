"""Links and clusters compared with the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast

import numpy as np

from linktransformer.errors import InvalidArgumentError
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.results.link_values import LinkValues
from linktransformer.results.metrics import score_clusters
from linktransformer.tables import frames, row_labels, splits
from linktransformer.tables.answers import examples
from linktransformer.tables.cells import is_null
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.pair_labels import Ids, read_labels, warn_of
from linktransformer.tables.row_labels import Label

__all__ = ["evaluate_clusters", "evaluate_links"]

CLUSTER = "cluster"  # the column of clusters in a truth


def evaluate_links(links: LinkValues, truth: object, ids: Ids, *, has_rows: bool) -> dict[str, float]:
    """As `Links.evaluate`; `has_rows` is false for links of files, whose cells are not in memory."""
    if (ids.left is not None or ids.right is not None) and not has_rows:
        raise InvalidArgumentError(
            "left_id= and right_id= name columns, and the rows of these links are in files. Give truth "
            "by row number, from 0."
        )
    labels = read_labels((links.left, links.right), truth, "truth", ids)
    if len(labels.left) and not labels.known_match.any() and (labels.right >= 0).all():
        raise InvalidArgumentError(
            f"truth has {len(labels.left)} labels and no match, so that there is no recall. Give the "
            "true pairs too; a row without a match has a null right label."
        )
    warn_of(labels.conflicts, labels.names, "truth")
    width = max(1, links.right.n_rows)
    code, match = labels.left * width + labels.right, labels.known_match
    true_pairs = np.unique(code[match])
    unclear = code[labels.conflicts.both_ways]
    pairs = np.setdiff1d(links.left_rows * width + links.right_rows, unclear)
    n_right, n_pairs = len(np.intersect1d(true_pairs, pairs)), len(pairs) + len(true_pairs)
    return {
        "precision": n_right / len(pairs) if len(pairs) else 1.0,
        "recall": n_right / len(true_pairs) if len(true_pairs) else 1.0,
        "f1": 2 * n_right / n_pairs if n_pairs else 1.0,
        "links": float(len(pairs)),
        "true_pairs": float(len(true_pairs)),
        **labels.conflicts.counts,
    }


def evaluate_clusters(clusters: ClusterValues, truth: object, ids: Ids) -> dict[str, float]:
    """As `Clusters.evaluate`; `ids` names the column of the rows twice."""
    counts: dict[str, float] = {}
    if isinstance(truth, str):
        frames.check_columns(clusters.table, [truth], "truth")
        true_clusters = frames.column(clusters.table, truth).tolist()
    elif isinstance(truth, Mapping):
        true_clusters = _by_label(clusters, list(truth.items()), ids.left)
    elif len(columns := list(getattr(truth, "columns", ()))) == 2 and CLUSTER in columns:
        given = frames.wrap(cast("IntoDataFrame", truth), "truth")
        named = sorted(given.columns, key=CLUSTER.__eq__)  # the rows, then their clusters
        members = [frames.column(given, name).tolist() for name in named]
        true_clusters = _by_label(clusters, list(zip(*members, strict=True)), ids.left)
    elif hasattr(truth, "columns"):
        labels = read_labels((clusters.table, clusters.table), truth, "truth", ids)
        match = labels.known_match
        if len(match) and not match.any():
            raise InvalidArgumentError(
                f"truth has {len(match)} labels and no match, which says nothing of clusters. Give the "
                "true pairs too."
            )
        warn_of(labels.conflicts, labels.names, "truth")
        counts, a, b = labels.conflicts.counts, labels.left[match], labels.right[match]
        true_clusters = splits.components(clusters.table.n_rows, a, b).tolist()
    else:
        true_clusters = list(cast("Sequence[object]", truth))
    if len(true_clusters) != clusters.table.n_rows:
        raise InvalidArgumentError(
            f"truth has {len(true_clusters)} values and the table {clusters.table.n_rows} rows. Give the "
            "true cluster of each row, a dict from row label to cluster, or a table of true pairs."
        )
    own = [object() if is_null(cluster) else cluster for cluster in true_clusters]
    return {**asdict(score_clusters(own, clusters.label.tolist())), **counts}


def _by_label(
    clusters: ClusterValues, truth: Sequence[tuple[Label, object]], row_id: str | None
) -> list[object]:
    """The true cluster of each row, None for a row without one."""
    rows = row_labels.row_of(clusters.table, "truth", row_id)
    unknown = list(dict.fromkeys(label for label, _ in truth if label not in rows))
    if unknown:
        raise InvalidArgumentError(
            f"truth names {unknown[0]!r}, the label of no row ({len(unknown)} such labels: "
            f"{examples(unknown)}). Give labels as in the table's "
            f"{'index' if row_id is None else f'column {row_id!r}'}."
        )
    of_label = dict(truth)
    several = [label for label, cluster in truth if cluster != of_label[label] and not is_null(cluster)]
    if several:
        raise InvalidArgumentError(
            f"truth has several clusters for {len(set(several))} rows: {examples(several)}. Give one."
        )
    of_rows: list[object] = [None] * clusters.table.n_rows
    for label, cluster in truth:
        of_rows[rows[label]] = cluster
    return of_rows
