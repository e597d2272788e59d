"""Dataframes in and out, the same in every library."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.errors import ColumnNotFoundError, InvalidArgumentError, TableTypeError
from linktransformer.tables import column_names, frames, key_columns
from tests.conftest import make, rows_of, to_pandas


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


# --- taking tables in ---


def test_wrap_keeps_names_and_counts(library: str) -> None:
    table = frames.wrap(make(library, {"b": [1, 2], "a": ["x", None]}), "left")
    assert (table.columns, table.n_rows, table.name) == (["b", "a"], 2, "left")
    assert table.library == library.partition("_")[0]


def test_a_polars_lazyframe_is_collected() -> None:
    assert frames.wrap(pl.LazyFrame({"a": [1, 2]}), "left").n_rows == 2


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ([1], "left is a list"),
        ({"a": [1]}, "left is a dict"),
        (None, "left is a NoneType"),
        (np.zeros((2, 2)), r"left is a numpy\.ndarray"),
        (pd.Series([1]), r"pandas\.Series, one column.*left\.to_frame\(\)"),
        (pl.Series([1]), r"polars\.Series, one column"),
        (pd.DataFrame, "left is a type"),
        ("left.csv", "left is a str"),
        ("left/*.parquet", r"link_files takes \.parquet files"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_table_is_refused(thing: Any, words: str) -> None:
    with pytest.raises(TableTypeError, match=words):
        frames.wrap(thing, "left")


@pytest.mark.parametrize(
    ("native", "words"),
    [
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), r"right has columns of the same name: \['a'\]"),
        (pa.table([[1], [2]], names=["a", "a"]), r"right has columns of the same name: \['a'\]"),
        (pd.DataFrame([[1, 2]]), r"not strings: \[0, 1\].*astype\(str\)"),
        (pd.DataFrame({("a", "x"): [1], ("a", "y"): [2]}), "2 levels"),
    ],
    ids=["pandas", "pyarrow", "integers", "levels"],
)
def test_column_names_that_cannot_be_used_are_refused(native: Any, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        frames.wrap(native, "right")


def test_two_libraries_are_refused() -> None:
    left, right = (
        frames.wrap(pl.DataFrame({"a": [1]}), "left"),
        frames.wrap(pd.DataFrame({"a": [1]}), "right"),
    )
    frames.same_library(left, left)
    with pytest.raises(
        TableTypeError, match=r"left is a polars table and right a pandas one.*polars.from_pandas\(right\)"
    ):
        frames.same_library(left, right)


def test_a_misspelt_column_gets_the_nearest_name(library: str) -> None:
    table = frames.wrap(make(library, {"name": ["x"], "city": ["y"]}), "left")
    frames.check_columns(table, ["city", "name"], "on")
    with pytest.raises(
        ColumnNotFoundError, match=r"left_on='nmae': the left table has no such column\. Did you"
    ) as e:
        frames.check_columns(table, ["city", "nmae"], "left_on")
    assert "mean 'name'?" in str(e.value)
    with pytest.raises(ColumnNotFoundError, match=r"on='zzzz'.*column\. Its columns: 'name', 'city'$"):
        frames.check_columns(table, ["zzzz"], "on")
    with pytest.raises(InvalidArgumentError, match="on names no column"):
        frames.check_columns(table, [], "on")


def test_the_shared_columns_of_text_in_the_left_order(library: str) -> None:
    left = frames.wrap(make(library, {"b": ["x"], "n": [1], "a": ["y"], "only": ["z"]}), "left")
    right = frames.wrap(make(library, {"a": ["x"], "n": [1], "b": ["y"]}), "right")
    assert frames.string_columns_shared(left, right) == ["b", "a"]


def test_column_gives_python_values(library: str) -> None:
    table = frames.wrap(
        make(library, {"f": [1.5, None, math.nan], "i": [1, None, 2], "s": ["x", None, ""]}), "t"
    )
    assert frames.column(table, "f").tolist() == [1.5, None, None]
    assert frames.column(table, "i").tolist() == [1, None, 2]
    assert frames.column(table, "s").tolist() == ["x", None, ""]


def test_a_table_without_columns_or_rows(library: str) -> None:
    empty = frames.wrap(make(library, {}), "left")
    assert (empty.columns, empty.n_rows) == ([], 0)
    none = frames.wrap(make(library, {"a": ["x"]})[:0], "left")
    assert frames.joined(none, ["a"], " ", False).shape == (0,)
    assert rows_of(frames.beside(none, none, ints(-1), ints(-1))) == [(None, None)]


# --- block numbers ---

KEYS = [None, "a", "b", "A", "a ", "", " "]


def plain_codes(left: list[tuple], right: list[tuple]) -> list[int]:
    """The reference: a dict over the rows of both tables."""
    seen: dict[tuple, int] = {}
    out = []
    for row in [*left, *right]:
        null = any(v is None or v != v or (isinstance(v, str) and not v.strip()) for v in row)
        out.append(-1 if null else seen.setdefault(row, len(seen)))
    return out


rows_of_keys = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from([None, 1, 2, 2**53 + 1])), min_size=1, max_size=8
)


@given(rows_of_keys, rows_of_keys, st.sampled_from(["pandas_object", "pandas_nullable", "polars", "pyarrow"]))
def test_codes_equal_the_reference(left: list[tuple], right: list[tuple], library: str) -> None:
    tables = []
    for name, rows in (("left", left), ("right", right)):
        columns = {"s": [row[0] for row in rows], "i": [row[1] for row in rows]}
        tables.append(frames.wrap(make(library, columns), name))
    a, b = key_columns.codes(*tables, ["s", "i"], ["s", "i"])
    assert [*a, *b] == plain_codes(left, right)
    assert a.dtype == b.dtype == np.int64 and len(a) == len(left)


def test_codes_compare_numbers_by_value_and_nothing_with_null(library: str) -> None:
    left = frames.wrap(make(library, {"k": [1, 2, 3]}), "left")
    right = frames.wrap(make(library, {"k": [3.0, None, 1.0, math.nan, 2.5]}), "right")
    a, b = key_columns.codes(left, right, ["k"], ["k"])
    assert (a.tolist(), b.tolist()) == ([0, 1, 2], [2, -1, 0, -1, 3])


def test_codes_of_dates_and_times(library: str) -> None:
    left = frames.wrap(
        make(library, {"d": [dt.datetime(2020, 1, 1), None, dt.datetime(2020, 1, 2, 5)]}), "left"
    )
    right = frames.wrap(make(library, {"e": [dt.datetime(2020, 1, 2, 5), dt.datetime(2020, 1, 1)]}), "right")
    a, b = key_columns.codes(left, right, ["d"], ["e"])
    assert (a.tolist(), b.tolist()) == ([0, -1, 1], [1, 0])


def test_codes_of_categories_against_text() -> None:
    left = frames.wrap(pd.DataFrame({"k": pd.Categorical(["x", None, "y"])}), "left")
    right = frames.wrap(pd.DataFrame({"k": ["y", "x"]}), "right")
    a, b = key_columns.codes(left, right, ["k"], ["k"])
    assert (a.tolist(), b.tolist()) == ([0, -1, 1], [1, 0])


def test_codes_refuse_text_against_numbers(library: str) -> None:
    left = frames.wrap(make(library, {"zip": [1, 2]}), "left")
    right = frames.wrap(make(library, {"plz": ["1", "2"]}), "right")
    with pytest.raises(InvalidArgumentError, match=r"left column 'zip' holds numbers and right column 'plz'"):
        key_columns.codes(left, right, ["zip"], ["plz"])


def test_a_column_of_nulls_is_of_no_kind(library: str) -> None:
    left = frames.wrap(make(library, {"k": [1, 2]}), "left")
    right = frames.wrap(make(library, {"k": [None, None]}), "right")
    a, b = key_columns.codes(left, right, ["k"], ["k"])
    assert (a.tolist(), b.tolist()) == ([0, 1], [-1, -1])


def test_large_integers_are_not_rounded() -> None:
    left = frames.wrap(pd.DataFrame({"k": [2**53, 2**53 + 1]}), "left")
    right = frames.wrap(pd.DataFrame({"k": np.array([2**53 + 1, 2**64 - 1], dtype=np.uint64)}), "right")
    a, b = key_columns.codes(left, right, ["k"], ["k"])
    assert (a.tolist(), b.tolist()) == ([0, 1], [1, 2])
    floats = frames.wrap(pd.DataFrame({"k": [float(2**53), 2.0]}), "right")
    a, b = key_columns.codes(left, floats, ["k"], ["k"])
    assert (a.tolist(), b.tolist()) == ([0, 1], [0, 2])


# --- tables out ---


def test_beside_puts_rows_next_to_each_other(library: str) -> None:
    left = frames.wrap(make(library, {"name": ["a", "b"], "n": [1, 2]}), "left")
    right = frames.wrap(make(library, {"name": ["p", "q"], "ok": [True, False]}), "right")
    score = np.array([0.5, np.nan, np.nan])
    out = frames.beside(left, right, ints(1, 0, -1), ints(0, -1, 1), ("_l", "_r"), {"score": score})
    assert to_pandas(out).columns.tolist() == ["name_l", "n", "name_r", "ok", "score"]
    assert rows_of(out) == [
        ("b", 2, "p", True, 0.5),
        ("a", 1, None, None, None),
        (None, None, "q", False, None),
    ]
    assert type(out) is type(left.frame.to_native())


DTYPES = {
    "i": pd.Series([1, 2]), "u": pd.Series([1, 2], dtype="uint8"), "b": pd.Series([True, False]),
    "f": pd.Series([1.0, 2.0], dtype="float32"), "I": pd.Series([1, None], dtype="Int16"),
    "c": pd.Series(["x", "y"], dtype="category"), "t": pd.to_datetime(pd.Series(["2020-01-01"] * 2)),
    "z": pd.to_datetime(pd.Series(["2020-01-01"] * 2)).dt.tz_localize("Asia/Tokyo"),
    "a": pd.Series([1, 2], dtype="int64[pyarrow]"), "s": pd.Series(["x", "y"]),
    "o": pd.Series(["x", 1], dtype=object), "p": pd.Series(pd.period_range("2020", periods=2, freq="M")),
}  # fmt: skip
NULLABLE = {"i": "Int64", "u": "UInt8", "b": "boolean"}


@pytest.mark.parametrize("with_null", [False, True])
def test_beside_keeps_pandas_dtypes(with_null: bool) -> None:
    frame = pd.DataFrame(DTYPES).set_axis([7, 9])
    table, other = frames.wrap(frame, "left"), frames.wrap(pd.DataFrame({"x": ["q"]}), "right")
    out = frames.beside(table, other, ints(1, -1, 0) if with_null else ints(1, 1, 0), ints(0, 0, 0))
    for name, series in DTYPES.items():
        expected = NULLABLE.get(name, series.dtype) if with_null else series.dtype
        assert out[name].dtype == expected, name
        assert out[name].isna().tolist() == [name == "I", with_null or name == "I", False], name
        assert out[name].iloc[2] == series.iloc[0]
    assert out.index.equals(pd.RangeIndex(3))
    pd.testing.assert_frame_equal(frame, pd.DataFrame(DTYPES).set_axis([7, 9]))  # the caller's is not changed


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_beside_keeps_dtypes(library: str) -> None:
    columns = {
        "i": [1, 2],
        "b": [True, False],
        "d": [dt.date(2020, 1, 1)] * 2,
        "s": ["x", "y"],
        "l": [[1], [2]],
    }
    native = make(library, columns)
    if library == "polars":
        native = native.with_columns(c=pl.col("s").cast(pl.Categorical), u=pl.col("i").cast(pl.UInt8))
    else:
        native = native.append_column("c", native["s"].dictionary_encode())
    table = frames.wrap(native, "left")
    out = frames.beside(table, frames.wrap(make(library, {"x": [1]}), "right"), ints(1, -1), ints(0, 0))
    before, after = table.frame.schema, frames.wrap(out, "out").frame.schema
    assert {name: after[name] for name in before} == dict(before)
    assert rows_of(out)[1] == (None,) * len(before) + (1,)


names_of = st.lists(st.sampled_from("abcd"), unique=True, max_size=4)
suffix = st.sampled_from(["_x", "_y", "", "_1", None])


@given(names_of, names_of, suffix, suffix)
def test_suffixes_are_those_of_pandas(left: list[str], right: list[str], first: Any, second: Any) -> None:
    frame_l = pd.DataFrame({name: [1] for name in left}).assign(key_l=1)
    frame_r = pd.DataFrame({name: [1] for name in right}).assign(key_r=1)
    try:
        expected = frame_l.merge(frame_r, left_on="key_l", right_on="key_r", suffixes=(first, second))
        if not expected.columns.is_unique:  # pandas lets two equal suffixes pass: we do not
            raise ValueError
    except ValueError:
        with pytest.raises(InvalidArgumentError):
            column_names.suffixed([*left, "key_l"], [*right, "key_r"], (first, second))
        return
    got = column_names.suffixed([*left, "key_l"], [*right, "key_r"], (first, second))
    assert got[0] + got[1] == expected.columns.tolist()


@pytest.mark.parametrize(
    ("left", "right", "suffixes", "extra", "words"),
    [
        (["a", "a_x"], ["a"], ("_x", "_y"), [], r"one name: \['a_x'\]"),
        (["a"], ["b"], ("_x", "_y"), ["a"], r"same name: \['a'\]"),
        (["a"], ["a"], ("", None), [], r"leaves columns.*\['a'\]"),
        (["a"], ["a"], "_x", [], "not a pair of strings"),
        (["a"], ["a"], ("_x", 3), [], "not a pair of strings"),
    ],
)
def test_names_that_clash_are_refused(left, right, suffixes, extra, words: str) -> None:
    tables = [frames.wrap(pd.DataFrame({name: [1] for name in cols}), "t") for cols in (left, right)]
    with pytest.raises(InvalidArgumentError, match=words):
        frames.beside(*tables, ints(0), ints(0), suffixes, {name: np.zeros(1) for name in extra})


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], "score"),
        (["score"], "score_lt"),
        (["score", "score_lt"], "score_lt2"),
        (["score", "score_lt", "score_lt2"], "score_lt3"),
        (["score_lt"], "score"),
    ],
)
def test_free_name(taken: list[str], free: str) -> None:
    assert frames.free_name("score", taken) == free


def test_take_keeps_rows_and_index_labels(library: str) -> None:
    native = make(library, {"a": ["x", "y", "z"]})
    if library.startswith("pandas"):
        native.index = [10, 20, 20]
    table = frames.wrap(native, "left")
    out = frames.take(table, ints(2, 0, 2))
    assert rows_of(out) == [("z",), ("x",), ("z",)]
    labels = [20, 10, 20] if library.startswith("pandas") else [2, 0, 2]
    assert frames.index_labels(table, ints(2, 0, 2)).tolist() == labels
    if library.startswith("pandas"):
        assert out.index.tolist() == labels


def test_index_labels_of_several_levels() -> None:
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
    table = frames.wrap(pd.DataFrame({"x": [1, 2]}, index=index), "left")
    assert frames.index_labels(table, ints(1)).tolist() == [("b", 2)]


ARRAYS = {
    "s": np.array(["x", None, "🙂"], dtype=object),
    "f": np.array([0.5, np.nan, 1.0], dtype=np.float32),
    "i": np.array([1, 2, 3], dtype=np.int64),
    "b": np.array([True, False, True]),
    "m": np.ma.MaskedArray(np.array([1, 2, 3]), mask=[True, False, False]),
    "n": np.array([None, None, None], dtype=object),
}


def test_new_frame_and_with_columns(library: str) -> None:
    native = make(library, {"a": [3, 2, 1]})
    if library.startswith("pandas"):
        native.index = [5, 5, 7]
    table = frames.wrap(native, "df")
    values = [("x", 0.5, 1, True, None, None), (None, None, 2, False, 2, None), ("🙂", 1.0, 3, True, 3, None)]
    assert rows_of(frames.new_frame(table, ARRAYS)) == values
    out = frames.with_columns(table, ARRAYS)
    assert rows_of(out) == [(a, *row) for a, row in zip([3, 2, 1], values, strict=True)]
    dtypes = {name: str(dtype) for name, dtype in frames.wrap(out, "out").frame.schema.items()}
    assert dtypes | {"n": ""} == dtypes | {
        "s": "String", "f": "Float32", "i": "Int64", "b": "Boolean", "m": "Int64", "n": "",
    }  # fmt: skip
    if library.startswith("pandas"):
        assert out.index.tolist() == [5, 5, 7]
        assert frames.new_frame(table, ARRAYS).index.equals(pd.RangeIndex(3))
    written = frames.wrap(out, "out").frame
    assert written["f"].is_null().sum() == 1  # null, which NaN is not in every library
    assert table.columns == ["a"]
    with pytest.raises(InvalidArgumentError, match=r"df has the output column already: \['a'\]"):
        frames.with_columns(table, {"a": ints(1, 2, 3)})


def test_empty_columns_keep_their_kind(library: str) -> None:
    table = frames.wrap(make(library, {"a": [1]}), "df")
    out = frames.new_frame(table, {"s": np.array([], dtype=object), "i": ints()})
    schema = frames.wrap(out, "out").frame.schema
    assert (str(schema["s"]), str(schema["i"])) == ("String", "Int64")
