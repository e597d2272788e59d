"""A table against itself: neighbours, and the clusters of those that match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.sparse import csr_matrix

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.fused import BELOW_ONE, Fused
from linktransformer.decision.ranking import rank
from linktransformer.decision.threshold import is_number
from linktransformer.dedup import hdbscan_components
from linktransformer.dedup.constraints import HDBSCAN, Rules, Settled, constraints, settled
from linktransformer.encoding import cached_encoder, model_plan, truncation
from linktransformer.encoding.model_plan import Plan
from linktransformer.linking.candidate_source import Scored, no_candidates, scored
from linktransformer.linking.compare_tables import TableRecords, TableSource, plan_of, read
from linktransformer.linking.options import Columns, Job
from linktransformer.progress import stage
from linktransformer.results import agglomerate, report_warnings
from linktransformer.results.agglomerate import Apart
from linktransformer.results.clusters import Clusters
from linktransformer.results.report import ABSENT, ClusteringReport, PairsReport
from linktransformer.search import blocking, candidate_search, lexical
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.tables import block_keys, frames, key_columns, records
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = ["Neighbours", "clusters_of", "content_order", "neighbours_of"]

SHOWN = ("fused", "lexical")  # the view whose cosine is shown beside a match probability: the first there is
EVEN = 0.5  # the mean match probability between two clusters from which they are more likely one than two


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The records of a table with their neighbours in it.

    Args:
        texts: The texts of the table.
        settled: The nodes, and what the rules settle of them.
        fused: Pairs of nodes, the lower one on the left, and their score.
        report: How they were found; None where that is reported elsewhere.
        pictures: The picture of each row, where rows have any.
        unreadable: Warnings of pictures that cannot be read.
    """

    texts: Records
    settled: Settled
    fused: Fused
    report: PairsReport | None = None
    pictures: Sequence[Picture] | None = None
    unreadable: Sequence[str] = ()

    def of_rows(self, rows: Integers) -> Neighbours:
        """The neighbours in a table that has these rows in this order; `rows` are all row numbers."""
        pictures = self.pictures
        return replace(
            self,
            texts=replace(self.texts, text_of_row=self.texts.text_of_row[rows]),
            settled=self.settled.of_rows(rows),
            pictures=None if pictures is None else [pictures[row] for row in rows.tolist()],
        )


def neighbours_of(table: Table, on: list[str], job: Job, rules: Rules) -> Neighbours:
    """Search a table in itself, with its rows in order of their content."""
    constrained = constraints(table, rules)
    block_on = cast(Columns, job.block_on)  # pairs of columns are for two tables
    blocks = [] if block_on is None else key_columns.of_one(table, block_on, argument="block_on")
    order = content_order(table, [*on, *blocks])
    ordered = frames.wrap(frames.take(table, order), table.name)
    plan = plan_of(job)
    side = read(ordered, on, plan, job, job.images, job.confidence)
    block_of_row = block_keys.number_one(ordered, job.block_on)
    start = settled(constrained.in_order(order), side.texts.text_of_row, block_of_row)
    nodes = start.nodes, start.nodes
    if job.scores == "similarity":
        pairs = _by_cosine(side, nodes, plan, job)
    else:
        pairs = scored(TableSource((side, side), nodes, plan, job, same=True))
    pictures = None if side.units is None else side.units.picture_of_row
    unreadable = () if side.units is None or not side.units.warning else (side.units.warning,)
    found = Neighbours(side.texts, start, pairs.fused, pairs.report, pictures, unreadable)
    return found.of_rows(np.argsort(order))


def _by_cosine(side: TableRecords, nodes: tuple[Nodes, Nodes], plan: Plan, job: Job) -> Scored:
    """The nearest neighbours of each node in one view, scored by its cosine as in linktransformer 0.1.18."""
    report = PairsReport(model=plan.name, rows_cut=side.texts.n_cut)
    if not len(nodes[0]):
        return Scored(nodes, no_candidates(nodes), report)
    written = side.texts.texts.tolist()
    if plan.serializer != plan.reading:
        written = records.texts_of(side.texts, records.read(side.table, side.on, plan.serializer))
    matrix: Floats | csr_matrix
    if plan.encoder is None:
        matrix = lexical.fit(written, []).left
    else:
        matrix = model_plan.embed(plan.encoder, written, batch_size=job.batch_size)
    view = "lexical" if plan.encoder is None else "dense"
    use = truncation.of_model(plan.encoder, [side.texts], [written]) | cached_encoder.of_report(plan.encoder)
    candidates = candidate_search.search(
        {view: (matrix, matrix)},
        *nodes,
        job.k,
        memory_limit=job.memory_limit,
        device=job.device,
        same=True,
    )
    fused = Fused(candidates, np.minimum(candidates.views[view], BELOW_ONE))
    return Scored(
        nodes,
        fused,
        replace(report, search=dict(candidates.report), **use),
    )


@stage("read")
def content_order(table: Table, columns: Sequence[str]) -> Integers:
    """Row numbers in order of their cells, (n_rows,): results do not depend on the order of the rows."""
    text = frames.joined(table, list(dict.fromkeys(columns)), "\x1f", False)
    return np.argsort(text, kind="stable")


