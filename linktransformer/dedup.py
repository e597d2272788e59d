"""cluster, cluster_rows and dedup_rows: one table that names one thing many times."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import (
    agglomerate,
    agreement,
    blocking,
    clusters,
    encode,
    frames,
    fuse,
    keys,
    records,
    search,
    views,
)
from linktransformer.clusters import Clusters
from linktransformer.errors import InvalidArgumentError
from linktransformer.frames import Table
from linktransformer.linking import Columns, Job
from linktransformer.serialize import Serializer
from linktransformer.silhouette import silhouette
from linktransformer.threshold import is_number

__all__ = ["cluster", "cluster_rows", "dedup_rows"]

logger = logging.getLogger(__name__)

K = 50  # neighbours: a row with more near ones than that is rare, and average linkage misses them
METHODS = ("average", "complete", "single")
TRIED = np.arange(0.9, 0.14, -0.05).round(2).tolist()  # thresholds of which the best silhouette is taken
SURE = 0.9  # the first guess that two rows of one cluster match
SAMPLE = 20_000  # nodes that the silhouette is measured on

Integers = NDArray[np.int64]


def dedup_rows(
    table: Any,
    on: Columns = None,
    *,
    keep: str | Callable[[Any], Any] = "first",
    method: str = "average",
    threshold: Any = "auto",
    model: Any = None,
    block_on: Columns = None,
    k: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    progress: bool | None = None,
) -> Any:
    """Keep one row of each thing that a table names.

    Args:
        table: A pandas or polars DataFrame or a pyarrow Table.
        on: As for `cluster_rows`.
        keep: Which row stays: the "first", the one with the "longest" key, the "most complete" one; or a
            function that is given the rows of a cluster of several and returns the number of one, from 0.
        method: As for `cluster_rows`.
        threshold: Likewise.
        model: Likewise.
        block_on: Likewise.
        k: Likewise.
        device: Likewise.
        batch_size: Likewise.
        memory_limit: Likewise.
        progress: Likewise.

    Returns:
        The kept rows in the table's order, with their index labels in pandas. A row without a partner or
        without a key is always kept.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work.
        TableTypeError: Not a table.
        ModelError: There is no such model, or it gives vectors that cannot be used.

    Example:
        >>> import pandas as pd
        >>> firms = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", "ACME STEEL CORP"]})
        >>> dedup_rows(firms, on="name", model="lexical")
                       name
        0  Acme Steel Corp.
        1      Baxter Dairy
    """
    clusters.check_keep(keep)
    found = cluster(
        table,
        on,
        method=method,
        threshold=threshold,
        model=model,
        block_on=block_on,
        k=k,
        device=device,
        batch_size=batch_size,
        memory_limit=memory_limit,
        progress=progress,
    )
    return frames.take(found.table, np.sort(found.representatives(keep)))


def cluster_rows(
    table: Any,
    on: Columns = None,
    *,
    method: str = "average",
    threshold: Any = "auto",
    model: Any = None,
    block_on: Columns = None,
    k: int | None = None,
    cluster_column: str = "cluster",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    progress: bool | None = None,
) -> Any:
    """Number the rows of a table so that rows which name the same thing have the same number.

    Args:
        table: A pandas or polars DataFrame or a pyarrow Table.
        on: Key column or columns; None for all columns of text. Put the column that names the row first.
        method: "average" linkage, which does not chain; "complete", or "single": all that hangs together.
        threshold: "auto" takes the one at which rows sit best in their clusters; or a score above 0.
        model: None or "lexical": character n-grams alone, which the bundled model did not improve on any set
            that was tried (docs/dedup.md). Others as for `merge`.
        block_on: Column or columns whose values must be equal within a cluster.
        k: Neighbours fetched for each row in each view; None is 50.
        cluster_column: Name of the new column; "cluster_lt" and so on where the table has it already.
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time; it changes the speed, not the result.
        memory_limit: Bytes for the search, beside its input and its result; None is 1 GiB.
        progress: True shows progress bars, False none; None on a terminal.

    Returns:
        The table with the new column at its end, index and order kept. Numbers begin at 0 in order of first
        row; a row without a partner or without a key has a number of its own.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work.
        TableTypeError: Not a table.
        ModelError: There is no such model, or it gives vectors that cannot be used.

    Example:
        >>> import pandas as pd
        >>> firms = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", "ACME STEEL CORP"]})
        >>> cluster_rows(firms, on="name", model="lexical")["cluster"].tolist()
        [0, 1, 0]
    """
    _check_name(cluster_column)
    found = cluster(
        table,
        on,
        method=method,
        threshold=threshold,
        model=model,
        block_on=block_on,
        k=k,
        device=device,
        batch_size=batch_size,
        memory_limit=memory_limit,
        progress=progress,
    )
    name = frames.free_name(cluster_column, found.table.columns)
    return frames.with_columns(found.table, {name: found.label})


def cluster(
    table: Any,
    on: Columns = None,
    *,
    method: str = "average",
    threshold: Any = "auto",
    model: Any = None,
    block_on: Columns = None,
    k: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    progress: bool | None = None,
) -> Clusters:
    """Find the rows of a table that name the same thing, with evidence.

    Args:
        table: A pandas or polars DataFrame or a pyarrow Table.
        on: As for `cluster_rows`.
        method: Likewise.
        threshold: Likewise.
        model: Likewise.
        block_on: Likewise.
        k: Likewise.
        device: Likewise.
        batch_size: Likewise.
        memory_limit: Likewise.
        progress: Likewise.

    Returns:
        The clusters.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work.
        TableTypeError: Not a table.
        ModelError: There is no such model, or it gives vectors that cannot be used.

    Example:
        >>> import pandas as pd
        >>> firms = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", "ACME STEEL CORP"]})
        >>> cluster(firms, on="name", model="lexical")
        Clusters(3 rows in 2 clusters, 1 of several rows)
    """
    wrapped = frames.wrap(table, "table")
    _check(method, threshold)
    job = Job(
        model=encode.LEXICAL if model is None else model,
        block_on=block_on,
        k=K if k is None else k,
        threshold=threshold,
        device=device,
        batch_size=batch_size,
        memory_limit=memory_limit,
        progress=progress,
    )
    found = _cluster(wrapped, keys.of_one(wrapped, on), job, method)
    logger.info("%r", found)
    return found


def _check_name(cluster_column: Any) -> None:
    if not isinstance(cluster_column, str) or not cluster_column:
        raise InvalidArgumentError(
            f"cluster_column={cluster_column!r} is no column name. Give such as 'cluster'."
        )


def _check(method: str, threshold: Any) -> None:
    if method not in METHODS:
        raise InvalidArgumentError(f"method={method!r} is not one of {', '.join(map(repr, METHODS))}.")
    if not (isinstance(threshold, str) and threshold == "auto") and not (
        is_number(threshold) and float(threshold) > 0
    ):
        raise InvalidArgumentError(
            f"threshold={threshold!r} is not understood. Give 'auto' or a score above 0 such as 0.5."
        )


def _cluster(table: Table, on: list[str], job: Job, method: str) -> Clusters:
    texts = records.read(table, on, Serializer())
    blocks = keys.blocks((table, table), job.block_on)
    nodes = blocking.nodes(texts.text_of_row, None if blocks is None else blocks[0])
    details: dict[str, Any] = {"on": on, "method": method, "rows_cut": texts.n_cut}
    fused = _score(table, on, texts, nodes, job, details)
    sample = _sample(texts, nodes)
    if len(on) > 1 and len(fused.candidates):
        fused, details["evidence"] = _with_evidence(table, on, nodes, fused, sample)
    found = fused.candidates
    thresholds = TRIED if isinstance(job.threshold, str) else [float(job.threshold)]
    label, details["threshold"], details["silhouettes"] = _best_cut(
        found, fused.score, thresholds, method, sample
    )
    details["rows_without_key"] = int((nodes.node_of_row < 0).sum())
    # a node that has all its k neighbours at or above the threshold may have more
    near = fused.score >= np.float32(details["threshold"])
    degree = np.bincount(np.concatenate([found.left[near], found.right[near]]), minlength=len(nodes))
    details["rows_with_more_neighbours_than_k"] = int((degree >= job.k).sum())
    return _on_rows(table, texts, nodes, fused, label, details)


def _with_evidence(
    table: Table, on: list[str], nodes: blocking.Nodes, fused: fuse.Fused, sample: Integers | None
) -> tuple[fuse.Fused, Any]:
    """The mean of the score and of the probability by the evidence of each column.

    The first guess of the probabilities are the clusters by the score alone.
    """
    columns = [records.read(table, [name], Serializer()) for name in on]
    first = _first_rows(nodes)
    stay = agreement.without_repeats(columns, first if sample is None else first[sample])
    if len(stay) < 2:
        return fused, "left out: one column says all that the others say"
    found = fused.candidates
    graded = agreement.levels([columns[place] for place in stay], first[found.left], first[found.right])
    label, _, _ = _best_cut(found, fused.score, TRIED, "average", sample)
    together = label[found.left] == label[found.right]
    fitted = agreement.fit(
        [on[place] for place in stay], graded, np.where(together, SURE, 1 - SURE).astype(np.float32)
    )
    evidence = {
        "columns": list(fitted.columns),
        "prior_bits": round(fitted.prior, 3),
        "bits": {
            name: dict(zip(agreement.LEVELS, np.round(bits, 3).tolist(), strict=True))
            for name, bits in zip(fitted.columns, fitted.weights, strict=True)
        },
    }
    score = ((fused.score + fitted.probability) / 2).astype(np.float32)
    return replace(fused, score=score), evidence


def _first_rows(nodes: blocking.Nodes) -> Integers:
    """The first row of each node."""
    rows = np.flatnonzero(nodes.node_of_row >= 0)
    first = np.full(len(nodes), len(nodes.node_of_row), dtype=np.int64)
    np.minimum.at(first, nodes.node_of_row[rows], rows)
    return first


def _score(
    table: Table,
    on: list[str],
    texts: records.Records,
    nodes: blocking.Nodes,
    job: Job,
    details: dict[str, Any],
) -> fuse.Fused:
    """Every node's neighbours in every view, and one score of each pair."""
    plan = encode.plan(job.model, job.device)
    details["model"] = plan.name
    if not len(nodes):
        none = np.empty(0, dtype=np.int64)
        nothing = search.Candidates(none, none, {"lexical": np.empty(0, dtype=np.float32)}, 0, 0)
        return fuse.Fused(nothing, np.empty(0, dtype=np.float32), {"lexical": 1.0}, 0.0)
    heads = None
    if len(on) > 1:
        heads = views.texts_of(texts, records.read(table, on[:1], Serializer()))
    made = views.sparse_of_one(texts, heads)
    if plan.encoder is not None:
        written = texts.texts.tolist()
        if plan.serializer != Serializer():
            written = views.texts_of(texts, records.read(table, on, plan.serializer))
        made = views.with_dense_of_one(
            made, plan.encoder, written, batch_size=job.batch_size, show=job.progress
        )
    found = search.search(
        made.matrices, nodes, nodes, job.k, memory_limit=job.memory_limit, device=job.device, same=True
    )
    fused = fuse.fuse_of_one(found, views.spread(made, (nodes, nodes), (texts, texts)))
    details |= {"views_left_out": dict(made.notes)} if made.notes else {}
    details["weights"] = {name: round(weight, 4) for name, weight in fused.weights.items()}
    details["search"] = dict(found.report)
    return fused


