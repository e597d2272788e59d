"""The clusters of a table that is fitted, with what rows that come later are judged by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linktransformer.dedup.cluster_pipeline import Neighbours, clusters_of, content_order
from linktransformer.dedup.constraints import Rules, constraints, settled
from linktransformer.encoding.model_plan import Plan
from linktransformer.estimators import cluster_bridges, reference, table_fitting
from linktransformer.estimators.cluster_membership import Clustered
from linktransformer.estimators.reference import Reference
from linktransformer.estimators.row_reading import Reading
from linktransformer.estimators.sample_reading import Settings
from linktransformer.linking.options import Job
from linktransformer.linking.source import no_candidates
from linktransformer.results import guards
from linktransformer.results.clusters import Clusters

__all__ = ["clustered", "with_job_of"]


def clustered(
    bare: Reference, plan: Plan, job: Job, rules: Rules, settings: Settings
) -> tuple[Clustered, Clusters]:
    """Cluster a table as `cluster` does.

    Args:
        bare: The table, without vectors.
        plan: The model.
        job: With the threshold.
        rules: How it is clustered.
        settings: How it is read and searched.

    Returns:
        Its clusters with what later rows are judged by, and with evidence.
    """
    table, on = bare.table, list(bare.keys.reference)
    of_rows = constraints(table, rules)
    order = content_order(table, [*on, *bare.keys.blocks])
    of_rows, bare, back = of_rows.in_order(order), bare.rows_kept(order), np.argsort(order)
    start = settled(of_rows, bare.records.text_of_row, bare.block_of_row)
    nodes = start.nodes
    details: dict[str, Any] = {
        "on": on,
        "method": rules.method,
        "rows_cut": bare.records.n_cut,
        "model": plan.name,
    }
    fused, table_job = no_candidates((nodes, nodes)), None
    if len(nodes):
        fit = table_fitting.fit(bare, plan, nodes, settings)
        fused, table_job, known = fit.fused, fit.job, fit.known
        details |= fit.details
    else:
        known = reference.build(bare.table, bare.keys, plan, reading=bare.reading)
    found = clusters_of(
        table, Neighbours(bare.records, start, fused).of_rows(back), job, rules.method, details
    )
    found = guards.of_clusters(found, table)
    at = float(found.details["threshold"])
    of = Clustered(
        replace(known, threshold=at),
        found.label[order],
        len(found),
        rules.method,
        at,
        table_job,
        rules.one_per,
        of_rows.apart,
        details=found.report(),
    )
    of = replace(of, kept_apart=cluster_bridges.bridges(of)[0])
    return cluster_bridges.without_these(of, back), found  # all rows, in the caller's order


def with_job_of(of: Clustered, larger: Reference, plan: Plan, settings: Settings) -> Clustered:
    """Take the job of the first rows that have a key, where there were none to learn from.

    Args:
        of: Clusters of rows without a key.
        larger: The table with rows at its end.
        plan: The model.
        settings: How they are read and searched.

    Returns:
        The same clusters with the job.
    """
    if not len(larger.nodes):
        return of
    bare = reference.bare(larger.table, larger.keys, Reading(serializer=plan.reading))
    fit = table_fitting.fit(bare, plan, bare.nodes, settings)
    known = replace(fit.known, threshold=of.threshold, labels=larger.labels)
    known = replace(known.rows_kept(np.arange(len(of.cluster))), next_label=of.known.next_label)
    nobody = np.full(len(larger.nodes), -1, dtype=np.int64)
    return replace(of, known=known, job=replace(fit.job, near=fit.job.near.renumbered(nobody, 0)))
