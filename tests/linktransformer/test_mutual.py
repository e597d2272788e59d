"""Which left records are the best of their own one best record."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.mutual import Sides, mutual_best
from linktransformer.search import Candidates


@pytest.mark.parametrize("seed", range(5))
def test_mutual_best_against_a_plain_search(seed: int) -> None:
    draw = np.random.default_rng(seed)
    pairs = sorted({(int(a), int(b)) for a, b in draw.integers(0, 12, (40, 2))})
    left, right = np.array(pairs).T
    value = draw.integers(0, 5, len(pairs)).astype(np.float32)
    found = Candidates(left, right, {"lexical": value}, 12, 12)
    expected = np.zeros(12, dtype=bool)
    for node in range(12):
        mine = [(value[at], b) for at, (a, b) in enumerate(pairs) if a == node]
        if not mine:
            continue
        top = [b for score, b in mine if score == max(mine)[0]]
        back = [(value[at], a) for at, (a, b) in enumerate(pairs) if b == top[0]]
        best = [a for score, a in back if score == max(back)[0]]
        expected[node] = len(top) == 1 and best == [node]
    np.testing.assert_array_equal(mutual_best(found, value, Sides.of(found)), expected)
