"""Rows against clusters: pairs scored as those of one more record of the table, and the cluster to join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision import equal_texts
from linktransformer.decision.equal_texts import STEP
from linktransformer.decision.model import sigmoid
from linktransformer.estimators import neighbours
from linktransformer.estimators.clustered_table import ClusteredTable, TableJob, linkage
from linktransformer.estimators.known_pairs import TablePairs
from linktransformer.estimators.neighbours import Matrix
from linktransformer.estimators.pair_scoring import RivalRanking
from linktransformer.estimators.query_reader import QueryReader, cells_of
from linktransformer.estimators.reference import QueryRows, Reference
from linktransformer.estimators.row_reader import QUERY, Contents
from linktransformer.linking.pair_cells import PairCells
from linktransformer.search.blocking import Nodes
from linktransformer.search.groups import ragged
from linktransformer.search.pair_products import pair_scores

__all__ = ["QueryRecords", "ScoredPairs", "first_allowed", "memberships", "near", "scored"]

AT_ONCE = 250  # queries: it changes the memory, not the result


@dataclass(frozen=True, slots=True, eq=False)
class QueryRecords:
    """Records that are compared with those of a table.

    Args:
        nodes: A text of `matrices` each, and a block as the table numbers blocks.
        texts: Their texts, (n,) object.
        matrices: By view, vectors.
        contents: Texts and cells, of these and perhaps of other records.
        place: The place of each one in `contents`, (n,) int64.
        itself: The record of the table with the very text, -1 for none, (n,) int64.
        limit: Records of the table from this number on are not seen, (n,) int64.
        new: Whether the table has the record as its last one so far, so that its pairs are rivals of later
            ones, (n,) bool.
        cells: The cells of the records of `contents`, and of the table, for a reader; None for none.
    """

    nodes: Nodes
    texts: NDArray[np.object_]
    matrices: Mapping[str, Matrix]
    contents: Contents
    place: Integers
    itself: Integers
    limit: Integers
    new: Bools
    cells: PairCells | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """Query records, rising, and records or clusters of the table, with the probability that they match."""

    left: Integers
    right: Integers
    probability: Floats


def scored(
    reference: Reference, job: TableJob, queries: QueryRecords, k: int, reader: QueryReader | None = None
) -> tuple[ScoredPairs, TablePairs]:
    """The k nearest records of each query in each view, scored; and the pairs of the job with new ones.

    `reference` has the new records, the pairs of `job` do not. The result for a record depends on no other
    query, but for new ones before it.
    """
    left, right, scores = _candidates(reference, queries, k)
    n, itself, added = len(queries.nodes), queries.itself[left], np.flatnonzero(queries.new[left])
    unknown = np.full(len(added), np.nan, dtype=np.float32)
    views = {name: score[added] for name, score in scores.items()}
    ends = right[added], itself[added]
    new = TablePairs(*ends, views, unknown, unknown, unknown, unknown, len(reference.nodes))
    model, known = job.model, job.pairs
    whole = known.with_more(new)
    ranking = RivalRanking(left, *whole.rivals(itself, queries.limit[left], right), added)
    places, own = model.places(scores, ranking, known), {}
    for name, score in scores.items():
        own[name] = _highest(n, left, score)[left], score.copy()
        np.maximum.at(own[name][1], ranking.pair, whole.views[name][ranking.rival])
    contents = queries.contents, reference.contents
    compared = model.compare(contents, queries.place[left], right, scores, own, places)
    described = model.described(compared, ranking, known)
    values = model.in_job(described, ranking, known)
    if reader is not None and queries.cells is not None:
        pairs = queries.place[left], right
        read, any_read = reader.read(described.own, sigmoid(values.job), left, pairs, queries.cells)
        if any_read:
            values = model.in_job(replace(described, own=read), ranking, known)
    texts = queries.texts[left], reference.records.texts[reference.nodes.text[right]]
    maybe = np.flatnonzero(np.maximum(sigmoid(values.job), scores["lexical"]) > equal_texts.SAME)
    maybe = maybe[equal_texts.alike(texts[0][maybe], texts[1][maybe]) == equal_texts.BUT_FOR_CAPITALS]
    raised = values.job.copy()
    if len(maybe):
        most = np.maximum(values.job, _highest(n, left, values.job)[left])
        rivals = np.concatenate([known.job, values.job[added]])[ranking.rival]
        np.maximum.at(most, ranking.pair, rivals)
        raised[maybe] = most[maybe] + np.float32(STEP)
    new = replace(
        new, bits=values.bits[added], pair=values.pair[added], job=values.job[added], raised=raised[added]
    )
    return ScoredPairs(left, right, sigmoid(raised)), known.with_more(new)


def _candidates(
    reference: Reference, queries: QueryRecords, k: int
) -> tuple[Integers, Integers, dict[str, Floats]]:
    """The k nearest records that each query sees in each view, with their similarity in every view."""
    n = len(reference.nodes)
    unseen = n - int(queries.limit.min(initial=n)) + 1  # the last one is the record itself
    codes = [np.empty(0, dtype=np.int64)]
    for left, right in neighbours.nearest_by_view(
        reference.index, queries.nodes, queries.matrices, k + unseen
    ):
        seen = (right != queries.itself[left]) & (right < queries.limit[left])
        left, right = left[seen], right[seen]
        starts = np.flatnonzero(np.diff(left, prepend=-1))
        place = np.arange(len(left)) - np.repeat(starts, np.diff(np.append(starts, len(left))))
        codes.append((left * n + right)[place < k])
    code = np.unique(np.concatenate(codes))
    left, right = code // max(1, n), code % max(1, n)
    a, b = queries.nodes.text[left], reference.nodes.text[right]
    matrices = reference.matrices
    return left, right, {name: pair_scores(of, matrices[name], a, b) for name, of in queries.matrices.items()}


def _highest(n: int, group: Integers, values: Floats) -> Floats:
    """The highest value of each group, (n,) float32."""
    highest = np.full(n, -np.inf, dtype=np.float32)
    np.maximum.at(highest, group, values)
    return highest


def near(
    clustered: ClusteredTable, queries: QueryRows, k: int, reader: QueryReader | None = None
) -> tuple[ScoredPairs | None, Integers]:
    """The scored pairs of query nodes, each as one more record; and the record that each node is.

    Pairs are None where the table has no job; a node without a record of its text has -1, (n_nodes,) int64.
    """
    reference, job, n = clustered.reference, clustered.job, len(queries.nodes)
    texts = queries.records.texts[queries.nodes.text]
    names = zip(texts.tolist(), queries.nodes.block.tolist(), strict=True)
    itself = np.array([clustered.node_of.get(name, -1) for name in names], dtype=np.int64)
    if job is None or not n:
        return None, itself
    contents = reference.reader.contents(queries.table, QUERY, queries.records, queries.nodes)
    cells = None if reader is None else cells_of(queries, reference)
    parts = []
    for start in range(0, n, AT_ONCE):
        some = np.arange(start, min(start + AT_ONCE, n))
        records = QueryRecords(
            nodes=Nodes(queries.nodes.text[some], queries.nodes.block[some], np.arange(len(some))),
            texts=texts[some],
            matrices=queries.matrices,
            contents=contents,
            place=some,
            itself=itself[some],
            limit=np.full(len(some), len(reference.nodes), dtype=np.int64),
            new=np.zeros(len(some), dtype=bool),
            cells=cells,
        )
        part = scored(reference, job, records, k, reader)[0]
        parts.append((some[part.left], part.right, part.probability))
    left, right, probability = (np.concatenate(values) for values in zip(*parts, strict=True))
    return ScoredPairs(left, right, probability), itself


def memberships(
    clustered: ClusteredTable, queries: QueryRows, k: int, reader: QueryReader | None = None
) -> ScoredPairs:
    """Query nodes and the clusters with a near record, sorted by node, falling probability, id.

    A cluster with the very text has probability 1.
    """
    pairs, itself = near(clustered, queries, k, reader)
    width = max(clustered.next_id, 1)
    has = np.flatnonzero(itself >= 0)
    node, cluster = clustered.clusters_of(itself[has])
    code = np.unique(has[node] * width + cluster)
    score = np.ones(len(code), dtype=np.float32)
    if pairs is not None and len(pairs.left):
        pair, cluster = clustered.clusters_of(pairs.right)
        codes = pairs.left[pair] * width + cluster
        other = np.flatnonzero(~np.isin(codes, code))
        other = other[np.argsort(codes[other], kind="stable")]
        if len(other):
            codes, probability = codes[other], pairs.probability[pair[other]]
            starts = np.flatnonzero(np.diff(codes, prepend=-1))
            size = clustered.sizes[codes[starts] % width]
            code = np.concatenate([code, codes[starts]])
            score = np.concatenate([score, linkage(clustered.method, probability, starts, size)])
    order = np.lexsort((code % width, -score, code // width))
    return ScoredPairs(code[order] // width, code[order] % width, score[order])


def first_allowed(
    clustered: ClusteredTable, queries: QueryRows, candidates: ScoredPairs
) -> tuple[Integers, Floats]:
    """The cluster that each row joins, and the score of the best one that it may join, (n_rows,) each.

    The id is -1 where none is as probable as the threshold, the score is NaN where none is near.
    """
    starts = np.searchsorted(candidates.left, np.arange(len(queries.nodes) + 1))
    rows = np.flatnonzero(queries.nodes.node_of_row >= 0)
    node = queries.nodes.node_of_row[rows]
    row, place = ragged(starts[node], starts[node + 1])
    row = rows[row]
    value, taken = clustered.values(queries.table)
    if value is not None:
        width = max(1, int(max(value.max(initial=-1), taken[:, 1].max(initial=-1))) + 1)
        used = np.isin(candidates.right[place] * width + value[row], taken[:, 0] * width + taken[:, 1])
        free = (value[row] < 0) | ~used
        row, place = row[free], place[free]
    first = np.flatnonzero(np.diff(row, prepend=-1))
    score = np.full(queries.table.n_rows, np.nan, dtype=np.float32)
    cluster = np.full(queries.table.n_rows, -1, dtype=np.int64)
    score[row[first]] = candidates.probability[place[first]]
    cluster[row[first]] = candidates.right[place[first]]
    cluster[~(np.nan_to_num(score, nan=-np.inf) >= clustered.threshold)] = -1
    return cluster, score
