"""Labels of pairs of rows, matches and non-matches, from a table, a mapping or tuples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Bools, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames, splits
from linktransformer.tables.answers import ANSWERS, NULL, SHOWN, answers, examples, is_answers
from linktransformer.tables.cells import is_null
from linktransformer.tables.frames import Table
from linktransformer.tables.row_labels import Label, row_of, tuples

__all__ = ["Answered", "Conflicts", "Ids", "PairLabels", "conflicts", "pairs_of", "read_labels", "warn_of"]

PAIRS = (("left", "right"), ("left_id", "right_id"))  # columns of the labels of a pair


@dataclass(frozen=True, slots=True)
class Ids:
    """The columns that identify rows and answers.

    Args:
        left: The id column of the left table; None for index labels in pandas, row numbers elsewhere.
        right: The same of the right table.
        label: The column that is 1 (true, yes) for a match and 0 (false, no) for none; None to find it.
    """

    left: str | None = None
    right: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Conflicts:
    """Labels that contradict each other.

    Args:
        repeated: Labels that say again what an earlier one says.
        both_ways: Labels of pairs that are labelled both ways, (n,) bool.
        joined: Non-matches between rows that matches join, (n,) bool.
        n_both_ways: How many pairs the former are.
        n_joined: How many pairs the latter are.
    """

    repeated: int
    both_ways: Bools
    joined: Bools
    n_both_ways: int
    n_joined: int

    @property
    def counts(self) -> dict[str, float]:
        """The counts of a report."""
        return {
            "repeated_labels": float(self.repeated),
            "contradictions": float(self.n_both_ways + self.n_joined),
        }


@dataclass(frozen=True, slots=True, eq=False)
class PairLabels:
    """Labelled pairs of rows.

    Args:
        left: Left rows, (n,) int64.
        right: Right rows, -1 where the left row is labelled as without a match, (n,) int64.
        match: Whether they match, (n,) bool.
        names: The left and the right label of each, as given.
        conflicts: Which of them contradict each other.
    """

    left: Integers
    right: Integers
    match: Bools
    names: tuple[Sequence[Label], Sequence[Label]]
    conflicts: Conflicts

    @property
    def known_match(self) -> Bools:
        """Matches without pairs that are labelled both ways, (n,) bool."""
        return self.match & ~self.conflicts.both_ways


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
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
    pairs = pairs_of(labels, argument, ids)
    answer = np.array(pairs.answer, dtype=np.int64)
    has_answer = answer != NULL
    has_right = ~np.fromiter(map(is_null, pairs.right), dtype=bool, count=len(answer))
    rows = np.full((2, len(answer)), -1, dtype=np.int64)
    numbers = [row_of(tables[0], argument, ids.left), row_of(tables[1], argument, ids.right)]
    for side, (names, use) in enumerate(((pairs.left, has_answer), (pairs.right, has_answer & has_right))):
        places = np.flatnonzero(use)
        used = [names[place] for place in places.tolist()]
        unknown = list(dict.fromkeys(name for name in used if name not in numbers[side]))
        if unknown:
            swapped = unknown[0] in numbers[1 - side] and tables[0] is not tables[1]
            hint = f" The {tables[1 - side].name} table has such a row: are the sides exchanged?"
            more = f" ({len(unknown)} such labels: {examples(unknown)})" if len(unknown) > 1 else ""
            raise InvalidArgumentError(
                f"{argument} names {unknown[0]!r}, the label of no row of the {tables[side].name} table"
                f"{more}. Labels are {_meaning((ids.left, ids.right)[side], tables[side])}. Correct them, or "
                "leave such pairs out." + (hint if swapped else "")
            )
        rows[side, places] = [numbers[side][name] for name in used]
    left, right = rows[:, has_answer]
    match = (answer[has_answer] == 1) & (right >= 0)
    named = np.flatnonzero(has_answer).tolist()
    given = ([pairs.left[place] for place in named], [pairs.right[place] for place in named])
    start = 0 if tables[0] is tables[1] else tables[0].n_rows
    found = conflicts(left, np.where(right >= 0, start + right, -1), match, start + tables[1].n_rows)
    return PairLabels(left, right, match, given, found)


def conflicts(left: Integers, right: Integers, match: Bools, n: int) -> Conflicts:
    """Labels that contradict each other, of pairs of n items; the order within a pair is of no effect.

    A pair with a negative number contradicts none.

    Example:
        >>> left, right = np.array([0, 0, 1, 3, 4]), np.array([1, 2, 2, 4, 3])
        >>> found = conflicts(left, right, np.array([True, True, False, True, False]), 5)
        >>> found.joined.tolist(), found.both_ways.tolist()
        ([False, False, True, False, False], [False, False, False, True, True])
    """
    is_pair = (left >= 0) & (right >= 0)
    code = np.where(is_pair, np.minimum(left, right) * n + np.maximum(left, right), -1)
    yes, no = np.unique(code[is_pair & match]), np.unique(code[is_pair & ~match])
    both = np.intersect1d(yes, no)
    yes, only_no = np.setdiff1d(yes, both), np.setdiff1d(no, both)
    entity = splits.components(n, yes // max(1, n), yes % max(1, n))
    joined = only_no[entity[only_no // max(1, n)] == entity[only_no % max(1, n)]]
    repeated = int(is_pair.sum()) - len(yes) - len(only_no) - 2 * len(both)
    return Conflicts(repeated, np.isin(code, both), np.isin(code, joined), len(both), len(joined))


def warn_of(
    found: Conflicts, names: tuple[Sequence[Label], Sequence[Label]], argument: str, what: str = "rows"
) -> None:
    """Warn of labels that contradict each other, with up to three pairs of each kind.

    `names` are the left and the right label of each pair, `what` is labelled.
    """
    parts = []
    for n, mask, text in (
        (found.n_both_ways, found.both_ways, "labelled as a match and as none, and left out"),
        (found.n_joined, found.joined, f"labelled as none between {what} that matches join"),
    ):
        if n:
            shown = [
                (names[0][place], names[1][place]) for place in np.flatnonzero(mask)[: 10 * SHOWN].tolist()
            ]
            parts.append(f"{n:,} {'pair is' if n == 1 else 'pairs are'} {text}, such as {examples(shown)}")
    if parts:
        progress.warn(f"{argument} contradicts itself: {'; '.join(parts)}. Correct the wrong ones.")


def pairs_of(labels: object, argument: str, ids: Ids | None = None) -> Answered:
    """Pairs of labels and answers of `labels`, in any of the forms of `read_labels`.

    Raises:
        InvalidArgumentError: The form is ambiguous, or a value is not an answer.
        ColumnNotFoundError: A column that is not there.
    """
    ids = ids or Ids()
    if hasattr(labels, "columns"):
        return _of_table(frames.wrap(cast("frames.IntoDataFrame", labels), argument), argument, ids)
    if ids.label is not None:
        raise InvalidArgumentError(
            f"label={ids.label!r} names a column, and {argument} is not a table. Give pairs with a third "
            "value, 0 or 1, or a table."
        )
    pairs = tuples(
        labels.items() if isinstance(labels, Mapping) else labels,
        argument,
        (2, 3),
        "(left label, right label) pairs, triples with 0 or 1 as third value, a dict from left to right, or "
        "a table",
    )
    of_pairs = answers([pair[2] if len(pair) == 3 else 1 for pair in pairs], f"{argument}: the third value")
    return Answered([pair[0] for pair in pairs], [pair[1] for pair in pairs], of_pairs)


def _of_table(table: Table, argument: str, ids: Ids) -> Answered:
    if ids.label is not None:
        frames.check_columns(table, [ids.label], "label")
    columns = list(table.columns)
    named = ((ids.left, ids.right),) if ids.left != ids.right and ids.left and ids.right else ()
    pair = next((pair for pair in (*PAIRS, *named) if set(pair) <= set(columns)), None)
    answer = ids.label or next((name for name in ANSWERS if name in columns and len(columns) > 2), None)
    others = [name for name in columns if name != answer]
    if (
        pair is None
        and answer is None
        and len(columns) == 3
        and is_answers(frames.column(table, columns[2]).tolist())
    ):
        answer, others = columns[2], columns[:2]
    if pair is None:
        if len(others) != 2:
            raise InvalidArgumentError(
                f"{argument}: it is not clear which columns hold the labels. Given: {columns}. Give two "
                "columns, the left and the right label (and one of 0 and 1): "
                f"such as {argument}[['left', 'right', 'label']], or columns of these names."
            )
        pair = (others[0], others[1])
    left, right = (frames.column(table, str(name)).tolist() for name in pair)
    if answer is None:
        return Answered(left, right, [1] * len(left))
    values = frames.column(table, answer).tolist()
    return Answered(left, right, answers(values, f"{argument}: column {answer!r}"))


def _meaning(column: str | None, table: Table) -> str:
    if column is not None:
        return f"values of its column {column!r}"
    return "its index labels" if table.index is not None else "its row numbers, from 0"
