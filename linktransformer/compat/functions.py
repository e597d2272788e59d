"""Functions of linktransformer 0.1.18 under their old names."""

from __future__ import annotations

from typing import Any

from linktransformer.compat.old_merge import merge
from linktransformer.linking.keyed_model import keyed_model
from linktransformer.linking.merge_nearest import aggregate_rows, merge_knn, merge_range
from linktransformer.linking.options import BlockColumns, Columns, Model, Suffixes
from linktransformer.linking.score_pairs import all_pair_combos_evaluate, evaluate_pairs
from linktransformer.tables import block_keys, frames
from linktransformer.tables.frames import IntoDataFrameT

__all__ = [
    "aggregate_rows",
    "all_pair_combos_evaluate",
    "evaluate_pairs",
    "merge_blocking",
    "merge_knn",
    "merge_range",
]


def merge_blocking(
    df1: IntoDataFrameT,
    df2: IntoDataFrameT,
    merge_type: str | None = None,
    on: Columns = None,
    model: Model = None,
    left_on: Columns = None,
    right_on: Columns = None,
    blocking_vars: BlockColumns = None,
    suffixes: Suffixes = ("_x", "_y"),
    batch_size: int | None = None,
    openai_key: str | None = None,
    gemini_key: str | None = None,
    *,
    how: str = "left",
    **more: Any,
) -> IntoDataFrameT:
    """Link the rows of two tables that are equal in some columns: `merge(block_on=...)` under its old name.

    Args:
        df1: The left table.
        df2: The right table.
        merge_type: `validate` of `merge`: "1:1", "1:m", "m:1" or "m:m", enforced.
        on: Key column or columns of both tables. None without `left_on` and `right_on`: the text columns that
            both have.
        model: None: character n-grams, and the bundled model for the records that they leave in doubt.
            "full": the bundled model for every record. "lexical": only n-grams. Or a folder,
            "org/name@revision", an object with `encode`.
        left_on: Key columns of `df1`, with `right_on` and in place of `on`.
        right_on: Key columns of `df2`, with `left_on` and in place of `on`.
        blocking_vars: Columns whose values must be equal: a name, a list of names, or pairs for columns of
            different names, such as ("city", "town"); None compares all rows.
        suffixes: Added to column names that both tables have, left and right; default ("_x", "_y"). One may
            be None.
        batch_size: Texts encoded at a time, None for the model's default; it changes the speed, not the
            result.
        openai_key: A key: `model` is then the name of a model of that provider. None takes the key of the
            environment, for model="openai:NAME".
        gemini_key: A Gemini key: `model` is then the name of an embedding model there. None takes the key of
            the environment, for model="gemini:NAME".
        how: "left" keeps every row of `df1`, "inner" linked rows, "right" every row of `df2`, "outer" all;
            default "left".
        more: Any other argument of `merge`.

    Returns:
        A table with a fresh index: left columns, right columns, score; in the order of `df1`. A row whose
        block is null, or is not in the other table, is kept unlinked.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument that is not valid.

    Example:
        >>> import pandas as pd
        >>> a = pd.DataFrame({"name": ["Acme Steel", "Acme Steel"], "state": ["OH", "PA"]})
        >>> b = pd.DataFrame({"name": ["ACME STEEL CO"], "state": ["PA"], "year": [1990]})
        >>> linked = merge_blocking(a, b, on="name", model="lexical", blocking_vars="state")
        >>> linked["year"].tolist()
        [<NA>, 1990]
    """
    model = keyed_model(model, openai_key, gemini_key, more.get("cache"))
    if merge_type is not None:
        more["merge_type"] = merge_type
    tables = frames.wrap(df1, "df1"), frames.wrap(df2, "df2")
    block_keys.column_pairs(tables, blocking_vars, "blocking_vars")
    linked: IntoDataFrameT = merge(
        df1,
        df2,
        on=on,
        model=model,
        left_on=left_on,
        right_on=right_on,
        block_on=blocking_vars,
        suffixes=suffixes,
        batch_size=batch_size,
        how=how,
        **more,
    )
    return linked