def _best_cut(
    found: search.Candidates,
    score: NDArray[np.float32],
    thresholds: list[float],
    method: str,
    sample: Integers | None,
) -> tuple[Integers, float, dict[str, float]]:
    """The clusters at the threshold with the best silhouette; the highest threshold of equally good ones."""
    every = agglomerate.cuts(found.n_left, found.left, found.right, score, thresholds, method)
    if len(thresholds) == 1:
        return next(every), thresholds[0], {}
    best, chosen, at = -np.inf, np.arange(found.n_left), thresholds[0]
    tried: dict[str, float] = {}
    for threshold, label in zip(thresholds, every, strict=True):
        width = silhouette(found.left, found.right, score, label, sample)
        tried[f"{threshold:g}"] = round(width, 4)
        if width > best + 1e-9:
            best, chosen, at = width, label, threshold
    return chosen, at, tried


def _sample(texts: records.Records, nodes: blocking.Nodes) -> Integers | None:
    """Nodes on which the silhouette is measured, the same in any order of rows; None for all."""
    if len(nodes) <= SAMPLE:
        return None
    by_text = sorted(range(len(nodes)), key=texts.texts[nodes.text].tolist().__getitem__)
    return np.array(by_text)[np.random.default_rng(0).choice(len(nodes), SAMPLE, replace=False)]


def _on_rows(
    table: Table,
    texts: records.Records,
    nodes: blocking.Nodes,
    fused: fuse.Fused,
    label: Integers,
    details: dict[str, Any],
) -> Clusters:
    """Clusters of rows out of clusters of nodes: rows of one node are together, one without a node alone."""
    node = nodes.node_of_row
    of_row = np.where(node >= 0, np.append(label, 0)[node], -1)
    alone = np.flatnonzero(node < 0)
    of_row[alone] = len(nodes) + np.arange(len(alone))
    length = np.append([len(text) for text in texts.texts.tolist()], 0).astype(np.int64)
    first = _first_rows(nodes)
    inside = label[fused.candidates.left] == label[fused.candidates.right]
    a, b = first[fused.candidates.left[inside]], first[fused.candidates.right[inside]]
    return Clusters(
        table,
        agglomerate.in_order(of_row),
        length[texts.text_of_row],
        np.minimum(a, b),
        np.maximum(a, b),
        fused.score[inside],
        details,
    )
