"""Rows as texts: the fast path against a plain one, and the same texts from every library."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import cells, frames
from linktransformer.tables.normalize import normalize
from linktransformer.tables.serialize import Serializer, serialize
from tests.conftest import make

VALUES: dict[str, list[Any]] = {
    "text": ["Acme", "  two \t words\n", None, "", " \u3000", "NA", "nan", "None", "Ünïcødé 漢字 🙂"],
    "int": [5, -1, None, 0, 2**62, 7, 8, 9, 10],
    "whole": [5.0, -1.0, None, -0.0, 1e16, math.nan, math.inf, 2.0, 1e300],
    "float": [0.1, -2.5, None, 1e-7, 1 / 3, math.nan, -math.inf, 123456.789, 0.5],
    "bool": [True, False, None, True, True, False, False, None, True],
    "date": [dt.date(2020, 1, 31), None, dt.date(1750, 12, 1)] + [dt.date(2000, 2, 29)] * 6,
    "moment": [
        dt.datetime(2020, 1, 31),
        dt.datetime(2020, 1, 31, 10, 30),
        None,
        dt.datetime(1956, 5, 5, 0, 0, 1),
        dt.datetime(2020, 1, 1, 0, 0, 0, 500_000),
    ]
    + [dt.datetime(2000, 1, 1)] * 4,
}


def one_cell(value: Any) -> str:
    """The reference: one value as text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**63 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    text = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in str(value).replace("\0", " "))
    return " ".join(text.split())


def one_row(row: dict[str, Any], serializer: Serializer) -> str:
    """The reference: one row as text."""
    written = [(name, normalize(one_cell(value))) for name, value in row.items()]
    parts = [f"{name}: {text}" if serializer.labels else text for name, text in written if text]
    return serializer.separator.join(parts)


def reference(columns: dict[str, list[Any]], serializer: Serializer) -> list[str]:
    rows = zip(*columns.values(), strict=True)
    return [one_row(dict(zip(columns, row, strict=True)), serializer) for row in rows]


@pytest.mark.parametrize("kind", VALUES)
def test_each_kind_of_value_has_one_text_in_every_library(library: str, kind: str) -> None:
    table = frames.wrap(make(library, {kind: VALUES[kind]}), "left")
    assert serialize(table, [kind], Serializer()).tolist() == reference({kind: VALUES[kind]}, Serializer())


@pytest.mark.parametrize("serializer", [Serializer(), Serializer("; ", labels=True), Serializer("")])
def test_all_kinds_side_by_side(library: str, serializer: Serializer) -> None:
    table = frames.wrap(make(library, VALUES), "left")
    assert serialize(table, list(VALUES), serializer).tolist() == reference(VALUES, serializer)


def test_the_order_of_the_columns_is_the_callers(library: str) -> None:
    table = frames.wrap(make(library, {"a": ["x"], "b": [1]}), "left")
    assert serialize(table, ["b", "a"], Serializer()).tolist() == ["1 x"]


def test_categories_are_written_as_their_values(library: str) -> None:
    native = make(library, {"c": ["b", None, "a", "b"]})
    if library == "polars":
        native = native.cast(__import__("polars").Categorical)
    elif library == "pyarrow":
        native = native.set_column(0, "c", native["c"].dictionary_encode())
    else:
        native = native.astype("category")
    table = frames.wrap(native, "left")
    assert serialize(table, ["c"], Serializer()).tolist() == ["b", "", "a", "b"]


