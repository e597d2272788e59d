"""Labels of pairs of rows, matches and non-matches, in any of the forms in which they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer.arrays import Bools, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames
from linktransformer.tables.frames import Table

__all__ = ["Ids", "PairLabels", "read_labels", "rows_named"]

PAIRS = (("left", "right"), ("left_id", "right_id"))  # columns that name the rows of a pair
ANSWERS = ("label", "match")  # columns that say whether it is a match
TRUTH = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}


@dataclass(frozen=True, slots=True)
class Ids:
    """How labels name rows, and say what they are.

    Args:
        left: The column of the left table by which its rows are named; None for index labels in pandas, row
            numbers elsewhere.
        right: The column of the right table by which its rows are named; None for index labels in pandas, row
            numbers elsewhere.
        label: The column that is 1 for a match and 0 for a non-match; None to find it.
    """

    left: str | None = None
    right: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PairLabels:
    """Labelled pairs of rows.

    Args:
        left: Left rows, (n,) int64.
        right: Right rows, -1 where the left row is said to have no match.
        match: Whether they match, (n,) bool.
    """

    left: Integers
    right: Integers
    match: Bools


def read_labels(tables: tuple[Table, Table], given: Any, argument: str, ids: Ids) -> PairLabels:
    """Read labels of pairs.

    Args:
        tables: The left and the right table; one table twice for pairs within it.
        given: A table with two columns of labels, and perhaps one of 0 and 1; a mapping from left to right;
            or pairs, or triples with 0 or 1.
        argument: In which argument.
        ids: How rows are named.

    Returns:
        The labels in the order given, without pairs whose answer is null.

    Raises:
        InvalidArgumentError: It is not clear what is meant, or a label is that of no row.
        ColumnNotFoundError: A column that is not there.
    """
    left, right, answer = _columns(given, argument, ids.label)
    known = np.array([one >= 0 for one in answer], dtype=bool)
    none = np.array([_is_null(one) for one in right], dtype=bool)
    kept = np.flatnonzero(known & ~none)
    nobody = np.flatnonzero(known & none)
    numbers = [rows_named(tables[0], ids.left, argument), rows_named(tables[1], ids.right, argument)]
    rows = np.full((2, len(left)), -1, dtype=np.int64)
    for side, (labels, at) in enumerate(((left, np.flatnonzero(known)), (right, kept))):
        names = [labels[place] for place in at.tolist()]
        strange = [name for name in names if name not in numbers[side]]
        if strange:
            turned = strange[0] in numbers[1 - side] and tables[0] is not tables[1]
            hint = f" The {tables[1 - side].name} table has such a row: are the sides exchanged?"
            raise InvalidArgumentError(
                f"{argument} names {strange[0]!r}, the label of no row of the {tables[side].name} table. "
                f"Labels are {_meaning((ids.left, ids.right)[side], tables[side])}."
                + (hint if turned else "")
            )
        rows[side, at] = [numbers[side][name] for name in names]
    order = np.sort(np.concatenate([kept, nobody]))
    match = np.array(answer, dtype=np.int64)[order] == 1
    return PairLabels(rows[0, order], rows[1, order], match & (rows[1, order] >= 0))


def rows_named(table: Table, column: str | None, argument: str) -> dict[Any, int]:
    """The row of each label.

    Args:
        table: The table.
        column: The column that holds labels; None for index labels in pandas, row numbers elsewhere.
        argument: For which argument.

    Returns:
        Label -> row number.

    Raises:
        InvalidArgumentError: Labels repeat, so that one does not say which row is meant.
        ColumnNotFoundError: There is no such column.
    """
    if column is None:
        labels = frames.index_labels(table, np.arange(table.n_rows)).tolist()
    else:
        frames.check_columns(table, [column], argument)
        labels = frames.column(table, column).tolist()
    found = {label: row for row, label in enumerate(labels) if column is None or not _is_null(label)}
    missing = 0 if column is None else sum(map(_is_null, labels))
    if len(found) + missing < len(labels):
        what = "index labels repeat" if column is None else f"column {column!r} repeats values"
        raise InvalidArgumentError(
            f"{argument}: {table.called}'s {what}, so that a label does not say which row is meant. "
            "Give a column of unique ids (left_id=, right_id=), or reset_index(drop=True)."
        )
    return found


def _columns(given: Any, argument: str, label: str | None) -> tuple[list[Any], list[Any], list[int]]:
    """Left labels, right labels, and answers: 1, 0, or -1 for null."""
    if hasattr(given, "columns"):
        return _of_table(frames.wrap(given, argument), argument, label)
    if label is not None:
        raise InvalidArgumentError(
            f"label={label!r} names a column, and {argument} is no table. Give pairs with a third value, "
            "0 or 1, or a table."
        )
    try:
        found: list[tuple[Any, ...]] = [
            tuple(pair) for pair in (given.items() if isinstance(given, Mapping) else given)
        ]
    except TypeError:
        found = [()]
    if any(len(pair) not in (2, 3) for pair in found):
        raise InvalidArgumentError(
            f"{argument} holds something that is no pair. Give (left label, right label) pairs, triples with "
            "0 or 1 behind them, a dict from left to right, or a table."
        )
    answers = _answers([pair[2] if len(pair) == 3 else 1 for pair in found], argument, "the third value")
    return [pair[0] for pair in found], [pair[1] for pair in found], answers


def _of_table(table: Table, argument: str, label: str | None) -> tuple[list[Any], list[Any], list[int]]:
    if label is not None:
        frames.check_columns(table, [label], "label")
    columns = list(table.columns)
    named = next((pair for pair in PAIRS if set(pair) <= set(columns)), None)
    answer = label or next((name for name in ANSWERS if name in columns and len(columns) > 2), None)
    others = [name for name in columns if name != answer]
    if named is None and answer is None and len(columns) == 3 and _is_answer(table, columns[2]):
        answer, others = columns[2], columns[:2]
    if named is None:
        if len(others) != 2:
            raise InvalidArgumentError(
                f"{argument}: it is not clear which columns hold the labels. Given: {columns}. Give two "
                "columns, the left and the right label (and one of 0 and 1): "
                f"such as {argument}[['left', 'right', 'label']], or columns of these names."
            )
        named = (others[0], others[1])
    left, right = (frames.column(table, name).tolist() for name in named)
    if answer is None:
        return left, right, [1] * len(left)
    return left, right, _answers(frames.column(table, answer).tolist(), argument, f"column {answer!r}")


def _answers(values: Sequence[Any], argument: str, where: str) -> list[int]:
    found = [-1 if _is_null(value) else TRUTH.get(str(value).strip().lower(), -2) for value in values]
    if -2 in found:
        raise InvalidArgumentError(
            f"{argument}: {where} holds {values[found.index(-2)]!r}, which is no answer. Give 1 for a match "
            "and 0 for a non-match."
        )
    return found


def _is_answer(table: Table, name: str) -> bool:
    values = frames.column(table, name).tolist()
    return all(_is_null(value) or str(value).strip().lower() in TRUTH for value in values)


def _is_null(value: Any) -> bool:
    return value is None or value != value or type(value).__name__ in ("NAType", "NaTType")


def _meaning(column: str | None, table: Table) -> str:
    if column is not None:
        return f"values of its column {column!r}"
    return "its index labels" if table.index is not None else "its row numbers, from 0"
