"""Dataframes in and out; only this module and readers and writers of files know a dataframe library.

A table is wrapped once by narwhals; everything after that is NumPy. Results are in the caller's library.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoDataFrame, IntoDataFrameT

from linktransformer import check
from linktransformer.arrays import Column, Integers, Objects
from linktransformer.errors import ColumnNotFoundError, InvalidArgumentError, TableTypeError, did_you_mean
from linktransformer.tables import columns, normalize
from linktransformer.tables.arrow_tables import with_rows
from linktransformer.tables.column_names import free_name, refuse_repeated, suffixed
from linktransformer.tables.columns import Frame, Native

__all__ = [
    "IntoDataFrame",
    "IntoDataFrameT",
    "Table",
    "below",
    "beside",
    "check_beside",
    "check_columns",
    "column",
    "free_name",
    "index_labels",
    "joined",
    "new_frame",
    "plain_labels",
    "same_library",
    "string_columns_shared",
    "take",
    "with_columns",
    "with_columns_first",
    "wrap",
]

Columns: TypeAlias = Mapping[str, Column]
Suffixes: TypeAlias = tuple[str | None, str | None]
_CONVERT = {  # (library of the left table, of the right one): how the right one is converted
    ("pandas", "polars"): "{}.to_pandas()",
    ("pandas", "pyarrow"): "{}.to_pandas()",
    ("polars", "pandas"): "polars.from_pandas({})",
    ("polars", "pyarrow"): "polars.from_arrow({})",
    ("pyarrow", "pandas"): "pyarrow.Table.from_pandas({})",
    ("pyarrow", "polars"): "{}.to_arrow()",
}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A dataframe of the caller and its name in messages, such as "left"."""

    frame: Frame
    name: str
    n_rows: int

    @property
    def called(self) -> str:
        """The table in a message: "the table", "the left table", or "table[NAME]" for one of several."""
        usual = "the table" if self.name == "table" else f"the {self.name} table"
        return self.name if "[" in self.name else usual

    @property
    def columns(self) -> list[str]:
        """The column names in the table's order."""
        return self.frame.columns

    @property
    def index(self) -> Native | None:
        """The pandas index, None in libraries without one."""
        return nw.maybe_get_index(self.frame)

    @property
    def library(self) -> str:
        """The name of the library, such as "polars"."""
        return str(self.frame.implementation.value)

    def rows(self, rows: Integers) -> Table:
        """Some rows in any order, repeats allowed, with their index labels in pandas."""
        return Table(self.frame[rows], self.name, len(rows))


def wrap(native: IntoDataFrame, name: str) -> Table:
    """Wrap a pandas, polars or pyarrow table; a polars LazyFrame is collected. It is never changed.

    `name` is the caller's argument. Arrow's string views and run-end encodings become plain columns. Other
    eager dataframes work as far as narwhals supports them.

    Raises:
        TableTypeError: It is not a dataframe, or one that is not held in memory.
        InvalidArgumentError: Column names are repeated, in several levels, or no strings.

    Example:
        >>> import pandas as pd
        >>> wrap(pd.DataFrame({"name": ["Acme"]}), "left").columns
        ['name']
    """
    if nw.dependencies.is_polars_lazyframe(native):
        native = native.collect()
    if nw.dependencies.is_pyarrow_table(native):
        _check_names(native.column_names, name)
        native = with_rows(native)
    elif nw.dependencies.is_into_dataframe(native) and hasattr(native, "columns"):
        if getattr(native.columns, "nlevels", 1) > 1:
            raise InvalidArgumentError(
                f"{name} has column names in {native.columns.nlevels} levels (a pandas MultiIndex). Flatten "
                f"them first: {name}.columns = ['_'.join(map(str, names)) for names in {name}.columns]"
            )
        _check_names(list(native.columns), name)
        if nw.dependencies.is_pandas_dataframe(native):
            native = with_rows(native)
    try:
        frame = nw.from_native(native, eager_only=True)
    except TypeError as error:
        raise TableTypeError(_no_table(native, name)) from error
    return Table(frame, name, len(frame))


def _check_names(names: Sequence[object], table: str) -> None:
    others = [name for name in names if not isinstance(name, str)]
    if others:
        raise InvalidArgumentError(
            f"{table} has column names that are not strings: {others[:5]}. Convert them first: "
            f"{table}.columns = {table}.columns.astype(str)"
        )
    refuse_repeated(map(str, names), f"{table} has columns of the same name", "Rename all but one of each.")


