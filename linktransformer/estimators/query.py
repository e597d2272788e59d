"""Queries against a reference: each row is scored as one more row of the sample of the fitted job."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision import equal_texts
from linktransformer.decision.equal_texts import STEP
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import sigmoid
from linktransformer.estimators import neighbours, view_scores
from linktransformer.estimators.known_pairs import SamplePairs
from linktransformer.estimators.neighbours import Matrix
from linktransformer.estimators.pair_scoring import FUSED, RivalRanking, near_in
from linktransformer.estimators.query_reader import QueryReader, cells_of
from linktransformer.estimators.reference import QueryRows, Reference
from linktransformer.estimators.row_reader import QUERY, Contents
from linktransformer.estimators.sample_job import Sample, SampleJob
from linktransformer.linking import resolve_links
from linktransformer.linking.pair_cells import PairCells
from linktransformer.progress import stage
from linktransformer.results.links import Links
from linktransformer.scoring.ranks import one_side
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.search.matrices import is_sparse
from linktransformer.search.pair_products import pair_scores

__all__ = ["best_rows", "linked", "scored"]

AT_ONCE = 1000  # queries: it changes the memory, not the result
WIDE = 3  # so many times k nearest records are searched for those that have a query among their k nearest
OWN = 3  # nearest sample records of a query: one may be itself, and one a copy of its candidate


def scored(
    reference: Reference,
    job: SampleJob,
    queries: QueryRows,
    k: int,
    reader: QueryReader | None = None,
    hidden: Integers | None = None,
) -> Fused:
    """Candidates of queries with match probabilities; those of a query do not depend on other queries.

    `reader` reads pairs in doubt; `hidden` is a reference record that each query node does not see, -1 for
    none, (n_nodes,) int64.
    """
    n = len(queries.nodes)
    reading = None if reader is None else (reader, cells_of(queries, reference))
    contents = reference.reader.contents(queries.table, QUERY, queries.records, queries.nodes)
    itself = job.sample.numbers_of(queries)
    unseen = np.full(n, -1, dtype=np.int64) if hidden is None else hidden
    parts = []
    with stage("records", n) as tick:
        for start in range(0, max(1, n), AT_ONCE):
            some = np.arange(start, min(start + AT_ONCE, n))
            seen = itself[some], unseen[some]
            parts.append(_scored(reference, job, queries, contents, some, k, *seen, reading))
            tick(len(some))
    *arrays, scores = zip(*parts, strict=True)
    left, right, log_odds, equal = (np.concatenate(values) for values in arrays)
    if reference.pictures is None:
        views = {
            name: np.clip(np.concatenate([part[name] for part in scores]), -1, 1) for name in job.views.names
        }
        sizes = n, len(reference.nodes)
        candidates = Candidates(left, right, views, *sizes, {"k": k, "index": "exact"})
    else:
        candidates = view_scores.similarities(reference, queries, left, right, k)
    decided = job.model.decision.of_pairs(log_odds, equal)
    return Fused(candidates, decided.probability, decided)


def best_rows(reference: Reference, queries: QueryRows, fused: Fused) -> tuple[Integers, Floats]:
    """The most probable reference row of each row, -1 for none, and its score, NaN there, (n_rows,) each."""
    candidates = fused.candidates
    row = np.full(len(queries.nodes) + 1, -1, dtype=np.int64)  # the last is for rows without a key
    score = np.full(len(queries.nodes) + 1, np.nan, dtype=np.float32)
    if len(candidates):
        similarity = np.max(list(candidates.views.values()), axis=0)
        order = np.lexsort((candidates.right, -similarity, -fused.score, candidates.left))
        best = order[np.flatnonzero(np.diff(candidates.left[order], prepend=-1))]
        row[candidates.left[best]] = reference.first_rows[candidates.right[best]]
        score[candidates.left[best]] = fused.score[best]
    return row[queries.nodes.node_of_row], score[queries.nodes.node_of_row]


def linked(reference: Reference, queries: QueryRows, fused: Fused) -> Links:
    """The links of queries (left) with the reference (right), with their evidence."""
    details = {
        **reference.details,
        "left_on": list(reference.reader.keys.queries),
        "right_on": list(reference.reader.keys.reference),
        "validate": "m:1",
        "rows_cut": queries.records.n_cut + reference.records.n_cut,
        "weights": {name: round(weight, 4) for name, weight in reference.weights.items()},
        "search": dict(fused.candidates.report),
    }
    tables = replace(queries.table, name="left"), replace(reference.table, name="right")
    nodes = queries.nodes, reference.nodes
    return resolve_links.decided(tables, nodes, fused, "m:1", reference.threshold, details)


def _scored(
    reference: Reference,
    job: SampleJob,
    queries: QueryRows,
    contents: Contents,
    some: Integers,
    k: int,
    itself: Integers,
    hidden: Integers,
    reading: tuple[QueryReader, PairCells] | None,
) -> tuple[Integers, Integers, Floats, Bools, dict[str, Floats]]:
    """Query and reference nodes of pairs, log-odds, whether texts are equal, and similarities by view."""
    model, known = job.model, job.pairs
    nodes = Nodes(queries.nodes.text[some], queries.nodes.block[some], np.arange(len(some)))
    left, right, scores = _candidates(reference, job, queries, nodes, k, itself, hidden)
    ranking = RivalRanking(left, *known.rivals(job.sample.copy_of, itself[left], right))
    places = model.places(scores, ranking, known)
    near = near_in(scores, places)
    at, ranking = np.flatnonzero(near), ranking.some(near, known.described)
    left, right, scores = left[at], right[at], {name: score[at] for name, score in scores.items()}
    own = _own(job, queries, nodes, itself, left, right)
    compared = model.compare(
        (contents, reference.contents),
        some[left],
        right,
        scores,
        {name: (values, job.own[name][right]) for name, values in own.items()},
        {name: of_view.some(at) for name, of_view in places.items()},
    )
    described = model.described(compared, ranking, known)
    log_odds = model.in_job(described, ranking, known).job + np.float32(job.shift)
    if reading is not None:
        pairs = some[left], right
        read, any_read = reading[0].read(described.own, sigmoid(log_odds), left, pairs, reading[1])
        if any_read:
            again = model.in_job(replace(described, own=read), ranking, known)
            log_odds = again.job + np.float32(job.shift)
    texts = queries.records.texts[nodes.text[left]], reference.records.texts[reference.nodes.text[right]]
    alike = np.zeros(len(left), dtype=np.int8)
    if job.views.pictures is None:  # engines misread alike: equal readings are not proof
        maybe = np.flatnonzero(scores["lexical"] > equal_texts.SAME)
        alike[maybe] = equal_texts.alike(texts[0][maybe], texts[1][maybe])
    raised = _equal_first(log_odds, alike, ranking, known)
    return some[left], right, raised, alike == equal_texts.EQUAL, scores


def _candidates(
    reference: Reference,
    job: SampleJob,
    queries: QueryRows,
    nodes: Nodes,
    k: int,
    itself: Integers,
    hidden: Integers,
) -> tuple[Integers, Integers, dict[str, Floats]]:
    """Pairs as a search in both directions finds them: one is among the k nearest of the other.

    Records with the query among their k nearest are looked for among its `WIDE` times as many nearest.
    """
    left, right = neighbours.nearest(reference.index, nodes, job.views.searched(queries), WIDE * k)
    visible = right != hidden[left]
    left, right = left[visible], right[visible]
    a, b = nodes.text[left], reference.nodes.text[right]
    ranking = RivalRanking(left, *job.pairs.rivals(job.sample.copy_of, itself[left], right))
    viewed, known = job.views.of(queries), job.views.of(reference)
    scores = job.views.scores(viewed, known, a, b)
    near = np.zeros(len(left), dtype=bool)
    if job.views.pictures is not None:
        near |= one_side(left, pair_scores(viewed.matrices[FUSED], known.matrices[FUSED], a, b), 0.0)[0] < k
    for name, score in scores.items():
        places = ranking.places(score, job.pairs.views[name], 0.0)
        near |= ((places.rank_left < k) | (places.rank_right < k)) & (score > 0)
    return left[near], right[near], {name: score[near] for name, score in scores.items()}


def _own(
    job: SampleJob, queries: QueryRows, nodes: Nodes, itself: Integers, left: Integers, right: Integers
) -> dict[str, Floats]:
    """By view, the similarity of the query of each pair and the nearest other sample record, NaN for unknown.

    Neither the query itself nor copies of the reference record of the pair are others.
    """
    own, sample, viewed = {}, job.sample, job.views.of(queries)
    for name in sample.own:
        record, score = _nearest_of_sample(sample, nodes, name, viewed.matrices[name])
        record, score = record[left], score[left]
        other = (record >= 0) & (record != itself[left][:, None])
        other &= sample.copy_of[record] != right[:, None]
        best = np.where(other, score, -np.inf).max(axis=1, initial=-np.inf)
        zero = is_sparse(sample.matrices[name]) or sample.n_blocks is not None
        nobody = len(sample.identity) - (itself[left] >= 0) < 1
        least = np.where(nobody, np.nan, 0.0 if zero else np.nan)
        values = np.where(np.isinf(best), least, np.fmax(best, least)).astype(np.float32)
        if name in viewed.known:
            values = np.where(viewed.known[name][nodes.text[left]], values, np.float32(np.nan))
        own[name] = values
    return own


def _nearest_of_sample(sample: Sample, nodes: Nodes, view: str, matrix: Matrix) -> tuple[Integers, Floats]:
    """The `OWN` nearest sample records of each query, -1 for none, and similarities, (n_nodes, OWN) each."""
    query, record = neighbours.nearest(sample.index, nodes, {view: matrix}, OWN)
    score = pair_scores(matrix, sample.matrices[view], nodes.text[query], record)
    order = np.lexsort((record, -score, query))
    query, record, score = query[order], record[order], score[order]
    starts = np.flatnonzero(np.diff(query, prepend=-1))
    place = np.arange(len(query)) - np.repeat(starts, np.diff(np.append(starts, len(query))))
    records = np.full((len(nodes), OWN), -1, dtype=np.int64)
    scores = np.full((len(nodes), OWN), -np.inf, dtype=np.float32)
    records[query, place], scores[query, place] = record, score
    return records, scores


def _equal_first(
    log_odds: Floats, alike: NDArray[np.int8], ranking: RivalRanking, known: SamplePairs
) -> Floats:
    """Raise pairs of equal texts above the other pairs of their two records, as in `equal_texts`.

    `alike` is the grade of equality of each pair, from `equal_texts.alike`.
    """
    raised, left = log_odds.copy(), ranking.left
    for grade, of_known in ((equal_texts.BUT_FOR_CAPITALS, known.job), (equal_texts.EQUAL, known.raised)):
        some = np.flatnonzero(alike == grade)
        if len(some):
            best = np.full(int(left.max()) + 1, -np.inf, dtype=np.float32)
            np.maximum.at(best, left, raised)
            on_right = np.full(len(left), -np.inf, dtype=np.float32)
            np.maximum.at(on_right, ranking.pair, of_known[ranking.rival])
            most = np.maximum.reduce([best[left[some]], on_right[some], raised[some]])
            raised[some] = np.maximum(raised[some], most + np.float32(STEP))
    return raised
