"""cluster_files and dedup_files: one table of Parquet files of any size against itself, piece by piece."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from linktransformer import check
from linktransformer import progress as progress_of_call
from linktransformer.dedup.cluster import K, check_threshold
from linktransformer.dedup.constraints import METHODS
from linktransformer.encoding.model_plan import LEXICAL
from linktransformer.engines.engine import EngineLike
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Columns, Job, Model
from linktransformer.partitions.clusters_of_files import FileClustering, clusters_of_files, write_rows
from linktransformer.progress import displayed
from linktransformer.results.clusters import Clusters
from linktransformer.tables import key_columns
from linktransformer.tables import null_values as nulls
from linktransformer.tables.null_values import NullValues
from linktransformer.tables.parquet_parts import Place, Places
from linktransformer.tables.parquet_tables import open_parquet
from linktransformer.tables.writers import check_folder

__all__ = ["cluster_files", "dedup_files"]

logger = logging.getLogger(__name__)

KEEP = (None, "first", "longest")


@displayed
def cluster_files(
    table: Places,
    out: Place | None,
    on: Columns = None,
    *,
    block_on: Columns = None,
    method: str = "average",
    threshold: str | float = "auto",
    model: Model = LEXICAL,
    k: int | None = None,
    null_values: NullValues = None,
    keep: str | None = None,
    cluster_column: str = "cluster",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    workspace: Place | None = None,
    engine: EngineLike = None,
    on_bad_file: str = "raise",
    progress: bool | None = None,
) -> Clusters:
    """Find the rows of a table of Parquet files that name the same thing, and write them with their cluster.

    Pairs are found and described piece by piece, as in `link_files`; all pairs are then decided together as
    in `cluster`: rows that hang together are divided by average linkage.

    Args:
        table: A .parquet file, a folder, a pattern, a list of these, or addresses, as in `link_files`.
        out: The .parquet file to be written: the rows in their order, with a column more; None writes none.
        on: Key column or columns; None for all columns of text.
        block_on: Column or columns whose values must be equal within a cluster.
        method: "average", "complete", "single" or "hdbscan", as in `cluster`.
        threshold: "auto" is .5; or a score above 0.
        model: "lexical" for character n-grams alone, or a model beside them, as in `link_files`.
        k: Neighbours of each record in each view; None is 50.
        null_values: Values that stand for a missing one in key columns, as in `cluster`.
        keep: Which rows are written: None: all; "first" or "longest": one of each cluster, the first or that
            with the longest key.
        cluster_column: The name of the column with the number of the cluster.
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time.
        memory_limit: About how many bytes the pieces in memory may take; None is 1 GiB.
        cache: Keep a model's vectors on disk, as in `cluster`.
        workspace: A folder for temporary files, where finished pieces are found again after a kill.
        engine: Where pieces are worked on, as in `link_files`.
        on_bad_file: "raise" where a file cannot be read, or "skip" to leave it out with a warning.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        The clusters, by row number; their table has no rows.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work, or a file that cannot be read.
        ModelError: There is no such model, or it gives vectors that cannot be used.
        MissingExtraError: pyarrow is not installed, or what the model or the engine needs.
        EngineError: The process of a piece was killed again and again.

    Example:
        >>> import pandas as pd, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "firms.parquet"
        >>> names = ["Acme Steel Corp.", "Baxter Dairy", "ACME STEEL CORP"]
        >>> pd.DataFrame({"name": names}).to_parquet(path)
        >>> cluster_files(path, None, "name").label.tolist()
        [0, 1, 0]
    """
    source = open_parquet(table, "table", on_bad_file)
    names = key_columns.of_one(source.head, on)
    blocks = [] if block_on is None else key_columns.of_one(source.head, block_on, argument="block_on")
    check.one_of("method", method, METHODS)
    check_threshold(threshold)
    if keep not in KEEP:
        raise InvalidArgumentError(f"keep={check.shown(keep)} is not understood. Give one of {KEEP}.")
    if out is not None and Path(out).suffix.lower() != ".parquet":
        raise InvalidArgumentError(f"out={str(out)!r} is not a parquet file. Give such as 'rows.parquet'.")
    if out is not None:
        check_folder(Path(out))
    if workspace is not None and not Path(workspace).is_dir():
        raise InvalidArgumentError(f"workspace={str(workspace)!r} is not a folder. Give one that is there.")
    if cluster_column in source.head.columns:
        raise InvalidArgumentError(
            f"cluster_column={cluster_column!r} is a column of the table. Give another."
        )
    nulls.check(null_values, names)
    for text in source.skipped:
        progress_of_call.warn(f"left out: {text}")
    job = Job.of({**locals(), "block_on": blocks or None}, k=K, model=LEXICAL)
    given = FileClustering(source, names, null_values, job, method)
    clusters = clusters_of_files(given, None if workspace is None else Path(workspace), engine)
    logger.info("%r", clusters)
    if out is not None:
        write_rows(source, Path(out), clusters, keep, cluster_column)
    return clusters


def dedup_files(
    table: Places, out: Place | None, on: Columns = None, *, keep: str = "first", **options: Any
) -> Clusters:
    """Write one row of each cluster of a table of Parquet files.

    Args:
        table: The files, as in `cluster_files`.
        out: The .parquet file to be written.
        on: Key column or columns; None for all columns of text.
        keep: "first" or "longest", as in `cluster_files`.
        options: The other arguments of `cluster_files`.

    Returns:
        The clusters, by row number.

    Raises:
        LinkTransformerError: As `cluster_files`.

    Example:
        >>> import pandas as pd, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "firms.parquet"
        >>> names = ["Acme Steel Corp.", "Baxter Dairy", "ACME STEEL CORP"]
        >>> pd.DataFrame({"name": names}).to_parquet(path)
        >>> clusters = dedup_files(path, path.with_name("few.parquet"), "name")
        >>> pd.read_parquet(path.with_name("few.parquet"))["name"].tolist()
        ['Acme Steel Corp.', 'Baxter Dairy']
    """
    return cluster_files(table, out, on, keep=keep, **options)
