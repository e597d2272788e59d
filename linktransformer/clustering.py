"""A table against itself: neighbours, and the clusters of those that match."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import (
    agglomerate,
    block_keys,
    blocking,
    comparing,
    density,
    encode,
    frames,
    keys,
    labels,
    lexical,
    limits,
    records,
    remembering,
    search,
)
from linktransformer.clusters import Clusters
from linktransformer.errors import InvalidArgumentError
from linktransformer.frames import Table
from linktransformer.fused import BELOW_ONE, Fused
from linktransformer.job import Job
from linktransformer.ranking import rank
from linktransformer.units import Units, read_units

__all__ = [
    "HDBSCAN",
    "METHODS",
    "Neighbours",
    "Rules",
    "cluster_table",
    "clusters_of",
    "neighbours_of",
    "nodes_apart",
]

logger = logging.getLogger(__name__)

HDBSCAN = "hdbscan"
METHODS = ("average", "complete", "single", HDBSCAN)
SHOWN = ("fused", "lexical")  # the view whose cosine is shown beside a match probability: the first there is
EVEN = 0.5  # the mean match probability between two clusters from which they are more likely one than two
MOST_VALUES = 4_096  # of a column of which a cluster has one row a value: a bit for each, in every row

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rules:
    """How a table is clustered.

    Args:
        method: One of `METHODS`.
        one_per: A column of whose values a cluster has one row each at most; None for none.
        cannot_link: Pairs of rows that are never in one cluster, by index label; None for none.

    Raises:
        InvalidArgumentError: They cannot work.
    """

    method: str = "average"
    one_per: str | None = None
    cannot_link: Any = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InvalidArgumentError(
                f"method={self.method!r} is not one of {', '.join(map(repr, METHODS))}."
            )
        if self.method == HDBSCAN and (self.one_per is not None or self.cannot_link is not None):
            raise InvalidArgumentError(
                "method='hdbscan' cannot keep rows apart. Leave out one_per= and cannot_link=, or take "
                "'average'."
            )
        if self.one_per is not None and not isinstance(self.one_per, str):
            raise InvalidArgumentError(
                f"one_per={self.one_per!r} is no column name. Give one, such as 'source'."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """What of a table is near what.

    Args:
        texts: The texts of the table.
        nodes: What is clustered.
        fused: Pairs of nodes, the lower one on the left, and their score.
        apart: What must not be in one cluster; None for nothing.
    """

    texts: records.Records
    nodes: blocking.Nodes
    fused: Fused
    apart: agglomerate.Apart | None = None


def cluster_table(table: Table, on: list[str], job: Job, rules: Rules) -> Clusters:
    """Search a table in itself and cluster what is found.

    Args:
        table: The table.
        on: Its key columns.
        job: How it is searched, and the threshold.
        rules: How it is clustered.

    Returns:
        The clusters.
    """
    neighbours, details, units = neighbours_of(table, on, job, rules)
    found = clusters_of(table, neighbours, job, rules.method, details)
    return found if units is None else replace(found, pictures=units.picture_of_row)


def neighbours_of(
    table: Table, on: list[str], job: Job, rules: Rules
) -> tuple[Neighbours, dict[str, Any], Units | None]:
    """Search a table in itself.

    Args:
        table: The table.
        on: Its key columns.
        job: How it is searched.
        rules: How it will be clustered.

    Returns:
        What is near what; what the report says; its pictures, where it has any.
    """
    units = None
    if job.images is not None:
        plan = encode.plan_of_pictures(job.model, job.device, job.cache)
        units = read_units(table, on, job.images, plan.serializer, job.progress, job.confidence)
    else:
        plan = encode.plan(job.model, job.device, job.cache)
    texts = records.read(table, on, plan.reading) if units is None else units.records
    of_row = block_keys.number_one(table, job.block_on)
    nodes, apart = nodes_apart(table, texts, of_row, rules)
    details: dict[str, Any] = {"on": on, "method": rules.method, "rows_cut": texts.n_cut}
    if units is None and job.alone:
        fused = _score_alone(table, on, texts, nodes, (plan, job), details)
    elif units is None:
        details["model"] = plan.name
        fused = comparing.decide(
            (table, table), (on, on), (texts, texts), (nodes, nodes), plan, job, details, same=True
        )
    else:
        details |= {"model": plan.name, "images": job.images, "rows_without_picture": dict(units.problems)}
        fused = comparing.decide_pictures(
            (table, table), (on, on), (units, units), (nodes, nodes), plan, job, details, same=True
        )
    return Neighbours(texts, nodes, fused, apart), details, units


def clusters_of(
    table: Table, neighbours: Neighbours, job: Job, method: str, details: dict[str, Any]
) -> Clusters:
    """Cluster the rows of a table whose neighbours are known.

    Args:
        table: The table.
        neighbours: Its nodes and their neighbours.
        job: With the threshold.
        method: One of `METHODS`.
        details: For the report.

    Returns:
        The clusters.
    """
    texts, nodes, fused = neighbours.texts, neighbours.nodes, neighbours.fused
    cosine, found = fused.score, fused.candidates
    if not job.alone and len(found):
        cosine = found.views[next(view for view in SHOWN if view in found.views)]
    threshold = EVEN if isinstance(job.threshold, str) else float(job.threshold)
    linkage = "average" if method == HDBSCAN else method
    details["threshold"] = threshold
    label = agglomerate.agglomerate(
        found.n_left, found.left, found.right, fused.score, threshold, linkage, neighbours.apart
    )
    if method == HDBSCAN:
        label, details["components_too_large"] = density.within_components(
            found.n_left, found.left, found.right, fused.score, threshold, label
        )
    details["rows_without_key"] = int((nodes.node_of_row < 0).sum())
    # a node that has all its k neighbours at or above the threshold may have more
    near = fused.score >= np.float32(threshold)
    degree = np.bincount(np.concatenate([found.left[near], found.right[near]]), minlength=len(nodes))
    details["rows_with_more_neighbours_than_k"] = int((degree >= job.k).sum())
    return _on_rows(table, texts, nodes, fused, label, cosine, details)


def nodes_apart(
    table: Table, texts: records.Records, of_row: Integers | None, rules: Rules
) -> tuple[blocking.Nodes, agglomerate.Apart | None]:
    """What is clustered, and what of it has to stay apart.

    Args:
        table: The table.
        texts: Its texts.
        of_row: The block of each row; None without blocks.
        rules: With what must not be in one cluster.

    Returns:
        The nodes, and what must not be in one cluster, None for nothing.
    """
    value, pairs = _apart(table, rules)
    if value is None and pairs is None:
        return blocking.nodes(texts.text_of_row, of_row), None
    # rows of the same text may have to stay apart: then every row is a node of its own
    nodes = blocking.nodes_of_rows(texts.text_of_row, of_row)
    return nodes, agglomerate.Apart.of(len(nodes), *_on_nodes(nodes, value, pairs))


def _apart(table: Table, rules: Rules) -> tuple[Integers | None, tuple[Integers, Integers] | None]:
    """The value of each row of which a cluster may have one, and pairs of rows that must stay apart."""
    value = None
    if rules.one_per is not None:
        frames.check_columns(table, [rules.one_per], "one_per")
        value = keys.codes(table, table, [rules.one_per], [rules.one_per])[0]
        if int(value.max(initial=-1)) >= MOST_VALUES:
            raise InvalidArgumentError(
                f"one_per={rules.one_per!r} has {int(value.max()) + 1} different values; {MOST_VALUES} are "
                "the most. Give a column such as the source or the year of a row."
            )
    if rules.cannot_link is None:
        return value, None
    return value, labels.rows_of_pairs(table, rules.cannot_link, "cannot_link")


def _on_nodes(
    nodes: blocking.Nodes, value: Integers | None, pairs: tuple[Integers, Integers] | None
) -> tuple[tuple[Integers, Integers] | None, Integers | None]:
    """The same of nodes, each of which is one row; rows without a key are no nodes."""
    first = blocking.first_rows(nodes)
    if pairs is not None:
        left, right = nodes.node_of_row[pairs[0]], nodes.node_of_row[pairs[1]]
        there = (left >= 0) & (right >= 0) & (left != right)
        pairs = left[there], right[there]
    return pairs, None if value is None else value[first]


def _score_alone(
    table: Table,
    on: list[str],
    texts: records.Records,
    nodes: blocking.Nodes,
    how: tuple[encode.Plan, Job],
    details: dict[str, Any],
) -> Fused:
    """Every node's neighbours in one view alone, scored by its cosine, as scripts of 0.1.18 mean it."""
    plan, job = how
    details["model"] = plan.name
    if not len(nodes):
        return comparing.nothing((nodes, nodes))
    if plan.encoder is None:
        matrix: Any = lexical.fit(texts.texts.tolist(), []).left
    else:
        written = texts.texts.tolist()
        if plan.serializer != plan.reading:
            written = records.texts_of(texts, records.read(table, on, plan.serializer))
        details |= limits.of_model(plan.encoder, [texts], [written])
        matrix = encode.embed(plan.encoder, written, batch_size=job.batch_size, show=job.progress)
    view = "lexical" if plan.encoder is None else "dense"
    found = search.search(
        {view: (matrix, matrix)},
        nodes,
        nodes,
        job.k,
        memory_limit=job.memory_limit,
        device=job.device,
        same=True,
    )
    fused = Fused(found, np.minimum(found.views[view], BELOW_ONE))
    details |= remembering.of_report(plan.encoder)
    details["search"] = dict(found.report)
    return fused


