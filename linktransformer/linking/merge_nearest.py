"""merge_knn, merge_range and aggregate_rows: the nearest rows of another table, by exhaustive comparison."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import cast

import numpy as np

from linktransformer import check
from linktransformer.decision.threshold import check_reached, is_number
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking import similarity
from linktransformer.linking.joining import Join, with_unpaired
from linktransformer.linking.keyed_model import keyed_model
from linktransformer.linking.options import Columns, Job, Model, Suffixes
from linktransformer.progress import displayed
from linktransformer.tables import frames, key_columns
from linktransformer.tables.frames import IntoDataFrame, IntoDataFrameT, Table

__all__ = ["aggregate_rows", "merge_knn", "merge_range"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Which pairs are near: the k best of each left row, those with a score of at least `threshold`, or both.

    Raises:
        InvalidArgumentError: The threshold, which `argument` is called, is not a score.
    """

    k: int | None = None
    threshold: float | None = None
    argument: str = "threshold"

    def __post_init__(self) -> None:
        if self.threshold is None:
            return
        value: object = self.threshold
        if not is_number(value):
            raise InvalidArgumentError(
                f"{self.argument}={check.shown(value)} is not a score. Give a number such as 0.8."
            )
        check_reached(value, self.argument)


@displayed
def merge_knn(
    df1: IntoDataFrameT,
    df2: IntoDataFrameT,
    on: Columns = None,
    model: Model = None,
    left_on: Columns = None,
    right_on: Columns = None,
    k: int = 1,
    suffixes: Suffixes = ("_x", "_y"),
    batch_size: int | None = None,
    openai_key: str | None = None,
    gemini_key: str | None = None,
    drop_sim_threshold: float | None = None,
    *,
    how: str | None = None,
    score_column: str = "score",
    device: str | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> IntoDataFrameT:
    """Put each row beside the k rows of another table that are most similar to it.

    Args:
        df1: A pandas or polars DataFrame or a pyarrow Table.
        df2: Another one of the same library.
        on: Key columns of both; None, with `left_on` and `right_on`: the text columns that both have.
        model: None: the mean cosine of n-grams and of the bundled model. A model that is named is used
            by itself: the score is its cosine.
        left_on: Key columns of `df1`.
        right_on: Key columns of `df2`.
        k: Rows of `df2` for each row of `df1`; where there are fewer, as many as there are.
        suffixes: For columns of the same name.
        batch_size: Texts encoded at a time.
        openai_key: A key: `model` is then the name of a model of that provider. None takes the key of the
            environment, for model="openai:NAME".
        gemini_key: A Gemini key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="gemini:NAME".
        drop_sim_threshold: Pairs that score lower are left out.
        how: "left" keeps rows of `df1` without any pair, "inner" does not. None is "inner" with
            `drop_sim_threshold` and "left" without.
        score_column: Name of the score; "score_lt" and so on where a table has it already.
        device: Where a torch model runs.
        memory_limit: Bytes for a block of scores; None is 256 MiB.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        A table with a fresh index: left columns, right columns, score; by row of `df1`, falling score, row of
        `df2`. Rows without a key have no pair.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work.
        ModelError: There is no such model.

    Example:
        >>> import pandas as pd
        >>> a = pd.DataFrame({"name": ["Acme Steel"]})
        >>> b = pd.DataFrame({"name": ["ACME", "Acme Steel Co", "Zeller"]})
        >>> merge_knn(a, b, on="name", model="lexical", k=2)["name_y"].tolist()
        ['Acme Steel Co', 'ACME']
    """
    if how is None:
        how = "left" if drop_sim_threshold is None else "inner"
    model = keyed_model(model, openai_key, gemini_key, cache)
    limits = Limits(k, drop_sim_threshold, "drop_sim_threshold")
    join = _join(how, suffixes, score_column)
    tables = frames.wrap(df1, "df1"), frames.wrap(df2, "df2")
    return cast(IntoDataFrameT, _near(tables, (on, left_on, right_on), limits, join, Job.of(locals())))


@displayed
def merge_range(
    df1: IntoDataFrameT,
    df2: IntoDataFrameT,
    on: Columns = None,
    model: Model = None,
    left_on: Columns = None,
    right_on: Columns = None,
    sim_threshold: float = 0.5,
    suffixes: Suffixes = ("_x", "_y"),
    batch_size: int | None = None,
    openai_key: str | None = None,
    gemini_key: str | None = None,
    *,
    how: str = "left",
    score_column: str = "score",
    device: str | None = None,
    memory_limit: int | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> IntoDataFrameT:
    """Put each row beside all rows of another table that are at least so similar.

    Args:
        df1: A pandas or polars DataFrame or a pyarrow Table.
        df2: Another one of the same library.
        on: Key column or columns of both tables. None without `left_on` and `right_on`: the text columns that
            both have.
        model: None: the mean cosine of character n-grams and of the bundled model. A model that is named
            is used by itself, by its cosine: "lexical" (n-grams), "full" (the bundled one), a folder,
            "org/name@revision", or an object with `encode`.
        left_on: Key columns of `df1`, with `right_on` and in place of `on`.
        right_on: Key columns of `df2`, with `left_on` and in place of `on`.
        sim_threshold: The score that a pair needs.
        suffixes: Added to column names that both tables have, left and right; default ("_x", "_y"). One may
            be None.
        batch_size: Texts encoded at a time, None for the model's own number; it changes the speed, not the
            result.
        openai_key: An OpenAI key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="openai:NAME".
        gemini_key: A Gemini key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="gemini:NAME".
        how: "left" keeps rows of `df1` without any pair, "inner" does not.
        score_column: Name of the score column, default "score"; "score_lt" and so on where a table has it
            already.
        device: Where a torch model runs; None takes a GPU when there is one.
        memory_limit: Bytes for a block of scores; None is 256 MiB.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        A table with a fresh index: left columns, right columns, score; by row of `df1`, falling score, row of
        `df2`. Rows without a key have no pair.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work.
        ModelError: There is no such model.

    Example:
        >>> import pandas as pd
        >>> a, b = pd.DataFrame({"name": ["Acme", "Q"]}), pd.DataFrame({"name": ["ACME", "acme", "Zeller"]})
        >>> merge_range(a, b, on="name", model="lexical", sim_threshold=0.9)["name_y"].tolist()
        ['ACME', 'acme', nan]
    """
    model = keyed_model(model, openai_key, gemini_key, cache)
    if sim_threshold is None:
        raise InvalidArgumentError("sim_threshold=None is not a score. Give such as 0.8, or use merge_knn.")
    limits = Limits(threshold=sim_threshold, argument="sim_threshold")
    join = _join(how, suffixes, score_column)
    tables = frames.wrap(df1, "df1"), frames.wrap(df2, "df2")
    return cast(IntoDataFrameT, _near(tables, (on, left_on, right_on), limits, join, Job.of(locals())))


@displayed
def aggregate_rows(
    df: IntoDataFrameT,
    ref_df: IntoDataFrameT,
    model: Model = None,
    left_on: Columns = None,
    right_on: Columns = None,
    openai_key: str | None = None,
    gemini_key: str | None = None,
    *,
    threshold: float | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> IntoDataFrameT:
    """Give each row the most similar row of a table of coarser labels.

    Args:
        df: Rows, such as fine categories.
        ref_df: The coarser labels.
        model: None: the mean cosine of character n-grams and of the bundled model. A model that is named
            is used by itself, by its cosine: "lexical" (n-grams), "full" (the bundled one), a folder,
            "org/name@revision", or an object with `encode`. A language model is recommended:
            labels share meaning rather than letters.
        left_on: Key columns of `df`.
        right_on: Key columns of `ref_df`.
        openai_key: An OpenAI key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="openai:NAME".
        gemini_key: A Gemini key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="gemini:NAME".
        threshold: The score that a label needs; None takes the best one, however bad.
        batch_size: Texts encoded at a time, None for the model's own number; it changes the speed, not the
            result.
        device: Where a torch model runs; None takes a GPU when there is one.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        Every row of `df`, beside its label and with the score; null where there is none.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work.

    Example:
        >>> import pandas as pd
        >>> fine = pd.DataFrame({"item": ["steel bars", "milk powder"]})
        >>> coarse = pd.DataFrame({"group": ["milk", "steel"]})
        >>> aggregate_rows(fine, coarse, "lexical", left_on="item", right_on="group")["group"].tolist()
        ['steel', 'milk']
    """
    model = keyed_model(model, openai_key, gemini_key, cache)
    limits = Limits(1, threshold)
    tables = frames.wrap(df, "df"), frames.wrap(ref_df, "ref_df")
    return cast(IntoDataFrameT, _near(tables, (None, left_on, right_on), limits, Join(), Job.of(locals())))


def _join(how: str, suffixes: Suffixes, score_column: str) -> Join:
    """How pairs are put next to each other."""
    check.one_of("how", how, ("left", "inner"))
    return Join(how, suffixes, False, score_column)


def _near(
    tables: tuple[Table, Table],
    columns: tuple[Columns, Columns, Columns],
    limits: Limits,
    join: Join,
    job: Job,
) -> IntoDataFrame:
    """Key columns -> similarity of any two rows -> near rows -> table."""
    on = key_columns.resolve(*tables, *columns)
    join.check(*tables)
    of_rows = similarity.similarity_of(tables, on, job)
    a, b, score = similarity.near_rows(
        of_rows, k=limits.k, threshold=limits.threshold, memory=job.memory_limit
    )
    all_rows, pair = with_unpaired(a, tables[0].n_rows)
    logger.info(
        "%s: %d pairs; %d of %d rows of %s have none (%d without a key)",
        of_rows.model, len(a), int((pair < 0).sum()), len(of_rows.left.text_of_row), tables[0].name,
        int((of_rows.left.text_of_row < 0).sum()),
    )  # fmt: skip
    if join.how == "left":
        a, b, score = all_rows, np.append(b, -1)[pair], np.append(score, np.float32(np.nan))[pair]
    return frames.beside(*tables, a, b, join.suffixes, {join.added(*tables)[0]: score})
