"""Matrices of a search."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from linktransformer.search.lexical import sparse_top_k
from linktransformer.search.matrices import writable


@pytest.mark.parametrize("part", ["data", "indices", "indptr"])
def test_read_only_arrays_are_copied_and_others_not(part: str) -> None:
    matrix = sp.csr_matrix(np.eye(4, dtype=np.float32))
    assert writable(matrix) is matrix
    expected = sparse_top_k(matrix, matrix, 2)
    getattr(matrix, part).flags.writeable = False
    assert writable(matrix) is not matrix
    found = sparse_top_k(matrix, matrix, 2)
    assert all((a == b).all() for a, b in zip(found, expected, strict=True))