@stage("clusters")
def clusters_of(
    table: Table,
    neighbours: Neighbours,
    job: Job,
    method: str,
    details: Mapping[str, object] | None = None,
) -> Clusters:
    """Cluster the rows of a table whose neighbours are known, by one of `METHODS`.

    The clusters' report is a `ClusteringReport`; with `details`, these entries and those of the clustering.
    """
    fused, start = neighbours.fused, neighbours.settled
    nodes, candidates = start.nodes, fused.candidates
    threshold = float(job.threshold) if is_number(job.threshold) else EVEN
    label = _agglomerated(neighbours, threshold, "average" if method == HDBSCAN else method)
    too_large = None
    if method == HDBSCAN:
        label, too_large = hdbscan_components.within_components(
            candidates.n_left, candidates.left, candidates.right, fused.score, threshold, label
        )
    n_without = int((nodes.node_of_row < 0).sum())
    # a node that has all its k neighbours at or above the threshold may have more
    near = fused.score >= np.float32(threshold)
    degree = np.bincount(
        np.concatenate([candidates.left[near], candidates.right[near]]), minlength=len(nodes)
    )
    report = ClusteringReport(
        threshold=threshold,
        components_too_large=ABSENT if too_large is None else too_large,
        rows_without_key=n_without,
        rows_of_equal_key=table.n_rows - n_without - len(nodes),
        **report_warnings.precision_of_clusters(label, fused),
        rows_with_more_neighbours_than_k=int((degree >= job.k).sum()),
    )
    evidence = fused.evidence
    if evidence is not None:  # the nodes are those of other rows where the table was read in another order
        evidence = replace(evidence, nodes=(nodes, nodes))
    return replace(
        _on_rows(table, neighbours, label),
        details=report if details is None else {**details, **report},
        evidence=evidence,
        apart=start.apart,
    )


def _agglomerated(neighbours: Neighbours, threshold: float, linkage: str) -> Integers:
    """The cluster of each node; of equally similar ones those whose texts come first are merged first."""
    fused, start = neighbours.fused, neighbours.settled
    candidates, apart = fused.candidates, start.apart
    text = neighbours.texts.texts[start.nodes.text]
    order = np.argsort(text, kind="stable")
    place = np.argsort(order)
    left, right = place[candidates.left], place[candidates.right]
    begin = None if start.start is None else start.start[order]
    if apart is not None:
        apart = Apart(place[apart.left], place[apart.right], apart.masks[order])
        # rows of equal text are nodes of their own here: those that may be together are so first
        equal = text[candidates.left] == text[candidates.right]
        one = np.ones(int(equal.sum()), dtype=np.float32)
        begin = agglomerate.agglomerate(
            candidates.n_left, left[equal], right[equal], one, 1.0, "single", apart, begin
        )
    label = agglomerate.agglomerate(
        candidates.n_left, left, right, fused.score, threshold, linkage, apart, begin
    )
    return agglomerate.in_order(label[place])


def _on_rows(table: Table, neighbours: Neighbours, label: Integers) -> Clusters:
    """Clusters of rows, from those of nodes: rows of a node are together, a row without one is a cluster.

    Rows that must be together are in one cluster, with a node or without.
    """
    start, fused, texts = neighbours.settled, neighbours.fused, neighbours.texts
    nodes, node, candidates = start.nodes, start.nodes.node_of_row, fused.candidates
    of_row = np.where(node >= 0, np.append(label, 0)[node], -1)
    without = np.flatnonzero(node < 0)
    of_row[without] = len(nodes) + np.arange(len(without))
    if len(start.together):
        joined = of_row[start.together]
        of_row = agglomerate.components(len(nodes) + len(without), joined[:, 0], joined[:, 1])[of_row]
    length = np.append([len(text) for text in texts.texts.tolist()], 0).astype(np.int64)
    first = blocking.first_rows(nodes)
    inside = label[candidates.left] == label[candidates.right]
    a, b = first[candidates.left[inside]], first[candidates.right[inside]]
    cosine = fused.score
    if fused.decided is not None and len(candidates):
        cosine = candidates.views[next(view for view in SHOWN if view in candidates.views)]
    final = agglomerate.in_order(of_row)
    next_score, next_cluster = _next_clusters(candidates, fused.score, label)
    # clusters of nodes, in the order of those of rows; rows without a node come after them in `of_row`
    order, has_node = np.full(int(final.max(initial=-1)) + 1, -1, dtype=np.int64), node >= 0
    order[final[has_node]] = label[node[has_node]]
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
        {},
    )


def _next_clusters(candidates: Candidates, score: Floats, label: Integers) -> tuple[Floats, Integers]:
    """The most similar other cluster of each, -1 for none, and the average score between the two."""
    n = int(label.max(initial=-1)) + 1
    size = np.bincount(label, minlength=n)
    a, b = label[candidates.left], label[candidates.right]
    across = a != b
    pair, place = np.unique(
        np.minimum(a, b)[across] * max(1, n) + np.maximum(a, b)[across], return_inverse=True
    )
    one, other = pair // max(1, n), pair % max(1, n)
    average = (np.bincount(place, score[across], len(pair)) / (size[one] * size[other])).astype(np.float32)
    average, group, rival = (
        np.concatenate([average, average]),
        np.concatenate([one, other]),
        np.concatenate([other, one]),
    )
    ranking = rank(group, rival, average)
    best, nearest = np.zeros(n, dtype=np.float32), np.full(n, -1, dtype=np.int64)
    best[ranking.nodes] = average[ranking.best]
    nearest[ranking.nodes] = rival[ranking.best]
    return best, nearest
