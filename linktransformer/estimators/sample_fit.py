"""The job of sample rows and a reference: candidates, statistics, decision and threshold."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.decision import equal_texts
from linktransformer.decision.choose_links import EVEN, choose
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Decision, sigmoid
from linktransformer.decision.threshold import is_number
from linktransformer.encoding.model_plan import Plan
from linktransformer.estimators import pair_scoring, query, reference, view_scores
from linktransformer.estimators.known_pairs import SamplePairs
from linktransformer.estimators.noisy_copies import noisy_copies
from linktransformer.estimators.query_reader import QueryReader, cells_of
from linktransformer.estimators.reference import QueryRows, Reference
from linktransformer.estimators.row_reader import QUERY, REFERENCE
from linktransformer.estimators.sample_job import Sample, SampleJob
from linktransformer.linking import long_records
from linktransformer.linking.long_records import Encoding
from linktransformer.linking.options import Threshold
from linktransformer.progress import stage
from linktransformer.scoring.candidate_evidence import evidence_of
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.describe import paired_columns
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import blocking, candidate_search
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.search.passages import Passages, unbiased
from linktransformer.tables.frames import Table
from linktransformer.tables.picture_records import Units

__all__ = ["Settings", "fit", "lowest"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """Neighbours in each view, the device of the search, texts encoded at a time, bytes for the search.

    `long` is how records longer than the model reads are read, `reader` what reads pairs in doubt.
    """

    k: int
    device: str | None = None
    batch_size: int | None = None
    memory_limit: int | None = None
    long: str = "cut"
    reader: QueryReader | None = None


def fit(
    bare: Reference, units: Units | None, plan: Plan, sample: Table | None, settings: Settings
) -> tuple[Reference, SampleJob | None, Fused | None]:
    """Encode a reference that was read, and run the job of sample rows against it.

    Without sample rows, noisy copies of its own rows are taken. For every other copy the row itself is
    hidden, so that the job has rows without a match. With pictures there have to be sample rows.
    Returns the reference, and the job and decided candidates of its sample, None where there are no pairs.
    """
    source, size = None, settings.batch_size
    if sample is None or (units is None and not len(bare.nodes_of(sample))):
        sample, source = noisy_copies(bare)
    if units is None:
        columns = _columns(bare, sample, bare.nodes_of(sample))
        bare = replace(bare, reader=bare.reader.fitted(plan, columns))
        bare = _with_long(bare, sample, plan, settings)
    known = reference.encoded(bare, units, plan, sample, size)
    queries = reference.encode(known, plan, sample, batch_size=size)
    if bare.reader.passages:
        known, queries = _unbiased(known, queries)
    if not len(queries.nodes) or not len(known.nodes):
        return known if units is None else replace(known, weights={"lexical": 1.0}), None, None
    known = view_scores.with_lines(known, queries, settings.k, settings.device)
    job, fused, read = _run(known, queries, source, plan, settings)
    if read is not None:
        known = replace(known, details={**known.details, "read": read})
    if source is not None:
        job, fused = _calibrated(known, queries, job, settings)
    return known, job, fused


def _with_long(bare: Reference, sample: Table, plan: Plan, settings: Settings) -> Reference:
    """The reference whose reader knows how a model reads long rows, chosen on a sample with "auto"."""
    if plan.encoder is None:
        return bare
    reader = replace(bare.reader, passages=True)
    texts = (
        reader.for_model(sample, QUERY, reader.texts(sample, QUERY), plan),
        reader.for_model(bare.table, REFERENCE, bare.records, plan),
    )
    reading = long_records.of_records(texts, plan, settings.long)
    encoding, long = long_records.chosen(reading, Encoding(plan.encoder, settings.batch_size), texts)
    reader = replace(reader, passages=encoding.passages)
    details = {**bare.details, "long": {**long, "n_grams": "whole"}} if long else bare.details
    return replace(bare, reader=reader, details=details)


def _unbiased(known: Reference, queries: QueryRows) -> tuple[Reference, QueryRows]:
    """Both with the correction of the passages' similarity, which later queries take from the reference."""
    sides = queries.matrices["dense"], known.matrices["dense"]
    if not isinstance(sides[0], Passages) or not isinstance(sides[1], Passages):
        return known, queries
    texts = queries.records.texts.tolist(), known.records.texts.tolist()
    left, right = unbiased(sides[0], sides[1], texts)
    return (
        replace(known, matrices={**known.matrices, "dense": right}),
        replace(queries, matrices={**queries.matrices, "dense": left}),
    )


