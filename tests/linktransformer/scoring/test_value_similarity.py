"""Numbers, dates and places that come later against columns that hold them from the beginning."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from linktransformer.scoring import compare
from linktransformer.scoring.column_similarity import compare_known, prepare
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.value_similarity import known_values

DRAW = np.random.default_rng(0)
DAYS = [
    (datetime.date(1950, 1, 1) + datetime.timedelta(int(day))).strftime("%d.%m.%Y")
    for day in DRAW.integers(0, 15_000, 60)
]
COLUMNS = {
    "prices": ([f"{price:.2f} €".replace(".", ",") for price in DRAW.random(40) * 90 + 10], compare.number()),
    "years": (DRAW.integers(1900, 2000, 40).astype(str).tolist(), compare.number()),
    "signed": (DRAW.integers(-50, 50, 40).astype(str).tolist(), compare.number(within=3, relative=0.1)),
    "dates": (DAYS, compare.date()),
    "tolerant dates": (DAYS, compare.date(within_days=30)),
}
LATER = {
    "prices": ["12,34 €", "7", "3.000,5", "?", "5 kg"],
    "years": ["1950", "2150", "1899", "unknown"],
    "signed": ["-7", "0", "66", "none"],
    "dates": ["13.05.1961", "1/2/1999", "1970", "n/a"],
    "tolerant dates": ["13.05.1961", "1.1.1940", "n/a"],
}


def different(cells: list[str]) -> list[str]:
    return list(dict.fromkeys(cells))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_cell_that_comes_later_is_compared_as_if_it_had_been_there(name: str) -> None:
    cells, comparison = COLUMNS[name]
    left, right = different([*cells[:30], "so-so"]), different([*cells[20:], "so so"])
    known = known_values(left, right, comparison)
    for cell in [*LATER[name], cells[0], cells[-1], "so-so"]:
        whole = prepare(different([*left, cell]), right, comparison)
        i = np.full(len(right), different([*left, cell]).index(cell))
        j = np.arange(len(right))
        similarity, equal = compare_known(known, [cell], right, np.zeros_like(j), j)
        np.testing.assert_allclose(similarity, whole.similarity(i, j), atol=1e-6)
        np.testing.assert_array_equal(equal, whole.equal(i, j))


def test_places_are_held_against_the_spacing_of_those_that_are_known() -> None:
    cells = [f"{a:.3f}, {b:.3f}" for a, b in DRAW.random((30, 2)) * 20 + 30]
    for comparison in (compare.geo(), compare.geo(within_km=50)):
        known, whole = (
            known_values(cells[:20], cells[10:], comparison),
            prepare(cells[:20], cells[10:], comparison),
        )
        i, j = np.divmod(np.arange(400), 20)
        similarity, equal = compare_known(known, cells[:20], cells[10:], i, j)
        np.testing.assert_allclose(similarity, whole.similarity(i, j), atol=1e-6)
        np.testing.assert_array_equal(equal, whole.equal(i, j))


def test_what_a_pair_gets_does_not_depend_on_the_others() -> None:
    known = known_values(DAYS[:30], DAYS[20:], Comparison("date"))
    i, j = np.arange(30), np.arange(30)
    together, _ = compare_known(known, DAYS[30:], DAYS[:30], i, j)
    for place in range(30):
        alone, _ = compare_known(known, [DAYS[30 + place]], [DAYS[place]], np.zeros(1, int), np.zeros(1, int))
        assert alone[0] == together[place]
