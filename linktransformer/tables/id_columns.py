"""Ids of several files: a workbook may hold as a number what a text file holds as a text."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw

from linktransformer.tables import columns
from linktransformer.tables.frames import IntoDataFrame, check_columns, wrap

__all__ = ["in_texts"]


def in_texts(native: IntoDataFrame, names: Sequence[str] | None, argument: str) -> IntoDataFrame:
    """A table with some columns as texts, None for all of them; `argument` is its name in messages.

    Raises:
        ColumnNotFoundError: A column that is not there.

    Example:
        >>> import pandas as pd
        >>> in_texts(pd.DataFrame({"id": [7, 8]}), ["id"], "left")["id"].tolist()
        ['7', '8']
    """
    table = wrap(native, argument)
    if names:
        check_columns(table, list(names), "ids")
    series = [table.frame[name] for name in (table.columns if names is None else names)]
    texts = [
        nw.new_series(
            one.name,
            [text or None for text in columns.as_text(one)],
            nw.String,
            backend=table.frame.implementation,
        )
        for one in series
    ]
    return table.frame.with_columns(*texts).to_native()
