"""What is taken for a record: as the plain search says, and never what may be the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clippings.record_training.mining import by_vectors, nearest_on, taken_for
from clippings.training.hard_negatives import nearest
from tests.clippings.plain_forms import taken_for_plain


def case(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray, list]:
    draw = np.random.default_rng(seed)
    group, text = draw.integers(0, max(1, n // 3), n), draw.integers(-1, max(1, n // 2), n)
    vectors = draw.normal(size=(n, 4)).astype(np.float32)

    def other(queries: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
        return np.random.default_rng(seed).integers(-1, len(items), (len(queries), k))

    return group, text, [other, by_vectors(vectors, "cpu")]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(1, 40), st.integers(0, 5), st.booleans())
def test_as_the_plain_search(seed: int, n: int, wanted: int, equal: bool) -> None:
    group, text, ways = case(seed, n)
    for used, known in ((ways, None), (ways, group % 3 > 0), (ways[1:], None), ([], None)):
        settings_of = {"equal_texts": equal, "has_entity": known}
        fast = taken_for(group, text, used, wanted, **settings_of)
        np.testing.assert_array_equal(fast, taken_for_plain(group, text, used, wanted, **settings_of))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999))
def test_nothing_that_may_be_the_same(seed: int) -> None:
    group, text, ways = case(seed)
    found = taken_for(group, text, ways, 4)
    rows, columns = np.nonzero(found >= 0)
    other = found[rows, columns]
    assert len(rows) and (group[other] != group[rows]).all()
    assert ((text[other] != text[rows]) | (text[rows] < 0)).all()
    for row in found:
        of_row = group[row[row >= 0]].tolist()
        assert len(set(of_row)) == len(of_row)


def test_an_equal_text_counts_when_asked_for() -> None:
    group, text = np.arange(3), np.array([5, 5, 6])
    way = by_vectors(np.array([[1, 0], [1, 0], [0, 1]], np.float32), "cpu")
    assert taken_for(group, text, [way], 1)[0].tolist() == [2]
    assert taken_for(group, text, [way], 1, equal_texts=True)[0].tolist() == [1]


def test_two_records_that_nobody_knows_are_not_told_apart() -> None:
    group, text = np.arange(3), np.array([5, 6, 7])
    way = by_vectors(np.array([[1, 0], [1, 0], [0, 1]], np.float32), "cpu")
    found = taken_for(group, text, [way], 1, has_entity=np.array([False, False, True]))
    assert found[:, 0].tolist() == [2, 2, 0]


def test_the_search_on_a_device_finds_what_the_exact_one_finds() -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    draw = np.random.default_rng(0)
    queries, items = draw.normal(size=(7, 5)), draw.normal(size=(30, 5))
    arguments = queries.astype(np.float32), items.astype(np.float32), 6
    np.testing.assert_array_equal(nearest_on(*arguments, "cpu"), nearest(*arguments))