def _no_table(native: object, name: str) -> str:
    kind = f"{type(native).__module__.partition('.')[0]}.{type(native).__name__}".removeprefix("builtins.")
    if hasattr(native, "to_frame"):
        return f"{name} is a {kind}, one column and not a table. Give {name}.to_frame()."
    if hasattr(native, "collect") or hasattr(native, "execute") or hasattr(native, "compute"):
        return f"{name} is a {kind}, which is not held in memory. Collect it into a table first."
    make = ""
    if isinstance(native, (str, os.PathLike)):
        make = f" Read the file first, such as by pandas.read_csv({name}); link_files takes .parquet files."
    elif isinstance(native, (dict, list)) or hasattr(native, "dtype"):
        make = f" Make one first, such as pandas.DataFrame({name})."
    elif kind == "pyarrow.RecordBatch":
        make = f" Make one first: pyarrow.Table.from_batches([{name}])."
    return f"{name} is a {kind}. Give a pandas or polars DataFrame or a pyarrow Table.{make}"


def same_library(left: Table, right: Table) -> None:
    """Raise TableTypeError if two tables are of two libraries."""
    if left.frame.implementation != right.frame.implementation:
        call = _CONVERT.get((left.library, right.library), "its own conversion").format(right.name)
        raise TableTypeError(
            f"{left.name} is a {left.library} table and {right.name} a {right.library} one. Convert one of "
            f"them, such as: {call}"
        )


def check_columns(table: Table, names: Sequence[str], argument: str) -> None:
    """Raise ColumnNotFoundError, with the nearest name, if a name in `argument` is not a column."""
    if not names:
        raise InvalidArgumentError(f"{argument} names no column. Columns of {table.called}: {table.columns}.")
    for name in names:
        if not isinstance(name, str):
            raise InvalidArgumentError(
                f"{argument}={check.shown(name)} is not a column name. Give one, such as {table.columns[:1]}."
            )
        if name not in table.columns:
            hint = did_you_mean(str(name), table.columns, cutoff=0.5)
            shown = ", ".join(map(repr, table.columns[:20])) + (", ..." if len(table.columns) > 20 else "")
            problem = f"{argument}={check.shown(name)}: {table.called} has no such column."
            has = f"Its columns: {shown}" if shown else "It has no columns."
            raise ColumnNotFoundError(f"{problem}{hint} {has}")


def string_columns_shared(left: Table, right: Table) -> list[str]:
    """The columns of text or categories that both tables have, in the left table's order."""
    text_columns = [
        [name for name, dtype in table.frame.schema.items() if columns.holds_text(dtype)]
        for table in (left, right)
    ]
    return [name for name in text_columns[0] if name in text_columns[1]]


def joined(
    table: Table, names: Sequence[str], separator: str, labels: bool, *, compared: bool = False
) -> Objects:
    """Write the columns of each row as one text, (n_rows,) object; null, NaN and blank cells are left out.

    `labels` writes "name: value"; `compared` writes each cell as it is compared (`normalize.normalize`).
    """
    texts = np.full(table.n_rows, "", dtype=object)
    for name in names:
        cells = columns.as_text(table.frame[name])
        if compared:
            cells = normalize.normalized(cells)
        filled, started = cells != "", texts != ""
        if labels:
            cells[filled] = f"{name}: " + cells[filled]
        both = filled & started
        texts = np.where(started, texts, cells)
        texts[both] = texts[both] + separator + cells[both]
    return texts


def column(table: Table, name: str) -> Objects:
    """The values of a column as Python objects, None for null and NaN, (n_rows,) object."""
    return columns.objects(table.frame[name])


def take(table: Table, rows: Integers) -> IntoDataFrame:
    """Some rows in the caller's library, in any order, with their index labels in pandas."""
    return table.rows(rows).frame.to_native()


def index_labels(table: Table, rows: Integers) -> Column:
    """Labels of rows, (n,): pandas index labels (tuples for a MultiIndex), else row numbers."""
    if table.index is None:
        return rows
    labels = table.index.take(rows)
    array = np.asarray(labels.to_numpy())
    if array.dtype.kind not in "Mm":
        return array
    # as pandas' own moments: NumPy's turn into integers on their way through Python
    return np.fromiter(labels.tolist(), dtype=object, count=len(rows))


def plain_labels(table: Table, rows: Integers) -> Column:
    """As `index_labels`, with row numbers instead of the tuples of a MultiIndex."""
    several = getattr(table.index, "nlevels", 1) > 1
    return rows if several else index_labels(table, rows)


