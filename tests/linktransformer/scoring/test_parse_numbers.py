"""Numbers in many ways of writing, against what they are worth."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.scoring.parse_numbers import are_years, read_both, read_places


def read(*cells: str) -> list[float]:
    return read_both(list(cells), [])[0].values.tolist()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12),
        ("-12", -12),
        ("−12", -12),
        ("12-", -12),
        ("(12.5)", -12.5),
        ("+3", 3),
        ("１２", 12),
        ("٣٫٥", 3.5),
        ("1e5", 100000),
        ("2.5e-3", 0.0025),
        (".5", 0.5),
        ("5.", 5),
        ("5.-", 5),
        ("12.5 %", 12.5),
        ("USD 12", 12),
        ("$-5", -5),
        ("-$5", -5),
        ("US$ 5", 5),
        ("0.5 l", 0.5),
        ("5 m²", 5),
        ("5 km/h", 5),
        ("1,234,567.5", 1234567.5),
        ("1.234.567,5", 1234567.5),
        ("12 345,6", 12345.6),
        ("12 345,6", 12345.6),
        ("1'234.5", 1234.5),
        ("12,34,567", 1234567),
        ("1,5", 1.5),
    ],
)
def test_a_cell_alone(cell: str, value: float) -> None:
    assert read(cell) == [value]


@pytest.mark.parametrize(
    "cell", ["", "abc", "nan", "inf", "1.2.3", "10-20", "--5", "-(5)", "(5", "12 main st 5", "1e999", "1 23"]
)
def test_no_number(cell: str) -> None:
    assert np.isnan(read(cell)).all()


def test_the_column_decides_what_a_point_is() -> None:
    assert read("1.234", "2.50") == [1.234, 2.5]
    assert read("1.234", "2,50") == [1234, 2.5]


def test_the_other_column_decides_where_the_column_cannot() -> None:
    assert read_both(["1.234"], ["1234", "7"])[0].values.tolist() == [1234]
    assert read_both(["1.234"], ["1.234"])[0].values.tolist() == [1.234]


def test_another_unit_is_no_number() -> None:
    np.testing.assert_array_equal(read("0.5 l", "2 l", "500 ml", "3"), [0.5, 2, np.nan, 3])
    assert read_both(["0.5 l"], ["1 kg"])[0].unit == "l"


@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from(
        [("{:,}", ""), ("{:,} €", ""), ("$ {:,}", ""), ("{:,}", "'"), ("{:,}", " "), ("{:,}", ".")]
    ),
)
def test_grouped_digits_are_read_back(value: int, how: tuple[str, str]) -> None:
    form, by = how
    text = form.format(value).replace(",", by) if by else form.format(value)
    other = [str(value)]
    assert read_both([text], other)[0].values.tolist() == [value]


@given(st.floats(-1e12, 1e12))
def test_pythons_own_way_is_read_back(value: float) -> None:
    assert read(repr(value), "0.25")[0] == value


def test_a_long_cell_is_read_in_no_time() -> None:
    cells = [
        "1 " + "a" * 50 + "!",
        "1" * 60 + "!",
        "1 " * 100_000,
        "1," * 31 + "!",
        "a." * 31,
        "1 " + "a a " * 15,
    ]
    start = time.perf_counter()
    assert np.isnan(read_both(cells, cells)[0].values).all()
    assert np.isnan(read_places(cells)).all()
    assert time.perf_counter() - start < 1


def test_years() -> None:
    assert are_years(np.array([1000.0, 2100.0, np.nan]))
    assert not are_years(np.array([999.0])) and not are_years(np.array([2101.0]))
    assert not are_years(np.array([])) and not are_years(np.array([np.nan]))


def test_places() -> None:
    cells = ["48.1,11.5", "(48.1, 11.5)", "48,1; 11,5", "33.9 S, 151.2 E", "48.1 11.5"]
    assert read_places(cells).tolist() == [[48.1, 11.5]] * 3 + [[-33.9, 151.2], [48.1, 11.5]]
    assert np.isnan(read_places(["91.0, 0.0", "0.0, 181.0", "", "x, y", "1,5,2,5"])).all()
