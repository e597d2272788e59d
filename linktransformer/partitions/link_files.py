"""link_files: Parquet files of any size linked into another one, partition by partition in bounded memory."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linktransformer import progress as progress_of_call
from linktransformer.encoding import model_plan
from linktransformer.encoding.model_plan import LEXICAL
from linktransformer.engines.engine import EngineLike
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.candidate_source import scored
from linktransformer.linking.joining import Join
from linktransformer.linking.learned_reader import reader_for
from linktransformer.linking.merge import links_of
from linktransformer.linking.options import BlockColumns, Columns, Job, Model, ReaderLike, Suffixes, Threshold
from linktransformer.partitions.estimate_files import estimate_of
from linktransformer.partitions.file_source import file_source
from linktransformer.partitions.join_files import write_joined
from linktransformer.partitions.set_aside import set_aside
from linktransformer.progress import displayed
from linktransformer.results import report_warnings
from linktransformer.scoring.compare import Comparison
from linktransformer.tables import block_keys, key_columns
from linktransformer.tables import null_values as nulls
from linktransformer.tables.null_values import NullValues
from linktransformer.tables.parquet_parts import Place, Places
from linktransformer.tables.parquet_tables import open_parquet
from linktransformer.tables.writers import check_folder

__all__ = ["link_files"]

logger = logging.getLogger(__name__)


@displayed
def link_files(
    left: Places,
    right: Places,
    out: Place | None,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    block_on: BlockColumns = None,
    how: str = "left",
    validate: str | None = None,
    suffixes: Suffixes = ("_x", "_y"),
    indicator: bool | str = False,
    model: Model = LEXICAL,
    k: int | None = None,
    threshold: Threshold = "auto",
    expected_overlap: float | None = None,
    reader: ReaderLike = False,
    compare: Mapping[str, Comparison] | None = None,
    null_values: NullValues = None,
    score_column: str = "score",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    workspace: Place | None = None,
    engine: EngineLike = None,
    on_bad_file: str = "raise",
    dry_run: bool = False,
    progress: bool | None = None,
) -> Any:
    """Merge two tables of Parquet files that are too large for memory into a third file.

    The result has the rows and columns of `merge`, and its scores: match probabilities. Rows are set aside on
    disk by block, as many blocks together as `memory_limit` has room for, and each such piece is read,
    encoded and searched separately; the next one is read and encoded while one is searched. Statistics that
    the features of a pair need are counted over all pieces, and the decision is made on all pieces together.
    Without `block_on`, and for a block that is larger than the limit, there is one piece with all its rows.

    Args:
        left: A .parquet file, a folder of such files, a pattern such as "left/*.parquet", a list of these, or
            addresses such as "s3://bucket/left". Several files are one table, in the order of their names or
            of the list; they have the same columns.
        right: The other table.
        out: The .parquet file to be written; None writes none.
        on: Key column or columns of both files; None, without `left_on` and `right_on`: the text columns that
            both have.
        left_on: Key columns of the left file, with `right_on`.
        right_on: Key columns of the right file.
        block_on: Columns whose values must be equal: a name, a list of names, or pairs for columns of
            different names, such as ("city", "town").
        how: "left" keeps every left row, "inner" linked rows, "right" every right row, "outer" all.
        validate: "1:1", "1:m", "m:1" or "m:m", enforced; None is "m:1".
        suffixes: For columns of the same name, key columns too.
        indicator: Add `_merge`, or a column of the name that you give: "both", "left_only" or "right_only".
        model: "lexical" for character n-grams only, or a model beside them: a folder, "org/name@revision", a
            SentenceTransformer, any object with `encode`. None is the bundled model, which is run where
            `merge` runs it.
        k: Neighbours of each record in each view; None is 10.
        threshold: "auto": the set of links with the best expected F1. A number: links with at least this
            match probability. {"precision": 0.95}: the largest set of links whose mean probability is at
            least that. None: the best match of every row, however bad.
        expected_overlap: About which share of the left rows has a match, 0 to 1; None estimates it.
        reader: What reads both records of pairs in doubt, as in `merge`: True for all of them or a number of
            seconds, "auto" with `model=None`, or a reader of your own. It reads in this process, whatever the
            engine. False: nothing (docs/reader.md).
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
            uncompressed, and some 300 bytes a row. What is finished stays in it when the call fails or is
            killed, and the same call goes on from there. None for the system's temporary folder, and no
            resuming.
        engine: Where pieces are worked on. None or "local": in this process. "ray": on the Ray cluster that
            this process is connected to, else on the cores of this machine. An address such as
            "ray://head:10001": on the cluster there, whose machines share the `workspace`
            (docs/large-tables.md). The links are the same.
        on_bad_file: "raise" where a file cannot be read, or "skip" to leave it out with a warning.
        dry_run: Link nothing: read the block columns and the first rows, and return a `FileEstimate` of rows,
            pairs, memory and CPU seconds.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        `Links` by row number. Their tables have no rows: `pairs`, `unlinked`, `report` and `evaluate`
        work, `explain` does not. `LinkWarning` is given where the estimated precision is below one half.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument, or two together, that cannot work, or a file that cannot be read.
        ModelError: There is no such model, or it gives vectors that cannot be used.
        MissingExtraError: pyarrow is not installed, or what the model or the engine needs.
        EngineError: The process of a piece was killed again and again.

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
    tables = open_parquet(left, "left", on_bad_file), open_parquet(right, "right", on_bad_file)
    heads = tables[0].head, tables[1].head
    join = Join(how, suffixes, indicator, score_column)
    join.check(*heads)
    job = Job.of(locals())
    key = key_columns.resolve(*heads, on, left_on, right_on)
    key_columns.check_compare(job.compare, key)
    nulls.check(null_values, [*key[0], *key[1]])
    if out is not None and Path(out).suffix.lower() != ".parquet":
        raise InvalidArgumentError(f"out={str(out)!r} is not a parquet file. Give such as 'linked.parquet'.")
    if out is not None:
        check_folder(Path(out))
    if workspace is not None and not Path(workspace).is_dir():
        raise InvalidArgumentError(f"workspace={str(workspace)!r} is not a folder. Give one that is there.")
    block_keys.column_pairs(heads, block_on)
    if dry_run:
        dense = not (isinstance(job.model, str) and job.model == LEXICAL)
        return estimate_of(tables, key, job.block_on, job.memory_limit, dense=dense)
    plan = model_plan.plan(job.model, job.device, job.cache)
    reader_used = reader_for(plan, job.reader)
    for text in (*tables[0].skipped, *tables[1].skipped):
        progress_of_call.warn(f"left out: {text}")
    place = None if workspace is None else Path(workspace)
    with set_aside(tables, key, null_values, job, plan, place, engine) as apart:
        pairs = scored(file_source(apart.files, apart.engine, reader_used))
        blocks, null_counts = apart.files.partitions.blocks, apart.null_counts
        stubs = tables[0].stub, tables[1].stub
        links = links_of(pairs, stubs, key, blocks, null_counts, job)
        links = report_warnings.of_links(links, every_row=job.threshold is None)
        logger.info("%r", links)
        report_warnings.warn(links.details)
        if out is not None:
            write_joined(links, tables, Path(out), apart.folder, join)
    return links
