"""Numbers of values against dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.tables.factorize import combine, factorize, number

CODES = st.lists(st.integers(-1, 5), max_size=20)


def by_dict(values: list[Any]) -> list[int]:
    places: dict[Any, int] = {}
    return [-1 if value is None else places.setdefault(value, len(places)) for value in values]


@given(st.lists(st.one_of(st.text(max_size=2), st.integers(0, 3))))
def test_values_are_numbered_by_first_appearance(values: list[Any]) -> None:
    unique, codes = factorize(values)
    assert codes.tolist() == by_dict(values) and unique == list(dict.fromkeys(values))
    assert codes.dtype == np.int64


@pytest.mark.parametrize("kind", [np.int64, np.float64, object, "M8[D]"])
@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=20))
def test_any_kind_of_array_is_numbered_alike(kind: Any, values: list[int | None]) -> None:
    null = np.array([value is None for value in values], dtype=bool)
    array = np.array([value or 0 for value in values], dtype=np.int64).astype(kind)
    assert number(array, null).tolist() == by_dict(values)


@given(st.data(), st.integers(1, 4))
def test_combinations_are_those_of_tuples(data: st.DataObject, n_columns: int) -> None:
    n = data.draw(st.integers(0, 12))
    columns = [
        np.array(data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)), dtype=np.int64)
        for _ in range(n_columns)
    ]
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert combine(columns).tolist() == by_dict([None if min(row) < 0 else row for row in rows])


def test_large_numbers_do_not_overflow() -> None:
    large = np.array([2**40, 0, 2**40, 1], dtype=np.int64)
    assert combine([large, large, large]).tolist() == [0, 1, 0, 2]


def test_values_that_cannot_be_hashed_are_an_error() -> None:
    lists = np.empty(1, dtype=object)
    lists[0] = [1]
    with pytest.raises(TypeError):
        number(lists, np.array([False]))
