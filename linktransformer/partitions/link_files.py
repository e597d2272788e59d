"""link_files: two Parquet files of any size linked into a third, piece by piece in bounded memory."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linktransformer.encoding import cached_encoder, model_plan
from linktransformer.encoding.model_plan import LEXICAL
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking import joining, resolve_links
from linktransformer.linking.options import BlockColumns, Job, K
from linktransformer.partitions.compare_partitions import compare_pieces
from linktransformer.partitions.join_files import write_joined
from linktransformer.partitions.partition import MEMORY, divide
from linktransformer.partitions.partition_job import Known
from linktransformer.progress import displayed
from linktransformer.results import guards
from linktransformer.results.links import Links
from linktransformer.scoring.compare import Comparison
from linktransformer.tables import block_keys, key_columns
from linktransformer.tables import null_values as null_values_of
from linktransformer.tables.files import check_folder
from linktransformer.tables.null_values import NullValues
from linktransformer.tables.parquet_tables import ParquetTable, open_parquet

__all__ = ["link_files"]

logger = logging.getLogger(__name__)
Place = str | os.PathLike[str]


@displayed
def link_files(
    left: Place,
    right: Place,
    out: Place | None,
    on: str | None = None,
    *,
    left_on: str | None = None,
    right_on: str | None = None,
    block_on: BlockColumns = None,
    how: str = "left",
    validate: str | None = None,
    suffixes: tuple[str | None, str | None] = ("_x", "_y"),
    indicator: bool | str = False,
    model: Any = LEXICAL,
    k: int | None = None,
    threshold: Any = "auto",
    expected_overlap: float | None = None,
    compare: Mapping[str, Comparison] | None = None,
    null_values: NullValues = None,
    score_column: str = "score",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: Any = None,
    workspace: Place | None = None,
    progress: bool | None = None,
) -> Links:
    """Merge two Parquet files that are too large for memory into a third.

    The result has the rows and columns of `merge`, and its scores: match probabilities. Rows are set aside on
    disk by block, as many blocks together as `memory_limit` has room for, and each such piece is read,
    encoded and searched by itself; the next one is read and encoded while one is searched. What the features
    of a pair need to know of all others is counted over all pieces, and the decision is made on all pieces
    together. Without `block_on`, and for a block that is larger than the limit, there is one piece with all
    its rows.

    Args:
        left: A .parquet file.
        right: Another one.
        out: The .parquet file to be written; None writes none.
        on: The key column of both files: one column.
        left_on: The key column of the left file, with `right_on`.
        right_on: The key column of the right file.
        block_on: Columns whose values must be equal: a name, a list of names, or pairs for columns of
            different names, such as ("city", "town").
        how: "left" keeps every left row, "inner" linked rows, "right" every right row, "outer" all.
        validate: "1:1", "1:m", "m:1" or "m:m", enforced; None is "m:1".
        suffixes: For columns of the same name, key columns too.
        indicator: Add `_merge`, or a column of the name that you give: "both", "left_only" or "right_only".
        model: "lexical" for character n-grams alone, or a model beside them: a folder, "org/name@revision", a
            SentenceTransformer, any object with `encode`. None is the bundled model, which is run where
            `merge` runs it.
        k: Neighbours of each record in each view; None is 10.
        threshold: "auto": the set of links with the best expected F1. A number: links with at least this
            match probability. {"precision": 0.95}: the largest set of links whose mean probability is at
            least that. None: the best match of every row, however bad.
        expected_overlap: About which share of the left rows has a match, 0 to 1; None estimates it.
        compare: How cells of the key column are compared, such as {"born": lt.compare.number(within=2)};
            None chooses by their content.
        null_values: Values of the key columns that stand for a missing one, such as ["unknown", "n/a"], or
            lists by column; texts are compared without differences of case, white space and Unicode form.
        score_column: Name of the column with the score; "score_lt" and so on where a table has it already.
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time; it changes the speed, not the result.
        memory_limit: Bytes for the rows that are in memory at a time, about; None is 1 GiB. Beside it stand
            some 200 to 300 bytes a row.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        workspace: A folder on a disk with room for what is set aside, removed at the end: both files
            uncompressed, and some 300 bytes a row. None for the system's temporary folder.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        The links, by row number. Their tables have no rows: `pairs`, `unlinked`, `report` and `evaluate`
        work, `explain` does not. `LinkWarning` is given where the estimated precision is below one half.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument, or two together, that cannot work, or a file that cannot be read.
        ModelError: There is no such model, or it gives vectors that cannot be used.
        MissingExtraError: pyarrow is not installed, or what the model needs.

    Example:
        >>> import pandas as pd, tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> a, b, c = (folder / f"{name}.parquet" for name in "abc")
        >>> firms = ["Acme Steel Corp.", "Baxter Dairy"], ["Zeller Motors", "ACME STEEL CORPORATION"]
        >>> pd.DataFrame({"name": firms[0], "state": ["S1", "S2"]}).to_parquet(a)
        >>> pd.DataFrame({"name": firms[1], "state": ["S2", "S1"]}).to_parquet(b)
        >>> link_files(a, b, c, "name", block_on="state")
        Links(1 links; 1 of 2 left and 1 of 2 right rows unlinked)
        >>> pd.read_parquet(c)["name_y"].fillna("nothing").tolist()
        ['ACME STEEL CORPORATION', 'nothing']
    """
    tables = open_parquet(left, "left"), open_parquet(right, "right")
    joining.check(tables[0].head, tables[1].head, how, suffixes, indicator, score_column)
    job = Job(
        validate="m:1" if validate is None else validate,
        model=model,
        block_on=block_on,
        k=K if k is None else k,
        threshold=threshold,
        expected_overlap=expected_overlap,
        compare=compare,
        device=device,
        batch_size=batch_size,
        memory_limit=memory_limit,
        cache=cache,
    )
    key = _key(tables, on, left_on, right_on)
    key_columns.check_compare(job.compare, ([key[0]], [key[1]]))
    null_texts = null_values_of.check(null_values, key)
    if out is not None and Path(out).suffix.lower() != ".parquet":
        raise InvalidArgumentError(f"out={str(out)!r} is no parquet file. Give such as 'linked.parquet'.")
    if out is not None:
        check_folder(Path(out))
    if workspace is not None and not Path(workspace).is_dir():
        raise InvalidArgumentError(f"workspace={str(workspace)!r} is no folder. Give one that is there.")
    block_keys.column_pairs((tables[0].head, tables[1].head), block_on)
    plan = model_plan.plan(job.model, job.device, job.cache)
    with tempfile.TemporaryDirectory(
        prefix="linktransformer-",
        dir=workspace,
        ignore_cleanup_errors=True,  # a file that is still mapped cannot be removed on Windows
    ) as folder:
        links = _linked(tables, key, job, plan, null_texts, Path(folder))
        logger.info("%r", links)
        guards.warn(links.details)
        if out is not None:
            write_joined(
                links,
                tables,
                Path(out),
                Path(folder),
                how=how,
                suffixes=suffixes,
                indicator=indicator,
                score_column=score_column,
            )
    return links


def _key(
    tables: tuple[ParquetTable, ParquetTable], on: str | None, left_on: str | None, right_on: str | None
) -> tuple[str, str]:
    found = key_columns.resolve(tables[0].head, tables[1].head, on, left_on, right_on)
    if max(map(len, found)) > 1:
        raise InvalidArgumentError(
            f"Files are linked by one key column each. Given: {found[0]} and {found[1]}. Name one by on=, or "
            "write the columns into one first."
        )
    return found[0][0], found[1][0]


def _linked(
    tables: tuple[ParquetTable, ParquetTable],
    key: tuple[str, str],
    job: Job,
    plan: model_plan.Plan,
    null_texts: Mapping[str, frozenset[str]],
    folder: Path,
) -> Links:
    memory = (job.memory_limit or MEMORY) // 2  # a piece is read while another one is searched
    dense = plan.encoder is not None
    divided = divide(
        tables,
        key,
        job.block_on,
        folder,
        memory=memory,
        dense=dense,
        reading=plan.reading,
        null_texts=null_texts,
    )
    known = Known(tables, key, plan, job, divided.counts, folder)
    found = compare_pieces(known, divided)
    details: dict[str, Any] = {
        "model": plan.name,
        "left_on": [key[0]],
        "right_on": [key[1]],
        "validate": job.validate,
        "rows_cut": divided.rows_cut,
        **block_keys.Blocks(warnings=divided.warnings).details,
        **cached_encoder.of_report(plan.encoder),
        "null_values": {
            side.name: {name: n} if name in null_texts else {}
            for side, name, n in zip(tables, key, divided.n_emptied, strict=True)
        },
        **found.details,
    }
    stubs = tables[0].stub, tables[1].stub
    links = resolve_links.decided(stubs, found.nodes, found.fused, job.validate, job.threshold, details)
    return guards.of_links(links, every_row=job.threshold is None)
