"""Tables one below the other: all columns of all of them, null where a table has no such column."""

from __future__ import annotations

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoDataFrame

from linktransformer.arrays import Column
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import columns
from linktransformer.tables.columns import Frame, Native, Series
from linktransformer.tables.frames import Table

__all__ = ["stack"]


def stack(tables: Sequence[Table], names: Sequence[str | int], source: str) -> IntoDataFrame:
    """Stack tables of one library in their order.

    A dtype stays where all tables have it; of two numeric dtypes the wider one is used. Texts and other
    values in one column become texts, as they are compared. A table without rows and a column of nulls decide
    no dtype.

    Args:
        tables: At least one.
        names: The name of each, all strings or all integers.
        source: Name of the added last column, which has the name of each row's table.

    Returns:
        A native table. Its pandas index has the name of the table as first level and the labels of the row as
        the others.

    Raises:
        InvalidArgumentError: The pandas indexes have different numbers of levels.
    """
    places = [place for place, table in enumerate(tables) if table.n_rows] or [0]
    parts = [tables[place] for place in places]
    origin = np.repeat(np.array([names[place] for place in places]), [part.n_rows for part in parts])
    if origin.dtype.kind == "U":
        origin = origin.astype(object)
    namespace, library = parts[0].frame.implementation.to_native_namespace(), parts[0].library
    all_columns = dict.fromkeys(name for table in tables for name in table.columns)
    data = {name: _stacked([_column(part, name) for part in parts], tables, name) for name in all_columns}
    index = None
    if parts[0].index is not None:
        index = _index(parts, origin, namespace)
        data = {name: column.set_axis(index) for name, column in data.items()}
    source_column = columns.written(namespace, library, {source: origin}, index)
    if not all_columns:
        only_source: IntoDataFrame = source_column
        return only_source
    stacked = namespace.table(data) if library == "pyarrow" else namespace.DataFrame(data)
    parts_of_result = [nw.from_native(frame, eager_only=True) for frame in (stacked, source_column)]
    wide: Frame = nw.concat(parts_of_result, how="horizontal")
    return wide.to_native()


def _column(part: Table, name: str) -> Series | int:
    """A column of a table, or the number of nulls if it has no such column or nothing in it."""
    if name not in part.columns or part.frame[name].is_null().all():
        return part.n_rows
    return part.frame[name]


def _stacked(parts: Sequence[Series | int], tables: Sequence[Table], name: str) -> Native:
    """One native column from a column of each table."""
    series = [part for part in parts if isinstance(part, nw.Series)]
    like = series[0] if series else next(table.frame[name] for table in tables if name in table.columns)
    library, namespace = like.implementation, like.implementation.to_native_namespace()
    like_pandas = not (library.is_polars() or library.is_pyarrow())
    if _need_texts(series, objects=like_pandas):
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


def _of_pandas(parts: Sequence[Series | int], like: Series, namespace: Native) -> Native:
    """Integers and booleans that get nulls become the nullable dtype, as everywhere."""
    empty = columns.nullable(like.to_native().iloc[:0].to_frame("")).dtypes[""]
    pandas_series = [
        namespace.Series(None, index=range(part), dtype=empty) if isinstance(part, int) else part.to_native()
        for part in parts
    ]
    return namespace.concat(pandas_series, ignore_index=True)


def _need_texts(columns_: Sequence[Series], *, objects: bool) -> bool:
    """Whether no dtype holds all values as they are; with `objects` one does, unless some are texts."""
    dtypes = [series.dtype for series in columns_]
    texts = [columns.holds_text(dtype) for dtype in dtypes]
    if objects or len({str(_native_dtype(series)) for series in columns_}) < 2:
        return any(texts) and not all(texts)
    zones = {dtype.time_zone if isinstance(dtype, nw.Datetime) else dtype for dtype in dtypes}
    moments = all(isinstance(dtype, nw.Datetime) for dtype in dtypes) and len(zones) == 1
    return not (moments or all(map(_is_number, dtypes)))


def _is_number(dtype: nw.dtypes.DType) -> bool:
    return bool(dtype.is_numeric())


def _native_dtype(series: Series) -> Native:
    native = series.to_native()
    return native.type if series.implementation.is_pyarrow() else native.dtype


def _texts(series: Series) -> Series:
    """A column as texts: its own, or its values as they are written everywhere."""
    if columns.holds_text(series.dtype):
        return series.cast(nw.String)
    written = columns.as_text(series)
    written[written == ""] = None
    return nw.new_series(series.name, written.tolist(), nw.String, backend=series.implementation)


def _index(parts: Sequence[Table], origin: Column, namespace: Native) -> Native:
    """The pandas index: the name of the table, then the labels of the row."""
    indexes: list[Native] = [part.index for part in parts]
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
