"""Numbers of texts, and the measures of spelling against rapidfuzz itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA, Indel, JaroWinkler

from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.spelling import KINDS, numbered

COLUMN = st.lists(st.text("ab é", max_size=3), max_size=8)


@given(COLUMN, COLUMN)
def test_texts_are_numbered_in_alphabetic_order(left: list[str], right: list[str]) -> None:
    (one, other), texts = numbered(left, right)
    assert texts == sorted({*left, *right} - {""})
    for codes, column in ((one, left), (other, right)):
        assert ["" if code < 0 else texts[code] for code in codes.tolist()] == column


def measured(kind: str, left: list[str], right: list[str]) -> list[float]:
    """The measure of each left cell and the right cell beside it, which differ."""
    (one, other), measure, *_ = KINDS[kind]((left, right), Comparison(kind))
    return measure(np.minimum(one, other), np.maximum(one, other)).tolist()


def test_codes_are_compared_without_separators_and_leading_zeros() -> None:
    left, right = ["ab-12-34", "0042", "x1"], ["AB1235".lower(), "43", "y2"]
    edit = [OSA.normalized_similarity(*pair) for pair in (("ab1234", "ab1235"), ("42", "43"), ("x1", "y2"))]
    assert measured("identifier", left, right) == pytest.approx([s / (2 - s) for s in edit])
    (one, other), *_ = KINDS["identifier"]((["00-7"], ["7"]), Comparison("identifier"))
    assert one.tolist() == other.tolist()


def test_texts_are_compared_by_their_sorted_words() -> None:
    left, right = ["new york hotel", "acme"], ["hotel york", "acme corp"]
    expected = [
        Indel.normalized_similarity("hotel new york", "hotel york"),
        Indel.normalized_similarity("acme", "acme corp"),
    ]
    assert measured("text", left, right) == pytest.approx(expected)


def test_addresses_are_a_mailbox_at_a_host() -> None:
    left, right = ["j.hill@acme.org", "j.hill@acme.org"], ["mailto:j.hill@acme.com", "<b.moor@acme.org>"]
    domain = JaroWinkler.normalized_similarity("acme.org", "acme.com")
    edit = OSA.normalized_similarity("j.hill", "b.moor")
    assert measured("email", left, right) == pytest.approx([(1 + domain) / 2, edit / (2 - edit)])


def test_different_values_of_an_exact_column_have_nothing_in_common() -> None:
    assert measured("exact", ["a", "b"], ["b", "c"]) == [0, 0]
