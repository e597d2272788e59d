"""Dates in many ways of writing, against the day that they mean."""

from __future__ import annotations

import datetime
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.scoring.parse_dates import Exact, one_slip, read_both

DATES = st.dates(datetime.date(1000, 1, 1), datetime.date(2999, 12, 31))


def read(*cells: str) -> list[int]:
    return read_both(list(cells), [])[0].digits.tolist()


@pytest.mark.parametrize(
    "cell",
    [
        "2001-05-03",
        "2001/5/3",
        "20010503",
        "20010503T101500",
        "2001-05-03T10:15:00Z",
        "2001-05-03 10:15 pm",
        "3 May 2001",
        "3rd of May, 2001",
        "May 3, 2001",
        "Thu, 3 May 2001",
        "3-May-01",
        "3. Mai 2001",
        "Donnerstag, 3. Mai 2001",
        "3 mai 2001",
        "3 de mayo de 2001",
        "3 maggio 2001",
        "3 de maio de 2001",
        "3 mei 2001",
        "2001年5月3日",
        "3 MAY '01",
        "３／５／２００１",
    ],
)
def test_a_cell_alone(cell: str) -> None:
    assert read(cell) == [20010503]


@pytest.mark.parametrize(
    ("cell", "month"),
    [
        ("1er janvier 2000", 1),
        ("1 février 2000", 2),
        ("1. März 2000", 3),
        ("mar. 1 mar 2000", 3),
        ("1 avr. 2000", 4),
        ("1 juin 2000", 6),
        ("1 lug 2000", 7),
        ("1 août 2000", 8),
        ("1 set 2000", 9),
        ("1 okt 2000", 10),
        ("1 noviembre 2000", 11),
        ("1. Dez. 2000", 12),
    ],
)
def test_months_of_many_languages(cell: str, month: int) -> None:
    assert read(cell) == [20000001 + 100 * month]


@pytest.mark.parametrize(
    "cell", ["", "31 feb 2000", "19991331", "room 2000", "12:30", "friday 13", "1 jui 2000", "123", "99999"]
)
def test_no_date(cell: str) -> None:
    assert read_both([cell], [])[0].exact.tolist() == [Exact.NONE]


def test_the_column_decides_the_order() -> None:
    assert read("3/4/2001", "31/12/2001") == [20010403, 20011231]
    assert read("3/4/2001", "12/31/2001") == [20010304, 20011231]
    assert read("01-04-03", "99-12-31") == [20010403, 19991231]


def test_the_other_column_decides_where_the_column_cannot() -> None:
    assert read_both(["3/4/2001"], ["2001-03-04"])[0].order == "mdy"
    assert read_both(["3/4/2001"], ["2001-04-03"])[0].order == "dmy"


def test_two_digit_years_are_those_of_posix() -> None:
    assert read("31.12.68", "31.12.69") == [20681231, 19691231]


def test_a_month_a_year_and_a_moment() -> None:
    cells = ["2000", "2000-05", "May 2000", "05/2000", "2000-05-01", "2000-05-01 10:00"]
    found = read_both(cells, ["2000-05-01 11:00"])[0]
    assert found.exact.tolist() == [
        Exact.YEAR,
        Exact.MONTH,
        Exact.MONTH,
        Exact.MONTH,
        Exact.DAY,
        Exact.MOMENT,
    ]
    assert len(set(found.keys.tolist())) == 4


def test_times_count_only_if_both_columns_have_some() -> None:
    left, right = read_both(["2000-05-01 10:00", "2000-05-02 00:00:00"], ["2000-05-01", "2000-05-02"])
    assert left.keys.tolist() == right.keys.tolist()


@given(DATES, st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d %B %Y", "%b %d, %Y"]))
def test_what_is_written_is_read(date: datetime.date, form: str) -> None:
    assert read(date.strftime(form)) == [date.year * 10_000 + date.month * 100 + date.day]


@given(DATES, DATES)
def test_keys_are_in_the_order_of_time(one: datetime.date, other: datetime.date) -> None:
    keys = read_both([one.isoformat(), other.isoformat()], [])[0].keys
    assert np.sign(keys[0] - keys[1]) == (one > other) - (one < other)


def slow_slip(one: str, other: str) -> bool:
    """The plain reference of `one_slip`."""
    if one == other:
        return False
    variants = {other[:4] + other[6:] + other[4:6]}
    variants |= {f"{int(other[:4]) + by:04d}{other[4:]}" for by in (-1, 1)}
    variants |= {other[:k] + figure + other[k + 1 :] for k in range(8) for figure in "0123456789"}
    variants |= {other[:k] + other[k + 1] + other[k] + other[k + 2 :] for k in range(7)}
    return one in variants


@given(st.data())
def test_slips_are_those_of_the_plain_reference(data: st.DataObject) -> None:
    one = data.draw(DATES).strftime("%Y%m%d")
    figures = list(one)
    for _ in range(data.draw(st.integers(0, 3))):
        figures[data.draw(st.integers(0, 7))] = data.draw(st.sampled_from("0123456789"))
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, 6))
        figures[place : place + 2] = figures[place : place + 2][::-1]
    other = "".join(figures)
    if int(other) == 0:
        return
    found = one_slip(np.array([int(one), int(other)]), np.array([int(other), int(one)]))
    assert found.tolist() == [slow_slip(one, other)] * 2


def test_a_year_more_or_less_is_a_slip() -> None:
    one, other = np.array([19990314, 20000314, 19990314]), np.array([20000314, 19990314, 20010314])
    assert one_slip(one, other).tolist() == [True, True, False]


def test_a_long_cell_is_read_in_no_time() -> None:
    cells = ["1 " + "a" * 50 + "!", "1" * 60 + "!", "a1" * 100_000, "1." * 31]
    start = time.perf_counter()
    assert not read_both(cells, cells)[0].exact.any()
    assert time.perf_counter() - start < 1


def test_no_slip_without_a_date() -> None:
    assert one_slip(np.array([0, 0]), np.array([10_000, 0])).tolist() == [False, False]
