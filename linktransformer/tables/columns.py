"""One dataframe column as a NumPy array, and back: what frames.py does for tables, for columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools
from linktransformer.tables import cells

__all__ = [
    "as_moments",
    "as_text",
    "blank",
    "emptied",
    "emptied_where",
    "holds_text",
    "nullable",
    "objects",
    "values",
    "written",
]


def emptied(frame: nw.DataFrame[Any], name: str) -> Any:
    """A table with nulls in one of its columns.

    Args:
        frame: The table.
        name: The column.

    Returns:
        A new table in the caller's library, columns and index in their places.
    """
    return frame.with_columns(nw.lit(None, dtype=nw.String).alias(name)).to_native()


def emptied_where(frame: nw.DataFrame[Any], null: Mapping[str, Bools]) -> nw.DataFrame[Any]:
    """A table with nulls in some cells.

    Args:
        frame: The table.
        null: By column where it is to be null, (n_rows,) each.

    Returns:
        A new table; integers and truth values of pandas are of the kind that can hold nulls.
    """
    implementation = frame.implementation
    if not (implementation.is_polars() or implementation.is_pyarrow()):
        native = frame.to_native().copy(deep=False)
        for name, here in null.items():
            native[name] = nullable(native[[name]])[name].mask(here)
        return nw.from_native(native, eager_only=True)
    kept = [nw.new_series(name, ~here, nw.Boolean, backend=implementation) for name, here in null.items()]
    return frame.with_columns(
        *(nw.when(keep).then(nw.col(name)).alias(name) for name, keep in zip(null, kept, strict=True))
    )


def holds_text(dtype: Any) -> bool:
    """Whether a narwhals dtype is of texts or categories.

    Args:
        dtype: The dtype.

    Returns:
        True or False.
    """
    return isinstance(dtype, (nw.String, nw.Categorical, nw.Enum))


def values(series: nw.Series[Any]) -> tuple[str, NDArray[Any], Bools]:
    """Take a column's values out of the dataframe library.

    Args:
        series: The column.

    Returns:
        What it holds ("text", "number", "time" or "object"), the values, (n,), int64, float,
        datetime64 or object, and where they are null or NaN, (n,).
    """
    series = _plain(series)
    dtype, null = series.dtype, _null(series)
    if isinstance(dtype, nw.Boolean):
        return "number", series.fill_null(False).to_numpy().astype(np.int64), null
    if dtype.is_integer():
        array = series.fill_null(0).to_numpy()  # nulls would turn the integers into floats
        narrow = array.dtype.kind == "i" or (array.dtype.kind == "u" and array.max(initial=0) < 2**63)
        return "number", array.astype(np.int64 if narrow else object), null
    if dtype.is_float():
        array = series.to_numpy()
        return "number", array, null | np.isnan(array)
    if isinstance(dtype, (nw.Datetime, nw.Date)):
        array = series.to_numpy()
        if array.dtype.kind == "M":
            return "time", array, np.isnat(array)
    array = _objects(series)
    array[null] = None
    return _kind(array), array, null


def objects(series: nw.Series[Any]) -> NDArray[np.object_]:
    """Take a column's values out as Python objects.

    Args:
        series: The column.

    Returns:
        The values, (n,) object, None for null and NaN.
    """
    array = _objects(series)
    array[_null(series)] = None
    if series.dtype.is_float():
        array[np.isnan(series.to_numpy())] = None
    return array


def as_text(series: nw.Series[Any]) -> NDArray[np.object_]:
    """Write a column as clean texts.

    Args:
        series: The column.

    Returns:
        Texts, (n,) object, "" for null, NaN and blank cells.
    """
    kind, array, null = values(series)
    texts = np.full(len(array), "", dtype=object)
    if isinstance(series.dtype, nw.Boolean):
        texts[~null] = cells.from_bools(array[~null])
    elif array.dtype.kind == "f":
        texts[~null] = cells.from_floats(array[~null])
    elif array.dtype.kind == "i":
        texts[~null] = cells.from_integers(array[~null])
    elif kind == "time":
        texts[~null] = cells.from_datetimes(array[~null])
    else:
        array[null] = None
        texts[:] = cells.clean(cells.from_objects(array.tolist()))
    return texts


def as_moments(kind: str, array: NDArray[Any], null: Bools) -> tuple[str, NDArray[Any], Bools]:
    """Dates and moments held as Python objects as NumPy's, so that a date equals that day's midnight.

    Args:
        kind: From `values`.
        array: The values that `values` gave, (n,).
        null: Where a value is null or NaN, (n,) bool.

    Returns:
        The same, or "time", datetime64[us] and the nulls where every object is a date or a moment.
    """
    present = array[~null] if kind == "object" else array[:0]
    if not len(present) or not all(isinstance(value, date) for value in present):
        return kind, array, null
    moments = np.full(len(array), np.datetime64("NaT"), dtype="M8[us]")
    moments[~null] = [
        value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in present.tolist()
    ]
    return "time", moments, null


def blank(texts: NDArray[np.object_], null: Bools) -> Bools:
    """Find texts that are null, empty or white space.

    Args:
        texts: Texts, (n,) object, anything where null.
        null: Where there is no text, (n,).

    Returns:
        Where they are blank, (n,).
    """
    found: Bools = null | (texts == "")
    rest = texts[~found]
    found[~found] = np.fromiter(map(str.isspace, rest), dtype=bool, count=len(rest))
    return found


def nullable(native: Any) -> Any:
    """Give a pandas frame's integer and truth value columns the dtype that can hold nulls.

    Args:
        native: A pandas-like dataframe.

    Returns:
        The same values; other columns as they were.
    """
    wider = {
        name: _nullable_name(dtype)
        for name, dtype in native.dtypes.items()
        if isinstance(dtype, np.dtype) and dtype.kind in "iub"
    }
    return native.astype(wider) if wider else native


def written(namespace: Any, library: str, columns: Mapping[str, NDArray[Any]], index: Any | None) -> Any:
    """Make a native dataframe of NumPy columns.

    Args:
        namespace: The library's module.
        library: "pyarrow", "polars", or anything that is like pandas.
        columns: Names and arrays, (n,) each; masked, None and NaN is null.
        index: The index for pandas; None for a fresh one.

    Returns:
        The dataframe.
    """
    parts = {name: _split(array) for name, array in columns.items()}
    if library == "pyarrow":
        kinds = {name: namespace.string() if _texts_only(data) else None for name, (data, _) in parts.items()}
        return namespace.table(
            {name: namespace.array(data, type=kinds[name], mask=null) for name, (data, null) in parts.items()}
        )
    if library == "polars":
        made = []
        for name, (data, null) in parts.items():
            column = namespace.Series(
                name,
                data.tolist() if data.dtype == object else data,
                dtype=namespace.String if _texts_only(data) else None,
            )
            made.append(column.set(namespace.Series(null), None) if null.any() else column)
        return namespace.DataFrame(made)
    frame = {}
    for name, (data, null) in parts.items():
        column = namespace.Series(data, index=index, name=name)
        if null.any() and data.dtype.kind in "iub":
            column = column.astype(_nullable_name(data.dtype))
        frame[name] = column.mask(null) if null.any() else column
    return namespace.DataFrame(frame, index=index)


def _split(array: NDArray[Any]) -> tuple[NDArray[Any], Bools]:
    """The plain values, and where they are null."""
    data, null = np.ma.getdata(array), np.ma.getmaskarray(array)
    if data.dtype.kind == "f":
        null = null | np.isnan(data)
    elif data.dtype == object:
        null = null | np.fromiter((value is None for value in data), dtype=bool, count=len(data))
    return data, null


def _texts_only(data: NDArray[Any]) -> bool:
    return data.dtype == object and set(map(type, data.tolist())) <= {str, type(None)}


def _nullable_name(dtype: Any) -> str:
    """The pandas name of the nullable kind: "Int64", "UInt8", "boolean"."""
    if dtype.kind == "b":
        return "boolean"
    return ("Int" if dtype.kind == "i" else "UInt") + str(dtype.itemsize * 8)


def _kind(array: NDArray[np.object_]) -> str:
    """What a column of Python objects holds."""
    kinds = set(map(type, array.tolist())) - {type(None)}
    if kinds <= {str}:
        return "text"
    return "number" if kinds <= {bool, int, float, Decimal} else "object"


def _null(series: nw.Series[Any]) -> Bools:
    return np.asarray(series.is_null().to_numpy(), dtype=bool)


def _objects(series: nw.Series[Any]) -> NDArray[np.object_]:
    # to_numpy is quicker for texts, but polars may make it as wide as the longest text everywhere;
    # fromiter, because an array of lists must not become a matrix
    quick = isinstance(series.dtype, nw.String) and not series.implementation.is_polars()
    source = series.to_numpy() if quick else series.to_list()
    return np.fromiter(source, dtype=object, count=len(series))


def _plain(series: nw.Series[Any]) -> nw.Series[Any]:
    """Categories as the values that they stand for, local time without its zone."""
    dtype = series.dtype
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        if series.implementation.is_polars():
            return series.cast(nw.String)
        native = series.to_native()
        is_arrow = series.implementation.is_pyarrow()
        native = native.cast(native.type.value_type) if is_arrow else native.astype(object)
        return nw.from_native(native, series_only=True)
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        return series.dt.replace_time_zone(None)
    return series
