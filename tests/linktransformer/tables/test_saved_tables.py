"""Tables of saved estimators come back as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from linktransformer.tables.saved_tables import restore, store

COLUMNS: dict[str, Any] = {
    "dictionary": pa.array(["red", None, "red"]).dictionary_encode(),
    "list": pa.array([["a"], None, []]),
    "struct": pa.array([{"a": 1}, None, {"a": 2}]),
    "time": pa.array([1, None, 3], pa.time64("us")),
    "zoned": pa.array([1, None, 3], pa.timestamp("us", "Asia/Tokyo")),
    "integer": pa.array([2**63 - 1, None, 3]),
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("index", [None, ["x", "y", "z"]])
def test_columns_of_arrow_dtypes(tmp_path: Path, kind: str, index: list[str] | None) -> None:
    column = pd.arrays.ArrowExtensionArray(COLUMNS[kind])
    native = pd.DataFrame({"name": ["Acme", "Baxter", None], "more": column}, index=index)
    back = restore(tmp_path / store(native, tmp_path), "pandas")
    assert back["more"].dtype == native["more"].dtype and back.index.tolist() == native.index.tolist()
    assert repr(back["more"].tolist()) == repr(native["more"].tolist())
