"""Edit similarity of many pairs, against the distance of each by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linktransformer.search import edit_similarity as module
from linktransformer.search.edit_similarity import edit_similarity

TEXTS = st.lists(st.text(alphabet="ab", max_size=12) | st.text(max_size=20), min_size=1, max_size=6)


def distance(one: str, other: str) -> int:
    """The edit distance, row by row of the table."""
    row = list(range(len(other) + 1))
    for i, x in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def by_hand(left: list[str], right: list[str], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    similarity = []
    for i, j in zip(a.tolist(), b.tolist(), strict=True):
        length = max(len(left[i]), len(right[j]))
        similarity.append(1 - distance(left[i], right[j]) / length if length else 1.0)
    return np.array(similarity, np.float32)


def every_pair(left: list[str], right: list[str]) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.indices((len(left), len(right)))
    return a.ravel(), b.ravel()


@settings(max_examples=60)
@given(TEXTS, TEXTS)
def test_many_pairs_are_as_each_by_itself(left: list[str], right: list[str]) -> None:
    a, b = every_pair(left, right)
    found = edit_similarity(left, right, a, b)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, by_hand(left, right, a, b))


@pytest.mark.parametrize("many", [1, 20_000])
def test_threads_change_nothing(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    left, right = (
        ["".join(draw.choice(list("abcあ🧡"), draw.integers(0, 90))) for _ in range(30)] for _ in "ab"
    )
    a, b = every_pair(left, right)
    monkeypatch.setattr(module, "MANY", many)
    np.testing.assert_array_equal(edit_similarity(left, right, a, b), by_hand(left, right, a, b))


def test_long_texts_are_compared_by_their_beginning() -> None:
    one, other = "a" * 600, "a" * 550 + "b" * 50
    pair = np.array([0]), np.array([0])
    assert edit_similarity([one], [other], *pair)[0] == 1
    assert edit_similarity([one], [other], *pair, longest=None)[0] == np.float32(1 - 50 / 600)
    assert edit_similarity(["abc"], ["abd"], *pair, longest=2)[0] == 1


def test_odd_texts_and_no_pairs() -> None:
    none = np.zeros(0, np.int64)
    assert edit_similarity(["a"], [], none, none).shape == edit_similarity([], [], none, none).shape == (0,)
    left, right = ["\ud800x", "🧡", "a\0b", "É", ""], ["\ud800y", "🧡🧡", "a\0", "É", ""]
    a, b = every_pair(left, right)
    np.testing.assert_array_equal(edit_similarity(left, right, a, b), by_hand(left, right, a, b))
