"""Several tables that are clustered together, stacked to one with a column of their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeGuard, TypeVar

import numpy as np

from linktransformer import check
from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Columns
from linktransformer.tables import frames, key_columns, row_labels, stacking
from linktransformer.tables.frames import IntoDataFrame, Table

__all__ = ["Sources", "are_several", "check_of_one", "read"]

Name: TypeAlias = str | int  # of a table
T = TypeVar("T")
Tables: TypeAlias = Sequence[T] | Mapping[str, T] | Mapping[int, T]

SOURCE = "source"


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Tables stacked to one.

    Args:
        table: All rows, those of the first table first, and the column that names their table.
        on: Its key columns, by their names in the first table.
        names: The name of each table.
        tables: The tables.
        once: The number of each row's table where that has no duplicates, else -1, (n_rows,) int64.
    """

    table: Table
    on: tuple[str, ...]
    names: tuple[Name, ...]
    tables: tuple[Table, ...]
    once: Integers

    @property
    def sizes(self) -> dict[str, int]:
        """How many rows each table has."""
        return {str(name): table.n_rows for name, table in zip(self.names, self.tables, strict=True)}

    def labels(self, rows: Integers) -> list[tuple[Name, object]]:
        """(Name of the table, label in that table) of each row of the stacked table."""
        ends = np.cumsum([table.n_rows for table in self.tables])
        labels: list[tuple[Name, object]] = [(0, None)] * len(rows)
        source = np.searchsorted(ends, rows, "right")
        for place in np.unique(source).tolist():
            table, here = self.tables[place], np.flatnonzero(source == place)
            own = frames.index_labels(table, rows[here] - (ends[place] - table.n_rows)).tolist()
            for at, label in zip(here.tolist(), own, strict=True):
                labels[at] = (self.names[place], label)
        return labels

    def rows_of_pairs(self, pairs: object, argument: str) -> Integers:
        """The rows that pairs of (name of the table, label in that table) name.

        Row numbers in the stacked table, (n_pairs, 2) int64.

        Raises:
            InvalidArgumentError: They are no such pairs, or a label is that of no row or of several.
        """
        labels = [
            [tuple(label) if isinstance(label, list) else label for label in pair]
            for pair in row_labels.label_pairs(pairs, argument)
        ]
        odd = [
            label for pair in labels for label in pair if not (isinstance(label, tuple) and len(label) > 1)
        ]
        if odd:
            raise InvalidArgumentError(
                f"{argument} names {odd[0]!r}. Of several tables give the table too: ({self.names[0]!r}, "
                f"{odd[0]!r})."
            )
        # a label in several levels may be given as the stacked index has it, such as (name, level, level)
        whole = [(_in_two(one), _in_two(other)) for one, other in labels]
        named = {label[0] for pair in whole for label in pair}
        unknown = [label for pair in whole for label in pair if label[0] not in self.names]
        if unknown:
            raise InvalidArgumentError(
                f"{argument} names the table {unknown[0][0]!r}. The tables are: {list(self.names)}."
            )
        row_of: dict[object, int] = {}
        start = 0
        for name, table in zip(self.names, self.tables, strict=True):
            if name in named:
                own = row_labels.row_of(table, argument)
                row_of |= {(name, label): start + row for label, row in own.items()}
            start += table.n_rows
        return row_labels.rows_in(row_of, whole, argument)


def _in_two(label: tuple[Name, ...]) -> tuple[Name, object]:
    """A label of the stacked index as the table and the label in it."""
    return label[0], label[1] if len(label) == 2 else label[1:]


def are_several(table: IntoDataFrame | Tables[IntoDataFrame]) -> TypeGuard[Tables[IntoDataFrame]]:
    """Whether the caller gave several tables."""
    return isinstance(table, (list, tuple, Mapping))


def read(
    natives: Tables[IntoDataFrame],
    on: object,
    duplicates: object = True,
    block_on: Columns = None,
    images: str | None = None,
) -> Sources:
    """Stack the tables that the caller gave.

    Raises:
        InvalidArgumentError: One of them cannot work.
        ColumnNotFoundError: A table has no such column; the message names it.
        TableTypeError: Something is not a table, or they are of two libraries.
    """
    if not natives:
        raise InvalidArgumentError("table holds no tables. Give at least one.")
    names = _names(natives)
    listed = list(natives.values()) if isinstance(natives, Mapping) else list(natives)
    tables = [frames.wrap(native, f"table[{name!r}]") for native, name in zip(listed, names, strict=True)]
    for table in tables[1:]:
        frames.same_library(tables[0], table)
    columns = _columns(tables, names, on, images)
    renamed = [_renamed(table, own, columns[0]) for table, own in zip(tables, columns, strict=True)]
    if block_on is not None:
        for table in renamed:
            frames.check_columns(table, key_columns.listed(block_on, "block_on"), "block_on")
    source = frames.free_name(SOURCE, {name for table in renamed for name in table.columns})
    stacked = frames.wrap(stacking.stack(renamed, names, source), "table")
    once = [-1 if may else place for place, may in enumerate(_may_repeat(duplicates, names))]
    sizes = [table.n_rows for table in tables]
    of_row = np.repeat(np.array(once, dtype=np.int64), sizes)
    return Sources(stacked, tuple(columns[0]), names, tuple(tables), of_row)


