"""A table compared with itself and clustered, with what later rows are scored by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.decision import equal_texts, job_evidence
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Decision
from linktransformer.dedup.cluster_pipeline import Neighbours, clusters_of, content_order
from linktransformer.dedup.constraints import Rules, constraints, settled
from linktransformer.encoding import cached_encoder, truncation
from linktransformer.encoding.model_plan import Plan
from linktransformer.estimators import clustered_table, pair_scoring, reference
from linktransformer.estimators.clustered_table import ClusteredTable, TableJob
from linktransformer.estimators.known_pairs import TablePairs
from linktransformer.estimators.query_reader import cells_of
from linktransformer.estimators.reference import Reference
from linktransformer.estimators.row_reader import REFERENCE
from linktransformer.estimators.sample_fit import Settings
from linktransformer.linking.candidate_source import no_candidates
from linktransformer.linking.options import Job
from linktransformer.progress import stage
from linktransformer.results import report_warnings
from linktransformer.results.clusters import Clusters
from linktransformer.scoring import fellegi_sunter
from linktransformer.scoring.candidate_evidence import evidence_of
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.describe import paired_columns
from linktransformer.scoring.features import PairFeatures
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import blocking, candidate_search
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates

__all__ = ["fit", "with_job_of"]


def fit(
    bare: Reference, plan: Plan, job: Job, rules: Rules, settings: Settings
) -> tuple[ClusteredTable, Clusters]:
    """Encode a table that was read, and cluster it as `cluster` does."""
    table, keys = bare.table, bare.reader.keys
    on = list(keys.reference)
    of_rows = constraints(table, rules)
    order = content_order(table, [*on, *keys.blocks])
    of_rows, bare, back = of_rows.in_order(order), bare.some_rows(order), np.argsort(order)
    start = settled(of_rows, bare.records.text_of_row, bare.block_of_row(bare.table))
    table_job: TableJob | None
    details: dict[str, object] = {
        "on": on,
        "method": rules.method,
        "rows_cut": bare.records.n_cut,
        "model": plan.name,
    }
    if len(start.nodes):
        known, fused, table_job, more = _compared(bare, plan, start.nodes, settings)
        details |= more
    else:
        known, table_job = reference.encoded(bare, None, plan, None, settings.batch_size), None
        fused = no_candidates((start.nodes, start.nodes))
    by_node = Neighbours(bare.records, start, fused).of_rows(back)
    clusters = report_warnings.of_clusters(clusters_of(table, by_node, job, rules.method, details), table)
    threshold = float(clusters.details["threshold"])
    clustered = ClusteredTable(
        replace(known, threshold=threshold),
        clusters.label[order],
        len(clusters),
        rules.method,
        table_job,
        rules.one_per,
        of_rows.apart,
        details=clusters.report(),
    )
    clustered = replace(clustered, kept_apart=clustered_table.mergeable(clustered)[0])
    return clustered_table.some_rows(clustered, back), clusters  # in the caller's order


def with_job_of(
    clustered: ClusteredTable, larger: Reference, plan: Plan, settings: Settings
) -> ClusteredTable:
    """Clusters of rows without a key, with the job of the table with the first rows that have one."""
    if not len(larger.nodes):
        return clustered
    bare = replace(larger, reader=larger.reader.unfitted())
    known, _, job, _ = _compared(bare, plan, bare.nodes, settings)
    known = replace(known, threshold=clustered.reference.threshold).some_rows(
        np.arange(len(clustered.cluster))
    )
    known = replace(known, next_label=clustered.reference.next_label)
    gone = np.full(len(larger.nodes), -1, dtype=np.int64)
    job = replace(job, pairs=job.pairs.renumbered(gone, 0))
    return replace(clustered, reference=known, job=job)


def _compared(
    bare: Reference, plan: Plan, nodes: Nodes, settings: Settings
) -> tuple[Reference, Fused, TableJob, dict[str, object]]:
    """Encode a table, and compare the records `nodes`, one at least, with each other.

    Returns the table, the pairs of `nodes` with match probabilities, the job of the table with each text once
    in each block, and details for the report.
    """
    reader = bare.reader.fitted(plan, _columns(bare, nodes), same=True)
    known = reference.encoded(replace(bare, reader=reader), None, plan, None, settings.batch_size)
    texts = reader.in_order(known.table, REFERENCE, known.records)
    fused, features, job, read = _run(known, nodes, texts, plan, settings)
    if len(nodes) != len(known.nodes):  # equal texts that may have to stay apart are records of their own
        job = _run(known, known.nodes, texts, plan, settings)[2]
    details = _details(known, features, plan)
    return known, fused, job, details if read is None else details | {"read": read}


def _columns(known: Reference, nodes: Nodes) -> list[PairedColumn]:
    on, first = list(known.reader.keys.reference), blocking.first_rows(nodes)
    return paired_columns((known.table, known.table), (on, on), (first, first))


@stage("decision")
def _run(
    known: Reference, nodes: Nodes, texts: list[str], plan: Plan, settings: Settings
) -> tuple[Fused, PairFeatures, TableJob, dict[str, object] | None]:
    views = pair_scoring.views_of(known, known).searched(known)
    matrices = {name: (matrix, matrix) for name, matrix in views.items()}
    device, both = settings.device, (nodes, nodes)
    candidates = candidate_search.search(
        matrices, *both, settings.k, memory_limit=settings.memory_limit, device=device, same=True
    )
    columns, written = _columns(known, nodes), [texts, texts]
    drawing = Drawing.of(written, both, same=True)
    evidence = evidence_of(candidates, matrices, both, written, columns, drawing, device=device)
    of_job = pair_scoring.described_job(evidence, plan.correction)
    features = of_job.features
    scores, model = of_job.scored()
    fused, raised = _decided(known, nodes, candidates, scores.job, model.decision)
    scale, read = None, None
    if settings.reader is not None:
        cells = replace(cells_of(known, known), rows=(blocking.first_rows(nodes),) * 2)
        own, reader, read = settings.reader.fitted(of_job.own, fused, cells, same=True)
        scale = reader.scale
        if own is not of_job.own:
            scores, model = replace(of_job, own=own).scored()
            fused, raised = _decided(known, nodes, candidates, scores.job, model.decision)
    if fused.decided is not None:
        kept = job_evidence.slim_evidence(
            both, evidence, features, scores.pair, fused.decided, model.decision
        )
        fused = replace(fused, evidence=kept)
    ends, values = (candidates.left, candidates.right), (scores.bits, scores.pair, scores.job)
    pairs = TablePairs(*ends, candidates.views, *values, raised, len(nodes))
    return fused, features, TableJob(model, pairs, scale), read


def _decided(
    known: Reference, nodes: Nodes, candidates: Candidates, log_odds: Floats, model: Decision
) -> tuple[Fused, Floats]:
    """Candidates with probabilities, and log-odds with pairs raised that are equal but for case."""
    views = {name: np.clip(score, -1, 1) for name, score in candidates.views.items()}
    candidates = replace(candidates, views=views)
    before = model.of_pairs(log_odds, np.zeros(len(candidates), dtype=bool))
    fused = Fused(candidates, before.probability, before)
    alike = equal_texts.same_text((known.records, known.records), (nodes, nodes), fused)
    raised = equal_texts.equal_first(candidates, log_odds, alike, one_table=True)
    after = model.of_pairs(raised, alike == equal_texts.EQUAL)
    return replace(fused, score=after.probability, decided=after), raised


def _details(known: Reference, features: PairFeatures, plan: Plan) -> dict[str, object]:
    """For the report."""
    reader = known.reader
    names = reader.keys.reference
    details: dict[str, object] = {
        "key_column": None if reader.column is None else reader.column[0],
        "comparisons": dict(zip(names, features.kinds, strict=True)),
        "match_weights": fellegi_sunter.shown(names, features.weights),
    }
    if "dense" in known.matrices:
        written = reader.for_model(known.table, REFERENCE, known.records, plan)
        details["model_reads"] = "the key column" if reader.column_alone else "all columns"
        details |= truncation.of_model(plan.encoder, [known.records], [written])
    if plan.correction is not None and plan.correction.fits(names):
        details["decision"] = "learned from labels"
    return details | cached_encoder.of_report(plan.encoder)
