"""One dataframe column as a NumPy array, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias, cast

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoDataFrame
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Column, Objects
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import cells

__all__ = [
    "Frame",
    "Kind",
    "Native",
    "Series",
    "as_moments",
    "as_text",
    "emptied",
    "emptied_where",
    "holds_text",
    "in_one_zone",
    "nullable",
    "objects",
    "values",
    "written",
]


Native: TypeAlias = Any  # an object of pandas, polars or pyarrow, libraries without types
Frame: TypeAlias = nw.DataFrame[IntoDataFrame]
Series: TypeAlias = nw.Series[Native]
Kind: TypeAlias = Literal["text", "number", "time", "object"]
_NUMBERS = (bool, int, float, Decimal, np.bool_, np.integer, np.floating)


def emptied(frame: Frame, name: str) -> IntoDataFrame:
    """A table in the caller's library with nulls in one column."""
    return frame.with_columns(nw.lit(None, dtype=nw.String).alias(name)).to_native()


def emptied_where(frame: Frame, null: Mapping[str, Bools]) -> Frame:
    """A table with nulls where a column's mask, (n_rows,), is True; pandas integers become nullable."""
    implementation = frame.implementation
    if not (implementation.is_polars() or implementation.is_pyarrow()):
        native: Native = frame.to_native()
        native = native.copy(deep=False)
        for name, mask in null.items():
            native[name] = nullable(native[[name]])[name].mask(mask)
        return nw.from_native(native, eager_only=True)
    present = [nw.new_series(name, ~mask, nw.Boolean, backend=implementation) for name, mask in null.items()]
    return frame.with_columns(
        *(nw.when(value).then(nw.col(name)).alias(name) for name, value in zip(null, present, strict=True))
    )


def holds_text(dtype: nw.dtypes.DType) -> bool:
    """Whether a narwhals dtype is string or categorical."""
    return isinstance(dtype, (nw.String, nw.Categorical, nw.Enum))


def values(series: Series) -> tuple[Kind, Column, Bools]:
    """A column's kind, its values, (n,) int64, float, datetime64 or object, and where it is null or NaN."""
    series = _plain(series)
    dtype, null = series.dtype, _null(series)
    if isinstance(dtype, nw.Boolean):
        return "number", series.fill_null(False).to_numpy().astype(np.int64), null
    if dtype.is_integer():
        if isinstance(dtype, (nw.Int128, nw.UInt128)):  # wider than any integer of NumPy
            array = _objects(series)
            array[null] = 0
            return "number", array, null
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


def objects(series: Series) -> Objects:
    """A column's values as Python objects, (n,), None for null and NaN."""
    array = _objects(series)
    array[_null(series)] = None
    if series.dtype.is_float():
        array[np.isnan(series.to_numpy())] = None
    return array


def as_text(series: Series) -> Objects:
    """A column as clean texts, (n,) object, "" for null, NaN and blank cells."""
    kind, array, null = values(series)
    texts = np.full(len(array), "", dtype=object)
    if isinstance(series.dtype, nw.Boolean):
        texts[~null] = cells.from_bools(array[~null])
    elif array.dtype.kind == "f":
        texts[~null] = cells.from_floats(array[~null])
    elif array.dtype.kind == "i":
        texts[~null] = cells.from_integers(array[~null])
    elif kind == "time":
        texts[~null] = cells.from_datetimes(cast("NDArray[np.datetime64]", array[~null]))
    else:
        try:
            written = cells.from_objects(np.where(null, np.array(None), array).tolist())
        except Exception as error:  # the __str__ of a caller's object, or an integer of 4,300 digits
            raise InvalidArgumentError(
                f"Column {series.name!r} holds a value that cannot be written as a text: {error}. "
                "Convert the column to texts first."
            ) from error
        texts[:] = cells.clean(written)
    return texts


def as_moments(kind: Kind, array: Column, null: Bools) -> tuple[Kind, Column, Bools]:
    """`values` with date objects as datetime64[us], so that a date equals that day's midnight.

    Values of which some are not dates are returned unchanged.
    """
    present = array[~null] if kind == "object" else array[:0]
    if not len(present) or not all(isinstance(value, date) for value in present):
        return kind, array, null
    moments = np.full(len(array), np.datetime64("NaT"), dtype="M8[us]")
    moments[~null] = [
        value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in present.tolist()
    ]
    return "time", moments, null


