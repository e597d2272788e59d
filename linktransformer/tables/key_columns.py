"""Which columns a caller means by the keys of either table, and which of their values are equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import columns, factorize, frames, normalize
from linktransformer.tables.frames import Table

__all__ = ["check_compare", "codes", "column_codes", "listed", "of_one", "paired", "resolve"]

Columns = str | Sequence[str] | None


def resolve(
    left: Table,
    right: Table,
    on: Columns,
    left_on: Columns,
    right_on: Columns,
    pictures: tuple[str, str] | None = None,
) -> tuple[list[str], list[str]]:
    """Find the key columns of both tables.

    Args:
        left: The left table.
        right: The right table.
        on: Columns of both.
        left_on: Columns of the left table.
        right_on: Columns of the right table.
        pictures: Columns that hold pictures; they are no text, and beside them none is needed.

    Returns:
        Names of left and of right columns.

    Raises:
        InvalidArgumentError: `on` together with the others, one without the other, or nothing to go by.
        ColumnNotFoundError: A name that is no column.
        TableTypeError: The tables are of two libraries.
    """
    frames.same_library(left, right)
    if on is not None:
        if left_on is not None or right_on is not None:
            raise InvalidArgumentError(
                "on= is given together with left_on= or right_on=. Give one or the other."
            )
        names = listed(on, "on")
        frames.check_columns(left, names, "on")
        frames.check_columns(right, names, "on")
        return names, names
    if (left_on is None) != (right_on is None):
        given, missing = ("left_on", "right_on") if right_on is None else ("right_on", "left_on")
        raise InvalidArgumentError(f"{given}= is given and {missing}= is not. Give both, or on=.")
    if left_on is None:
        shared = frames.string_columns_shared(left, right)
        shared = [name for name in shared if name not in (pictures or ())]
        if not shared and pictures is None:
            raise InvalidArgumentError(
                f"The tables share no text column. Left: {left.columns[:20]}. Right: {right.columns[:20]}. "
                "Name the keys by left_on= and right_on=."
            )
        return shared, shared
    names_left, names_right = listed(left_on, "left_on"), listed(right_on, "right_on")
    frames.check_columns(left, names_left, "left_on")
    frames.check_columns(right, names_right, "right_on")
    return names_left, names_right


def paired(left: list[str], right: list[str]) -> list[tuple[str, str]]:
    """Which key columns of two tables say the same.

    Args:
        left: Key columns of the left table.
        right: Key columns of the right table.

    Returns:
        Those of one name; of the others each with the one in its place, if as many are left on both sides.

    Example:
        >>> paired(["title", "year"], ["year", "title", "venue"]), paired(["firm", "city"], ["name", "city"])
        ([('title', 'title'), ('year', 'year')], [('firm', 'name'), ('city', 'city')])
    """
    partner = {name: name for name in left if name in right}
    mine, theirs = [name for name in left if name not in right], [name for name in right if name not in left]
    if len(mine) == len(theirs):
        partner |= dict(zip(mine, theirs, strict=True))
    return [(name, partner[name]) for name in left if name in partner]


def check_compare(compare: Iterable[str] | None, on: tuple[list[str], list[str]]) -> None:
    """Refuse comparisons of columns that the decision would not look at.

    Args:
        compare: Names of columns, None for none.
        on: Key columns of the left and of the right table.

    Raises:
        InvalidArgumentError: One is no key column of both tables.
    """
    names = sorted({name for pair in paired(*on) for name in pair})
    for name in compare or ():
        if name not in names:
            near = get_close_matches(name, names, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidArgumentError(
                f"compare= names {name!r}, which is not a key column of both tables.{hint} "
                f"Those are: {names}."
            )


def of_one(table: Table, on: Columns, picture: str | None = None, *, argument: str = "on") -> list[str]:
    """Find the key columns of a table that is compared with itself.

    Args:
        table: The table.
        on: Its columns; None for all columns of text.
        picture: A column that holds pictures; it is no text, and beside it none is needed.
        argument: In which argument the columns were given.

    Returns:
        Column names.

    Raises:
        InvalidArgumentError: There is no column of text, or `on` is no list of names.
        ColumnNotFoundError: A name that is no column.
    """
    if on is None:
        names = [name for name in frames.string_columns_shared(table, table) if name != picture]
        if not names and picture is None:
            raise InvalidArgumentError(
                f"The table has no text column: {table.columns[:20]}. Name the keys by on=."
            )
        return names
    names = listed(on, argument)
    frames.check_columns(table, names, argument)
    return names


def codes(
    left: Table, right: Table, left_columns: Sequence[str], right_columns: Sequence[str]
) -> tuple[Integers, Integers]:
    """Number the rows of both tables so that rows with equal values have equal numbers.

    1 equals 1.0; texts are equal when every character is. Null, NaN and blank texts are equal to
    nothing.

    Args:
        left: One table.
        right: The other one.
        left_columns: Columns of the left table.
        right_columns: Columns of the right table, as many.

    Returns:
        Numbers from 0 of the left and of the right rows, (n_rows,) int64 each, -1 where a value is null.

    Raises:
        InvalidArgumentError: Two columns can never be equal: one holds texts, the other numbers.
    """
    numbered = [
        np.concatenate(column_codes(left, right, names))
        for names in zip(left_columns, right_columns, strict=True)
    ]
    combined = factorize.combine(numbered)
    return combined[: left.n_rows], combined[left.n_rows :]


def column_codes(
    left: Table, right: Table, names: tuple[str, str], *, fold: bool = False
) -> tuple[Integers, Integers]:
    """Number the rows of both tables by one column of each.

    Args:
        left: One table.
        right: The other one.
        names: A column of the left table and one of the right table.
        fold: Texts are equal when `normalize.folded` makes them equal, else when every character is.

    Returns:
        Numbers from 0 of the left and of the right rows, (n_rows,) int64 each, -1 where a value is null.

    Raises:
        InvalidArgumentError: The columns can never be equal: one holds texts, the other numbers.
    """
    pair = [columns.values(table.frame[name]) for table, name in zip((left, right), names, strict=True)]
    pair = [columns.as_moments(*values) for values in pair]
    kinds = {kind for kind, _, null in pair if kind != "object" and not null.all()}
    if len(kinds) > 1:
        raise InvalidArgumentError(
            f"{left.name} column {names[0]!r} holds {pair[0][0]}s and {right.name} column {names[1]!r} "
            f"holds {pair[1][0]}s: they are never equal. Convert one of them."
        )
    numbered = _number_pair([_folded(*values) for values in pair] if fold else pair, names[0])
    return numbered[: left.n_rows], numbered[left.n_rows :]


def _folded(kind: str, values: NDArray[Any], null: Bools) -> tuple[str, NDArray[Any], Bools]:
    """The same with its texts folded, and texts of which nothing is left as nulls."""
    if kind not in ("text", "object"):
        return kind, values, null
    is_text = np.fromiter((isinstance(value, str) for value in values), dtype=bool, count=len(values))
    texts = np.full(len(values), None, dtype=object)
    texts[is_text] = normalize.folded(values[is_text])
    return kind, np.where(is_text, texts, values), null | (is_text & (texts == ""))


def _number_pair(pair: list[tuple[str, NDArray[Any], Bools]], name: str) -> Integers:
    arrays = [values for _, values, _ in pair]
    nulls = [columns.blank(values, null) if kind == "text" else null for kind, values, null in pair]
    if arrays[0].dtype.kind != arrays[1].dtype.kind:
        # Python compares a large integer with a float exactly; NumPy would round it first
        arrays = [values.astype(object) for values in arrays]
    try:
        return factorize.number(np.concatenate(arrays), np.concatenate(nulls))
    except TypeError as error:
        raise InvalidArgumentError(
            f"Column {name!r} holds values that cannot be compared: {error}."
        ) from error


def listed(columns: object, argument: str) -> list[str]:
    """One column name or several, in the order in which the caller has them.

    Args:
        columns: What the caller gave.
        argument: In which argument.

    Returns:
        Names.

    Raises:
        InvalidArgumentError: It is no list of different names.
    """
    if isinstance(columns, str):
        return [columns]
    # a set has no order, and the order of keys decides how a row is written
    ordered = isinstance(columns, (Sequence, np.ndarray)) or hasattr(columns, "tolist")
    names = list(columns) if ordered and isinstance(columns, Iterable) else [columns]
    if not all(isinstance(name, str) for name in names):
        raise InvalidArgumentError(
            f"{argument}={columns!r} is neither a column name nor a list of column names. "
            "Give such as 'name' or ['name', 'city']."
        )
    if len(set(names)) < len(names):
        raise InvalidArgumentError(f"{argument}={names!r} names a column twice. Name each once.")
    return [str(name) for name in names]
