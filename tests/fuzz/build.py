"""Random tables in each dataframe library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tests.fuzz.tables import Table

__all__ = ["arrow", "build"]

ARROW = {
    "integers": "int64",
    "large": "int64",
    "row": "int64",
    "constant": "int64",
    "small": "uint8",
    "floats": "float64",
    "halves": "float32",
    "booleans": "bool",
    "dates": "date32",
    "times": "timestamp_us",
    "zoned": "timestamp_us_utc",
    "decimals": "decimal",
    "lists": "list",
    "structs": "struct",
    "raw": "binary",
    "pictures": "binary",
    "shares": "float64",
    "durations": "duration",
    "clocks": "time64",
}


def arrow(table: Table) -> Any:
    """The table in pyarrow, each kind in its own type."""
    import pyarrow as pa

    types = {
        "int64": pa.int64(),
        "uint8": pa.uint8(),
        "float64": pa.float64(),
        "float32": pa.float32(),
        "bool": pa.bool_(),
        "date32": pa.date32(),
        "timestamp_us": pa.timestamp("us"),
        "timestamp_us_utc": pa.timestamp("us", "UTC"),
        "decimal": pa.decimal128(12, 2),
        "list": pa.list_(pa.string()),
        "struct": pa.struct({"name": pa.string(), "size": pa.int64()}),
        "binary": pa.binary(),
        "duration": pa.duration("us"),
        "time64": pa.time64("us"),
    }
    columns = {}
    for (name, cells), kind in zip(table.columns.items(), table.kinds.values(), strict=True):
        column = pa.array(cells, types[ARROW[kind]] if kind in ARROW else pa.string())
        columns[name] = column.dictionary_encode() if kind == "categories" else column
    return pa.table(columns)


def build(table: Table, library: str, index: str = "range", seed: int = 0, *, twice: bool = False) -> Any:
    """The table in a library.

    Args:
        table: Its cells.
        library: "pandas", "pandas_object", "pandas_arrow", "pandas_nullable", "polars" or "pyarrow".
        index: Of a pandas table: "range", "shuffled", "texts", "repeated", "levels" or "moments".
        seed: Of the index.
        twice: Give the last two columns one name, in libraries that can.
    """
    if library in ("pyarrow", "polars"):
        native = arrow(table)
        if library == "pyarrow":
            names = native.column_names
            return native.rename_columns([*names[:-1], names[-2]]) if twice else native
        import polars as pl

        return pl.from_arrow(native)
    plain = dict(zip(table.columns, map(str, range(len(table.columns))), strict=True))  # astype wants texts
    frame = _pandas(table.renamed(plain), library)
    frame.columns = list(table.columns)
    frame.index = _index(index, len(frame), np.random.default_rng(seed))
    if twice:
        frame.columns = [*frame.columns[:-1], frame.columns[-2]]
    return frame


def _pandas(table: Table, library: str) -> pd.DataFrame:
    if library == "pandas_arrow":
        return arrow(table).to_pandas(types_mapper=pd.ArrowDtype)
    if library == "pandas_object":
        return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in table.columns.items()})
    frame = pd.DataFrame({name: pd.Series(cells) for name, cells in table.columns.items()})
    if library == "pandas_nullable":
        return frame.convert_dtypes()
    narrow = {"categories": "category", "small": "uint8", "halves": "float32"}
    kinds = {name: narrow[kind] for name, kind in table.kinds.items() if kind in narrow}
    return frame.astype(
        {name: dtype for name, dtype in kinds.items() if dtype != "uint8" or frame[name].notna().all()}
    )


def _index(kind: str, n: int, rng: np.random.Generator) -> pd.Index[Any]:
    if kind == "shuffled":
        return pd.Index(rng.permutation(n))
    if kind == "texts":
        return pd.Index([f"r{i}" for i in rng.permutation(n)], dtype=object)
    if kind == "repeated":
        return pd.Index(rng.integers(0, 3, n))
    if kind == "levels":
        return pd.MultiIndex.from_arrays([rng.integers(0, 3, n), range(n)], names=["a", None])
    if kind == "moments":
        return pd.date_range("2020-01-01", periods=n, freq="D")
    return pd.RangeIndex(n)