def in_one_zone(left: Series, right: Series) -> tuple[Series, Series]:
    """Two columns; moments of two zones as those of UTC, so that one instant is one value."""
    zones = [getattr(series.dtype, "time_zone", None) for series in (left, right)]
    if None in zones or zones[0] == zones[1]:
        return left, right
    return left.dt.convert_time_zone("UTC"), right.dt.convert_time_zone("UTC")


def nullable(native: Native) -> Native:
    """A pandas frame with its integer and boolean columns in dtypes that can hold nulls."""
    wider = {
        name: _nullable_name(dtype)
        for name, dtype in native.dtypes.items()
        if isinstance(dtype, np.dtype) and dtype.kind in "iub"
    }
    return native.astype(wider) if wider else native


def written(namespace: Native, library: str, columns: Mapping[str, Column], index: Native | None) -> Native:
    """A native dataframe from NumPy columns, (n,) each; None, NaN and masked values are null.

    `library` is "pyarrow", "polars", or anything that is like pandas; `index` is the pandas index.
    """
    parts = {name: _split(array) for name, array in columns.items()}
    if library == "pyarrow":
        kinds = {name: namespace.string() if _texts_only(data) else None for name, (data, _) in parts.items()}
        return namespace.table(
            {name: namespace.array(data, type=kinds[name], mask=null) for name, (data, null) in parts.items()}
        )
    if library == "polars":
        series = []
        for name, (data, null) in parts.items():
            column = namespace.Series(
                name,
                data.tolist() if data.dtype == object else data,
                dtype=namespace.String if _texts_only(data) else None,
            )
            series.append(column.set(namespace.Series(null), None) if null.any() else column)
        return namespace.DataFrame(series)
    frame = {}
    for name, (data, null) in parts.items():
        try:
            column = namespace.Series(data, index=index, name=name)
        except UnicodeEncodeError:  # half a surrogate pair, which Arrow's texts cannot hold
            column = namespace.Series(data, index=index, name=name, dtype=object)
        if null.any() and data.dtype.kind in "iub":
            column = column.astype(_nullable_name(data.dtype))
        frame[name] = column.mask(null) if null.any() else column
    return namespace.DataFrame(frame, index=index)


def _split(array: Column) -> tuple[Column, Bools]:
    """The plain values, and where they are null."""
    data, null = np.ma.getdata(array), np.ma.getmaskarray(array)
    if data.dtype.kind == "f":
        null = null | np.isnan(data)
    elif data.dtype == object:
        null = null | np.fromiter((value is None for value in data), dtype=bool, count=len(data))
    return data, null


def _texts_only(data: Column) -> bool:
    return data.dtype == object and all(
        issubclass(kind, (str, type(None))) for kind in set(map(type, data.tolist()))
    )


def _nullable_name(dtype: np.dtype[np.generic]) -> str:
    """The pandas name of the nullable dtype: "Int64", "UInt8", "boolean"."""
    if dtype.kind == "b":
        return "boolean"
    return ("Int" if dtype.kind == "i" else "UInt") + str(dtype.itemsize * 8)


def _kind(array: Objects) -> Kind:
    """The kind of a column of Python objects."""
    kinds = set(map(type, array.tolist())) - {type(None)}  # NumPy has scalars of its own, such as str_
    if all(issubclass(kind, str) for kind in kinds):
        return "text"
    return "number" if all(issubclass(kind, _NUMBERS) for kind in kinds) else "object"


def _null(series: Series) -> Bools:
    return np.asarray(series.is_null().to_numpy(), dtype=bool)


def _objects(series: Series) -> Objects:
    # to_numpy is quicker for texts, but polars may make it as wide as the longest text everywhere;
    # fromiter, because an array of lists must not become a matrix
    quick = isinstance(series.dtype, nw.String) and not series.implementation.is_polars()
    try:
        source = series.to_numpy() if quick else series.to_list()
    except NotImplementedError:  # pyarrow's string views
        source = series.to_list()
    return np.fromiter(source, dtype=object, count=len(series))


def _plain(series: Series) -> Series:
    """Categories as their values, local time without its zone."""
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
