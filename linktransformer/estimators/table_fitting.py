"""The job of a table with itself: how rows are read, candidates, statistics, and the decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.decision import equal_texts, job_evidence
from linktransformer.decision.context import FLOOR, job_context
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Decision, decision
from linktransformer.encoding import cached_encoder, truncation
from linktransformer.encoding.model_plan import Plan
from linktransformer.estimators import reference
from linktransformer.estimators.reference import Reference
from linktransformer.estimators.sample_reading import Settings, reading_by
from linktransformer.estimators.table_job import NearPairs, TableJob
from linktransformer.progress import stage
from linktransformer.scoring import fellegi_sunter, ranks
from linktransformer.scoring.describe import paired_columns
from linktransformer.scoring.features import PairFeatures, pair_features
from linktransformer.scoring.gather import evidence_of
from linktransformer.scoring.known_columns import known_column
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import blocking, candidate_search
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates

__all__ = ["TableFit", "fit"]


@dataclass(frozen=True, slots=True, eq=False)
class TableFit:
    """A table that was compared with itself.

    Args:
        known: It, read and encoded.
        fused: Pairs of the records that are clustered, with match probabilities as scores.
        job: What later rows are judged by: the job in which each text is there once in each block.
        details: What a report says.
    """

    known: Reference
    fused: Fused
    job: TableJob
    details: dict[str, Any]


def fit(bare: Reference, plan: Plan, nodes: Nodes, settings: Settings) -> TableFit:
    """Read and encode a table, and compare it with itself as `cluster` does.

    Args:
        bare: The table, without vectors.
        plan: The model.
        nodes: The records that are clustered, one at least.
        settings: How.

    Returns:
        The table with its pairs.
    """
    on, first = list(bare.keys.reference), blocking.first_rows(nodes)
    columns = paired_columns((bare.table, bare.table), (on, on), (first, first))
    known = reference.build(
        bare.table,
        bare.keys,
        plan,
        reading=reading_by(bare, plan, columns, same=True),
        batch_size=settings.batch_size,
    )
    known = replace(known, weights={}, labels=bare.labels, next_label=bare.next_label)
    texts = known.reading.in_order(known.table, 1, known.records)
    fused, features, job = _compared(known, nodes, texts, plan, settings)
    if len(nodes) != len(known.nodes):  # equal texts that may have to stay apart are records of their own
        job = _compared(known, known.nodes, texts, plan, settings)[2]
    return TableFit(known, fused, job, _said(known, features, plan))


@stage("decision")
def _compared(
    known: Reference, nodes: Nodes, texts: list[str], plan: Plan, settings: Settings
) -> tuple[Fused, PairFeatures, TableJob]:
    matrices = {
        name: (known.matrices[name], known.matrices[name])
        for name in ("lexical", "key column", "dense")
        if name in known.matrices
    }
    memory, device = settings.memory_limit, settings.device
    found = candidate_search.search(
        matrices, nodes, nodes, settings.k, memory_limit=memory, device=device, same=True
    )
    on, first = list(known.keys.reference), blocking.first_rows(nodes)
    columns = paired_columns((known.table, known.table), (on, on), (first, first))
    drawing = Drawing.of([texts, texts], (nodes, nodes), same=True)
    evidence = evidence_of(
        found, matrices, (nodes, nodes), [texts, texts], columns, drawing, same=True, device=device
    )
    features = pair_features(evidence)
    left, right = found.left, found.right
    model = decision().corrected_by(plan.correction, [column.name for column in columns])
    z, offset = model.own_log_odds(features)
    sizes = len(nodes), len(nodes)
    places = ranks.places(left, right, z, FLOOR, same=True)
    context = job_context(z, left, right, places, sizes, same=True)
    log_odds = model.in_job(z, features.at, left, right, sizes, same=True, offset=offset).log_odds
    fused, raised = _raised(known, nodes, found, log_odds, model)
    if fused.decided is not None:
        of_job = job_evidence.slim_evidence((nodes, nodes), evidence, features, z, fused.decided, model)
        fused = replace(fused, evidence=of_job)
    near = NearPairs(left, right, found.views, features.weights.total, z, log_odds, raised, len(nodes))
    kept = tuple(
        known_column(column, of) for column, of in zip(columns, features.statistics.columns, strict=True)
    )
    return fused, features, TableJob(features.statistics, context, kept, near, model.correction)


def _raised(
    known: Reference, nodes: Nodes, found: Candidates, log_odds: Floats, model: Decision
) -> tuple[Fused, Floats]:
    """The candidates with probabilities; no variant goes before equal texts."""
    found = replace(found, views={name: np.clip(score, -1, 1) for name, score in found.views.items()})
    before = model.of_pairs(log_odds, np.zeros(len(found), dtype=bool))
    fused = Fused(found, before.probability, before)
    alike = equal_texts.same_text((known.records, known.records), (nodes, nodes), fused)
    raised = equal_texts.equal_first(found, log_odds, alike, one_table=True)
    after = model.of_pairs(raised, alike == equal_texts.EQUAL)
    return replace(fused, score=after.probability, decided=after), raised


def _said(known: Reference, features: PairFeatures, plan: Plan) -> dict[str, Any]:
    names, column = known.keys.reference, known.reading.column
    said: dict[str, Any] = {
        "key_column": None if column is None else column[0],
        "comparisons": dict(zip(names, features.kinds, strict=True)),
        "match_weights": fellegi_sunter.shown(names, features.weights),
    }
    if "dense" in known.matrices:
        written = known.reading.for_model(known.table, names, 1, known.records, plan)
        said["model_reads"] = "the key column" if known.reading.column_alone else "all columns"
        said |= truncation.of_model(plan.encoder, [known.records], [written])
    if plan.correction is not None and plan.correction.fits(names):
        said["decision"] = "learned from labels"
    return said | cached_encoder.of_report(plan.encoder)
