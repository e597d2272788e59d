"""Values that stand for a missing one: found by the table, and none where frequent values are real."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from linktransformer.results.stand_ins import stand_ins
from linktransformer.tables import frames


def found(columns: dict[str, list[object]], on: list[str]) -> list[tuple[str, str, int]]:
    table = frames.wrap(pd.DataFrame(columns), "table")
    return [(one.column, one.value, one.count) for one in stand_ins(table, on)]


def zipf(n_values: int, largest: int, exponent: float = 1.0) -> list[object]:
    """Values as frequent as words, surnames and towns are."""
    count = np.maximum(1, largest / np.arange(1, n_values + 1) ** exponent).astype(int)
    return [f"name{value}" for value, times in enumerate(count) for _ in range(times)]


@pytest.mark.parametrize("value", ["unknown", " N/A", "-", "1900-01-01", "000 000", "not disclosed", "QZX"])
def test_a_value_that_is_far_more_frequent_than_the_others(value: str) -> None:
    numbers = [f"0161 {number}" for number in range(200)]
    assert found({"phone": [*numbers, *[value] * 60, None]}, ["phone"]) == [("phone", value.strip(), 60)]


def test_a_rare_stand_in_is_found_by_how_it_is_written() -> None:
    numbers: list[object] = [f"0161 {number}" for number in range(200)]
    assert found({"phone": [*numbers, *["n/a"] * 8]}, ["phone"]) == [("phone", "n/a", 8)]
    assert found({"phone": [*numbers, *["n/a"] * 2]}, ["phone"]) == []
    assert found({"phone": [*numbers, *["0161 500"] * 8]}, ["phone"]) == []  # as if one were listed often


def test_several_stand_ins_of_one_column() -> None:
    numbers: list[object] = [f"0161 {number}" for number in range(200)]
    cells = [*numbers, *["null"] * 40, *["00:00"] * 36, *["unknown"] * 35]
    assert [value for _, value, _ in found({"phone": cells}, ["phone"])] == ["null", "00:00", "unknown"]


@pytest.mark.parametrize(
    "cells",
    [
        ["m"] * 480 + ["f"] * 500 + ["unknown"] * 20,
        ["unknown"] * 600 + ["m"] * 180 + ["f"] * 200,
        ["red"] * 300 + ["blue"] * 100 + ["green"] * 60 + ["grey"] * 20 + ["pink"] * 10,
        ["usa"] * 900 + zipf(30, 40),
        zipf(400, 300),
        zipf(400, 300, 0.5),
        ["boston"] * 300 + ["albany"] * 200 + [f"bosten{number}" for number in range(40)],
        [f"firm{number}" for number in range(100)] * 5,
        ["one"],
        [None, None],
        [],
    ],
    ids=[
        *("two categories", "a category that is mostly unknown", "colours", "mostly one country", "zipf"),
        *("surnames", "towns with slips", "copies", "a single row", "nulls", "nothing"),
    ],
)
def test_frequent_values_that_are_real(cells: list[object]) -> None:
    assert found({"value": cells}, ["value"]) == []


def test_a_thing_that_is_listed_many_times_is_no_stand_in() -> None:
    names = [f"firm{number}" for number in range(200)] + ["acme steel"] * 60
    towns = [f"town{number}" for number in range(200)] + ["boston"] * 60
    assert found({"name": names, "town": towns}, ["name", "town"]) == []
    towns = [f"town{number}" for number in range(260)]  # in 60 towns, one name
    assert found({"name": names, "town": towns}, ["name", "town"]) == [("name", "acme steel", 60)]