@pytest.mark.parametrize(
    ("series", "texts"),
    [
        (pd.Series([1, None, 2]).astype("Int64").astype("category"), ["1", "", "2"]),
        (pd.Series([1.0, None, 2.5], dtype="category"), ["1", "", "2.5"]),
        (pd.Series(pd.to_datetime(["2020-01-01", None])).astype("category"), ["2020-01-01", ""]),
        (pd.Series(["a", 5, 5.0, True, None, b"x", [1, None, "y"], pd.NaT], dtype=object),
         ["a", "5", "5", "true", "", "x", "1 y", ""]),
        (pd.Series([0.1, 3.0, np.nan], dtype="float32"), ["0.1", "3", ""]),
        (pd.Series([0.1, 3.0, 60000.0], dtype="float16"), ["0.1", "3", "60000"]),
        (pd.Series([2**64 - 1, 1], dtype="uint64"), ["18446744073709551615", "1"]),
        (pd.Series([True, False, None], dtype=object), ["true", "false", ""]),
        (pd.Series(pd.to_datetime(["2020-06-01T12:00"])).dt.tz_localize("Asia/Tokyo"),
         ["2020-06-01T12:00:00"]),
        (pd.Series(["\ud800x", "\udfff", "ok"], dtype=object), ["\ufffdx", "\ufffd", "ok"]),
        (pd.Series([None, None], dtype=object), ["", ""]),
        (pd.Series(["a\0b", "\0", "c"], dtype=object), ["a b", "", "c"]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pd.Series) else "",
)  # fmt: skip
def test_unusual_pandas_columns(series: pd.Series, texts: list[str]) -> None:
    table = frames.wrap(pd.DataFrame({"c": series}), "left")
    assert serialize(table, ["c"], Serializer()).tolist() == texts


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([Decimal("5.00"), None, Decimal("2.50")], ["5", "", "2.5"]),
        ([dt.timedelta(1), None, dt.timedelta(hours=2)], ["1 day, 0:00:00", "", "2:00:00"]),
        ([dt.time(10, 30), None], ["10:30:00", ""]),
        ([["a", "b"], None, []], ["a b", "", ""]),
        ([None, None], ["", ""]),
    ],
    ids=str,
)
def test_rare_kinds_are_written_the_same_in_every_library(
    library: str, values: list[Any], texts: list[str]
) -> None:
    table = frames.wrap(make(library, {"c": values}), "left")
    assert serialize(table, ["c"], Serializer()).tolist() == texts


anything = st.one_of(
    st.none(),
    st.text(st.characters(codec=None), max_size=6),
    st.text(alphabet=" \t\n\0ab\xa0\u2003\ud800", max_size=8),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
)


@given(st.lists(st.tuples(anything, anything), max_size=12), st.sampled_from([" ", "", ", "]), st.booleans())
def test_mixed_cells_equal_the_reference(rows: list[tuple[Any, Any]], separator: str, labels: bool) -> None:
    columns = {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}
    serializer = Serializer(separator, labels)
    native = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    got = serialize(frames.wrap(native, "left"), ["a", "b"], serializer)
    assert got.tolist() == reference(columns, serializer)


@given(st.lists(st.floats(width=64)))
def test_floats_equal_the_reference(values: list[float]) -> None:
    assert cells.from_floats(np.array(values, dtype=float)).tolist() == list(map(one_cell, values))


@given(
    st.lists(st.text(alphabet=st.one_of(st.sampled_from(" \0\t\u2028\ud800ab"), st.characters())), max_size=9)
)
def test_clean_equals_split_and_join(texts: list[str]) -> None:
    assert cells.clean(texts) == list(map(one_cell, texts))


def test_all_white_space_of_python_is_known() -> None:
    assert set(cells.WHITESPACE) | {" "} == {chr(i) for i in range(0x110000) if chr(i).isspace()}


def test_clean_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_CHUNK", 3)
    texts = [" a ", "", "b  c", " ", "\td", "e\0", "f"]
    assert cells.clean(texts) == ["a", "", "b c", "", "d", "e", "f"]


def test_nanoseconds_are_kept() -> None:
    moments = np.array(["2020-01-01T00:00:00.000000001", "2020-01-01", "NaT"], dtype="M8[ns]")
    assert cells.from_datetimes(moments).tolist() == ["2020-01-01T00:00:00.000000001", "2020-01-01", ""]


def test_a_serializer_comes_back_from_its_dict() -> None:
    serializer = Serializer(separator=" | ", labels=True, max_chars=10)
    assert Serializer.from_dict(serializer.to_dict()) == serializer
    assert Serializer.from_dict({}) == Serializer()


@pytest.mark.parametrize("values", [{"sep": " "}, {"separator": 3}, {"max_chars": 0}, {"labels": "yes"},
                                    {"max_chars": True}])  # fmt: skip
def test_a_serializer_refuses_what_it_does_not_know(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(values))):
        Serializer.from_dict(values)
