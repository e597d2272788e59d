"""One key column of a reference table: its cells, and how rare their n-grams are, fixed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer import blocking, records
from linktransformer.frames import Table
from linktransformer.records import Records
from linktransformer.serialize import Serializer
from linktransformer.vocabulary import Vocabulary, learn

__all__ = ["ColumnWords", "column_words", "widened"]

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnWords:
    """The cells of a column, each different one once.

    Args:
        cells: Its texts by row.
        words: Their n-grams and how rare these are.
        vectors: Of the texts, (n_texts, n_grams).
    """

    cells: Records
    words: Vocabulary
    vectors: Any

    def asked(self, table: Table, name: str) -> ColumnWords:
        """The cells of other rows, weighed by the same numbers.

        Args:
            table: The rows.
            name: Their column.

        Returns:
            Their cells; what comes of one does not depend on the others.
        """
        found = records.read(table, [name], Serializer())
        return ColumnWords(found, self.words, self.words.vectors(found.texts.tolist()))

    def with_rows(self, table: Table) -> ColumnWords:
        """Put rows at the end. How rare an n-gram is stays as it was.

        Args:
            table: The new rows alone.

        Returns:
            The longer column.
        """
        found = records.read(table, self.cells.columns, Serializer())
        words, place = self.words.with_ngrams(found.texts.tolist())
        known = {text: number for number, text in enumerate(self.cells.texts.tolist())}
        number = [known.setdefault(text, len(known)) for text in found.texts.tolist()]
        new = found.texts[np.array(number, dtype=np.int64) >= len(self.cells.texts)]
        of_row = np.append(np.array(number, dtype=np.int64), -1)[found.text_of_row]
        cells = replace(
            self.cells,
            texts=np.concatenate([self.cells.texts, new]),
            text_of_row=np.concatenate([self.cells.text_of_row, of_row]),
        )
        above = widened(self.vectors, place, len(words.codes))
        return ColumnWords(cells, words, sp.csr_matrix(sp.vstack([above, words.vectors(new.tolist())])))

    def rows_kept(self, rows: Integers) -> ColumnWords:
        """Leave out all other rows.

        Args:
            rows: Row numbers, rising.

        Returns:
            The shorter column.
        """
        left = blocking.nodes(self.cells.text_of_row[rows])
        cells = replace(self.cells, texts=self.cells.texts[left.text], text_of_row=left.node_of_row)
        return ColumnWords(cells, self.words, self.vectors[left.text])


def column_words(table: Table, name: str, counted: Sequence[str] | None = None) -> ColumnWords:
    """Read a column.

    Args:
        table: The table.
        name: Its column.
        counted: The texts over which it is counted how rare n-grams are; None for the column's own, each
            different one once.

    Returns:
        The column.

    Example:
        >>> import pandas as pd
        >>> from linktransformer import frames
        >>> town = column_words(frames.wrap(pd.DataFrame({"town": ["Hull", None, "York"]}), "table"), "town")
        >>> asked = town.asked(frames.wrap(pd.DataFrame({"at": ["HULL", "York"]}), "rows"), "at")
        >>> (asked.vectors @ town.vectors.T).toarray().round(1).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    found = records.read(table, [name], Serializer())
    texts = found.texts.tolist()
    words = learn(texts if counted is None else counted)
    if counted is not None:
        words, _ = words.with_ngrams(texts)
    return ColumnWords(found, words, words.vectors(texts))


def widened(matrix: Any, place: Integers, width: int) -> sp.csr_matrix:
    """Give a matrix more columns.

    Args:
        matrix: Sparse, with sorted indices.
        place: The new place of each column, rising, so that indices stay sorted.
        width: Columns that it has then.

    Returns:
        The same rows.
    """
    indices = place[matrix.indices].astype(np.int32)
    return sp.csr_matrix((matrix.data, indices, matrix.indptr), shape=(matrix.shape[0], max(1, width)))
