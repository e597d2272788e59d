"""Cells as texts: each quick way against the slow one, a call a cell."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.tables.cells import (
    clean,
    from_bools,
    from_datetimes,
    from_floats,
    from_integers,
    from_objects,
)


@given(st.lists(st.floats()))
def test_floats(values: list[float]) -> None:
    assert from_floats(np.array(values, dtype=np.float64)).tolist() == from_objects([*values, None])[:-1]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.lists(st.booleans()))
def test_integers_and_truth_values(numbers: list[int], truths: list[bool]) -> None:
    assert from_integers(np.array(numbers, dtype=np.int64)).tolist() == list(map(str, numbers))
    assert from_bools(np.array(truths, dtype=bool)).tolist() == [str(truth).lower() for truth in truths]


MOMENTS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))


@given(st.lists(st.one_of(st.none(), MOMENTS, st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)))))
def test_moments(values: list[Any]) -> None:
    array = np.array([np.datetime64(value or "NaT", "us") for value in values], dtype="M8[us]")
    assert from_datetimes(array).tolist() == from_objects(values)


def test_narrow_floats_have_their_own_few_digits() -> None:
    assert from_floats(np.array([0.1, 5.0, np.nan], dtype=np.float32)).tolist() == ["0.1", "5", ""]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("5.00"), "5"),
        (Decimal("0.10"), "0.1"),
        (Decimal("NaN"), ""),
        (dt.date(2020, 1, 2), "2020-01-02"),
        (dt.datetime(2020, 1, 2), "2020-01-02"),
        (dt.datetime(2020, 1, 2, 3, tzinfo=dt.timezone.utc), "2020-01-02T03:00:00"),
        (dt.time(10, 30), "10:30:00"),
        (dt.timedelta(days=1, seconds=1), "1 day, 0:00:01"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        (["a", None, 5.0, True], "a 5 true"),
        ({"x": 1, "y": None, "z": ("b",)}, "1 b"),
        (np.float32(0.1), "0.1"),
        (float("inf"), "inf"),
        (2.0**70, repr(2.0**70)),
    ],
)
def test_objects_one_by_one(value: Any, text: str) -> None:
    assert from_objects([value, None]) == [text, ""]


@given(st.lists(st.text("ab \t\n\0\u3000\ud800é", max_size=6)))
def test_white_space_is_folded(cells: list[str]) -> None:
    plain = [" ".join(cell.replace("\0", " ").replace("\ud800", "\ufffd").split()) for cell in cells]
    assert clean(cells) == plain