def _columns(known: Reference, sample: Table, nodes: Nodes) -> list[PairedColumn]:
    keys = known.reader.keys
    first = blocking.first_rows(nodes), known.first_rows
    return paired_columns((sample, known.table), (list(keys.queries), list(keys.reference)), first)


@stage("threshold")
def _calibrated(
    known: Reference, queries: QueryRows, job: SampleJob, settings: Settings
) -> tuple[SampleJob, Fused]:
    """Score the copies as later rows are scored, and shift log-odds so that they fit the known matches.

    The copies of a record are not rivals of a query. So a row without a match has fewer rivals than in the
    job of the sample, where many of the records that it resembles have their match.
    """
    copy_of, hidden = job.sample.copy_of, blocking.first_rows(queries.nodes) % 2 == 1
    reader = None if settings.reader is None else replace(settings.reader, scale=job.scale)
    fused = query.scored(known, job, queries, settings.k, reader, np.where(hidden, copy_of, -1))
    candidates, before = fused.candidates, fused.decided
    if before is None or before.equal is None:
        raise ValueError("candidates without probabilities")
    log_odds = before.log_odds
    order = np.lexsort((-log_odds, candidates.left))
    best = order[np.flatnonzero(np.diff(candidates.left[order], prepend=-1))]
    z = log_odds[best].astype(np.float64)
    right = candidates.right[best] == copy_of[candidates.left[best]]
    shifts = np.linspace(-8, 8, 321)
    spread = job.model.decision.uncertainty
    signed = np.where(right, -1, 1) * (z[None] + shifts[:, None])
    cost = np.logaddexp(0, signed).sum(axis=1) + (shifts / spread) ** 2 / 2
    shift = float(shifts[cost.argmin()])
    added = np.float32(shift)
    decided = job.model.decision.of_pairs(log_odds + added, before.equal)
    pairs = replace(job.pairs, job=job.pairs.job + added, raised=job.pairs.raised + added)
    fused = replace(fused, score=decided.probability, decided=decided)
    return replace(job, shift=shift, pairs=pairs), fused