def new_frame(
    like: Table, arrays: Columns, *, keep_index: bool = False, labels_of: Mapping[str, Table] | None = None
) -> IntoDataFrame:
    """A table in the library of another one; NaN, None and masked values are null.

    `keep_index` gives it the pandas index of `like`, which then has as many rows. `labels_of` are columns
    with index labels of other tables: in pandas they have the dtype of that index, also where all are null.
    """
    frame = _from_numpy(like, arrays, like.index if keep_index else None)
    native: Native = frame.to_native()
    for name, table in (labels_of or {}).items():
        index = table.index
        if like.library == "pandas" and index is not None and len(index) and arrays[name].dtype == object:
            with suppress(TypeError, ValueError):  # intervals of integers have no null
                native[name] = native[name].astype(index.dtype)
    made: IntoDataFrame = native
    return made


def with_columns(table: Table, added: Columns) -> IntoDataFrame:
    """A table with more columns, (n_rows,) each, at its end, and its index kept.

    Raises:
        InvalidArgumentError: The table already has such a column.
    """
    refuse_repeated([*table.columns, *added], f"{table.name} has the output column already", "Rename it.")
    wide: Frame = nw.concat([table.frame, _from_numpy(table, added, table.index)], how="horizontal")
    return wide.to_native()


def with_columns_first(table: Table, added: Columns) -> IntoDataFrame:
    """As `with_columns`, the added ones first."""
    wide: Frame = nw.concat([_from_numpy(table, added, table.index), table.frame], how="horizontal")
    return wide.to_native()


def beside(
    left: Table,
    right: Table,
    left_rows: Integers,
    right_rows: Integers,
    suffixes: Suffixes = ("_x", "_y"),
    extra: Columns | None = None,
) -> IntoDataFrame:
    """Put rows of two tables of one library next to each other, as `pandas.merge` does, with a fresh index.

    Rows are (n,) int64; row -1 is a row of nulls. Dtypes stay: a pandas integer or boolean column that gets
    nulls becomes pandas' nullable dtype ("Int64", "boolean"), not float or object. Columns that both tables
    have, keys included, are both kept and get the suffixes. `extra` are columns to add at the end, (n,) each.
    """
    left_names, right_names = check_beside(left, right, suffixes, list(extra or {}))
    parts = [
        _take_or_null(left, left_rows).rename(dict(zip(left.columns, left_names, strict=True))),
        _take_or_null(right, right_rows).rename(dict(zip(right.columns, right_names, strict=True))),
        _from_numpy(left, extra or {}),
    ]
    wide: Frame = nw.concat([part for part in parts if part.columns], how="horizontal")
    return wide.to_native()


def below(upper: Table, lower: Table) -> IntoDataFrame:
    """One table with the rows of another at its end; the other one has its columns, in any order."""
    check_columns(lower, upper.columns, "rows")
    tall: Frame = nw.concat([upper.frame, lower.frame.select(upper.columns)], how="vertical")
    return tall.to_native()


def check_beside(
    left: Table, right: Table, suffixes: Suffixes, extra: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The column names of both tables in the result of `beside`.

    Raises:
        InvalidArgumentError: Two output columns would have the same name.
    """
    names = suffixed(left.columns, right.columns, suffixes)
    refuse_repeated(
        [*names[0], *names[1], *extra],
        "The output would have columns of the same name",
        "Rename the column in the table, or choose another name for the output column.",
    )
    return names


def _take_or_null(table: Table, rows: Integers) -> Frame:
    """Some rows with a fresh index, all null where the row is -1."""
    native: Native = table.frame.to_native()
    null = rows < 0
    library = table.frame.implementation
    if library.is_pyarrow():
        pa = library.to_native_namespace()
        taken = native.take(pa.array(rows, mask=null))
    elif library.is_polars():
        pl = library.to_native_namespace()
        taken = native.select(pl.all().gather(pl.Series(rows).set(pl.Series(null), None)))
    else:
        native = native.reset_index(drop=True)
        if null.any():  # -1 is not a label of the fresh index, so it gives nulls
            taken = columns.nullable(native).reindex(rows).reset_index(drop=True)
        else:
            taken = native.take(rows).reset_index(drop=True)
    return nw.from_native(taken, eager_only=True)


def _from_numpy(like: Table, arrays: Columns, index: Native | None = None) -> Frame:
    module = like.frame.implementation.to_native_namespace()
    return nw.from_native(columns.written(module, like.library, arrays, index), eager_only=True)
