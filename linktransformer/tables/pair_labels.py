"""Labels of pairs of rows, matches and non-matches, from a table, a mapping or tuples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from linktransformer.arrays import Bools, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames
from linktransformer.tables.cells import is_null
from linktransformer.tables.frames import Table
from linktransformer.tables.row_labels import Label, row_of, tuples

__all__ = ["Ids", "PairLabels", "read_labels"]

PAIRS = (("left", "right"), ("left_id", "right_id"))  # columns of the labels of a pair
ANSWERS = ("label", "match")  # columns of the answers
TRUTH = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
NULL, INVALID = -1, -2  # answers that are neither 1 (match) nor 0 (non-match)


@dataclass(frozen=True, slots=True)
class Ids:
    """The columns that identify rows and answers.

    Args:
        left: The id column of the left table; None for index labels in pandas, row numbers elsewhere.
        right: The same of the right table.
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
        right: Right rows, -1 where the left row is labelled as without a match, (n,) int64.
        match: Whether they match, (n,) bool.
    """

    left: Integers
    right: Integers
    match: Bools


@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    """Pairs of labels with answers: 1, 0 or NULL."""

    left: Sequence[Label]
    right: Sequence[Label]
    answer: Sequence[int]


def read_labels(tables: tuple[Table, Table], labels: object, argument: str, ids: Ids) -> PairLabels:
    """Labelled pairs in the order given, without pairs whose answer is null.

    Args:
        tables: The left and the right table; one table twice for pairs within it.
        labels: A table with two columns of labels, and perhaps one of 0 and 1; a mapping from left to right;
            pairs; or triples with 0 or 1.
        argument: The caller's name of `labels`.
        ids: The columns that identify rows.

    Raises:
        InvalidArgumentError: The form of `labels` is ambiguous, or a label is that of no row.
        ColumnNotFoundError: A column that is not there.
    """
    pairs = _answered(labels, argument, ids.label)
    answer = np.array(pairs.answer, dtype=np.int64)
    has_answer = answer != NULL
    has_right = ~np.fromiter(map(is_null, pairs.right), dtype=bool, count=len(answer))
    rows = np.full((2, len(answer)), -1, dtype=np.int64)
    numbers = [row_of(tables[0], argument, ids.left), row_of(tables[1], argument, ids.right)]
    for side, (names, use) in enumerate(((pairs.left, has_answer), (pairs.right, has_answer & has_right))):
        places = np.flatnonzero(use)
        used = [names[place] for place in places.tolist()]
        unknown = [name for name in used if name not in numbers[side]]
        if unknown:
            swapped = unknown[0] in numbers[1 - side] and tables[0] is not tables[1]
            hint = f" The {tables[1 - side].name} table has such a row: are the sides exchanged?"
            raise InvalidArgumentError(
                f"{argument} names {unknown[0]!r}, the label of no row of the {tables[side].name} table. "
                f"Labels are {_meaning((ids.left, ids.right)[side], tables[side])}."
                + (hint if swapped else "")
            )
        rows[side, places] = [numbers[side][name] for name in used]
    left, right = rows[:, has_answer]
    return PairLabels(left, right, (answer[has_answer] == 1) & (right >= 0))


def _answered(labels: object, argument: str, label: str | None) -> _Answered:
    """Labels and answers of `labels` in any of its forms."""
    if hasattr(labels, "columns"):
        return _of_table(frames.wrap(cast("frames.IntoDataFrame", labels), argument), argument, label)
    if label is not None:
        raise InvalidArgumentError(
            f"label={label!r} names a column, and {argument} is no table. Give pairs with a third value, "
            "0 or 1, or a table."
        )
    pairs = tuples(
        labels.items() if isinstance(labels, Mapping) else labels,
        argument,
        (2, 3),
        "(left label, right label) pairs, triples with 0 or 1 as third value, a dict from left to right, or "
        "a table",
    )
    answers = _answers([pair[2] if len(pair) == 3 else 1 for pair in pairs], argument, "the third value")
    return _Answered([pair[0] for pair in pairs], [pair[1] for pair in pairs], answers)


def _of_table(table: Table, argument: str, label: str | None) -> _Answered:
    if label is not None:
        frames.check_columns(table, [label], "label")
    columns = list(table.columns)
    pair = next((pair for pair in PAIRS if set(pair) <= set(columns)), None)
    answer = label or next((name for name in ANSWERS if name in columns and len(columns) > 2), None)
    others = [name for name in columns if name != answer]
    if pair is None and answer is None and len(columns) == 3 and _is_answer(table, columns[2]):
        answer, others = columns[2], columns[:2]
    if pair is None:
        if len(others) != 2:
            raise InvalidArgumentError(
                f"{argument}: it is not clear which columns hold the labels. Given: {columns}. Give two "
                "columns, the left and the right label (and one of 0 and 1): "
                f"such as {argument}[['left', 'right', 'label']], or columns of these names."
            )
        pair = (others[0], others[1])
    left, right = (frames.column(table, name).tolist() for name in pair)
    if answer is None:
        return _Answered(left, right, [1] * len(left))
    values = frames.column(table, answer).tolist()
    return _Answered(left, right, _answers(values, argument, f"column {answer!r}"))


def _answers(values: Sequence[object], argument: str, where: str) -> list[int]:
    answers = [_answer(value) for value in values]
    if INVALID in answers:
        raise InvalidArgumentError(
            f"{argument}: {where} holds {values[answers.index(INVALID)]!r}, which is no answer. Give 1 for a "
            "match and 0 for a non-match."
        )
    return answers


def _answer(value: object) -> int:
    return NULL if is_null(value) else TRUTH.get(str(value).strip().lower(), INVALID)


def _is_answer(table: Table, name: str) -> bool:
    return INVALID not in map(_answer, frames.column(table, name).tolist())


def _meaning(column: str | None, table: Table) -> str:
    if column is not None:
        return f"values of its column {column!r}"
    return "its index labels" if table.index is not None else "its row numbers, from 0"
