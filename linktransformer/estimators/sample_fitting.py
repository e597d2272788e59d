"""The job of sample rows and a reference: how rows are read, candidates, statistics, and the decision."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.decision import equal_texts
from linktransformer.decision.choose import EVEN, choose
from linktransformer.decision.context import FLOOR, in_context, job_context
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Decision, decision, sigmoid
from linktransformer.decision.threshold import is_number
from linktransformer.encoding.model_plan import Plan
from linktransformer.estimators import job_views, one_more, reference, reference_pictures
from linktransformer.estimators.job_views import JobViews
from linktransformer.estimators.noisy_copies import noisy_copies
from linktransformer.estimators.reference import Asked, Keys, Reference, ask
from linktransformer.estimators.row_reading import Reading
from linktransformer.estimators.sample_job import Rivals, Sample, SampleJob
from linktransformer.estimators.sample_reading import Settings, in_order, nodes_of, reading_of
from linktransformer.estimators.written_rows import written_of
from linktransformer.progress import stage
from linktransformer.scoring import ranks
from linktransformer.scoring.describe import paired_columns
from linktransformer.scoring.features import PairFeatures, pair_features
from linktransformer.scoring.gather import evidence_of
from linktransformer.scoring.known_columns import known_column
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import blocking, candidate_search
from linktransformer.search.candidate_search import Candidates
from linktransformer.tables.frames import Table

__all__ = ["fit", "fit_pictured", "lowest", "unread"]

logger = logging.getLogger(__name__)


def unread(table: Table, names: Keys, plan: Plan) -> Reference:
    """A reference with texts and blocks, and without vectors.

    Args:
        table: The table.
        names: Its columns.
        plan: The model, by which texts are cut.

    Returns:
        The reference.
    """
    return reference.bare(table, names, Reading(serializer=plan.reading))


def fit(
    bare: Reference, plan: Plan, sample: Table | None, settings: Settings
) -> tuple[Reference, SampleJob | None, Fused | None]:
    """Read and encode a reference, and run the job of sample rows against it.

    Where there are none, noisy copies of its own rows are taken. For every other copy the row itself is
    hidden, so that the job has rows without a match.

    Args:
        bare: The reference, from `unread`.
        plan: The model.
        sample: Rows such as will be asked, None for none.
        settings: How.

    Returns:
        The reference; the job and its decided candidates, None where there is nothing to compare.
    """
    source = None
    if sample is None or not len(nodes_of(bare, sample)):
        sample, source = noisy_copies(bare)
    reading = reading_of(bare, plan, sample)
    known = reference.build(
        bare.table,
        bare.keys,
        plan,
        sample,
        reading=reading,
        batch_size=settings.batch_size,
    )
    known = replace(known, weights={}, labels=bare.labels, next_label=bare.next_label)
    asked = ask(known, plan, sample, batch_size=settings.batch_size)
    if not len(asked.nodes) or not len(known.nodes):
        return known, None, None
    texts = in_order(known, asked)
    drawing = Drawing.of(texts, (asked.nodes, known.nodes))
    job, fused = _run(known, asked, source, texts, drawing, (settings, plan), job_views.of_texts(known))
    if source is not None:
        job, fused = _calibrated(known, asked, job, settings.k)
    return known, job, fused


def fit_pictured(
    known: Reference, plan: Plan, sample: Table, settings: Settings
) -> tuple[Reference, SampleJob | None, Fused | None]:
    """Run the job of sample rows against a reference with pictures that was read and encoded before.

    Args:
        known: The reference, from `pictured.build_pictured`.
        plan: The model.
        sample: Rows such as will be asked.
        settings: How.

    Returns:
        The reference; the job and its decided candidates, None where there is nothing to compare.
    """
    known = known.in_row_order()  # pictures are read in an order of their own
    asked = ask(known, plan, sample, batch_size=settings.batch_size)
    if not len(asked.nodes) or not len(known.nodes):
        return known, None, None
    known = reference_pictures.with_lines(known, asked, settings.k, device=settings.device)
    texts = in_order(known, asked)
    drawing = Drawing.of(texts, (asked.nodes, known.nodes))
    views = job_views.of_pictures(asked, known)
    job, fused = _run(replace(known, weights={}), asked, None, texts, drawing, (settings, plan), views)
    return replace(known, weights={}), job, fused


@stage("threshold")
def _calibrated(known: Reference, asked: Asked, job: SampleJob, k: int) -> tuple[SampleJob, Fused]:
    """Judge the copies as rows are judged that come later, and shift log-odds to what is known of copies.

    The copies of a record are no rivals of a row that is asked. So a row without a match has fewer rivals
    than in the job of the sample, where many of the records that it resembles have their match.
    """
    copy_of, hidden = job.sample.copy_of, blocking.first_rows(asked.nodes) % 2 == 1
    unseen = np.where(hidden, copy_of, -1)
    fused = one_more.judged(known, job, asked, k, unseen)
    found, before = fused.candidates, fused.decided
    if before is None or before.equal is None:
        raise ValueError("candidates without probabilities")
    log_odds = before.log_odds
    order = np.lexsort((-log_odds, found.left))
    best = order[np.flatnonzero(np.diff(found.left[order], prepend=-1))]
    z, right = log_odds[best].astype(np.float64), found.right[best] == copy_of[found.left[best]]
    tried = np.linspace(-8, 8, 321)
    spread = job.decision.uncertainty
    signed = np.where(right, -1, 1) * (z[None] + tried[:, None])
    cost = np.logaddexp(0, signed).sum(axis=1) + (tried / spread) ** 2 / 2
    shift = float(tried[cost.argmin()])
    added = np.float32(shift)
    decided = job.decision.of_pairs(log_odds + added, before.equal)
    rivals = replace(job.rivals, job=job.rivals.job + added, folded=job.rivals.folded + added)
    return replace(job, shift=shift, rivals=rivals), replace(
        fused, score=decided.probability, decided=decided
    )


@stage("decision")
def _run(
    known: Reference,
    asked: Asked,
    source: Integers | None,
    texts: list[list[str]],
    drawing: Drawing,
    how: tuple[Settings, Plan],
    views: JobViews,
) -> tuple[SampleJob, Fused]:
    """The job, with what is kept of it."""
    settings, plan = how
    nodes = asked.nodes, known.nodes
    searched = [views.searched(of) for of in (asked, known)]
    k = settings.k + (source is not None)
    found = candidate_search.search(
        {name: (of, searched[1][name]) for name, of in searched[0].items()}, *nodes, k, device=settings.device
    )
    a, b = nodes[0].text[found.left], nodes[1].text[found.right]
    views = job_views.with_line(views, (asked, known), a, b)
    named, has = [views.named(of) for of in (asked, known)], [views.known(of) for of in (asked, known)]
    # as pairs that come later are scored, so that ties are ties
    found = replace(found, views=views.scores((named[0], named[1]), (has[0], has[1]), a, b))
    matrices = {name: (named[0][name], named[1][name]) for name in views.names}
    on = list(known.keys.queries), list(known.keys.reference)
    first = blocking.first_rows(nodes[0]), known.first_rows
    columns = paired_columns((asked.table, known.table), on, first)
    gaps = {name: (has[0][name], has[1][name]) for name in has[0]}
    evidence = evidence_of(
        found, matrices, nodes, texts, columns, drawing, known=gaps, device=settings.device
    )
    copy_of = np.full(len(nodes[0]), -1, dtype=np.int64)
    if source is not None:
        copy_of = nodes[1].node_of_row[source[first[0]]]
        hidden = (first[0] % 2 == 1)[found.left] & (copy_of[found.left] == found.right)
        found = _some(found, np.flatnonzero(~hidden))
        evidence = replace(evidence, left=found.left, right=found.right, views=found.views)
    features = pair_features(evidence)
    left, right = found.left[features.at], found.right[features.at]
    names = [column.name for column in columns]
    model = decision(pictures=views.pictures == "image").corrected_by(plan.correction, names)
    z = model.pair.predict(features.values, features.names)
    sizes = len(nodes[0]), len(nodes[1])
    of = ranks.places(left, right, z, FLOOR)
    context = job_context(z, left, right, of, sizes)
    seen = in_context(z, of, context)
    log_odds = model.log_odds(seen, features.names, features.values, features.weights.bits)
    fused, but_for_capitals = _decided(known, asked, _some(found, features.at), log_odds, model)
    sample = Sample(
        asked.identity[nodes[0].text],
        blocking.Nodes(np.arange(sizes[0]), nodes[0].block, np.arange(sizes[0])),
        known.n_blocks,
        {name: of[nodes[0].text] for name, of in named[0].items()},
        {name: of[0] for name, of in evidence.own.items()},
        written_of(asked.table, 0, (on[0], on[1]), known.reading, asked.records, nodes[0]),
        copy_of,
    )
    rivals = _rivals(found, features, (z, log_odds, but_for_capitals), copy_of)
    kept = tuple(
        known_column(column, of) for column, of in zip(columns, features.statistics.columns, strict=True)
    )
    own = {name: of[1] for name, of in evidence.own.items()}
    job = SampleJob(features.statistics, context, kept, sample, rivals, own, views)
    return replace(job, correction=model.correction), fused


def _some(found: Candidates, at: Integers) -> Candidates:
    views = {name: score[at] for name, score in found.views.items()}
    return replace(found, left=found.left[at], right=found.right[at], views=views)


def _decided(
    known: Reference, asked: Asked, found: Candidates, log_odds: Floats, model: Decision
) -> tuple[Fused, Floats]:
    """The candidates with probabilities; and log-odds with only those raised that are equal but for case."""
    fused = Fused(found, log_odds)
    alike = np.zeros(len(found), dtype=np.int8)
    if known.shown is None:  # engines misread alike: equal readings are no proof
        alike = equal_texts.same_text((asked.records, known.records), (asked.nodes, known.nodes), fused)
    first = equal_texts.equal_first(
        found, log_odds, np.where(alike == equal_texts.BUT_FOR_CAPITALS, alike, 0)
    )
    raised = equal_texts.equal_first(found, log_odds, alike)
    decided = model.of_pairs(raised, alike == equal_texts.EQUAL)
    return Fused(found, decided.probability, decided), first


def _rivals(
    found: Candidates, features: PairFeatures, log_odds: tuple[Floats, Floats, Floats], copy_of: Integers
) -> Rivals:
    """The candidates in order of the reference's records."""
    n, at = len(found), features.at
    described = np.zeros(n, dtype=bool)
    described[at] = True

    def of_all(values: Floats) -> Floats:
        every = np.full(n, np.nan, dtype=np.float32)
        every[at] = values
        return every

    z, job, folded = map(of_all, log_odds)
    bits = of_all(features.weights.total)
    copy = copy_of[found.left] == found.right
    whole = Rivals(found.left, found.right, copy, found.views, described, bits, z, job, folded, found.n_right)
    return whole.some(np.lexsort((found.left, found.right)))


def lowest(fused: Fused | None, wanted: Any) -> float | None:
    """The lowest probability that a link needs, with which the sample is linked as its decision links it.

    Args:
        fused: The candidates of the sample, None for none.
        wanted: "auto", a number, {"precision": p} or None.

    Returns:
        A probability, None where every row takes its most probable one.
    """
    if wanted is None or is_number(wanted):
        return None if wanted is None else float(wanted)
    if fused is None or fused.decided is None:
        return EVEN
    of, found = fused.decided, fused.candidates
    log_odds = of.log_odds - np.float32(of.caution if isinstance(wanted, Mapping) else 0)
    similarity = np.max([np.nan_to_num(score) for score in found.views.values()], axis=0)
    choice = choose(found.left, found.right, sigmoid(log_odds), similarity, "m:1", wanted)
    least = float(fused.score[choice.pairs].min()) if len(choice.pairs) else None
    if not isinstance(wanted, Mapping):
        # what is not linked has less than half the best F1: any line from there links the same rows
        return EVEN if least is None else min(least, EVEN)
    if least is None:
        logger.warning("A precision of %s cannot be reached: no row is linked.", wanted["precision"])
        return 1.0
    return least
