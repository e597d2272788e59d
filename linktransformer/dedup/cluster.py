"""cluster and cluster_rows: tables that name one thing many times."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from linktransformer import check
from linktransformer.decision.threshold import check_reached, is_number
from linktransformer.dedup import sources
from linktransformer.dedup.cluster_pipeline import clusters_of, neighbours_of
from linktransformer.dedup.constraints import Pairs, Rules
from linktransformer.dedup.sources import Tables
from linktransformer.encoding import model_plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Columns, Job, Model, ReaderLike
from linktransformer.progress import displayed
from linktransformer.results import report_warnings
from linktransformer.results.clusters import Clusters
from linktransformer.results.report import ABSENT, ClusterReport
from linktransformer.tables import frames, key_columns
from linktransformer.tables import null_values as nulls
from linktransformer.tables.frames import IntoDataFrame, IntoDataFrameT
from linktransformer.tables.null_values import NullValues

__all__ = ["K", "check_threshold", "cluster", "cluster_rows", "clusters_by", "job_of"]

logger = logging.getLogger(__name__)

K = 50  # neighbours: a row with more near ones than that is rare, and average linkage misses them


@displayed
def cluster_rows(
    table: IntoDataFrameT | Tables[IntoDataFrameT],
    on: Columns = None,
    *,
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
    cluster_column: str = "cluster",
    long: str = "auto",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> IntoDataFrameT:
    """Number the rows of a table so that rows which name the same thing have the same number.

    Args:
        table: A pandas or polars DataFrame or a pyarrow Table; or several of one library, in a list or, by
            name, in a dict: they are stacked in their order. A column "source" has the name of each row's
            table (0, 1, 2 of a list), a pandas index that name before the row's own label, as
            `pandas.concat` has it of a dict. Columns that a table does not have are null in its rows.
        on: Key column or columns; None for all columns of text. Put the column that names the row first. Of
            several tables the columns of all of them; where names differ, a list of columns for each table,
            in a list or by name, paired in order and named as in the first table.
        method: "average" linkage, which does not chain; "complete"; "single": all that hangs together; or
            "hdbscan", within what hangs together.
        threshold: "auto" is .5, from which two clusters are more likely one than two; or a score above 0.
        model: None or "lexical": no vectors of a model beside character n-grams, which the bundled one did
            not improve on any set that was tried (docs/dedup.md); with None `reader` is used. Or a folder, a
            name on a hub, a SentenceTransformer, any object with `encode`, or what `fit_decision` gave.
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
        cluster_column: Name of the new column; "cluster_lt" and so on where the table has it already.
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
        The table with the new column at its end, index and order kept. Numbers begin at 0 in order of first
        row; a row that matches none or has no key has a number of its own.

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
        >>> register = pd.DataFrame({"name": ["Acme Steel Corp", "Zeller Motors"]})
        >>> both = cluster_rows({"survey": firms, "register": register}, on="name", duplicates={"survey"})
        >>> both.loc["register", "cluster"].tolist()
        [0, 2]
    """
    _check_name(cluster_column)
    rules = Rules(method, one_per, cannot_link, must_link)
    result = clusters_by(rules, table, on, duplicates, null_values, job_of(locals()))
    name = frames.free_name(cluster_column, result.table.columns)
    return cast(IntoDataFrameT, frames.with_columns(result.table, {name: result.label}))


@displayed
def cluster(
    table: IntoDataFrame | Tables[IntoDataFrame],
    on: Columns = None,
    *,
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
    long: str = "auto",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> Clusters:
    """Find the rows of a table that name the same thing, with evidence.

    Args:
        table: A pandas or polars DataFrame or a pyarrow Table; or several of one library, in a list or, by
            name, in a dict: they are stacked in their order.
        on: Key column or columns; None for all columns of text. Put the column that names the row first. Of
            several tables the columns of all of them; where names differ, a list of columns for each table,
            in a list or by name, paired in order and named as in the first table.
        method: "average" linkage, which does not chain; "complete"; "single": all that hangs together; or
            "hdbscan", within what hangs together.
        threshold: "auto" is .5, from which two clusters are more likely one than two; or a score above 0.
        model: None or "lexical": no vectors of a model beside character n-grams, which the bundled one did
            not improve on any set that was tried (docs/dedup.md); with None `reader` is used. Or a folder, a
            name on a hub, a SentenceTransformer, any object with `encode`, or what `fit_decision` gave.
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
        The clusters. `LinkWarning` is given where one has more than a twentieth of the rows, where a value of
        a key column probably stands for a missing one, and where the estimated precision is below one half;
        `report()["warnings"]` has these and more.

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
             0  Acme Steel Corp.  =  ACME STEEL CORP
    """
    rules = Rules(method, one_per, cannot_link, must_link)
    return clusters_by(rules, table, on, duplicates, null_values, job_of(locals()))


def job_of(arguments: Mapping[str, object]) -> Job:
    """The job of a public function, from its `locals()`."""
    check_threshold(arguments["threshold"])
    model = model_plan.LEXICAL if arguments["images"] is None else None
    return Job.of(arguments, k=K, model=model)


def clusters_by(
    rules: Rules,
    table: IntoDataFrame | Tables[IntoDataFrame],
    on: Columns,
    duplicates: object,
    null_values: NullValues,
    job: Job,
) -> Clusters:
    """Key columns -> neighbours with match probabilities -> clusters -> report."""
    if sources.are_several(table):
        stacked = sources.read(table, on, duplicates, cast(Columns, job.block_on), job.images)
        wrapped, names, rules = stacked.table, list(stacked.on), replace(rules, sources=stacked)
    else:
        wrapped = frames.wrap(cast(IntoDataFrame, table), "table")
        names = key_columns.of_one(wrapped, on, job.images)
        sources.check_of_one(duplicates)
    for argument in ("images", "confidence"):
        if getattr(job, argument) is not None:
            frames.check_columns(wrapped, [getattr(job, argument)], argument)
    compared, null_counts = nulls.emptied(wrapped, names, nulls.check(null_values, names))
    neighbours = neighbours_of(compared, names, job, rules)
    result = clusters_of(compared, neighbours, job, rules.method)
    report = ClusterReport(
        on=names,
        method=rules.method,
        pairs=neighbours.report or ABSENT,
        clustering=result.details,
        null_values=null_counts,
        sources=ABSENT if rules.sources is None else rules.sources.sizes,
        options=job.options(),
    )
    result = replace(result, details=report, pictures=neighbours.pictures)
    result = report_warnings.of_clusters(result, compared, neighbours.unreadable)
    result = replace(result, table=wrapped)
    logger.info("%r", result)
    report_warnings.warn(result.details)
    return result


def _check_name(cluster_column: object) -> None:
    check.column_name("cluster_column", cluster_column, "cluster")


def check_threshold(threshold: object) -> None:
    """Refuse what is not a threshold for clusters.

    Raises:
        InvalidArgumentError: It is something else.
    """
    if not (isinstance(threshold, str) and threshold == "auto") and not (
        is_number(threshold) and float(threshold) > 0
    ):
        raise InvalidArgumentError(
            f"threshold={check.shown(threshold)} is not understood. Give 'auto' or a score above 0 "
            "such as 0.5."
        )
    if is_number(threshold):
        check_reached(threshold)