def _on_rows(
    table: Table,
    texts: records.Records,
    nodes: blocking.Nodes,
    fused: Fused,
    label: Integers,
    cosine: NDArray[np.float32],
    details: dict[str, Any],
) -> Clusters:
    """Clusters of rows out of clusters of nodes: rows of one node are together, one without a node alone."""
    node = nodes.node_of_row
    of_row = np.where(node >= 0, np.append(label, 0)[node], -1)
    alone = np.flatnonzero(node < 0)
    of_row[alone] = len(nodes) + np.arange(len(alone))
    length = np.append([len(text) for text in texts.texts.tolist()], 0).astype(np.int64)
    first = blocking.first_rows(nodes)
    found = fused.candidates
    inside = label[found.left] == label[found.right]
    a, b = first[found.left[inside]], first[found.right[inside]]
    final = agglomerate.in_order(of_row)
    next_score, next_cluster = _next_clusters(found, fused.score, label)
    # clusters of nodes, in the order of those of rows; rows without a node come after them in `of_row`
    order, mine = np.full(int(final.max(initial=-1)) + 1, -1, dtype=np.int64), node >= 0
    order[final[mine]] = label[node[mine]]
    back = np.full(int(label.max(initial=-1)) + 2, -1, dtype=np.int64)
    back[order[order >= 0]] = np.flatnonzero(order >= 0)
    return Clusters(
        table,
        final,
        length[texts.text_of_row],
        np.minimum(a, b),
        np.maximum(a, b),
        fused.score[inside],
        cosine[inside],
        np.append(next_score, np.float32(0))[order],
        back[np.append(next_cluster, -1)[order]],
        details,
    )


def _next_clusters(
    found: search.Candidates, score: NDArray[np.float32], label: Integers
) -> tuple[NDArray[np.float32], Integers]:
    """The average score between each cluster and the most similar other one, and which it is."""
    n = int(label.max(initial=-1)) + 1
    size = np.bincount(label, minlength=n)
    a, b = label[found.left], label[found.right]
    apart = a != b
    pair, place = np.unique(
        np.minimum(a, b)[apart] * max(1, n) + np.maximum(a, b)[apart], return_inverse=True
    )
    one, other = pair // max(1, n), pair % max(1, n)
    average = (np.bincount(place, score[apart], len(pair)) / (size[one] * size[other])).astype(np.float32)
    ranking = rank(
        np.concatenate([one, other]), np.concatenate([other, one]), np.concatenate([average, average])
    )
    best, which = np.zeros(n, dtype=np.float32), np.full(n, -1, dtype=np.int64)
    best[ranking.nodes] = np.concatenate([average, average])[ranking.best]
    which[ranking.nodes] = np.concatenate([other, one])[ranking.best]
    return best, which
