"""The cells of the key columns of two files, while these are read: by row, and the different values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from linktransformer.arrays import Integers, Objects
from linktransformer.search.ngram_counts import Seen
from linktransformer.tables import key_columns, records
from linktransformer.tables.binned_storage import Shelf
from linktransformer.tables.frames import Table
from linktransformer.tables.normalize import folded
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

__all__ = ["Values", "by_row", "cell_name", "columns_of", "first_rows", "value_bin", "written"]


def cell_name(place: int) -> str:
    """The name of the cells of a key column where rows are set aside."""
    return f"cell {place}"


def value_bin(pair: int, side: int) -> int:
    """The bin of the values of a pair of columns."""
    return 2 * pair + side


def columns_of(table: Table, on: list[str], read: Records) -> list[Records]:
    """The records of each key column by itself; of one column they are `read`."""
    return [read] if len(on) == 1 else [records.read(table, [name], Serializer()) for name in on]


def by_row(cells: Sequence[Records]) -> dict[str, Objects]:
    """The cell of each row in each key column, "" for none, (n_rows,) object each."""
    made = {}
    for place, column in enumerate(cells):
        texts = np.append(column.texts, "").astype(object)  # -1 takes the last
        made[cell_name(place)] = texts[column.text_of_row]
    return made


def first_rows(read: Records) -> Integers:
    """The first row of each text, (n_texts,) int64."""
    rows = np.flatnonzero(read.text_of_row >= 0)
    return rows[np.unique(read.text_of_row[rows], return_index=True)[1]]


def written(cells: Sequence[Objects] | Sequence[list[str]], order: Sequence[int]) -> list[str]:
    """Texts of cells, as `records.read` writes columns in this order.

    Example:
        >>> written([["Boston", ""], ["Acme", "Baxter"]], [1, 0])
        ['Acme Boston', 'Baxter']
    """
    limit = Serializer().max_chars
    texts = [" ".join(filter(None, row)) for row in zip(*(cells[place] for place in order), strict=True)]
    return [text if len(text) <= limit else text[:limit].rstrip() for text in texts]


class Values:
    """The different case-folded cells of the columns that are compared, on disk as they first appear.

    Attributes:
        shelf: Where they are, in bins of `value_bin`.
        n: How many there are, by bin.
    """

    def __init__(self, shelf: Shelf, on: tuple[list[str], list[str]]) -> None:
        self.shelf = shelf
        paired = key_columns.paired(*on)
        self._places = [[on[side].index(pair[side]) for pair in paired] for side in (0, 1)]
        self._seen = [Seen() for _ in range(2 * len(paired))]
        self.n = [0] * len(self._seen)

    def add(self, side: int, cells: Sequence[Records]) -> None:
        """Add what is new in the columns of one side."""
        for pair, place in enumerate(self._places[side]):
            number = value_bin(pair, side)
            texts = list(dict.fromkeys(folded(cells[place].texts).tolist()))
            new = [texts[at] for at in self._seen[number].places(texts).tolist()]
            self.n[number] += len(new)
            if new:
                self.shelf.put(np.full(len(new), number), {"text": new})