def check_of_one(duplicates: object) -> None:
    """Refuse `duplicates` of one table, which is clustered because it has them.

    Raises:
        InvalidArgumentError: It is not True.
    """
    if duplicates is not True:
        raise InvalidArgumentError(
            f"duplicates={check.shown(duplicates)} "
            "is about several tables, and one is given. Give a list or a dict of "
            "tables, or leave it out."
        )


def _names(natives: Tables[IntoDataFrame]) -> tuple[Name, ...]:
    """The names of the tables: the keys of a mapping, else 0, 1, 2 and so on."""
    if not isinstance(natives, Mapping):
        return tuple(range(len(natives)))
    texts = all(isinstance(name, str) for name in natives)
    whole = all(isinstance(name, (int, np.integer)) and not isinstance(name, bool) for name in natives)
    if not texts and not whole:
        raise InvalidArgumentError(
            f"table has the names {list(natives)}. Give texts, or integers such as years."
        )
    return tuple(natives) if texts else tuple(int(name) for name in natives)


def _columns(
    tables: Sequence[Table], names: tuple[Name, ...], on: object, images: str | None
) -> list[list[str]]:
    """The key columns of each table."""
    if on is None:
        shared = _shared_texts(tables, images)
        if not shared and images is None:
            raise InvalidArgumentError(
                "The tables have no column of text that all of them have. Name the keys by on=, a list of "
                "columns for each table where their names differ."
            )
        return [shared] * len(tables)
    if isinstance(on, Mapping):
        if set(on) != set(names):
            raise InvalidArgumentError(
                f"on= has columns of {sorted(map(str, on))}. Give a list of columns for each of "
                f"{list(names)}."
            )
        lists = [on[name] for name in names]
    else:
        lists = [on] * len(tables)
    if isinstance(on, (list, tuple)) and not all(isinstance(name, str) for name in on):
        lists = list(on)
    if len(lists) != len(tables):
        raise InvalidArgumentError(
            f"on= has {len(lists)} lists of columns for {len(tables)} tables. Give one for each table."
        )
    listed = [key_columns.listed(columns, "on") for columns in lists]
    for table, columns in zip(tables, listed, strict=True):
        frames.check_columns(table, columns, "on")
    counts = [len(columns) for columns in listed]
    if len(set(counts)) > 1:
        raise InvalidArgumentError(
            f"on= names {counts} columns of the tables. Give as many of each: they are paired in order."
        )
    return listed


def _shared_texts(tables: Sequence[Table], images: str | None) -> list[str]:
    """The columns of text of all tables; a table without rows has to have them, of any dtype."""
    filled = [table for table in tables if table.n_rows] or list(tables)
    texts = frames.string_columns_shared(filled[0], filled[0])
    for table in filled[1:]:
        own = frames.string_columns_shared(table, table)
        texts = [name for name in texts if name in own]
    return [name for name in texts if name != images and all(name in table.columns for table in tables)]


def _renamed(table: Table, own: Sequence[str], first: Sequence[str]) -> Table:
    """The table with the key columns called as in the first table."""
    new = {old: name for old, name in zip(own, first, strict=True) if old != name}
    taken = [name for name in new.values() if name in table.columns and name not in own]
    if taken:
        raise InvalidArgumentError(
            f"on=: {table.name} has {list(own)} for {list(first)} of the first table, and another column "
            f"{taken[0]!r}. Rename that one."
        )
    return replace(table, frame=table.frame.rename(new)) if new else table


def _may_repeat(duplicates: object, names: tuple[Name, ...]) -> list[bool]:
    """Whether each table may have several rows of one thing."""
    if isinstance(duplicates, (bool, np.bool_)):
        return [bool(duplicates)] * len(names)
    repeated: list[object] = [duplicates]
    if isinstance(duplicates, Collection) and not isinstance(duplicates, str):
        repeated = list(duplicates)
    unknown = [name for name in repeated if name not in names]
    if unknown:
        raise InvalidArgumentError(
            f"duplicates= names {unknown[0]!r}, which is not a table. Give True, False or some of "
            f"{list(names)}."
        )
    if not isinstance(duplicates, Mapping):
        return [name in repeated for name in names]
    missing = [name for name in names if name not in duplicates]
    if missing or not all(isinstance(value, (bool, np.bool_)) for value in duplicates.values()):
        raise InvalidArgumentError(
            f"duplicates={check.shown(duplicates)} must be True or False for every table: {list(names)}."
        )
    return [bool(duplicates[name]) for name in names]
