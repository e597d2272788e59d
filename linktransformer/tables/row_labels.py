"""Labels of rows: index labels in pandas, row numbers elsewhere, or the values of a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames
from linktransformer.tables.answers import ANSWERS, is_answers
from linktransformer.tables.cells import is_null
from linktransformer.tables.frames import Table

__all__ = ["Label", "label_pairs", "row_of", "rows_in", "rows_of_pairs", "tuples"]

Label: TypeAlias = Any  # a value of a pandas index or of a column


def tuples(pairs: object, argument: str, sizes: tuple[int, ...], hint: str) -> list[tuple[Label, ...]]:
    """The tuples in `pairs`; InvalidArgumentError if one has none of the sizes."""
    try:
        listed = [tuple(pair) for pair in pairs]  # type: ignore[attr-defined]
    except TypeError:
        listed = [()]
    if any(len(pair) not in sizes for pair in listed):
        raise InvalidArgumentError(f"{argument} holds something that is not a pair. Give {hint}.")
    return listed


def label_pairs(pairs: object, argument: str) -> list[tuple[Label, Label]]:
    """Pairs of labels from a table's first two columns, or from an iterable of pairs.

    Raises:
        InvalidArgumentError: The table has fewer than two columns, or a column of answers, or an item is no
            pair.
    """
    if hasattr(pairs, "columns"):
        table = frames.wrap(cast("frames.IntoDataFrame", pairs), argument)
        if len(table.columns) < 2:
            raise InvalidArgumentError(
                f"{argument} needs two columns, the left and the right label of each pair. "
                f"Given: {table.columns}"
            )
        more = list(table.columns[2:])
        judged = next((name for name in ANSWERS if name in more), None)
        if judged is None and len(more) == 1 and is_answers(frames.column(table, more[0]).tolist()):
            judged = more[0]
        if judged is not None:
            raise InvalidArgumentError(
                f"{argument} has a column {judged!r} of answers, and takes every pair that it is given. "
                f"Select the rows that are meant, and their two columns: {list(table.columns[:2])}."
            )
        left, right = (frames.column(table, name).tolist() for name in table.columns[:2])
        return list(zip(left, right, strict=True))
    return [(left, right) for left, right in tuples(pairs, argument, (2,), "(left label, right label) pairs")]


def row_of(table: Table, argument: str, column: str | None = None) -> dict[Label, int]:
    """The row number of each label: of each value of `column`, else of each index label.

    Raises:
        InvalidArgumentError: Labels repeat.
        ColumnNotFoundError: There is no such column.
    """
    if column is None:
        labels = frames.index_labels(table, np.arange(table.n_rows)).tolist()
        rows = {label: row for row, label in enumerate(labels)}
        n_labels = len(labels)
    else:
        frames.check_columns(table, [column], argument)
        labels = frames.column(table, column).tolist()
        rows = {label: row for row, label in enumerate(labels) if not is_null(label)}
        n_labels = len(labels) - sum(map(is_null, labels))
    if len(rows) < n_labels:
        problem = "index labels repeat" if column is None else f"column {column!r} repeats values"
        raise InvalidArgumentError(
            f"{argument}: {table.called}'s {problem}, so that a label does not say which row is meant. "
            f"Give {table.name}.reset_index(drop=True), or a column of unique ids where the call takes one."
        )
    return rows


def rows_of_pairs(table: Table, pairs: object, argument: str) -> Integers:
    """The row numbers, (n_pairs, 2) int64, of pairs of labels in any form of `label_pairs`."""
    return rows_in(row_of(table, argument), label_pairs(pairs, argument), argument)


def rows_in(row_of: Mapping[Label, int], pairs: list[tuple[Label, Label]], argument: str) -> Integers:
    """The row numbers of pairs of labels, (n_pairs, 2) int64; InvalidArgumentError for a label of no row."""
    unknown = [label for pair in pairs for label in pair if label not in row_of]
    if unknown:
        raise InvalidArgumentError(f"{argument} names {unknown[0]!r}, which is the label of no row.")
    rows = [[row_of[label] for label in pair] for pair in pairs]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)
