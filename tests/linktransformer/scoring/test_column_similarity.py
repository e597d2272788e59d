"""Similarities: known pairs, and what holds for all."""

from __future__ import annotations

import datetime
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import JaroWinkler

from linktransformer.errors import InvalidArgumentError
from linktransformer.scoring import compare
from linktransformer.scoring.column_similarity import Prepared, prepare
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.spelling import MOST_WORDS
from linktransformer.scoring.value_similarity import known_values


def table(prepared: Prepared, n: int, m: int) -> np.ndarray:
    i, j = np.divmod(np.arange(n * m), m)
    return prepared.similarity(i, j).reshape(n, m)


def alike(left: str, right: str, comparison: Comparison, *others: str) -> float:
    """The similarity of two cells in columns that hold others too."""
    return float(table(prepare([left, *others], [right, *others], comparison), 1, 1)[0, 0])


DAYS = [(datetime.date(1990, 1, 1) + datetime.timedelta(97 * k)).isoformat() for k in range(100)]
CELLS = st.lists(
    st.one_of(
        st.text("ab1 -.@,", max_size=8),
        st.integers(-2000, 3000).map(str),
        st.dates().map(str),
        st.tuples(st.floats(-90, 90), st.floats(-180, 180)).map(lambda p: f"{p[0]:.2f},{p[1]:.2f}"),
        st.from_regex(r"[ab]{1,3}@[ab]{1,2}\.c", fullmatch=True),
    ),
    min_size=1,
    max_size=8,
)
COMPARISONS = [getattr(compare, kind)() for kind in compare.KINDS]
COMPARISONS += [
    compare.number(within=3, relative=0.1),
    compare.date(within_days=40),
    compare.geo(within_km=99),
]


@settings(max_examples=40, deadline=None)
@given(CELLS, CELLS)
@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda one: f"{one.kind} {one.parameters}")
def test_symmetric_in_range_and_one_where_equal(
    comparison: Comparison, left: list[str], right: list[str]
) -> None:
    prepared, turned = prepare(left, right, comparison), prepare(right, left, comparison)
    found = table(prepared, len(left), len(right))
    np.testing.assert_array_equal(found, table(turned, len(right), len(left)).T)
    assert found.dtype == np.float32
    known = found[~np.isnan(found)]
    assert ((known >= 0) & (known <= 1)).all()
    i, j = np.divmod(np.arange(found.size), len(right))
    equal = prepared.equal(i, j)
    assert equal.dtype == np.bool_
    assert (found.ravel()[equal] == 1).all()
    assert not equal[np.isnan(found.ravel())].any()
    if comparison.kind not in ("text", "email"):
        own = table(prepare(left, left, comparison), len(left), len(left)).diagonal()
        assert all(
            np.isnan(score) if not cell.split() else score == 1 for score, cell in zip(own, left, strict=True)
        )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-50, 4000), min_size=3, max_size=12, unique=True),
    st.sampled_from([compare.number(), compare.number(within=7), compare.number(relative=0.2)]),
)
def test_numbers_farther_away_are_never_more_alike(numbers: list[int], comparison: Comparison) -> None:
    numbers.sort()
    cells = list(map(str, numbers))
    found = table(prepare(cells, cells, comparison), len(cells), len(cells))
    for a, b, c in itertools.combinations(range(len(cells)), 3):
        assert found[a, b] >= found[a, c] and found[b, c] >= found[a, c]


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=9, unique=True), st.sampled_from([0.001, 1000]))
def test_the_unit_of_numbers_has_no_effect(numbers: list[int], factor: float) -> None:
    one = [str(number + 5000) for number in numbers]
    other = [repr((number + 5000) * factor) for number in numbers]
    n = len(numbers)
    np.testing.assert_allclose(
        table(prepare(one, one, compare.number()), n, n),
        table(prepare(other, other, compare.number()), n, n),
        atol=1e-6,
    )


def test_years_prices_and_outliers_are_all_told_apart() -> None:
    years = [str(year) for year in range(1950, 2021)]
    assert alike("1999", "2000", compare.number(), *years) > 0.97
    assert alike("1950", "2020", compare.number(), *years) < 0.1
    # no value lies between an outlier and its neighbour, and it is far away all the same
    counts = [str(count) for count in range(1, 100)]
    assert alike("99", "1000000", compare.number(), *counts) < 0.4
    # two in a thousand is nearer than one of two
    assert alike("998", "1000", compare.number(), *counts) > alike("1", "2", compare.number(), *counts)


