"""The best partners of each node, held to a sort of all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from linktransformer.decision.ranking import rank
from linktransformer.search import groups
from linktransformer.search.groups import stable_order


def by_sorting(group: Any, other: Any, score: Any) -> list[Any]:
    order = np.lexsort((other, -score, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    count = np.diff(np.append(starts, len(order)))
    places = []
    for place in range(2):
        at = np.full(len(starts), -1, dtype=np.int64)
        at[count > place] = order[starts[count > place] + place]
        places.append(at)
    return [group[order][starts], *places]


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("n", [0, 1, 7, 800])
def test_ranking_is_that_of_a_sort(n: int, shuffled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "COUNTED_FROM", 0)
    draw = np.random.default_rng(n)
    width = max(2, n // 3)
    for _ in range(20):
        code = np.unique(draw.integers(0, width**2, n))
        code = draw.permutation(code) if shuffled else code
        left, right = code // width, code % width
        score = draw.integers(-3, 4, len(code)).astype(np.float32)  # many ties
        for group, other in ((left, right), (right, left)):
            found = rank(group, other, score)
            want = by_sorting(group, other, score)
            for one, two in zip((found.nodes, found.best, found.second), want, strict=True):
                np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("n", "most"), [(0, 1), (1, 1), (10, 3), (2000, 500), (2000, 7900), (2000, 90_000)])
def test_counting_is_stable_sorting(n: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "COUNTED_FROM", 0)
    numbers = np.random.default_rng(0).integers(0, most, n)
    np.testing.assert_array_equal(stable_order(numbers), np.argsort(numbers, kind="stable"))


def test_rank_settles_ties_by_the_lower_partner() -> None:
    left, right = (side.ravel() for side in np.indices((2, 3)))
    score = np.array([0.5, 0.9, 0.5, 0.2, 0.2, 0.2], dtype=np.float32)
    ranking = rank(left, right, score)
    assert right[ranking.best].tolist() == [1, 0]
    assert right[ranking.second].tolist() == [0, 1]
    one = rank(np.array([3]), np.array([7]), np.array([0.4], dtype=np.float32))
    assert (one.nodes.tolist(), one.second.tolist()) == ([3], [-1])
