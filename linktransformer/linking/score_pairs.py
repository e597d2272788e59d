"""evaluate_pairs and all_pair_combos_evaluate: how similar given pairs of texts are, or all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from linktransformer import check
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking import similarity
from linktransformer.linking.keyed_model import keyed_model
from linktransformer.linking.options import Columns, Job, Model
from linktransformer.linking.similarity import Similarity
from linktransformer.progress import displayed
from linktransformer.tables import frames, key_columns, writers
from linktransformer.tables.frames import IntoDataFrame, IntoDataFrameT, Table

__all__ = ["all_pair_combos_evaluate", "evaluate_pairs"]

MAX_PAIRS = 10_000_000  # rows of one table in memory, about 1 GB
BATCH = 250_000  # pairs of one part of a stream


@displayed
def evaluate_pairs(
    df: IntoDataFrameT,
    model: Model = None,
    left_on: Columns = None,
    right_on: Columns = None,
    openai_key: str | None = None,
    gemini_key: str | None = None,
    *,
    score_column: str = "score",
    batch_size: int | None = None,
    device: str | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> IntoDataFrameT:
    """Score how similar the left text of each row is to its right one.

    Args:
        df: A pandas or polars DataFrame or a pyarrow Table, a pair in each row.
        model: None: the mean cosine of n-grams and of the bundled model. A model that is named is used
            by itself: the score is its cosine.
        left_on: Columns of the left text.
        right_on: Columns of the right text.
        openai_key: A key: `model` is then the name of a model of that provider. None takes the key of the
            environment, for model="openai:NAME".
        gemini_key: A Gemini key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="gemini:NAME".
        score_column: Name of the new column; "score_lt" and so on where the table has it already.
        batch_size: Texts encoded at a time.
        device: Where a torch model runs.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        The table with the score at its end, index and order kept; null (NaN) where a text is missing.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that cannot work.
        ModelError: There is no such model.

    Example:
        >>> import pandas as pd
        >>> pairs = pd.DataFrame({"a": ["Acme Co", "Acme Co"], "b": ["Acme Co", "Zeller"]}, index=[7, 9])
        >>> evaluate_pairs(pairs, "lexical", left_on="a", right_on="b")["score"].to_dict()
        {7: 1.0, 9: 0.0}
    """
    model = keyed_model(model, openai_key, gemini_key, cache)
    check.column_name("score_column", score_column, "score")
    job = Job.of(locals())
    table, pairs = _both_sides(df, left_on, right_on, job)
    rows = np.arange(table.n_rows, dtype=np.int64)
    name = frames.free_name(score_column, table.columns)
    return cast(IntoDataFrameT, frames.with_columns(table, {name: pairs.of_rows(rows, rows)}))


@displayed
def all_pair_combos_evaluate(
    df: IntoDataFrame,
    model: Model = None,
    left_on: Columns = None,
    right_on: Columns = None,
    openai_key: str | None = None,
    gemini_key: str | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    stream: bool = False,
    max_pairs: int | None = MAX_PAIRS,
    batch_size: int | None = None,
    device: str | None = None,
    cache: object = None,
    progress: bool | None = None,
) -> Any:
    """Score every left text of a table against every right text of it: n rows give n * n pairs.

    Args:
        df: A pandas or polars DataFrame or a pyarrow Table.
        model: None: the mean cosine of character n-grams and of the bundled model. A model that is named
            is used by itself, by its cosine: "lexical" (n-grams), "full" (the bundled one), a folder,
            "org/name@revision", or an object with `encode`.
        left_on: Columns of the left text.
        right_on: Columns of the right text; they may be the same.
        openai_key: An OpenAI key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="openai:NAME".
        gemini_key: A Gemini key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="gemini:NAME".
        out: A parquet file to write the pairs to, part by part, in bounded memory.
        stream: Give an iterator over tables of at most 250,000 pairs instead of one table.
        max_pairs: More pairs than that are refused as one table; None takes any number.
        batch_size: Texts encoded at a time.
        device: Where a torch model runs.
        cache: Keep the model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Returns:
        A table with the columns "left_on" and "right_on" (the texts), "score", "left" and "right" (index
        labels in pandas, row numbers elsewhere), by left row, then right row; an iterator over its parts with
        `stream`; the path with `out`. The score is null (NaN) where a text is missing.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: Too many pairs for one table, or an argument that cannot work.
        ModelError: There is no such model.

    Example:
        >>> import pandas as pd
        >>> firms = pd.DataFrame({"name": ["Acme Co", "Zeller"]})
        >>> all_pair_combos_evaluate(firms, "lexical", "name", "name")["score"].tolist()
        [1.0, 0.0, 0.0, 1.0]
    """
    model = keyed_model(model, openai_key, gemini_key, cache)
    check.flag("stream", stream)
    if max_pairs is not None:
        check.whole("max_pairs", max_pairs, "pairs")
    if out is not None and stream:
        raise InvalidArgumentError("out= and stream= are both given. Give one: a file, or an iterator.")
    job = Job.of(locals())
    n = frames.wrap(df, "df").n_rows ** 2
    if out is None and not stream and max_pairs is not None and n > max_pairs:
        raise InvalidArgumentError(
            f"df gives {n:,} pairs, and one table takes {max_pairs:,} at most. Give out='pairs.parquet' or "
            "stream=True, merge_range for the near ones only, or max_pairs=None."
        )
    table, pairs = _both_sides(df, left_on, right_on, job)
    if stream:
        return _parts(table, pairs, BATCH)
    if out is not None:
        return writers.write_parts(out, _parts(table, pairs, BATCH))
    return next(_parts(table, pairs, max(1, n)))


def _both_sides(df: IntoDataFrame, left_on: Columns, right_on: Columns, job: Job) -> tuple[Table, Similarity]:
    """The table, and the similarity of any left and right text of it."""
    if left_on is None or right_on is None:
        raise InvalidArgumentError("left_on= and right_on= say which columns are compared. Give both.")
    table = frames.wrap(df, "df")
    on = key_columns.resolve(table, table, None, left_on, right_on)
    return table, similarity.similarity_of((table, table), on, job)


def _parts(table: Table, pairs: Similarity, size: int) -> Iterator[IntoDataFrame]:
    """Tables of at most so many pairs, in order; one without rows where there are none."""
    n = table.n_rows
    none = np.array([None], dtype=object)
    texts = [np.concatenate([side.texts, none])[side.text_of_row] for side in (pairs.left, pairs.right)]
    for start in range(0, max(1, n * n), size):
        pair = np.arange(start, min(start + size, n * n), dtype=np.int64)
        a, b = (pair // n, pair % n) if n else (pair, pair)
        yield frames.new_frame(
            table,
            {
                "left_on": texts[0][a],
                "right_on": texts[1][b],
                "score": pairs.of_rows(a, b),
                "left": frames.index_labels(table, a),
                "right": frames.index_labels(table, b),
            },
        )
