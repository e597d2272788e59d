"""Arrow tables as pandas tables in dtypes that hold each value."""

from __future__ import annotations

from linktransformer.optional import need
from linktransformer.tables.columns import Native

__all__ = ["in_pandas"]


def in_pandas(table: Native) -> Native:
    """A pyarrow table as a pandas one: whole numbers beside nulls, decimals and dates keep their types."""
    # the index that pandas may have stored is a column like others
    return table.to_pandas(types_mapper=_pandas_dtype, ignore_metadata=True)


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
