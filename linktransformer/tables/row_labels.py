"""Pairs of rows as the caller names them: by index label in pandas, by row number elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames
from linktransformer.tables.frames import Table

__all__ = ["label_pairs", "row_of", "rows_in", "rows_of_pairs"]


def label_pairs(pairs: Any, argument: str) -> list[tuple[Any, Any]]:
    """Pairs of labels out of a table's first two columns, or out of anything that holds pairs.

    Args:
        pairs: What the caller gave.
        argument: In which argument.

    Returns:
        The pairs.

    Raises:
        InvalidArgumentError: The table has no two columns, or something is no pair.
    """
    if hasattr(pairs, "columns"):
        given = frames.wrap(pairs, argument)
        if len(given.columns) < 2:
            raise InvalidArgumentError(
                f"{argument} needs two columns, the left and the right label of each pair. "
                f"Given: {given.columns}"
            )
        first, second = (frames.column(given, name).tolist() for name in given.columns[:2])
        return list(zip(first, second, strict=True))
    try:
        found = [tuple(pair) for pair in pairs]
    except TypeError:
        found = [()]
    if any(len(pair) != 2 for pair in found):
        raise InvalidArgumentError(
            f"{argument} holds something that is no pair. Give (left label, right label) pairs."
        )
    return [(pair[0], pair[1]) for pair in found]


def rows_of_pairs(table: Table, pairs: Any, argument: str) -> Integers:
    """The row numbers of pairs of rows that the caller names by their labels.

    Args:
        table: The table.
        pairs: A table whose first two columns are labels, or pairs of labels; index labels in pandas, else
            row numbers.
        argument: In which argument.

    Returns:
        Row numbers of the first and of the second of each pair, (n_pairs, 2) int64.

    Raises:
        InvalidArgumentError: They are no pairs, or a label is that of no row or of several.
    """
    return rows_in(row_of(table, argument), label_pairs(pairs, argument), argument)


def row_of(table: Table, argument: str) -> dict[Any, int]:
    """The row number of each index label; of each row number where there is no index.

    Args:
        table: The table.
        argument: Which argument has the labels.

    Returns:
        Row numbers by label.

    Raises:
        InvalidArgumentError: Labels repeat.
    """
    labels = frames.index_labels(table, np.arange(table.n_rows)).tolist()
    found = dict(zip(labels, range(len(labels)), strict=True))
    if len(found) < len(labels):
        raise InvalidArgumentError(
            f"{argument}: {table.called}'s index labels repeat, so that a label does not say which "
            f"row is meant. Give {table.name}.reset_index(drop=True)."
        )
    return found


def rows_in(row_of: Mapping[Any, int], pairs: list[tuple[Any, Any]], argument: str) -> Integers:
    """The row numbers of pairs of labels.

    Args:
        row_of: Row numbers by label.
        pairs: Pairs of labels.
        argument: In which argument.

    Returns:
        (n_pairs, 2) int64.

    Raises:
        InvalidArgumentError: A label is that of no row.
    """
    unknown = [label for pair in pairs for label in pair if label not in row_of]
    if unknown:
        raise InvalidArgumentError(f"{argument} names {unknown[0]!r}, which is the label of no row.")
    rows = [[row_of[label] for label in pair] for pair in pairs]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)
