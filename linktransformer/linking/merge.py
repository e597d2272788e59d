"""merge and link: two tables that name the same things differently, row by row."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from linktransformer import check
from linktransformer.engines.engine import EngineLike
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.candidate_source import Scored, scored
from linktransformer.linking.compare_tables import source_of
from linktransformer.linking.joining import Join, joined
from linktransformer.linking.link_paths import link_paths
from linktransformer.linking.options import (
    BlockColumns,
    Columns,
    Job,
    Model,
    ReaderLike,
    Suffixes,
    Threshold,
)
from linktransformer.linking.resolve_links import decided
from linktransformer.progress import displayed
from linktransformer.results import report_warnings
from linktransformer.results.links import Links
from linktransformer.results.report import LinkReport
from linktransformer.scoring.compare import Comparison
from linktransformer.tables import block_keys, frames, key_columns
from linktransformer.tables import null_values as nulls
from linktransformer.tables.block_keys import Blocks
from linktransformer.tables.frames import IntoDataFrame, IntoDataFrameT, Table
from linktransformer.tables.null_values import NullValues
from linktransformer.tables.parquet_parts import Places, are_places
from linktransformer.tables.picture_records import picture_columns

__all__ = ["link", "links_of", "merge"]

logger = logging.getLogger(__name__)


@displayed
def merge(
    left: IntoDataFrameT,
    right: IntoDataFrameT,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    how: str = "left",
    validate: str | None = None,
    suffixes: Suffixes = ("_x", "_y"),
    indicator: bool | str = False,
    model: Model = None,
    block_on: BlockColumns = None,
    images: object = None,
    confidence: object = None,
    image_root: str | os.PathLike[str] | None = None,
    k: int | None = None,
    threshold: Threshold = "auto",
    expected_overlap: float | None = None,
    reader: ReaderLike = "auto",
    compare: Mapping[str, Comparison] | None = None,
    null_values: NullValues = None,
    score_column: str = "score",
    long: str = "auto",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> IntoDataFrameT:
    """Put the rows of two tables together that name the same thing, as pandas.merge does for equal keys.

    Args:
        left: A pandas or polars DataFrame or a pyarrow Table; a polars LazyFrame is collected.
        right: Another one of the same library.
        on: Key column or columns of both tables. None, with `left_on` and `right_on`: the text columns
            that both have.
        left_on: Key columns of the left table; any number, any dtype, in any order.
        right_on: Key columns of the right table.
        how: "left" keeps every left row, "inner" linked rows, "right" every right row, "outer" all.
        validate: "1:1", "1:m", "m:1" or "m:m", enforced; None is "m:1": a left row takes one right row
            at most, and a right row may be taken by several.
        suffixes: For columns of the same name, key columns too.
        indicator: Add `_merge`, or a column of the name that you give: "both", "left_only" or "right_only".
        model: None: character n-grams, and the bundled model for the records that they leave in doubt
            (docs/decision.md). "full": the bundled model for every record. "lexical": n-grams only. Or a
            folder, "org/name@revision", a SentenceTransformer, any object with `encode`: every record is
            encoded by it, beside n-grams.
        block_on: Columns whose values must be equal: rows that differ there are not compared. A name or a
            list of names that both tables have, or for other names a pair (left, right) of names or of lists
            of names, or a list of pairs: ("city", "town"), (["city", "year"], ["town", "yr"]),
            [("city", "town"), ("year", "yr")]. A tuple of two names is such a pair, unless both are columns
            of both tables: then they are two columns. Case, white space and Unicode form of texts make no
            difference; numbers are compared as numbers. A column without a common value is logged as a
            warning, which `links.report()` has too.
        images: Column of pictures, or a pair (left, right): paths, "book.zip/crop.png", bytes, PIL images or
            arrays. Rows are then linked by text and picture together, by a `model` that reads both. A row
            without a picture, or without a text, is linked by the other one.
        confidence: With `images`, a column or a pair of columns: how sure an OCR engine was of the text, 0 to
            1. Input to the fusion of text and picture in models that were trained with it.
        image_root: The folder of relative paths in `images`; None is the current one.
        k: Neighbours fetched for each row in each view and direction; None is 10.
        threshold: "auto": the set of links with the best expected F1. A number: links with at least this
            match probability. {"precision": 0.95}: the largest set of links whose mean probability is at
            least that. None: the best match of every row, however bad (a row that shares no n-gram with any
            other may have none).
        expected_overlap: About which share of the left rows has a match in the right table, 0 to 1, where you
            know it; within a factor of two is enough. It moves all probabilities. None estimates it.
        reader: A cross-encoder reads both records of pairs in doubt, the most doubtful first. "auto": with
            the bundled model, for about four seconds of one core or .3 ms for each record. True: all pairs in
            doubt. A number: about so many seconds of one core. False: none. An object with `log_odds(left,
            right)`: it reads them instead, calibrated first (docs/reader.md).
        compare: How cells of a key column are compared, by column name, such as
            {"born": lt.compare.number(within=2)}; the other columns are compared by their content.
        null_values: Values that stand for a missing one in key columns of either table, such as
            ["unknown", "n/a"], or lists by column; texts are compared without differences of case, white
            space and Unicode form. The cells of the result are not changed.
        score_column: Name of the column with the score; "score_lt" and so on where a table has it already.
        long: How records longer than the model reads are compared. "cut": the model reads their beginning.
            "pieces": it reads all passages of a record, and two records are compared by the best passages of
            each. "based": a `model` that encodes long records, whole. "auto": "pieces" or "cut", on a sample,
            in tables whose usual record is long (docs/long-records.md). n-grams of long records are compared
            passage by passage but for "cut".
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time; it changes the speed, not the result.
        memory_limit: Bytes for the search, beside its input and its result; None is 1 GiB.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        A table of the same library with a fresh index: left columns, right columns, score. Left order;
        rows that only the right table has come last ("right": right order).

    Raises:
        ColumnNotFoundError: A column that is not there; the message has the nearest name.
        InvalidArgumentError: An argument, or two together, that cannot work.
        TableTypeError: Not a table, or tables of two libraries.
        ModelError: There is no such model, or it gives vectors that cannot be used.
        MissingExtraError: The model needs a package that is not installed.

    Example:
        >>> import pandas as pd
        >>> firms = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy"]})
        >>> names = ["ACME STEEL CORPORATION", "Zeller Motors"]
        >>> register = pd.DataFrame({"name": names, "year": [1990, 1991]})
        >>> merge(firms, register, on="name", model="lexical")[["name_x", "year"]]
                     name_x  year
        0  Acme Steel Corp.  1990
        1      Baxter Dairy  <NA>
    """
    tables = frames.wrap(left, "left"), frames.wrap(right, "right")
    join = Join(how, suffixes, indicator, score_column)
    join.check(*tables)
    links = _link(tables, (on, left_on, right_on), null_values, Job.of(locals()))
    return cast(IntoDataFrameT, joined(links, join))


@displayed
def link(
    left: IntoDataFrame | Places,
    right: IntoDataFrame | Places,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    validate: str | None = None,
    model: Model = None,
    block_on: BlockColumns = None,
    images: object = None,
    confidence: object = None,
    image_root: str | os.PathLike[str] | None = None,
    k: int | None = None,
    threshold: Threshold = "auto",
    expected_overlap: float | None = None,
    reader: ReaderLike = "auto",
    compare: Mapping[str, Comparison] | None = None,
    null_values: NullValues = None,
    long: str = "auto",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    engine: EngineLike = None,
    progress: bool | None = None,
) -> Links:
    """Decide which rows of two tables name the same thing, with evidence.

    Args:
        left: A table; or Parquet files that are too large for memory, as `link_files` takes them: a path, a
            folder, a pattern such as "left/*.parquet" or a list of these.
        right: A table of the same library, or files.
        on: Key column or columns of both tables. None without `left_on` and `right_on`: the text columns that
            both have.
        left_on: Key columns of the left table, with `right_on` and in place of `on`.
        right_on: Key columns of the right table, with `left_on` and in place of `on`.
        validate: "1:1", "1:m", "m:1" or "m:m", enforced; None is "m:1": a left row takes one right row at
            most, and a right row may be taken by several.
        model: None: character n-grams, and the bundled model for the records that they leave in doubt
            (docs/decision.md). "full": the bundled model for every record. "lexical": n-grams only. Or a
            folder, "org/name@revision", a SentenceTransformer, any object with `encode`: every record is
            encoded by it, beside n-grams.
        block_on: Columns whose values must be equal: a name, a list of names, or pairs for columns of
            different names, such as ("city", "town").
        images: Column of pictures, or a pair (left, right): paths, "book.zip/crop.png", bytes, PIL images or
            arrays. Rows are linked by text and picture, by a `model` that reads both. None for only text.
        confidence: With `images`, a column or a pair of columns: how sure an OCR engine was of the text, 0 to
            1; None for unknown.
        image_root: The folder of relative paths in `images`; None is the current one.
        k: Neighbours fetched for each row in each view and direction; None is 10.
        threshold: "auto": the set of links with the best expected F1. A number: links with at least this
            match probability. {"precision": 0.95}: the largest set of links whose mean probability is at
            least that. None: the best match of every row. See docs/decision.md.
        expected_overlap: About which share of the left rows has a match, 0 to 1; None estimates it.
        reader: A cross-encoder reads pairs in doubt, the most doubtful first: "auto" within a small budget
            and with the bundled model, True all, a number for so many seconds of one core, False none, an
            object with `log_odds(left, right)` in its place.
        compare: Comparisons of key columns, such as {"born": lt.compare.number(within=2)}; None chooses each
            by the content of the column.
        null_values: Values that stand for a missing one in key columns of either table, such as
            ["unknown", "n/a"], or lists by column such as {"born": ["1900-01-01"]}.
        long: How records longer than the model reads are compared. "cut": the model reads their beginning.
            "pieces": it reads all passages of a record, and two records are compared by the best passages of
            each. "based": a `model` that encodes long records, whole. "auto": "pieces" or "cut", on a sample,
            in tables whose usual record is long (docs/long-records.md). n-grams of long records are compared
            passage by passage but for "cut".
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time.
        memory_limit: Bytes for the search, beside its input and its result; None is 1 GiB.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        engine: Of files: where they are linked, "local", "ray" or the address of a cluster
            (docs/large-tables.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        The links. `LinkWarning` is given where a value of a key column probably stands for a missing one, and
        where the estimated precision is below one half; `report()["warnings"]` has these and more.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument, or two together, that cannot work.
        TableTypeError: Not a table, or tables of two libraries.
        ModelError: There is no such model, or it gives vectors that cannot be used.
        MissingExtraError: The model needs a package that is not installed.

    Example:
        >>> import pandas as pd
        >>> a = pd.DataFrame({"name": ["Acme Steel Corp."]})
        >>> b = pd.DataFrame({"name": ["ACME STEEL", "Zeller"]})
        >>> link(a, b, on="name", model="lexical").pairs[["left", "right"]].values.tolist()
        [[0, 0]]
    """
    if are_places(left) and are_places(right):
        return link_paths(locals())
    if engine is not None:
        raise InvalidArgumentError(
            f"engine={check.shown(engine)} links files. Give paths as left and right, or leave engine= out."
        )
    tables = frames.wrap(cast(IntoDataFrame, left), "left"), frames.wrap(cast(IntoDataFrame, right), "right")
    return _link(tables, (on, left_on, right_on), null_values, Job.of(locals()))


def _link(
    tables: tuple[Table, Table], columns: tuple[Columns, Columns, Columns], null_values: NullValues, job: Job
) -> Links:
    """Key columns -> records -> candidates, features and probabilities -> links -> report."""
    images = None if job.images is None else picture_columns(job.images, tables)
    on = key_columns.resolve(*tables, *columns, images)
    key_columns.check_compare(job.compare, on)
    null_texts = nulls.check(null_values, [*on[0], *on[1]])
    left, left_counts = nulls.emptied(tables[0], on[0], null_texts)
    right, right_counts = nulls.emptied(tables[1], on[1], null_texts)
    blocks = block_keys.number((left, right), job.block_on)
    source = source_of((left, right), on, blocks, job)
    pairs = scored(source)
    links = links_of(pairs, tables, on, blocks, {"left": left_counts, "right": right_counts}, job)
    links = replace(links, pictures=source.pictures)
    links = report_warnings.of_links(
        links, (left, right), every_row=job.threshold is None, unreadable=source.unreadable
    )
    logger.info("%r", links)
    report_warnings.warn(links.details)
    return links


def links_of(
    pairs: Scored,
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    blocks: Blocks,
    null_counts: Mapping[str, Mapping[str, int]],
    job: Job,
) -> Links:
    """Scored pairs -> links -> report, for tables and for files."""
    links = decided(tables, pairs.nodes, pairs.fused, job.validate, job.threshold)
    report = LinkReport(
        left_on=on[0],
        right_on=on[1],
        validate=job.validate,
        pairs=pairs.report,
        choice=links.details,
        **blocks.details,
        null_values=null_counts,
        options=job.options(),
    )
    return replace(links, details=report)