def test_tolerances() -> None:
    others = [str(k) for k in range(100)]
    near, far = (alike("50", right, compare.number(within=2), *others) for right in ("52", "53"))
    assert near >= 0.9 > far
    assert alike("50", "55", compare.number(relative=0.1), *others) >= 0.9
    assert alike("50", "57", compare.number(relative=0.1), *others) < 0.91
    assert alike("2000-01-01", "2000-02-10", compare.date(within_days=40), *DAYS) >= 0.9
    assert alike("2000-01-01", "2000-02-11", compare.date(within_days=40), *DAYS) < 0.9
    places = ["48.0, 11.0", "48.1, 11.0", "48.2, 11.0"]
    assert alike("48.00, 11.0", "48.09, 11.0", compare.geo(within_km=11), *places) >= 0.9
    assert alike("48.00, 11.0", "48.10, 11.0", compare.geo(within_km=11), *places) < 0.9


def test_values_are_equal_however_they_are_written() -> None:
    def equal(left: str, right: str, comparison: Comparison) -> bool:
        return bool(prepare([left], [right], comparison).equal(np.zeros(1), np.zeros(1))[0])

    assert equal("1.0", "1", compare.number()) and equal("-0", "0.0", compare.number())
    assert equal("2000-01-01", "1 Jan 2000", compare.date())
    assert not equal("2000", "2000-07-02", compare.date())
    assert equal("AB-001", "ab 001", compare.identifier()) and equal("0049", "49", compare.identifier())
    assert equal("ACME  Ltd", "acme ltd", compare.text()) and equal("ＡＣＭＥ", "acme", compare.exact())
    assert equal("J.R. Smith", "j r smith", compare.name())
    assert equal("48.10, 11.5", "(48.1;11.50)", compare.geo())
    assert not any(equal("", "", comparison) for comparison in COMPARISONS)


def test_the_turn_of_a_year_is_one_day() -> None:
    right = ["2000-01-01", "1999-02-11", *DAYS]
    found = table(prepare(["1999-12-31", *DAYS], right, compare.date()), 1, 2)[0]
    assert found[0] > 0.98 and found[0] > found[1]


def test_slips_of_a_date_are_high_and_other_dates_are_not() -> None:
    def one(left: str, right: str) -> float:
        return alike(left, right, compare.date(), *DAYS)

    slips = [("1992-03-04", "1992-04-03"), ("1992-03-14", "1992-09-14"), ("1999-03-14", "2000-03-14")]
    assert all(one(*pair) >= 0.875 for pair in slips)
    assert one("1992-03-14", "2005-07-28") < 0.6
    assert one("1992-03-14", "1992-03-15") > 0.98


def test_names() -> None:
    def one(left: str, right: str) -> float:
        return alike(left, right, compare.name())

    assert one("Smith, John", "John Smith") > 0.999
    assert one("J. Smith", "John Smith") > 0.85 > one("K. Smith", "John Smith")
    assert one("Jon Smith", "John Smith") > 0.95
    assert one("Smith, J.", "John Smith") == one("J. Smith", "John Smith")
    assert one("Maria Garcia", "John Smith") < 0.6


def slow_name(left: str, right: str) -> float:
    """The plain reference: the best pair of words first, then the best of what is left."""
    if left == right:
        return 1.0
    left, right = sorted([left, right])
    first, second = left.split()[:MOST_WORDS], right.split()[:MOST_WORDS]
    size, total = len(first) + len(second), 0.0
    scores = {
        (a, b): JaroWinkler.similarity(*sorted([x, y]))
        for a, x in enumerate(first)
        for b, y in enumerate(second)
    }
    while scores:
        a, b = max(scores, key=lambda pair: (np.float32(scores[pair]), -pair[0], -pair[1]))
        total += scores[a, b]
        scores = {pair: score for pair, score in scores.items() if pair[0] != a and pair[1] != b}
    return max(JaroWinkler.similarity(left, right), 2 * total / size)


