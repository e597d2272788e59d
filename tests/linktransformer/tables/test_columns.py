"""Columns of any library as arrays, and arrays as columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pytest

from linktransformer.tables import columns, frames
from tests.conftest import make, rows_of

KINDS = {
    "number": [3, 1, 2],
    "float": [0.5, None, 2.0],
    "truth": [True, False, True],
    "text": ["Acme ", None, "b"],
    "time": [dt.datetime(2020, 1, 2), None, dt.datetime(2020, 1, 2, 10, 30)],
}
TEXTS = {
    "number": ["3", "1", "2"],
    "float": ["0.5", "", "2"],
    "truth": ["true", "false", "true"],
    "text": ["Acme", "", "b"],
    "time": ["2020-01-02", "", "2020-01-02T10:30:00"],
}


def series(library: str, name: str) -> nw.Series[Any]:
    return nw.from_native(make(library, {"x": KINDS[name]}), eager_only=True)["x"]


@pytest.mark.parametrize("name", KINDS)
def test_values_texts_and_objects_are_the_same_in_every_library(library: str, name: str) -> None:
    column, expected = series(library, name), KINDS[name]
    kind, array, null = columns.values(column)
    assert null.tolist() == [value is None for value in expected]
    assert kind in {"number": ("number",), "float": ("number",), "truth": ("number",), "text": ("text",),
                    "time": ("time", "object")}[name]  # fmt: skip
    kind, array, null = columns.as_moments(kind, array, null)
    assert kind == ("time" if name == "time" else "text" if name == "text" else "number")
    known = [value for value in expected if value is not None]
    if name == "time":
        assert (array[~null] == np.array(known, dtype="M8[us]")).all()
    else:
        assert array[~null].tolist() == known
    assert columns.as_text(column).tolist() == TEXTS[name]
    assert columns.objects(column).tolist() == expected
    assert columns.holds_text(column.dtype) or name != "text" or library == "pandas_object"


def test_large_integers_beside_a_null_are_not_rounded(library: str) -> None:
    if library == "pandas":
        pytest.skip("pandas reads these as floats")
    native = make(library, {"x": [2**60 + 1, None]})
    assert columns.as_text(nw.from_native(native, eager_only=True)["x"]).tolist() == [str(2**60 + 1), ""]


def test_cells_are_emptied_and_the_others_stay(library: str) -> None:
    data = {"n": [1, 2, 3], "t": [True, False, True], "s": ["a", "b", "c"]}
    frame = nw.from_native(make(library, data), eager_only=True)
    null = {"n": np.array([False, True, False]), "t": np.array([True, False, False])}
    assert rows_of(columns.emptied_where(frame, null).to_native()) == [
        (1, None, "a"), (None, False, "b"), (3, True, "c"),
    ]  # fmt: skip
    assert rows_of(columns.emptied(frame, "s")) == [(1, True, None), (2, False, None), (3, True, None)]
    assert rows_of(frame.to_native()) == list(zip(*data.values(), strict=True))


def test_arrays_become_columns_with_nulls(library: str) -> None:
    table = frames.wrap(make(library, {"x": [1]}), "left")
    made = columns.written(
        table.frame.implementation.to_native_namespace(),
        table.library,
        {
            "n": np.ma.array([1, 2], mask=[False, True]),
            "f": np.array([0.5, np.nan]),
            "s": np.array(["a", None], dtype=object),
            "none": np.array([None, None], dtype=object),
        },
        None,
    )
    assert rows_of(made) == [(1, 0.5, "a", None), (None, None, None, None)]