@stage("decision")
def _run(
    known: Reference, queries: QueryRows, source: Integers | None, plan: Plan, settings: Settings
) -> tuple[SampleJob, Fused, dict[str, object] | None]:
    """The job of sample rows, copies of the rows `source` of the reference or None; and what was read."""
    reader, device, nodes = known.reader, settings.device, (queries.nodes, known.nodes)
    texts = [
        reader.in_order(rows.table, side, rows.records)
        for side, rows in ((QUERY, queries), (REFERENCE, known))
    ]
    drawing = Drawing.of(texts, nodes)
    views = pair_scoring.views_of(queries, known)
    searched = views.searched(queries), views.searched(known)
    candidates = candidate_search.search(
        {name: (matrix, searched[1][name]) for name, matrix in searched[0].items()},
        *nodes,
        settings.k + (source is not None),
        device=device,
    )
    a, b = nodes[0].text[candidates.left], nodes[1].text[candidates.right]
    views = pair_scoring.with_line(views, (queries, known), a, b)
    left, right = views.of(queries), views.of(known)
    # as pairs that come later are scored, so that ties are ties
    candidates = replace(candidates, views=views.scores(left, right, a, b))
    columns = _columns(known, queries.table, nodes[0])
    evidence = evidence_of(
        candidates,
        {name: (left.matrices[name], right.matrices[name]) for name in views.names},
        nodes,
        texts,
        columns,
        drawing,
        comparable={name: (there, right.known[name]) for name, there in left.known.items()},
        device=device,
    )
    copy_of = np.full(len(nodes[0]), -1, dtype=np.int64)
    if source is not None:
        first = blocking.first_rows(nodes[0])
        copy_of = nodes[1].node_of_row[source[first]]
        hidden = (first % 2 == 1)[candidates.left] & (copy_of[candidates.left] == candidates.right)
        candidates = _some(candidates, np.flatnonzero(~hidden))
        evidence = replace(evidence, left=candidates.left, right=candidates.right, views=candidates.views)
    of_pictures = views.pictures == "image"
    of_job = pair_scoring.described_job(evidence, plan.correction, of_pictures)
    features = of_job.features
    described = _some(candidates, features.at)
    scores, model = of_job.scored()
    fused, raised = _decided(known, queries, described, scores.job, model.decision)
    scale, read = None, None
    if settings.reader is not None:
        cells = cells_of(queries, known)
        mixed, with_scale, read = settings.reader.fitted(of_job.own, fused, cells)
        scale = with_scale.scale
        if mixed is not of_job.own:
            scores, model = replace(of_job, own=mixed).scored()
            fused, raised = _decided(known, queries, described, scores.job, model.decision)
    numbers = np.arange(len(nodes[0]))
    sample = Sample(
        queries.identity[nodes[0].text],
        Nodes(numbers, nodes[0].block, numbers),
        known.n_blocks,
        {name: matrix[nodes[0].text] for name, matrix in left.matrices.items()},
        {name: own[0] for name, own in evidence.own.items()},
        reader.contents(queries.table, QUERY, queries.records, nodes[0]),
        copy_of,
    )
    ends = candidates.left, candidates.right
    pairs = SamplePairs.of(ends, candidates.views, len(nodes[1]), features.at, scores, raised)
    nearest = {name: of_view[1] for name, of_view in evidence.own.items()}
    job = SampleJob(model, sample, pairs, nearest, views, scale=scale)
    return job, fused, read


def _some(candidates: Candidates, at: Integers) -> Candidates:
    views = {name: score[at] for name, score in candidates.views.items()}
    return replace(candidates, left=candidates.left[at], right=candidates.right[at], views=views)


def _decided(
    known: Reference, queries: QueryRows, candidates: Candidates, log_odds: Floats, model: Decision
) -> tuple[Fused, Floats]:
    """Candidates with probabilities; and log-odds with only those raised that are equal but for case."""
    alike = np.zeros(len(candidates), dtype=np.int8)
    if known.pictures is None:  # engines misread alike: equal readings are not proof
        sides = (queries.records, known.records), (queries.nodes, known.nodes)
        alike = equal_texts.same_text(*sides, Fused(candidates, log_odds))
    but_for_case = np.where(alike == equal_texts.BUT_FOR_CAPITALS, alike, 0)
    raised = equal_texts.equal_first(candidates, log_odds, alike)
    decided = model.of_pairs(raised, alike == equal_texts.EQUAL)
    fused = Fused(candidates, decided.probability, decided)
    return fused, equal_texts.equal_first(candidates, log_odds, but_for_case)


def lowest(fused: Fused | None, threshold: Threshold) -> float | None:
    """The probability that a link needs, with which the sample is linked as its decision links it.

    `threshold` is "auto", a number, {"precision": p} or None.
    """
    if threshold is None:
        return None
    if is_number(threshold):
        return float(threshold)
    if fused is None or fused.decided is None:
        return EVEN
    decided, candidates = fused.decided, fused.candidates
    log_odds = decided.log_odds - np.float32(decided.caution if isinstance(threshold, Mapping) else 0)
    similarity = np.max([np.nan_to_num(score) for score in candidates.views.values()], axis=0)
    choice = choose(candidates.left, candidates.right, sigmoid(log_odds), similarity, "m:1", threshold)
    least = float(fused.score[choice.pairs].min()) if len(choice.pairs) else None
    if not isinstance(threshold, Mapping):
        # what is not linked has less than half the best F1: any line from there links the same rows
        return EVEN if least is None else min(least, EVEN)
    if least is None:
        logger.warning("A precision of %s cannot be reached: no row is linked.", threshold["precision"])
        return 1.0
    return least