NAMES = st.lists(st.text("abcd", min_size=1, max_size=5), min_size=1, max_size=MOST_WORDS + 1).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=5), st.lists(NAMES, min_size=1, max_size=5))
def test_names_are_those_of_the_plain_reference(left: list[str], right: list[str]) -> None:
    found = table(prepare(left, right, compare.name()), len(left), len(right))
    expected = [[slow_name(one, other) for other in right] for one in left]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_one_wrong_character_of_a_code_is_clearly_less() -> None:
    found = alike("DE-123456789", "DE-123456780", compare.identifier())
    assert 0.6 < found < 0.9
    assert found > alike("DE-123456789", "DE-123456700", compare.identifier())
    assert alike("12345", "67890", compare.identifier()) == 0


def test_emails() -> None:
    def one(left: str, right: str) -> float:
        return alike(left, right, compare.email())

    assert one("john.smith@gmail.com", "john.smith@gmial.com") > 0.9
    assert one("john.smith@gmail.com", "john.smith@yahoo.com") > 0.7
    assert one("john.smith@gmail.com", "mary.jones@gmail.com") < 0.3


def test_places_are_one_half_at_the_typical_spacing() -> None:
    grid = [f"{lat / 10:.1f}, 0.0" for lat in range(20)]
    prepared = prepare(grid, grid, compare.geo())
    found = prepared.similarity(np.zeros(3, dtype=int), np.arange(3))
    np.testing.assert_allclose(found, [1, 1 / 2, 1 / 3], atol=1e-4)
    assert known_values(grid, grid, compare.geo()).spacing == pytest.approx(11.12, abs=0.01)


def test_places_on_both_sides_of_the_date_line_are_near() -> None:
    others = ["0.0, 0.0", "10.0, 10.0"]
    assert alike("0.0, 179.9", "0.0, -179.9", compare.geo(), *others) > 0.9


def test_text_in_any_order() -> None:
    assert alike("red small car", "car, red small", compare.text()) > 0.9
    assert alike("red small car", "xyz", compare.text()) < 0.3
    long = "word " * 1000
    assert alike(long + "a", long + "b", compare.text()) < 1


def test_what_cannot_be_read_is_compared_as_text_with_its_like() -> None:
    prepared = prepare(["12", "unknown", ""], ["12.0", "UNKNOWN", "unknwon", ""], compare.number())
    found = table(prepared, 3, 4)
    assert found[0, 0] == found[1, 1] == 1 and 0.5 < found[1, 2] < 1
    assert np.isnan(found[[0, 0, 1, 2, 2, 2, 2], [1, 3, 0, 0, 1, 2, 3]]).all()
    assert prepared.equal(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 3])).tolist() == [
        True,
        True,
        False,
        False,
    ]
    assert prepared.left.tolist() == [0, -1, -1] and prepared.right.tolist() == [0, -1, -1, -1]


def test_mixed_units_are_text() -> None:
    assert alike("0.5 l", "0.5 L", compare.number(), "2 l") == 1
    assert alike("0.5 l", "0.6 kg", compare.text()) < 1
    prepared = prepare(["0.5 l", "1 l", "500 ml"], ["1 l"], compare.number())
    assert np.isnan(prepared.similarity(np.array([2]), np.array([0])))


def test_nothing_to_compare() -> None:
    for comparison in COMPARISONS:
        none = prepare(["", ""], [], comparison)
        assert (
            none.similarity(np.zeros(0), np.zeros(0)).shape
            == none.equal(np.zeros(0), np.zeros(0)).shape
            == (0,)
        )
        assert none.rest is None


def test_many_pairs_are_the_few_ones_again(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{a} {b}" for a in ("ann", "bob", "cy") for b in ("lee", "li", "lu")]
    prepared = prepare(names, names, compare.name())
    i, j = np.random.default_rng(0).integers(0, 9, (2, 500))
    whole = table(prepared, 9, 9)[i, j]
    monkeypatch.setattr("linktransformer.scoring.column_similarity.CHUNK", 7)
    np.testing.assert_array_equal(prepared.similarity(i, j), whole)


def test_places_of_pairs_must_fit() -> None:
    prepared = prepare(["a"], ["b"], compare.text())
    with pytest.raises(InvalidArgumentError, match="one length"):
        prepared.similarity(np.zeros(1, dtype=int), np.zeros(2, dtype=int))
