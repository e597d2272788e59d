"""Triton kernel for sparse rows: the products of given pairs of them."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from linktransformer.search.gpu.rows import SparseRows

__all__ = ["pair_products"]

WIDE = 64  # entries of a row that are looked for at a time


@triton.jit
def _product(a_column, a_value, a_start, a_stop, b_column, b_value, b_start, b_stop, WIDE: tl.constexpr):
    """The inner product of two sparse rows: each entry of one is looked for among those of the other."""
    lane = tl.arange(0, WIDE)
    total = tl.zeros((WIDE,), dtype=tl.float32)
    for a in range(a_start, a_stop, WIDE):
        at = a + lane
        column = tl.load(a_column + at, mask=at < a_stop, other=-1)
        value = tl.load(a_value + at, mask=at < a_stop, other=0.0)
        low = tl.zeros((WIDE,), dtype=tl.int64) + b_start
        high = tl.zeros((WIDE,), dtype=tl.int64) + b_stop
        left = b_stop - b_start
        while left > 0:
            middle = (low + high) // 2
            candidate = tl.load(b_column + middle, mask=low < high, other=0)
            low, high = (
                tl.where((low < high) & (candidate < column), middle + 1, low),
                tl.where((low < high) & (candidate >= column), middle, high),
            )
            left = left // 2
        same = (low < b_stop) & (at < a_stop)
        same = same & (tl.load(b_column + low, mask=same, other=-2) == column)
        total += tl.load(b_value + low, mask=same, other=0.0) * value
    return tl.sum(total, axis=0)


@triton.jit
def _pairs(
    a_start, a_column, a_value, b_start, b_column, b_value, left, right, out, n, EACH: tl.constexpr,
    WIDE: tl.constexpr,
):  # fmt: skip
    for step in range(EACH):
        pair = tl.program_id(0).to(tl.int64) * EACH + step
        if pair < n:
            a, b = tl.load(left + pair), tl.load(right + pair)
            score = _product(
                a_column, a_value, tl.load(a_start + a), tl.load(a_start + a + 1),
                b_column, b_value, tl.load(b_start + b), tl.load(b_start + b + 1), WIDE,
            )  # fmt: skip
            tl.store(out + pair, score)


def pair_products(queries: SparseRows, items: SparseRows, left: Tensor, right: Tensor) -> Tensor:
    """The inner product of each pair of a row of the queries and a row of the items, (n,) float32."""
    out = torch.empty(len(left), dtype=torch.float32, device=left.device)
    each = 8
    _pairs[(triton.cdiv(len(left), each),)](
        *queries, *items, left, right, out, len(left), EACH=each, WIDE=WIDE, num_warps=1
    )
    return out
