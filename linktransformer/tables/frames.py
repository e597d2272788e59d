"""Dataframes in and out: the only file, with files.py, that knows a dataframe library.

A table is wrapped once by narwhals; everything after that is NumPy. What is given back is in the
library of what came in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoDataFrame
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.errors import ColumnNotFoundError, InvalidArgumentError, TableTypeError
from linktransformer.tables import columns, normalize
from linktransformer.tables.column_names import free_name, refuse_repeated, suffixed

__all__ = [
    "IntoDataFrame",
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
    "same_library",
    "string_columns_shared",
    "take",
    "with_columns",
    "wrap",
]

Columns = Mapping[str, NDArray[Any]]
_CONVERT = {  # to what the left table is, from what the right one is
    ("pandas", "polars"): "{}.to_pandas()",
    ("pandas", "pyarrow"): "{}.to_pandas()",
    ("polars", "pandas"): "polars.from_pandas({})",
    ("polars", "pyarrow"): "polars.from_arrow({})",
    ("pyarrow", "pandas"): "pyarrow.Table.from_pandas({})",
    ("pyarrow", "polars"): "{}.to_arrow()",
}


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A dataframe of the caller's, and what to call it in messages.

    Args:
        frame: The dataframe as narwhals sees it.
        name: Such as "left".
        n_rows: Its number of rows.
    """

    frame: nw.DataFrame[Any]
    name: str
    n_rows: int

    @property
    def called(self) -> str:
        """What a message calls it: "the table", "the left table", or "table[NAME]" for one of several."""
        usual = "the table" if self.name == "table" else f"the {self.name} table"
        return self.name if "[" in self.name else usual

    @property
    def columns(self) -> list[str]:
        """The column names in the table's order."""
        return self.frame.columns

    @property
    def index(self) -> Any | None:
        """The pandas index, None in libraries that have none."""
        return nw.maybe_get_index(self.frame)

    @property
    def library(self) -> str:
        """The name of the library, such as "polars"."""
        return str(self.frame.implementation.value)


def wrap(native: Any, name: str) -> Table:
    """Take in a pandas, polars or pyarrow table.

    A polars LazyFrame is collected. Other eager dataframes work as far as narwhals takes them.

    Args:
        native: The caller's table; it is never changed.
        name: What to call it in messages: the argument's name.

    Returns:
        The table.

    Raises:
        TableTypeError: It is no dataframe, or one that is not held in memory.
        InvalidArgumentError: Column names are repeated, in several levels, or no texts.

    Example:
        >>> import pandas as pd
        >>> wrap(pd.DataFrame({"name": ["Acme"]}), "left").columns
        ['name']
    """
    if nw.dependencies.is_polars_lazyframe(native):
        native = native.collect()
    if nw.dependencies.is_pyarrow_table(native):
        _check_names(native.column_names, name)
    elif nw.dependencies.is_into_dataframe(native) and hasattr(native, "columns"):
        if getattr(native.columns, "nlevels", 1) > 1:
            raise InvalidArgumentError(
                f"{name} has column names in {native.columns.nlevels} levels (a pandas MultiIndex). Flatten "
                f"them first: {name}.columns = ['_'.join(map(str, names)) for names in {name}.columns]"
            )
        _check_names(list(native.columns), name)
    try:
        frame = nw.from_native(native, eager_only=True)
    except TypeError as error:
        raise TableTypeError(_no_table(native, name)) from error
    return Table(frame, name, len(frame))


def _check_names(names: Sequence[Any], table: str) -> None:
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise InvalidArgumentError(
            f"{table} has column names that are no texts: {odd[:5]}. Make them texts first: "
            f"{table}.columns = {table}.columns.astype(str)"
        )
    refuse_repeated(names, f"{table} has columns of the same name", "Rename all but one of each.")


def _no_table(native: Any, name: str) -> str:
    kind = f"{type(native).__module__.partition('.')[0]}.{type(native).__name__}".removeprefix("builtins.")
    if hasattr(native, "to_frame"):
        return f"{name} is a {kind}, one column and not a table. Give {name}.to_frame()."
    if hasattr(native, "collect") or hasattr(native, "execute") or hasattr(native, "compute"):
        return f"{name} is a {kind}, which is not held in memory. Collect it into a table first."
    return f"{name} is a {kind}. Give a pandas or polars DataFrame or a pyarrow Table."


