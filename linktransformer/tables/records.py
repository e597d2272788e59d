"""Records: the unique key texts of a table, and the record of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Integers, Objects
from linktransformer.progress import stage
from linktransformer.tables.factorize import factorize
from linktransformer.tables.frames import Table
from linktransformer.tables.serialize import Serializer, serialize

__all__ = ["Records", "in_text_order", "read", "texts_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The unique key texts of a table.

    Args:
        texts: The unique normalised texts in order of first appearance, (n_texts,) object.
        text_of_row: The text of each row, -1 where the row has no key, (n_rows,) int64.
        n_cut: Number of rows whose text was cut at the serializer's limit.
        columns: The key columns.
        serializer: How they were written; None where it is not known.
    """

    texts: Objects
    text_of_row: Integers
    n_cut: int
    columns: tuple[str, ...]
    serializer: Serializer | None = None

    def are_of(self, columns: Sequence[str], serializer: Serializer) -> bool:
        """Whether reading these columns in this way gives the same records."""
        return self.columns == tuple(columns) and self.serializer == serializer


@stage("read")
def read(table: Table, columns: Sequence[str], serializer: Serializer) -> Records:
    """Write each row's key as normalised text, and keep every unique text once.

    Two keys are equal when they are equal after `normalize.normalize`.

    Example:
        >>> import pandas as pd
        >>> from linktransformer.tables import frames
        >>> table = frames.wrap(pd.DataFrame({"name": ["b", None, "a", "b"]}), "left")
        >>> records = read(table, ["name"], Serializer())
        >>> records.texts.tolist(), records.text_of_row.tolist()
        (['b', 'a'], [0, -1, 1, 0])
    """
    unique, codes = factorize(serialize(table, columns, serializer).tolist())
    limit = serializer.max_chars
    is_long = np.fromiter(map(len, unique), dtype=np.int64, count=len(unique)) > limit
    n_cut = int(is_long[codes].sum())
    if n_cut:  # two long texts may be one when cut; a cut may leave white space at the end
        unique, code_of_cut = factorize([text[:limit].rstrip() for text in unique])
        codes = code_of_cut[codes]
    texts = np.fromiter(unique, dtype=object, count=len(unique))
    filled = texts != ""
    number = np.where(filled, np.cumsum(filled) - 1, -1)
    return Records(texts[filled], number[codes], n_cut, tuple(columns), serializer)


def texts_of(records: Records, others: Records) -> list[str]:
    """The text in `others` of the first row of each record, "" where it has none.

    `others` are records of the same table, of fewer columns or by another serializer.
    """
    if records is others:
        return list(records.texts.tolist())
    rows = np.flatnonzero(records.text_of_row >= 0)
    _, first = np.unique(records.text_of_row[rows], return_index=True)
    places = others.text_of_row[rows[first]]
    return [others.texts[place] if place >= 0 else "" for place in places.tolist()]


def in_text_order(records: Records, texts: Integers) -> Integers:
    """Record numbers, (n,) int64, sorted by text: an order that does not depend on that of the rows."""
    return np.array(sorted(texts.tolist(), key=records.texts.__getitem__), dtype=np.int64)
