"""A table against itself: neighbours, and the clusters of those that match."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.fused import BELOW_ONE, Fused
from linktransformer.decision.ranking import rank
from linktransformer.dedup import hdbscan_components
from linktransformer.dedup.constraints import HDBSCAN, Rules, Settled, constraints, settled
from linktransformer.encoding import cached_encoder, model_plan, truncation
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job
from linktransformer.progress import stage
from linktransformer.results import agglomerate, guards
from linktransformer.results.clusters import Clusters
from linktransformer.search import blocking, candidate_search, lexical
from linktransformer.tables import block_keys, frames, key_columns, records
from linktransformer.tables.frames import Table
from linktransformer.tables.picture_records import read_units

__all__ = ["Neighbours", "cluster_table", "clusters_of", "content_order", "neighbours_of"]

logger = logging.getLogger(__name__)

SHOWN = ("fused", "lexical")  # the view whose cosine is shown beside a match probability: the first there is
EVEN = 0.5  # the mean match probability between two clusters from which they are more likely one than two


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """What of a table is near what.

    Args:
        texts: The texts of the table.
        settled: The nodes, and what of them is settled.
        fused: Pairs of nodes, the lower one on the left, and their score.
    """

    texts: records.Records
    settled: Settled
    fused: Fused

    def of_rows(self, rows: Integers) -> Neighbours:
        """The same of a table that has these rows in this order.

        Args:
            rows: All row numbers, (n_rows,) int64.

        Returns:
            Their neighbours.
        """
        texts = replace(self.texts, text_of_row=self.texts.text_of_row[rows])
        return Neighbours(texts, self.settled.of_rows(rows), self.fused)


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
    neighbours, details, pictures = neighbours_of(table, on, job, rules)
    found = clusters_of(table, neighbours, job, rules.method, details)
    return found if pictures is None else replace(found, pictures=pictures)


def neighbours_of(
    table: Table, on: list[str], job: Job, rules: Rules
) -> tuple[Neighbours, dict[str, Any], list[Any] | None]:
    """Search a table in itself.

    Args:
        table: The table.
        on: Its key columns.
        job: How it is searched.
        rules: How it will be clustered.

    Returns:
        What is near what; what the report says; the picture of each row, where there are any.
    """
    of_rows = constraints(table, rules)
    block_on: Any = job.block_on  # names: pairs of columns are for two tables
    blocks = [] if block_on is None else key_columns.of_one(table, block_on, argument="block_on")
    order = content_order(table, [*on, *blocks])
    sorted_rows = frames.wrap(frames.take(table, order), table.name)
    units = None
    if job.images is not None:
        plan = model_plan.plan_of_pictures(job.model, job.device, job.cache)
        units = read_units(sorted_rows, on, job.images, plan.serializer, job.confidence)
    else:
        plan = model_plan.plan(job.model, job.device, job.cache)
    texts = records.read(sorted_rows, on, plan.reading) if units is None else units.records
    of_block = block_keys.number_one(sorted_rows, job.block_on)
    start = settled(of_rows.in_order(order), texts.text_of_row, of_block)
    nodes = start.nodes
    details: dict[str, Any] = {"on": on, "method": rules.method, "rows_cut": texts.n_cut}
    both = (sorted_rows, sorted_rows), (on, on)
    if units is None and job.alone:
        fused = _score_alone(sorted_rows, on, texts, nodes, (plan, job), details)
    elif units is None:
        details["model"] = plan.name
        fused = compare_tables.decide(*both, (texts, texts), (nodes, nodes), plan, job, details, same=True)
    else:
        details |= {"model": plan.name, "images": job.images, "rows_without_picture": dict(units.problems)}
        fused = compare_tables.decide_pictures(
            *both, (units, units), (nodes, nodes), plan, job, details, same=True
        )
    back = np.argsort(order)
    shown = None if units is None else [units.picture_of_row[row] for row in back.tolist()]
    return Neighbours(texts, start, fused).of_rows(back), details, shown


@stage("read")
def content_order(table: Table, columns: Sequence[str]) -> Integers:
    """The rows in an order that depends on their cells: what is read in it depends on no other order.

    Args:
        table: The table.
        columns: Its columns, the first ones first.

    Returns:
        Row numbers, those of equal rows rising, (n_rows,) int64.
    """
    text = frames.joined(table, list(dict.fromkeys(columns)), "\x1f", False)
    return np.argsort(text, kind="stable")


@stage("clusters")
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
    texts, fused, start = neighbours.texts, neighbours.fused, neighbours.settled
    nodes = start.nodes
    cosine, found = fused.score, fused.candidates
    if not job.alone and len(found):
        cosine = found.views[next(view for view in SHOWN if view in found.views)]
    threshold = EVEN if isinstance(job.threshold, str) else float(job.threshold)
    linkage = "average" if method == HDBSCAN else method
    details["threshold"] = threshold
    label = _agglomerated(texts, start, fused, threshold, linkage)
    if method == HDBSCAN:
        label, details["components_too_large"] = hdbscan_components.within_components(
            found.n_left, found.left, found.right, fused.score, threshold, label
        )
    details["rows_without_key"] = int((nodes.node_of_row < 0).sum())
    details["rows_of_equal_key"] = table.n_rows - details["rows_without_key"] - len(nodes)
    details |= guards.precision_of_clusters(label, fused)
    # a node that has all its k neighbours at or above the threshold may have more
    near = fused.score >= np.float32(threshold)
    degree = np.bincount(np.concatenate([found.left[near], found.right[near]]), minlength=len(nodes))
    details["rows_with_more_neighbours_than_k"] = int((degree >= job.k).sum())
    of_rows = _on_rows(table, texts, start, fused, label, cosine, details)
    kept = fused.evidence
    if kept is not None:  # the nodes are those of other rows where the table was read in another order
        kept = replace(kept, nodes=(nodes, nodes))
    return replace(of_rows, evidence=kept, apart=start.apart)


def _agglomerated(
    texts: records.Records, start: Settled, fused: Fused, threshold: float, linkage: str
) -> Integers:
    """The cluster of each node; of equally similar ones those whose texts come first are merged first."""
    found, apart = fused.candidates, start.apart
    text = texts.texts[start.nodes.text]
    order = np.argsort(text, kind="stable")
    place = np.argsort(order)
    left, right = place[found.left], place[found.right]
    begin = None if start.start is None else start.start[order]
    if apart is not None:
        apart = agglomerate.Apart(place[apart.left], place[apart.right], apart.masks[order])
        # rows of equal text are nodes of their own here: those that may be together are so first
        equal = text[found.left] == text[found.right]
        one = np.ones(int(equal.sum()), dtype=np.float32)
        begin = agglomerate.agglomerate(
            found.n_left, left[equal], right[equal], one, 1.0, "single", apart, begin
        )
    label = agglomerate.agglomerate(found.n_left, left, right, fused.score, threshold, linkage, apart, begin)
    return agglomerate.in_order(label[place])


def _score_alone(
    table: Table,
    on: list[str],
    texts: records.Records,
    nodes: blocking.Nodes,
    how: tuple[model_plan.Plan, Job],
    details: dict[str, Any],
) -> Fused:
    """Every node's neighbours in one view alone, scored by its cosine, as scripts of 0.1.18 mean it."""
    plan, job = how
    details["model"] = plan.name
    if not len(nodes):
        return compare_tables.nothing((nodes, nodes))
    if plan.encoder is None:
        matrix: Any = lexical.fit(texts.texts.tolist(), []).left
    else:
        written = texts.texts.tolist()
        if plan.serializer != plan.reading:
            written = records.texts_of(texts, records.read(table, on, plan.serializer))
        details |= truncation.of_model(plan.encoder, [texts], [written])
        matrix = model_plan.embed(plan.encoder, written, batch_size=job.batch_size)
    view = "lexical" if plan.encoder is None else "dense"
    found = candidate_search.search(
        {view: (matrix, matrix)},
        nodes,
        nodes,
        job.k,
        memory_limit=job.memory_limit,
        device=job.device,
        same=True,
    )
    fused = Fused(found, np.minimum(found.views[view], BELOW_ONE))
    details |= cached_encoder.of_report(plan.encoder)
    details["search"] = dict(found.report)
    return fused


def _on_rows(
    table: Table,
    texts: records.Records,
    start: Settled,
    fused: Fused,
    label: Integers,
    cosine: Floats,
    details: dict[str, Any],
) -> Clusters:
    """Clusters of rows out of clusters of nodes: rows of one node are together, one without a node is alone.

    Unless it must be together with others.
    """
    nodes, node = start.nodes, start.nodes.node_of_row
    of_row = np.where(node >= 0, np.append(label, 0)[node], -1)
    alone = np.flatnonzero(node < 0)
    of_row[alone] = len(nodes) + np.arange(len(alone))
    if len(start.together):
        joined = of_row[start.together]
        of_row = agglomerate.components(len(nodes) + len(alone), joined[:, 0], joined[:, 1])[of_row]
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
    found: candidate_search.Candidates, score: Floats, label: Integers
) -> tuple[Floats, Integers]:
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
