"""The key columns of one or two tables, and codes of rows with equal values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from linktransformer import check
from linktransformer.arrays import Bools, Column, Integers
from linktransformer.errors import InvalidArgumentError, did_you_mean
from linktransformer.tables import columns, factorize, frames, normalize
from linktransformer.tables.columns import Kind
from linktransformer.tables.frames import Table

__all__ = [
    "check_comparable",
    "check_compare",
    "codes",
    "column_codes",
    "listed",
    "of_one",
    "paired",
    "resolve",
]

Columns: TypeAlias = str | Sequence[str] | None


def resolve(
    left: Table,
    right: Table,
    on: Columns,
    left_on: Columns,
    right_on: Columns,
    pictures: tuple[str, str] | None = None,
) -> tuple[list[str], list[str]]:
    """The key columns of both tables.

    `pictures` are columns that are not text; with them no text column is needed.

    Raises:
        InvalidArgumentError: `on` together with the others, one without the other, or no shared text column.
        ColumnNotFoundError: A name that is not a column.
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
        side, missing = ("left_on", "right_on") if right_on is None else ("right_on", "left_on")
        raise InvalidArgumentError(f"{side}= is given and {missing}= is not. Give both, or on=.")
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
    """The key columns of two tables that are compared with each other.

    Columns of one name are a pair; the others are paired by position, if each table has as many.

    Example:
        >>> paired(["title", "year"], ["year", "title", "venue"]), paired(["firm", "city"], ["name", "city"])
        ([('title', 'title'), ('year', 'year')], [('firm', 'name'), ('city', 'city')])
    """
    partner = {name: name for name in left if name in right}
    only_left = [name for name in left if name not in right]
    only_right = [name for name in right if name not in left]
    if len(only_left) == len(only_right):
        partner |= dict(zip(only_left, only_right, strict=True))
    return [(name, partner[name]) for name in left if name in partner]


def check_compare(compare: Iterable[str] | None, on: tuple[list[str], list[str]]) -> None:
    """Raise InvalidArgumentError if `compare` names something else than a key column of both tables."""
    names = sorted({name for pair in paired(*on) for name in pair})
    for name in compare or ():
        if name not in names:
            raise InvalidArgumentError(
                f"compare= names {name!r}, which is not a key column of both tables."
                f"{did_you_mean(name, names)} Those are: {names}."
            )


def of_one(table: Table, on: object, picture: str | None = None, *, argument: str = "on") -> list[str]:
    """The key columns of a table that is compared with itself; None for all text columns but `picture`.

    Raises:
        InvalidArgumentError: There is no text column, or `on` is not a list of names.
        ColumnNotFoundError: A name that is not a column.
    """
    if on is None:
        names = [name for name in frames.string_columns_shared(table, table) if name != picture]
        if not names and picture is None:
            there = (
                f": {table.columns[:20]}. Name the keys by on=." if table.columns else ": it has no columns."
            )
            raise InvalidArgumentError(f"The table has no text column{there}")
        return names
    names = listed(on, argument)
    frames.check_columns(table, names, argument)
    return names


def codes(
    left: Table, right: Table, left_columns: Sequence[str], right_columns: Sequence[str]
) -> tuple[Integers, Integers]:
    """Codes of the rows of both tables, (n_rows,) int64 each: equal where all columns are, -1 for a null.

    1 equals 1.0; texts are equal when every character is. Null, NaN and blank texts are null.

    Raises:
        InvalidArgumentError: Two columns can never be equal: one holds texts, the other numbers.
    """
    column_pairs = zip(left_columns, right_columns, strict=True)
    combined = factorize.combine([np.concatenate(column_codes(left, right, pair)) for pair in column_pairs])
    return combined[: left.n_rows], combined[left.n_rows :]


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Values of a column, (n,), their kind, and where they are null."""

    kind: Kind
    values: Column
    null: Bools


def column_codes(
    left: Table, right: Table, names: tuple[str, str], *, fold: bool = False
) -> tuple[Integers, Integers]:
    """`codes` by one column of each table; `fold` compares texts by `normalize.folded`."""
    series = columns.in_one_zone(left.frame[names[0]], right.frame[names[1]])
    pair = [_Cells(*columns.as_moments(*columns.values(one))) for one in series]
    if len({cells.kind for cells in pair if cells.kind != "object" and not cells.null.all()}) > 1:
        raise InvalidArgumentError(
            f"{left.name} column {names[0]!r} holds {pair[0].kind}s and {right.name} column {names[1]!r} "
            f"holds {pair[1].kind}s: they are never equal. Convert one of them."
        )
    both = _number_pair([_folded(cells) for cells in pair] if fold else pair, names[0])
    return both[: left.n_rows], both[left.n_rows :]


def _folded(cells: _Cells) -> _Cells:
    """The cells with folded texts, and texts that become empty as nulls."""
    if cells.kind not in ("text", "object"):
        return cells
    is_text = np.fromiter(
        (isinstance(value, str) for value in cells.values), dtype=bool, count=len(cells.null)
    )
    texts = np.full(len(cells.null), None, dtype=object)
    texts[is_text] = normalize.folded(cells.values[is_text].tolist())
    null = cells.null | (is_text & (texts == ""))
    return _Cells(cells.kind, np.where(is_text, texts, cells.values), null)


def _number_pair(pair: list[_Cells], name: str) -> Integers:
    arrays = [cells.values for cells in pair]
    nulls = [
        cells.null | _blank(cells.values) if cells.kind in ("text", "object") else cells.null
        for cells in pair
    ]
    if arrays[0].dtype.kind != arrays[1].dtype.kind:
        # Python compares a large integer with a float exactly; NumPy would round it first
        arrays = [values.astype(object) for values in arrays]
    whole, null = np.concatenate(arrays), np.concatenate(nulls)
    if whole.dtype == object:
        check_comparable(whole[~null], name)
    return factorize.number(whole, null)


def _blank(values: Column) -> Bools:
    return np.fromiter(map(normalize.is_blank, values.tolist()), dtype=bool, count=len(values))


def check_comparable(values: Column, name: str) -> None:
    """Raise InvalidArgumentError if values of a column are such as lists, dicts or arrays, (n,) object."""
    try:
        set(values.tolist())
    except TypeError as error:
        raise InvalidArgumentError(
            f"Column {name!r} holds values that cannot be compared: {error}. Convert it to texts or numbers."
        ) from error


def listed(columns: object, argument: str) -> list[str]:
    """One or several column names as a list; InvalidArgumentError if they are not unique strings in order."""
    if isinstance(columns, str):
        return [columns]
    # a set has no order, and the order of keys decides how a row is written
    ordered = isinstance(columns, Sequence) or (hasattr(columns, "tolist") and hasattr(columns, "ndim"))
    several = ordered and isinstance(columns, Iterable) and getattr(columns, "ndim", 1) == 1
    names = list(columns) if several and isinstance(columns, Iterable) else [columns]
    if not all(isinstance(name, str) for name in names):
        raise InvalidArgumentError(
            f"{argument}={check.shown(columns)} is neither a column name nor a list of column names. "
            "Give such as 'name' or ['name', 'city']."
        )
    if len(set(names)) < len(names):
        raise InvalidArgumentError(f"{argument}={check.shown(names)} names a column twice. Name each once.")
    return [str(name) for name in names]
