"""From the scored pairs of one table of files to clusters of its rows, and the rows written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from linktransformer.dedup.cluster_pipeline import Neighbours, clusters_of
from linktransformer.dedup.constraints import Settled
from linktransformer.encoding import model_plan
from linktransformer.engines.engine import EngineLike
from linktransformer.linking.candidate_source import no_candidates, scored
from linktransformer.linking.options import Job
from linktransformer.partitions.file_source import FileSource, file_source
from linktransformer.partitions.set_aside import set_aside
from linktransformer.progress import stage
from linktransformer.results import report_warnings
from linktransformer.results.clusters import Clusters
from linktransformer.results.report import ClusterReport
from linktransformer.tables import frames, writers
from linktransformer.tables.binned_storage import ordered_texts
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.null_values import NullValues
from linktransformer.tables.parquet_tables import ParquetTable
from linktransformer.tables.records import Records

__all__ = ["FileClustering", "clusters_of_files", "write_rows"]


@dataclass(frozen=True, slots=True, eq=False)
class FileClustering:
    """What is clustered and how.

    Args:
        table: The files.
        names: The key columns.
        null_values: Values that stand for a missing one.
        job: How pairs are found.
        method: How rows that hang together are divided.
    """

    table: ParquetTable
    names: list[str]
    null_values: NullValues
    job: Job
    method: str


def clusters_of_files(given: FileClustering, workspace: Path | None, engine: EngineLike) -> Clusters:
    """Find pairs piece by piece, and decide all of them together; warns as `cluster` does."""
    table, job = given.table, given.job
    plan = model_plan.plan(job.model, job.device, job.cache)
    tables, key = (table, table), (given.names, given.names)
    with set_aside(tables, key, given.null_values, job, plan, workspace, engine) as apart:
        source = file_source(apart.files, apart.engine)
        pairs = scored(source)
        neighbours = replace(_neighbours(source), fused=pairs.fused)
    stub = table.stub
    clusters = clusters_of(stub, neighbours, job, given.method)
    report = ClusterReport(
        on=given.names,
        method=given.method,
        pairs=pairs.report,
        clustering=clusters.details,
        null_values=apart.null_counts[table.name],
        options=job.options(),
    )
    clusters = report_warnings.of_clusters(replace(clusters, details=report), table.head)
    report_warnings.warn(clusters.details)
    return clusters


def _neighbours(source: FileSource) -> Neighbours:
    """The records with their texts, which are in memory from here on; not yet their pairs."""
    counted, nodes = source.counted, source.nodes[0]
    own = np.arange(len(nodes), dtype=np.int64)
    texts = np.empty(0, dtype=object)
    if len(nodes):
        texts = np.array([*ordered_texts(counted.names, 0, counted.numbers[0]).at(own), None], dtype=object)[
            :-1
        ]
    nodes = replace(nodes, text=own)
    together = np.empty((0, 2), dtype=np.int64)
    read = Records(
        texts, nodes.node_of_row, source.files.partitions.rows_cut, tuple(source.files.partitions.on[0])
    )
    return Neighbours(read, Settled(nodes, None, None, together), no_candidates((nodes, nodes)))


def write_rows(table: ParquetTable, out: Path, clusters: Clusters, keep: str | None, column: str) -> None:
    """Write the rows of a table in their order with their cluster: all of them, or one of each cluster."""
    kept = np.ones(table.n_rows, dtype=bool)
    if keep is not None:
        kept[:] = False
        kept[clusters.representatives("longest" if keep == "longest" else "first")] = True

    def parts() -> Iterator[IntoDataFrame]:
        yield frames.with_columns(table.head, {column: clusters.label[:0]})
        for start, batch in table.batches():
            here = slice(start, start + batch.n_rows)
            rows = frames.with_columns(batch, {column: clusters.label[here]})
            yield frames.take(frames.wrap(rows, table.name), np.flatnonzero(kept[here]))
            tick(batch.n_rows)

    with stage("write", table.n_rows) as tick:
        writers.write_parts(out, parts())
