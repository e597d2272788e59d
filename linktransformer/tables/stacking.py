"""Tables one below the other: all columns of all of them, null where a table has no such column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import columns
from linktransformer.tables.frames import Table

__all__ = ["stack"]

Series = nw.Series[Any]


def stack(tables: Sequence[Table], names: Sequence[Any], source: str) -> Any:
    """Stack tables of one library in their order.

    A dtype stays where all tables have it; of two dtypes of numbers the wider one is taken. Texts and other
    values in one column become texts, as they are compared. A table without rows and a column of nulls decide
    no dtype.

    Args:
        tables: At least one.
        names: The name of each, all texts or all integers.
        source: Name of the added last column, the name of each row's table.

    Returns:
        A native table. Its pandas index has the name of the table as first level and the labels of the row
        as the others.

    Raises:
        InvalidArgumentError: pandas indexes with different numbers of levels.
    """
    chosen = [place for place, table in enumerate(tables) if table.n_rows] or [0]
    parts = [tables[place] for place in chosen]
    origin = np.repeat(np.array([names[place] for place in chosen]), [part.n_rows for part in parts])
    if origin.dtype.kind == "U":
        origin = origin.astype(object)
    namespace, library = parts[0].frame.implementation.to_native_namespace(), parts[0].library
    every = dict.fromkeys(name for table in tables for name in table.columns)
    data = {name: _stacked([_column(part, name) for part in parts], tables, name) for name in every}
    index = None
    if parts[0].index is not None:
        index = _index(parts, origin, namespace)
        data = {name: column.set_axis(index) for name, column in data.items()}
    own = columns.written(namespace, library, {source: origin}, index)
    if not every:
        return own
    stacked = namespace.table(data) if library == "pyarrow" else namespace.DataFrame(data)
    both = [nw.from_native(frame, eager_only=True) for frame in (stacked, own)]
    return nw.concat(both, how="horizontal").to_native()


def _column(part: Table, name: str) -> Series | int:
    """A column of a table; how many nulls where it has no such column, or nothing in it."""
    if name not in part.columns or part.frame[name].is_null().all():
        return part.n_rows
    return part.frame[name]


def _stacked(parts: Sequence[Series | int], tables: Sequence[Table], name: str) -> Any:
    """One native column of the columns of the tables."""
    known = [part for part in parts if isinstance(part, nw.Series)]
    like = known[0] if known else next(table.frame[name] for table in tables if name in table.columns)
    library, namespace = like.implementation, like.implementation.to_native_namespace()
    like_pandas = not (library.is_polars() or library.is_pyarrow())
    if _need_texts(known, objects=like_pandas):
        parts = [_texts(part) if isinstance(part, nw.Series) else part for part in parts]
        like = next(part for part in parts if isinstance(part, nw.Series))
    if like_pandas:
        return _of_pandas(parts, like, namespace)
    if library.is_pyarrow():
        arrow = [part.to_native() if isinstance(part, nw.Series) else part for part in parts]
        arrays = [
            namespace.nulls(part, _native_dtype(like)) if isinstance(part, int) else part for part in arrow
        ]
        one_column = [namespace.table({name: array}) for array in arrays]
        return namespace.concat_tables(one_column, promote_options="permissive")[name]
    kind = _native_dtype(like)
    arrays = [
        namespace.Series(name, [None] * part, dtype=kind) if isinstance(part, int) else part.to_native()
        for part in parts
    ]
    return namespace.concat([column.to_frame() for column in arrays], how="vertical_relaxed")[name]


def _of_pandas(parts: Sequence[Series | int], like: Series, namespace: Any) -> Any:
    """Integers and truth values that get nulls become the nullable kind, as everywhere."""
    empty = columns.nullable(like.to_native().iloc[:0].to_frame("")).dtypes[""]
    made = [
        namespace.Series(None, index=range(part), dtype=empty) if isinstance(part, int) else part.to_native()
        for part in parts
    ]
    return namespace.concat(made, ignore_index=True)


def _need_texts(known: Sequence[Series], *, objects: bool) -> bool:
    """Whether no dtype holds all values as they are; with `objects` one does, unless some are texts."""
    dtypes = [series.dtype for series in known]
    texts = [columns.holds_text(dtype) for dtype in dtypes]
    if objects or len({str(_native_dtype(series)) for series in known}) < 2:
        return any(texts) and not all(texts)
    zones = {dtype.time_zone if isinstance(dtype, nw.Datetime) else dtype for dtype in dtypes}
    moments = all(isinstance(dtype, nw.Datetime) for dtype in dtypes) and len(zones) == 1
    return not (moments or all(map(_is_number, dtypes)))


def _is_number(dtype: Any) -> bool:
    return bool(dtype.is_numeric())


def _native_dtype(series: Series) -> Any:
    native = series.to_native()
    return native.type if series.implementation.is_pyarrow() else native.dtype


def _texts(series: Series) -> Series:
    """A column as texts: its own, or its values as they are written everywhere."""
    if columns.holds_text(series.dtype):
        return series.cast(nw.String)
    written = columns.as_text(series)
    written[written == ""] = None
    return nw.new_series(series.name, written.tolist(), nw.String, backend=series.implementation)


def _index(parts: Sequence[Table], origin: Any, namespace: Any) -> Any:
    """The pandas index: the name of the table, then the labels of the row."""
    indexes: list[Any] = [part.index for part in parts]
    depth = {index.nlevels for index in indexes}
    if len(depth) > 1:
        raise InvalidArgumentError(
            f"The tables have pandas indexes of {sorted(depth)} levels. Give all of them as many levels, "
            "such as by reset_index(drop=True)."
        )
    levels, names = [origin], [None]
    for level in range(depth.pop()):
        values = [index.get_level_values(level) for index in indexes]
        levels.append(values[0].append(values[1:]))
        named = {value.name for value in values}
        names.append(named.pop() if len(named) == 1 else None)
    return namespace.MultiIndex.from_arrays(levels, names=names)
