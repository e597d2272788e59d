"""Orders by sorted numbers against sorts by several keys."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.search import lexical
from linktransformer.search.groups import best_places, places_of


@pytest.mark.parametrize("n", [0, 1, 30, 5000])
@pytest.mark.parametrize("k", [1, 3])
def test_best_places_are_those_of_a_sort_by_three_keys(n: int, k: int) -> None:
    draw = np.random.default_rng(n)
    group, other = draw.integers(0, 1 + n // 8, n), draw.integers(0, 40, n)
    score = draw.choice(np.array([-0.5, -0.0, 0.0, 0.25, 0.5, 0.75], dtype=np.float32), n)
    order = np.lexsort((other, -score, group))
    wanted = order[places_of(group[order]) < k]
    np.testing.assert_array_equal(best_places(group, other, score, k), wanted)


@pytest.mark.parametrize("longest", [2**19, 2])
def test_the_rarest_first_as_by_a_sort_by_two_keys(longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "LONGEST", longest)
    monkeypatch.setattr(lexical, "ROWS", 7)
    draw = np.random.default_rng(0)
    size = draw.integers(0, 9, 60)
    indptr, row = np.append(0, np.cumsum(size)), np.repeat(np.arange(60), size)
    count = draw.integers(0, 5, len(row))
    np.testing.assert_array_equal(lexical._by_count(indptr, count), np.lexsort((count, row)))
