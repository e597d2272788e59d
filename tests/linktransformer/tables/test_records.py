"""Unique texts and the rows that have them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.tables import factorize, frames, records
from linktransformer.tables.serialize import Serializer, serialize
from tests.conftest import make


def plain(texts: list[str], limit: int) -> tuple[list[str], list[int], int]:
    """The reference: row by row."""
    unique: list[str] = []
    rows, cut = [], 0
    for text in texts:
        cut += len(text) > limit
        text = text[:limit].rstrip() if len(text) > limit else text
        if text and text not in unique:
            unique.append(text)
        rows.append(unique.index(text) if text else -1)
    return unique, rows, cut


@given(st.lists(st.text(alphabet="ab ", max_size=7), max_size=15), st.integers(1, 7))
def test_read_equals_the_reference(values: list[str], limit: int) -> None:
    table = frames.wrap(pd.DataFrame({"c": pd.Series(values, dtype=object)}), "left")
    serializer = Serializer(max_chars=limit)
    got = records.read(table, ["c"], serializer)
    expected = plain(serialize(table, ["c"], serializer).tolist(), limit)
    assert (got.texts.tolist(), got.text_of_row.tolist(), got.n_cut) == expected
    assert got.text_of_row.dtype == np.int64 and got.texts.dtype == object


def test_the_same_records_from_every_library(library: str) -> None:
    table = frames.wrap(make(library, {"a": ["y", None, "x", "y", " "], "b": [1, None, 2, 1, None]}), "left")
    got = records.read(table, ["a", "b"], Serializer())
    assert got.texts.tolist() == ["y 1", "x 2"]
    assert got.text_of_row.tolist() == [0, -1, 1, 0, -1]
    assert (got.n_cut, got.columns) == (0, ("a", "b"))


def test_a_very_long_cell_is_cut_and_counted(library: str) -> None:
    long = "🙂" * 100_000
    got = records.read(
        frames.wrap(make(library, {"a": [long, "x", long + "y"]}), "left"), ["a"], Serializer()
    )
    assert got.n_cut == 2 and got.text_of_row.tolist() == [0, 1, 0]
    assert got.texts.tolist() == ["🙂" * 20_000, "x"]


def test_an_empty_table_has_no_texts(library: str) -> None:
    table = frames.wrap(make(library, {"a": ["x"]})[:0], "left")
    got = records.read(table, ["a"], Serializer())
    assert got.texts.shape == (0,) and got.text_of_row.shape == (0,)


@pytest.mark.parametrize("dtype", [object, np.int64, np.float64])
def test_number_counts_by_first_appearance(dtype: type) -> None:
    values = np.array([7, 3, 7, 0, 3], dtype=dtype)
    null = np.array([False, False, False, True, False])
    assert factorize.number(values, null).tolist() == [0, 1, 0, -1, 1]


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 2), st.integers(-1, 1)), max_size=30))
def test_combine_equals_tuples(rows: list[tuple[int, int, int]]) -> None:
    got = factorize.combine([np.array([row[i] for row in rows], dtype=np.int64) for i in range(3)])
    seen: dict[tuple[int, int, int], int] = {}
    expected = [-1 if min(row) < 0 else seen.setdefault(row, len(seen)) for row in rows]
    assert got.tolist() == expected
