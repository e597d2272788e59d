"""The score of given pairs of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.search.gpu_devices import cards, if_it_fits

__all__ = ["pair_scores"]

MEMORY = 2**30
MUCH = 2_000.0  # multiplications that a pair counts for when it is asked whether a card is worth it


def pair_scores(
    view_left: Any,
    view_right: Any,
    left: Integers,
    right: Integers,
    *,
    memory: int = MEMORY,
    device: str | None = "cpu",
) -> Floats:
    """The inner product of each given pair of rows.

    Args:
        view_left: (n_left, d), sparse or dense.
        view_right: (n_right, d), sparse or dense, the same kind as `view_left`.
        left: Left rows, (n,) int64.
        right: Right rows, (n,) int64.
        memory: Bytes for one chunk of pairs.
        device: "cpu" (the default) computes on the processor, "cuda:1" on that GPU, None or "cuda" on the
            first one. A GPU is used for many pairs only.

    Returns:
        Scores, (n,) float32.
    """
    sparse = sp.issparse(view_left)
    if on := cards(device, MUCH * len(left)):
        from linktransformer.search import gpu_pairs  # torch

        if not sparse or gpu_pairs.possible(on[0], view_left, view_right):
            made = if_it_fits(
                "scores of candidates",
                lambda: gpu_pairs.pair_scores(view_left, view_right, left, right, device=on[0]),
            )
            if made is not None:
                return made
    scores = np.zeros(len(left), dtype=np.float32)
    if sparse:
        a_row = 24 * (1 + (view_left.nnz + view_right.nnz) / max(1, view_left.shape[0] + view_right.shape[0]))
    else:
        a_row = 16 * max(1, view_left.shape[1])
    step = max(256, min(2**20, int(memory / 4 / a_row)))
    for start in range(0, len(left), step):
        a, b = view_left[left[start : start + step]], view_right[right[start : start + step]]
        if sparse:
            scores[start : start + step] = np.asarray(a.multiply(b).sum(axis=1)).ravel()
        else:
            scores[start : start + step] = np.einsum("ij,ij->i", a, b)
    return scores
