"""Arrow tables as pandas tables in dtypes that hold each value, and Arrow columns whose rows can be taken."""

from __future__ import annotations

from linktransformer.optional import need
from linktransformer.tables.columns import Native

__all__ = ["in_pandas", "with_rows"]

VIEWS = {"string_view": "large_string", "binary_view": "large_binary"}


def in_pandas(table: Native) -> Native:
    """A pyarrow table as a pandas one: whole numbers beside nulls, decimals and dates keep their types."""
    # the index that pandas may have stored is a column like others
    return table.to_pandas(types_mapper=_pandas_dtype, ignore_metadata=True)


def with_rows(native: Native) -> Native:
    """A pyarrow or pandas table without string views and run-end encodings, of which pyarrow takes no rows.

    They become plain strings, bytes or values; a table without any is returned itself.
    """
    if hasattr(native, "column_names"):  # of pyarrow
        for place, field in enumerate(native.schema):
            plain = _plain(native.column(place), field.type)
            if plain is not None:
                native = native.set_column(place, field.name, plain)
        return native
    arrow = {
        name: dtype.pyarrow_dtype for name, dtype in native.dtypes.items() if hasattr(dtype, "pyarrow_dtype")
    }
    columns = {name: _plain(native[name].array.__arrow_array__(), kind) for name, kind in arrow.items()}
    columns = {name: plain for name, plain in columns.items() if plain is not None}
    if not columns:
        return native
    arrays = need("pandas", extra="cli").arrays
    return native.assign(**{name: arrays.ArrowExtensionArray(plain) for name, plain in columns.items()})


def _plain(values: Native, kind: Native) -> Native | None:
    """A column of Arrow in a type of which rows can be taken; None where it has one."""
    if str(kind) in VIEWS:
        return values.cast(VIEWS[str(kind)])
    if str(kind).startswith("run_end_encoded"):
        return need("pyarrow.compute", extra="cli").run_end_decode(values)
    return None


def _pandas_dtype(arrow: Native) -> Native:
    """The pandas dtype of an Arrow type that holds nulls and each value; None leaves it to pyarrow."""
    pd, types = need("pandas", extra="cli"), need("pyarrow.types", extra="cli")
    if types.is_integer(arrow):
        return getattr(pd, f"{str(arrow).replace('uint', 'UInt').replace('int', 'Int')}Dtype")()
    if types.is_boolean(arrow):
        return pd.BooleanDtype()
    is_usual = (
        types.is_floating(arrow)
        or types.is_string(arrow)
        or types.is_large_string(arrow)
        or types.is_timestamp(arrow)
        or types.is_dictionary(arrow)
        or types.is_null(arrow)
    )
    return None if is_usual else pd.ArrowDtype(arrow)
