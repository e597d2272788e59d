"""Scores of given pairs against the full matrix."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from linktransformer.search.pair_products import pair_scores


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("memory", [1, 2**30])
def test_scores_are_those_of_all_products(sparse: bool, memory: int) -> None:
    draw = np.random.default_rng(0)
    left, right = (draw.normal(size=(n, 6)).astype(np.float32) for n in (30, 20))
    left[3] = 0
    i, j = draw.integers(0, 30, 700), draw.integers(0, 20, 700)  # more than one part of the least memory
    views = (sp.csr_matrix(left), sp.csr_matrix(right)) if sparse else (left, right)
    found = pair_scores(*views, i, j, memory=memory)
    np.testing.assert_allclose(found, (left @ right.T)[i, j], atol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize("sparse", [False, True])
def test_no_pairs(sparse: bool) -> None:
    matrix = np.empty((0, 3), dtype=np.float32)
    view = sp.csr_matrix(matrix) if sparse else matrix
    none = np.empty(0, dtype=np.int64)
    assert pair_scores(view, view, none, none).shape == (0,)
