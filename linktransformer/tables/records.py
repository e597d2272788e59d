"""The unique texts of a table's key, and which of them each row has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.progress import stage
from linktransformer.tables.factorize import factorize
from linktransformer.tables.frames import Table
from linktransformer.tables.serialize import Serializer, serialize

__all__ = ["Records", "in_text_order", "read", "texts_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """What a table says in its key columns.

    Args:
        texts: The unique normalised texts in order of first appearance, (n_texts,) object.
        text_of_row: The text of each row, -1 where the row has no key, (n_rows,) int64.
        n_cut: How many rows had a longer text than the serializer allows.
        columns: The key columns.
    """

    texts: NDArray[np.object_]
    text_of_row: Integers
    n_cut: int
    columns: tuple[str, ...]


@stage("read")
def read(table: Table, columns: Sequence[str], serializer: Serializer) -> Records:
    """Write each row's key as text, normalised, and keep every different text once.

    Two texts are equal when they are equal after `normalize.normalize`, so that composed and decomposed
    letters, or a text with and without a soft hyphen, are one text.

    Args:
        table: The table.
        columns: Its key columns.
        serializer: How a row becomes text, and where a long one is cut.

    Returns:
        The unique texts, and the text of each row.

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
    long = np.fromiter((len(text) > limit for text in unique), dtype=bool, count=len(unique))
    n_cut = int(long[codes].sum())
    if n_cut:  # two long texts may be one when cut; a cut may leave white space at the end
        unique, merged = factorize([text[:limit].rstrip() for text in unique])
        codes = merged[codes]
    blank = np.fromiter((not text for text in unique), dtype=bool, count=len(unique))
    new_place = np.where(blank, -1, np.cumsum(~blank) - 1)
    texts = np.fromiter((text for text in unique if text), dtype=object, count=int((~blank).sum()))
    return Records(texts, new_place[codes], n_cut, tuple(columns))


def texts_of(records: Records, others: Records) -> list[str]:
    """Say each text of a table in another way: as the first row that has it is written there.

    Args:
        records: Texts of all key columns.
        others: Texts of the same table's rows, of fewer columns or by another serializer.

    Returns:
        One text for each of `records.texts`, "" where the other one is empty.
    """
    rows = np.flatnonzero(records.text_of_row >= 0)
    _, first = np.unique(records.text_of_row[rows], return_index=True)
    places = others.text_of_row[rows[first]]
    return [others.texts[place] if place >= 0 else "" for place in places.tolist()]


def in_text_order(records: Records, texts: Integers) -> Integers:
    """Sort texts by what they say: an order that does not depend on that of the rows.

    Args:
        records: The texts.
        texts: Their numbers, (n,) int64.

    Returns:
        The same numbers, sorted.
    """
    return np.array(sorted(texts.tolist(), key=records.texts.__getitem__), dtype=np.int64)
