"""The inner products of given pairs of rows on a GPU, sparse or dense."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from linktransformer.arrays import Floats, Integers
from linktransformer.search.gpu_rows import integers, on_card, runs_triton, uploaded

__all__ = ["pair_scores", "possible", "sparse_rows"]

LONGEST = 256  # entries of a sparse row in the mean: with more its products take too long
PAIRS = 2**25  # multiplied at a time, if sparse
NUMBERS = 2**28  # gathered at a time, if dense


def possible(device: str, *views: sp.csr_matrix) -> bool:
    """Whether sparse rows can be multiplied on a card: Triton runs on it, and rows are short.

    Args:
        device: The card.
        views: (n, d) each.

    Returns:
        True or False.
    """
    short = all(rows.nnz <= LONGEST * max(1, rows.shape[0]) for rows in views)
    return short and runs_triton(torch.device(device))


def pair_scores(view_left: Any, view_right: Any, left: Integers, right: Integers, *, device: str) -> Floats:
    """The inner product of each given pair of rows.

    Args:
        view_left: (n_left, d) float32, sparse or dense.
        view_right: (n_right, d) float32, sparse or dense.
        left: Left rows, (n_pairs,) int64.
        right: Right rows, (n_pairs,) int64.
        device: The card.

    Returns:
        (n_pairs,) float32.
    """
    card = torch.device(device)
    scores = np.empty(len(left), dtype=np.float32)
    sparse = sp.issparse(view_left)
    with torch.inference_mode(), on_card(card):
        upload = sparse_rows if sparse else uploaded
        a = upload(view_left, card)
        b = a if view_left is view_right else upload(view_right, card)
        step = PAIRS if sparse else max(1, NUMBERS // max(1, view_left.shape[1]))
        for start in range(0, len(left), step):
            some = slice(start, start + step)
            rows = integers(left[some], card), integers(right[some], card)
            scores[some] = _products(a, b, *rows, sparse=sparse).cpu().numpy()
    return scores


def _products(a: Any, b: Any, left: Any, right: Any, *, sparse: bool) -> Any:
    if sparse:
        from linktransformer.search.gpu_sparse_kernels import pair_products

        return pair_products(a, b, left, right)
    return (a[left] * b[right]).sum(1)


def sparse_rows(rows: sp.csr_matrix, card: Any) -> tuple[Any, Any, Any]:
    """Bring sparse rows to a card.

    Args:
        rows: (n, d).
        card: A torch device.

    Returns:
        Where rows start, (n + 1,) int64; columns, rising in a row, (nnz,) int32; values, (nnz,) float32.
    """
    if not rows.has_sorted_indices:
        rows = rows.sorted_indices()
    return (
        torch.from_numpy(rows.indptr.astype(np.int64)).to(card),
        torch.from_numpy(np.array(rows.indices, dtype=np.int32)).to(card),
        torch.from_numpy(np.array(rows.data, dtype=np.float32)).to(card),
    )
