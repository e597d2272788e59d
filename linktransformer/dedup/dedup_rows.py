"""dedup_rows: one row of each thing that a table, or several, name many times."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal, cast, overload

from linktransformer import check
from linktransformer.dedup.cluster import clusters_by, job_of
from linktransformer.dedup.constraints import Pairs, Rules
from linktransformer.dedup.sources import Tables
from linktransformer.linking.options import Columns, Model, ReaderLike
from linktransformer.progress import displayed
from linktransformer.results import clusters, report_warnings
from linktransformer.tables.frames import IntoDataFrameT
from linktransformer.tables.null_values import NullValues

__all__ = ["dedup_rows"]


@overload
def dedup_rows(
    table: IntoDataFrameT | Tables[IntoDataFrameT],
    on: Columns = None,
    *,
    keep: str | Callable[[IntoDataFrameT], int] = "first",
    return_members: Literal[False] = False,
    method: str = "average",
    threshold: str | float = "auto",
    model: Model = None,
    block_on: Columns = None,
    images: str | None = None,
    confidence: str | None = None,
    image_root: str | os.PathLike[str] | None = None,
    one_per: str | None = None,
    cannot_link: Pairs = None,
    must_link: Pairs = None,
    duplicates: object = True,
    null_values: NullValues = None,
    reader: ReaderLike = "auto",
    k: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> IntoDataFrameT: ...


@overload
def dedup_rows(
    table: IntoDataFrameT | Tables[IntoDataFrameT],
    on: Columns = None,
    *,
    keep: str | Callable[[IntoDataFrameT], int] = "first",
    return_members: Literal[True],
    method: str = "average",
    threshold: str | float = "auto",
    model: Model = None,
    block_on: Columns = None,
    images: str | None = None,
    confidence: str | None = None,
    image_root: str | os.PathLike[str] | None = None,
    one_per: str | None = None,
    cannot_link: Pairs = None,
    must_link: Pairs = None,
    duplicates: object = True,
    null_values: NullValues = None,
    reader: ReaderLike = "auto",
    k: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> tuple[IntoDataFrameT, IntoDataFrameT]: ...


@displayed
def dedup_rows(
    table: IntoDataFrameT | Tables[IntoDataFrameT],
    on: Columns = None,
    *,
    keep: str | Callable[[IntoDataFrameT], int] = "first",
    return_members: bool = False,
    method: str = "average",
    threshold: str | float = "auto",
    model: Model = None,
    block_on: Columns = None,
    images: str | None = None,
    confidence: str | None = None,
    image_root: str | os.PathLike[str] | None = None,
    one_per: str | None = None,
    cannot_link: Pairs = None,
    must_link: Pairs = None,
    duplicates: object = True,
    null_values: NullValues = None,
    reader: ReaderLike = "auto",
    k: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> IntoDataFrameT | tuple[IntoDataFrameT, IntoDataFrameT]:
    """Keep one row of each thing that a table names.

    Args:
        table: A pandas or polars DataFrame or a pyarrow Table; or several of one library, in a list or, by
            name, in a dict: they are stacked in their order.
        on: Key column or columns; None for all columns of text. Put the column that names the row first. Of
            several tables the columns of all of them; where names differ, a list of columns for each table,
            in a list or by name, paired in order and named as in the first table.
        keep: Which row stays: the "first", the one with the "longest" key, the "most complete" one; or a
            function that is given the rows of a cluster of several and returns the number of one, from 0.
        return_members: Give the whole table too, with what became of each row.
        method: "average" linkage, which does not chain; "complete"; "single": all that hangs together; or
            "hdbscan", within what hangs together.
        threshold: "auto" is .5, from which two clusters are more likely one than two; or a score above 0.
        model: None or "lexical": character n-grams alone, which the bundled model did not improve on any set
            that was tried (docs/dedup.md). Or a folder, a name on a hub, a SentenceTransformer, any object
            with `encode`, or what `fit_decision` gave.
        block_on: Column or columns whose values must be equal within a cluster; texts are compared without
            differences of case, white space and Unicode form.
        images: Column of picture files or pictures; `model` has to read them.
        confidence: Column with the confidence of an OCR engine in the text, 0 to 1.
        image_root: The folder of relative paths in `images`; None is the current one.
        one_per: A column such as the census or the shop that a row is from: a cluster has one row at most of
            each of its values. Rows where it is null are free.
        cannot_link: Pairs of rows that are never in one cluster: a table whose first two columns are index
            labels (row numbers where there is no index), or pairs of them. Of several tables a label is
            (name of the table, index label).
        must_link: Pairs of rows that are always in one cluster, in the same forms, also where they differ in
            the columns of `block_on` or have no key. It is transitive: a with b and b with c is a with c.
        duplicates: Which of several tables may have several rows of one thing: True for all of them; False
            for none; the names of some, such as {"register"}; or True or False by name. A cluster has one
            row at most of a table that may not.
        null_values: Values that stand for a missing one in key columns, such as ["unknown", "n/a"], or lists
            by column; texts are compared without differences of case, white space and Unicode form. The
            cells of the result are not changed.
        reader: A cross-encoder reads pairs in doubt, the most doubtful first: "auto" within a small budget
            where no `model` is named, True all of them, a number for so many seconds of one core, False none.
        k: Neighbours fetched for each row in each view; None is 50.
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time; it changes the speed, not the result.
        memory_limit: Bytes for the search, beside its input and its result; None is 1 GiB.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        The kept rows in the table's order, with their index labels in pandas. A row that matches none or
        has no key is always kept. With `return_members` also the table with two more columns: "cluster"
        and "kept", which is true for the row that stays.

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
    check.flag("return_members", return_members)
    rules = Rules(method, one_per, cannot_link, must_link)
    result = clusters_by(rules, table, on, duplicates, null_values, job_of(locals()))
    # `cluster` has given the other warnings
    report_warnings.warn(result.details, [report_warnings.MOST_ROWS_GO])
    one_of_each, members = (cast(IntoDataFrameT, part) for part in clusters.kept_rows(result, keep))
    return (one_of_each, members) if return_members else one_of_each
