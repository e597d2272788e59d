"""The inner products of given pairs of rows on a GPU, sparse or dense."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch

from linktransformer.arrays import Floats, Integers
from linktransformer.search.gpu.rows import integers, on_gpu, runs_triton, sparse_rows, uploaded
from linktransformer.search.matrices import Matrix, Sparse, as_dense, as_sparse

__all__ = ["pair_scores", "possible"]

LONGEST = 256  # mean entries of a sparse row: with more its products take too long
PAIRS = 2**25  # multiplied at a time, if sparse
NUMBERS = 2**28  # gathered at a time, if dense


def possible(device: str, *matrices: Sparse) -> bool:
    """Whether sparse rows can be multiplied on a GPU: Triton runs on it, and rows are short."""
    short = all(rows.nnz <= LONGEST * max(1, rows.shape[0]) for rows in matrices)
    return short and runs_triton(torch.device(device))


def pair_scores(
    left_matrix: Matrix, right_matrix: Matrix, left: Integers, right: Integers, *, device: str
) -> Floats:
    """The inner product of each pair of a left and a right row, (n_pairs,) float32."""
    gpu = torch.device(device)
    scores = np.empty(len(left), dtype=np.float32)
    with torch.inference_mode(), on_gpu(gpu):
        if sp.issparse(left_matrix):
            from linktransformer.search.gpu.sparse_kernels import pair_products

            a = sparse_rows(left_matrix, gpu)
            b = a if left_matrix is right_matrix else sparse_rows(as_sparse(right_matrix), gpu)
            for part in _parts(len(left), PAIRS):
                rows = integers(left[part], gpu), integers(right[part], gpu)
                scores[part] = pair_products(a, b, *rows).cpu().numpy()
        else:
            x = uploaded(as_dense(left_matrix), gpu)
            y = x if left_matrix is right_matrix else uploaded(as_dense(right_matrix), gpu)
            for part in _parts(len(left), max(1, NUMBERS // max(1, left_matrix.shape[1]))):
                products = x[integers(left[part], gpu)] * y[integers(right[part], gpu)]
                scores[part] = products.sum(1).cpu().numpy()
    return scores


def _parts(n: int, step: int) -> list[slice]:
    return [slice(start, start + step) for start in range(0, n, step)]
