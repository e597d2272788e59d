"""The exact index against a stable sort of all scores."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.search.exact import exact_top_k


@pytest.mark.parametrize("k", [1, 3, 50])
@pytest.mark.parametrize("sizes", [(9, 7), (1, 20), (30, 1)])
def test_it_is_a_stable_sort_whatever_the_memory(sizes: tuple[int, int], k: int) -> None:
    draw = np.random.default_rng(k)
    # whole numbers: products are exact in any block, and many scores tie
    queries, items = (draw.integers(-1, 2, (n, 4)).astype(np.float32) for n in sizes)
    score = queries @ items.T
    order = np.argsort(-score, axis=1, kind="stable")[:, :k]
    for memory in (1, 12 * sizes[1] * 4, 2**28):
        rows, best = exact_top_k(queries, items, k, memory_limit=memory)
        np.testing.assert_array_equal(rows, order)
        np.testing.assert_array_equal(best, np.take_along_axis(score, order, axis=1))
        assert rows.dtype == np.int64 and best.dtype == np.float32


@pytest.mark.parametrize("sizes", [(0, 3), (3, 0), (0, 0)])
def test_no_queries_or_no_items(sizes: tuple[int, int]) -> None:
    queries, items = (np.empty((n, 4), dtype=np.float32) for n in sizes)
    rows, best = exact_top_k(queries, items, 2)
    assert rows.shape == best.shape == (sizes[0], min(2, sizes[1]))