def same_library(left: Table, right: Table) -> None:
    """Refuse two tables of two libraries.

    Args:
        left: One table.
        right: The other one.

    Raises:
        TableTypeError: They are of two libraries.
    """
    if left.frame.implementation != right.frame.implementation:
        call = _CONVERT.get((left.library, right.library), "its own conversion").format(right.name)
        raise TableTypeError(
            f"{left.name} is a {left.library} table and {right.name} a {right.library} one. Convert one of "
            f"them, such as: {call}"
        )


def check_columns(table: Table, names: Sequence[str], argument: str) -> None:
    """Refuse names that are no columns of the table.

    Args:
        table: The table.
        names: The names that the caller gave.
        argument: In which argument.

    Raises:
        ColumnNotFoundError: A name is no column; the message has the nearest one.
        InvalidArgumentError: No name was given.
    """
    if not names:
        raise InvalidArgumentError(f"{argument} names no column. Columns of {table.called}: {table.columns}.")
    for name in names:
        if name not in table.columns:
            near = get_close_matches(str(name), table.columns, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            shown = ", ".join(map(repr, table.columns[:20])) + (", ..." if len(table.columns) > 20 else "")
            what = f"{argument}={name!r}: {table.called} has no such column."
            raise ColumnNotFoundError(f"{what}{hint} Its columns: {shown}")


def string_columns_shared(left: Table, right: Table) -> list[str]:
    """The columns of text or categories that both tables have, in the left table's order.

    Args:
        left: One table.
        right: The other one.

    Returns:
        Column names.
    """
    both = [set(_string_columns(table)) for table in (left, right)]
    return [name for name in left.columns if name in both[0] & both[1]]


def _string_columns(table: Table) -> list[str]:
    return [name for name, dtype in table.frame.schema.items() if columns.holds_text(dtype)]


def joined(
    table: Table, names: Sequence[str], separator: str, labels: bool, *, compared: bool = False
) -> NDArray[np.object_]:
    """Write the columns of each row as one text; cells that are null, NaN or blank are left out.

    Args:
        table: The table.
        names: Column names.
        separator: What stands between two cells.
        labels: Write "name: value" instead of the value alone.
        compared: Write each cell as it is compared (`normalize.normalize`), not as it is shown.

    Returns:
        Texts, (n_rows,) object; "" where all cells are left out.
    """
    texts = np.full(table.n_rows, "", dtype=object)
    for name in names:
        cell = columns.as_text(table.frame[name])
        if compared:
            cell = normalize.normalized(cell)
        has, begun = cell != "", texts != ""
        if labels:
            cell[has] = f"{name}: " + cell[has]
        both = has & begun
        texts = np.where(begun, texts, cell)
        texts[both] = texts[both] + separator + cell[both]
    return texts


def column(table: Table, name: str) -> NDArray[np.object_]:
    """The values of a column as Python objects, None for null and NaN.

    Args:
        table: The table.
        name: A column name.

    Returns:
        Values, (n_rows,) object.
    """
    return columns.objects(table.frame[name])


def take(table: Table, rows: Integers) -> Any:
    """The given rows, with their index labels in pandas.

    Args:
        table: The table.
        rows: Row numbers from 0, (n,) int64; any order, repeats allowed.

    Returns:
        A table in the caller's library.
    """
    return table.frame[rows].to_native()


def index_labels(table: Table, rows: Integers) -> NDArray[Any]:
    """What the caller calls the given rows: pandas index labels, else row numbers.

    Args:
        table: The table.
        rows: Row numbers from 0, (n,) int64.

    Returns:
        Labels, (n,); tuples for a MultiIndex.
    """
    if table.index is None:
        return rows
    labels = table.index.take(rows)
    array = np.asarray(labels.to_numpy())
    if array.dtype.kind not in "Mm":
        return array
    # as pandas' own moments: NumPy's turn into integers on their way through Python
    return np.fromiter(labels.tolist(), dtype=object, count=len(rows))


def new_frame(like: Table, arrays: Columns, *, keep_index: bool = False) -> Any:
    """Make a table in the library of another one.

    Args:
        like: The table whose library is used.
        arrays: Names and arrays, (n,) each. NaN, None and what a masked array masks is null.
        keep_index: Give it the other one's pandas index; it then has as many rows.

    Returns:
        A table with a fresh index, or with that one.
    """
    return _from_numpy(like, arrays, like.index if keep_index else None).to_native()


def with_columns(table: Table, added: Columns) -> Any:
    """The table with more columns at its end and its index kept.

    Args:
        table: The table.
        added: New column names, none of them in the table -> arrays (n_rows,); NaN, None, masked: null.

    Returns:
        A new table in the caller's library.

    Raises:
        InvalidArgumentError: The table has such a column already.
    """
    refuse_repeated([*table.columns, *added], f"{table.name} has the output column already", "Rename it.")
    return nw.concat([table.frame, _from_numpy(table, added, table.index)], how="horizontal").to_native()


def beside(
    left: Table,
    right: Table,
    left_rows: Integers,
    right_rows: Integers,
    suffixes: tuple[str | None, str | None] = ("_x", "_y"),
    extra: Columns | None = None,
) -> Any:
    """Put rows of two tables next to each other, as pandas.merge would.

    Dtypes stay: where a pandas integer or truth value column gets nulls it becomes pandas' nullable
    kind ("Int64", "boolean") and not float or object. Columns that both tables have, keys included,
    are both kept and get the suffixes.

    Args:
        left: The left table.
        right: The right table, of the same library.
        left_rows: Rows of the left table, -1 for a row of nulls, (n,) int64.
        right_rows: Rows of the right table, -1 for a row of nulls, (n,) int64.
        suffixes: What a shared column name gets on either side.
        extra: Columns to add at the end: name -> array (n,); NaN, None and masked values are null.

    Returns:
        A table of n rows with a fresh index, in the caller's library.

    Raises:
        InvalidArgumentError: Two output columns would have one name.
    """
    left_names, right_names = check_beside(left, right, suffixes, list(extra or {}))
    parts = [
        _take_or_null(left, left_rows).rename(dict(zip(left.columns, left_names, strict=True))),
        _take_or_null(right, right_rows).rename(dict(zip(right.columns, right_names, strict=True))),
        _from_numpy(left, extra or {}),
    ]
    return nw.concat([part for part in parts if part.columns], how="horizontal").to_native()


def below(upper: Table, lower: Table) -> Any:
    """One table with the rows of another at its end; the other one has its columns, in any order."""
    check_columns(lower, upper.columns, "rows")
    return nw.concat([upper.frame, lower.frame.select(upper.columns)], how="vertical").to_native()


def check_beside(
    left: Table, right: Table, suffixes: tuple[str | None, str | None], extra: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The column names that `beside` gives.

    Args:
        left: The left table.
        right: The right table.
        suffixes: What a shared column name gets on the left and on the right; None adds nothing.
        extra: Names of the columns to add.

    Returns:
        The names of the left and of the right table's columns.

    Raises:
        InvalidArgumentError: Two output columns would have one name.
    """
    names = suffixed(left.columns, right.columns, suffixes)
    refuse_repeated(
        [*names[0], *names[1], *extra],
        "The output would have columns of the same name",
        "Rename the column in the table, or choose another name for the output column.",
    )
    return names


def _take_or_null(table: Table, rows: Integers) -> nw.DataFrame[Any]:
    """The given rows, all null where the row is -1; a fresh index."""
    native, none = table.frame.to_native(), rows < 0
    library = table.frame.implementation
    if library.is_pyarrow():
        pa = library.to_native_namespace()
        taken = native.take(pa.array(rows, mask=none))
    elif library.is_polars():
        pl = library.to_native_namespace()
        taken = native.select(pl.all().gather(pl.Series(rows).set(pl.Series(none), None)))
    else:
        native = native.reset_index(drop=True)
        if none.any():  # -1 is no label of the fresh index, so it gives nulls
            taken = columns.nullable(native).reindex(rows).reset_index(drop=True)
        else:
            taken = native.take(rows).reset_index(drop=True)
    return nw.from_native(taken, eager_only=True)


def _from_numpy(like: Table, arrays: Columns, index: Any | None = None) -> nw.DataFrame[Any]:
    module = like.frame.implementation.to_native_namespace()
    return nw.from_native(columns.written(module, like.library, arrays, index), eager_only=True)
