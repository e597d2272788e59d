"""Matrix types of the search."""

from __future__ import annotations

from typing import cast

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.search.passages import Passages

__all__ = [
    "Matrix",
    "Pairs",
    "Passages",
    "Report",
    "Sparse",
    "as_dense",
    "as_sparse",
    "is_sparse",
    "rows_of",
    "writable",
]

Sparse = sp.csr_matrix
Matrix = Floats | Sparse | Passages  # one unit row a text, or those of its passages
Pairs = tuple[Integers, Integers]  # left and right, (n_pairs,) each
Report = dict[str, object]  # how rows were searched


def as_sparse(matrix: Matrix) -> Sparse:
    """A matrix of a view that is sparse."""
    return cast("Sparse", matrix)


def as_dense(matrix: Matrix) -> Floats:
    """A matrix of a view that is dense."""
    return cast("Floats", matrix)


def is_sparse(matrix: Matrix) -> bool:
    """Whether rows that have nothing in common have a similarity of 0, and need no comparison."""
    return sp.issparse(matrix.vectors if isinstance(matrix, Passages) else matrix)


def rows_of(matrix: Matrix, rows: Integers) -> Matrix:
    """Rows of a matrix; the matrix itself and no copy where they are all, since it may be on disk."""
    if len(rows) == matrix.shape[0] and (rows == np.arange(len(rows))).all():
        return matrix
    return matrix[rows]


def writable(matrix: Sparse) -> Sparse:
    """The matrix, copied if its arrays are read-only, as those that joblib maps into workers.

    The sparse product takes no read-only arrays, though it does not write to them.
    """
    read_only = not (matrix.data.flags.writeable and matrix.indices.flags.writeable)
    return matrix.copy() if read_only or not matrix.indptr.flags.writeable else matrix
