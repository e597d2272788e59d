"""The silhouette of a sparse graph, against scikit-learn on the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples

from linktransformer.silhouette import silhouette, widths


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 25), st.integers(2, 6), st.floats(0.05, 1))
def test_equals_scikit_learn(seed: int, n: int, most: int, dense: float) -> None:
    draw = np.random.default_rng(seed)
    matrix = np.triu(np.where(draw.random((n, n)) < dense, draw.random((n, n)), 0), 1)
    left, right = np.nonzero(matrix)
    score = matrix[left, right].astype(np.float32)
    label = draw.integers(0, most, n)
    distance = np.ones((n, n))
    distance[left, right] = distance[right, left] = 1 - score.astype(float)
    np.fill_diagonal(distance, 0)
    if not 2 <= len(set(label.tolist())) < n:
        return
    wanted = silhouette_samples(distance, label, metric="precomputed")
    assert silhouette(left, right, score, label) == pytest.approx(wanted.mean(), abs=1e-6)
    np.testing.assert_allclose(widths(left, right, score, label), wanted, atol=1e-6)
    some = np.unique(draw.integers(0, n, 4))
    assert silhouette(left, right, score, label, some) == pytest.approx(wanted[some].mean(), abs=1e-6)


def test_neither_all_apart_nor_all_together_is_rewarded() -> None:
    left, right, score = np.array([0, 2]), np.array([1, 3]), np.array([0.9, 0.9], dtype=np.float32)
    assert silhouette(left, right, score, np.arange(4)) == 0
    assert silhouette(left, right, score, np.zeros(4, dtype=np.int64)) < 0.4
    assert silhouette(left, right, score, np.array([0, 0, 1, 1])) == pytest.approx(0.9)
    assert silhouette(left[:0], right[:0], score[:0], np.empty(0, dtype=np.int64)) == 0
