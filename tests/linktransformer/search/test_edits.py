"""Edit similarity of many pairs, against the distance of each by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linktransformer.search import edits
from linktransformer.search.edits import edit_distance, edit_similarity

FEW_LETTERS = st.text(alphabet="ab", max_size=12)
ANY_TEXT = st.text(max_size=20)
LONG = st.integers(0, 200).map(lambda n: ("abc" * n)[: n + n // 2])


def by_hand(left: list[str], right: list[str], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    found = []
    for i, j in zip(a.tolist(), b.tolist(), strict=True):
        length = max(len(left[i]), len(right[j]))
        found.append(1 - edit_distance(left[i], right[j]) / length if length else 1.0)
    return np.array(found, np.float32)


def every_pair(left: list[str], right: list[str]) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.indices((len(left), len(right)))
    return a.ravel(), b.ravel()


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("kitten", "sitting", 3),
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "abc", 0),
        ("三井銀行", "三丼銀行", 1),
        ("ab", "ba", 2),
    ],
)
def test_distances_known_by_hand(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == edit_distance(other, one) == distance
    expected = 1 - distance / max(len(one), len(other)) if one or other else 1.0
    found = edit_similarity([one, other], [other, one], np.array([0, 1]), np.array([0, 1]))
    np.testing.assert_array_equal(found, np.float32(expected))
    assert found.dtype == np.float32


@settings(max_examples=60)
@given(
    st.lists(FEW_LETTERS | ANY_TEXT, min_size=1, max_size=6),
    st.lists(FEW_LETTERS | ANY_TEXT, min_size=1, max_size=6),
    st.randoms(use_true_random=False),
)
def test_many_pairs_are_as_each_by_itself(left: list[str], right: list[str], draw: Any) -> None:
    a, b = every_pair(left, right)
    order = np.array(draw.sample(range(len(a)), len(a)))
    a, b = a[order], b[order]
    np.testing.assert_array_equal(edit_similarity(left, right, a, b), by_hand(left, right, a, b))


@pytest.mark.parametrize("length", [1, 63, 64, 65, 127, 128, 129, 200])
def test_texts_of_several_words(length: int) -> None:
    draw = np.random.default_rng(length)
    for letters in ("ab", "abcdefgh", "あいうえお🧡"):
        made = ["".join(draw.choice(list(letters), size)) for size in (length, length, max(0, length - 3))]
        near = [text[: length // 2] + "x" + text[length // 2 + 1 :] for text in made]
        left, right = [*made, "a"], [*near, made[0], "", "b" * 70]
        a, b = every_pair(left, right)
        np.testing.assert_array_equal(edit_similarity(left, right, a, b), by_hand(left, right, a, b))


@settings(max_examples=25)
@given(st.lists(LONG, min_size=1, max_size=4), st.lists(LONG, min_size=1, max_size=4))
def test_long_texts_mixed_with_short_ones(left: list[str], right: list[str]) -> None:
    a, b = every_pair(left, right)
    np.testing.assert_array_equal(edit_similarity(left, right, a, b), by_hand(left, right, a, b))


def test_any_size_of_a_part_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    left = ["".join(draw.choice(list("abcd"), draw.integers(0, 90))) for _ in range(40)]
    right = ["".join(draw.choice(list("abcd"), draw.integers(0, 90))) for _ in range(30)]
    a, b = draw.integers(0, 40, 500), draw.integers(0, 30, 500)
    expected = by_hand(left, right, a, b)
    for pairs, cells in ((4_096, 2**21), (7, 2**21), (4_096, 1), (1, 40)):
        monkeypatch.setattr(edits, "PAIRS", pairs)
        monkeypatch.setattr(edits, "CELLS", cells)
        np.testing.assert_array_equal(edit_similarity(left, right, a, b), expected)


def test_ones_are_counted_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.random.default_rng(0).integers(0, 2**64, 50, dtype=np.uint64)
    expected = [bin(word).count("1") for word in words.tolist()]
    assert edits._count(words).tolist() == expected
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert edits._count(words).tolist() == expected


def test_long_texts_are_compared_by_their_beginning() -> None:
    one, other = "a" * 600, "a" * 550 + "b" * 50
    pair = np.array([0]), np.array([0])
    assert edit_similarity([one], [other], *pair)[0] == 1
    assert edit_similarity([one], [other], *pair, longest=None)[0] == np.float32(1 - 50 / 600)
    assert edit_similarity(["abc"], ["abd"], *pair, longest=2)[0] == 1


def test_odd_texts_and_no_pairs() -> None:
    none = np.zeros(0, np.int64)
    assert edit_similarity(["a"], [], none, none).shape == edit_similarity([], [], none, none).shape == (0,)
    left, right = ["\ud800x", "🧡", "a\0b", "É"], ["\ud800y", "🧡🧡", "a\0", "É"]
    a, b = every_pair(left, right)
    np.testing.assert_array_equal(edit_similarity(left, right, a, b), by_hand(left, right, a, b))
    assert edit_similarity(["ab"], ["cd"], a[:1], b[:1])[0] == 0  # no character in common
    assert edit_similarity(["ab"], ["ab"], np.array([0], np.int32), np.array([0], np.uint16))[0] == 1


def test_it_is_what_rapidfuzz_gives() -> None:
    distance = pytest.importorskip("rapidfuzz.distance")
    draw = np.random.default_rng(1)
    left = ["".join(draw.choice(list("abcde "), draw.integers(0, 150))) for _ in range(60)]
    a, b = draw.integers(0, 60, 2_000), draw.integers(0, 60, 2_000)
    found = edit_similarity(left, left, a, b)
    theirs = [distance.Levenshtein.normalized_similarity(left[i], left[j]) for i, j in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, theirs, atol=1e-7)
