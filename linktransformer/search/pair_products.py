"""The inner products of given pairs of rows."""

from __future__ import annotations

from collections import deque

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.parallel import chunks, cores, mapped
from linktransformer.search.gpu.devices import gpus, if_it_fits
from linktransformer.search.matrices import Matrix, Passages, as_dense, as_sparse
from linktransformer.search.passages import interaction

__all__ = ["MEMORY", "pair_scores"]

MEMORY = 2**30
PART = 2**15  # pairs that are multiplied at a time
PAIR_WORK = 2_000.0  # multiplications that a pair counts for when a GPU is considered


def pair_scores(
    left_matrix: Matrix,
    right_matrix: Matrix,
    left: Integers,
    right: Integers,
    *,
    memory: int = MEMORY,
    device: str | None = "cpu",
) -> Floats:
    """The inner product of each pair of a left and a right row, (n,) float32; of passages their interaction.

    Both matrices are of one kind. `memory` is the bytes of a chunk of pairs; a GPU is used for many
    pairs only, on `device` "cuda:1" that one, None or "cuda" the first one.
    """
    if isinstance(left_matrix, Passages) and isinstance(right_matrix, Passages):
        return interaction(left_matrix, right_matrix, left, right)
    if devices := gpus(device, PAIR_WORK * len(left)):
        from linktransformer.search.gpu import pairs  # torch

        if not sp.issparse(left_matrix) or pairs.possible(devices[0], left_matrix, as_sparse(right_matrix)):
            products = if_it_fits(
                "scores of candidates",
                lambda: pairs.pair_scores(left_matrix, right_matrix, left, right, device=devices[0]),
            )
            if products is not None:
                return products
    scores = np.zeros(len(left), dtype=np.float32)
    if sp.issparse(left_matrix):
        n_rows = max(1, left_matrix.shape[0] + right_matrix.shape[0])
        row_bytes = 24 * (1 + (as_sparse(left_matrix).nnz + as_sparse(right_matrix).nnz) / n_rows)
    else:
        row_bytes = 16 * max(1, left_matrix.shape[1])
    step = max(256, int(memory / 4 / row_bytes / cores()))

    def multiply(part: slice) -> None:
        a, b = left_matrix[left[part]], right_matrix[right[part]]
        if sp.issparse(a):
            scores[part] = np.asarray(as_sparse(a).multiply(as_sparse(b)).sum(axis=1)).ravel()
        else:
            scores[part] = np.einsum("ij,ij->i", as_dense(a), as_dense(b))

    deque(mapped(multiply, chunks(len(left), min(step, PART))), maxlen=0)
    return scores
