"""Tables inside saved estimators, with their pandas index."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import narwhals.stable.v2 as nw

from linktransformer.errors import InvalidArgumentError
from linktransformer.optional import need
from linktransformer.tables.columns import Native

__all__ = ["restore", "store"]


def store(native: Native, folder: Path) -> str:
    """Write a table for `restore`, with its pandas index; returns the file's name.

    The format is parquet. A pandas table without pyarrow is written as JSON if it holds strings, numbers and
    booleans only and its index is 0, 1, 2, ...

    Raises:
        InvalidArgumentError: Neither format can hold the table.
        MissingExtraError: pyarrow is needed and not installed.
    """
    frame = nw.from_native(native, eager_only=True)
    if frame.implementation.is_pandas_like() and not find_spec("pyarrow"):
        return _store_json(native, folder)
    try:
        if frame.implementation.is_pandas_like():
            native.to_parquet(folder / "table.parquet", engine="pyarrow")
        else:
            frame.write_parquet(folder / "table.parquet")
    except Exception as error:  # such as a column of mixed Python objects
        raise InvalidArgumentError(f"The table cannot be saved as parquet: {error}") from error
    return "table.parquet"


def _store_json(native: Native, folder: Path) -> str:
    dtypes = {name: str(dtype) for name, dtype in native.dtypes.items()}
    has_plain_dtypes = all(
        dtype in ("str", "object", "string") or dtype.startswith(("int", "float", "bool"))
        for dtype in dtypes.values()
    )
    columns = {
        name: native[name].astype(object).where(native[name].notna(), None).tolist() for name in dtypes
    }
    types = {type(value) for values in columns.values() for value in values}
    if (
        not has_plain_dtypes
        or types - {str, int, float, bool, type(None)}
        or native.index.tolist() != list(range(len(native)))
    ):
        need("pyarrow", extra="cli")
    (folder / "table.json").write_text(json.dumps({"dtypes": dtypes, "columns": columns}), encoding="utf-8")
    return "table.json"


def restore(path: Path, library: str) -> Native:
    """Read what `store` wrote, into "pandas", "polars" or "pyarrow"."""
    if path.suffix == ".json":
        stored, pd = json.loads(path.read_text(encoding="utf-8")), need("pandas", extra="cli")
        return pd.DataFrame(
            {
                name: pd.Series(stored["columns"][name], dtype=dtype)
                for name, dtype in stored["dtypes"].items()
            }
        )
    if library == "pyarrow":
        return need("pyarrow.parquet", extra="cli").read_table(path)
    module = need(library, extra="cli")
    if library != "pandas":
        return module.read_parquet(path)
    table = need("pyarrow.parquet", extra="cli").read_table(path)
    about = json.loads((table.schema.metadata or {}).get(b"pandas", b"{}"))
    arrow = [column for column in about.get("columns", ()) if _is_arrow(str(column["numpy_type"]))]
    if not arrow:
        return module.read_parquet(path, engine="pyarrow")
    # pandas cannot read the names of some of these dtypes, and makes objects of others
    for column in arrow:
        column["numpy_type"] = "object"
    told = {**table.schema.metadata, b"pandas": json.dumps(about).encode()}
    frame = table.replace_schema_metadata(told).to_pandas()
    names = [column["name"] for column in arrow if column["name"] in frame.columns]
    columns = {name: module.arrays.ArrowExtensionArray(table.column(name)) for name in names}
    return frame.assign(**columns)


def _is_arrow(dtype: str) -> bool:
    """Whether this is the name of a pandas dtype that holds an Arrow type; that of texts is another one."""
    return dtype.endswith("[pyarrow]") and dtype not in ("string[pyarrow]", "str[pyarrow]")
