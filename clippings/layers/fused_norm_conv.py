"""Layer norm of a sum, and a gated convolution, each in one pass over memory: Triton kernels, forward only.

Rows are in half precision; sums, means and the division are float32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

__all__ = ["add_norm", "convolved"]

# chosen by measured speed; powers of two
NORM_ROWS = 4  # of one program
NORM_WARPS = 4
NEAR_ROWS = 16
NEAR_WARPS = 4


@triton.jit
def _add_norm(
    x,
    y,
    scale,
    shift,
    out,
    rows,
    width,
    period,
    eps,
    ROWS: tl.constexpr,
    WIDE: tl.constexpr,
):
    """Some rows of the sum, minus their mean, divided by their standard deviation."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    wide = tl.arange(0, WIDE)
    across = wide < width
    mask = (row < rows)[:, None] & across[None, :]
    at = row[:, None] * width + wide[None, :]
    total = tl.load(x + at, mask=mask, other=0.0).to(tl.float32)
    other = (row % period)[:, None] * width + wide[None, :]
    total += tl.load(y + other, mask=mask, other=0.0).to(tl.float32)
    mean = tl.sum(total, axis=1) / width
    off = tl.where(across[None, :], total - mean[:, None], 0.0)
    spread = tl.sqrt(tl.sum(off * off, axis=1) / width + eps)
    by = tl.load(scale + wide, mask=across, other=0.0).to(tl.float32)
    plus = tl.load(shift + wide, mask=across, other=0.0).to(tl.float32)
    normed = off / spread[:, None] * by[None, :] + plus[None, :]
    tl.store(out + at, normed.to(out.dtype.element_ty), mask=mask)


@triton.jit
def _convolved(
    both,
    along,
    lengths,
    out,
    rows,
    t,
    inner,
    stride,
    ROWS: tl.constexpr,
    WIDE: tl.constexpr,
):
    """Some rows: each place and its two neighbours, channel by channel, through SiLU, times the gate."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    wide = tl.arange(0, WIDE)
    across = (wide < inner)[None, :]
    here = row < rows
    place = row % t
    length = tl.load(lengths + row // t, mask=here, other=0)
    at = both + row[:, None] * stride + wide[None, :]
    # beyond a record's end there are zeros, as before its beginning
    within = here & (place < length)
    own = tl.load(at, mask=within[:, None] & across, other=0.0).to(tl.float32)
    before = tl.load(at - stride, mask=(within & (place > 0))[:, None] & across, other=0.0).to(tl.float32)
    after = tl.load(at + stride, mask=(here & (place + 1 < length))[:, None] & across, other=0.0).to(
        tl.float32
    )
    gate = tl.load(at + inner, mask=here[:, None] & across, other=0.0).to(tl.float32)
    part = along + wide[None, :]
    mixed = before * tl.load(part, mask=across, other=0.0).to(tl.float32)
    mixed += own * tl.load(part + inner, mask=across, other=0.0).to(tl.float32)
    mixed += after * tl.load(part + 2 * inner, mask=across, other=0.0).to(tl.float32)
    gated = mixed / (1.0 + tl.exp(-mixed)) * gate
    to = out + row[:, None] * inner + wide[None, :]
    tl.store(to, gated.to(out.dtype.element_ty), mask=here[:, None] & across)


def add_norm(x: Tensor, y: Tensor, norm: nn.LayerNorm, dtype: torch.dtype | None = None) -> Tensor:
    """`norm(x + y)` of a `torch.nn.LayerNorm` (J. Ba et al., Layer normalization, 2016); (rows, width).

    x and y are dense; y may have fewer rows, which are then repeated. `dtype` is that of the result; None
    for that of x.
    """
    rows, width = x.shape
    out = torch.empty((rows, width), dtype=dtype or x.dtype, device=x.device)
    if rows:
        with _on(x):
            _add_norm[(triton.cdiv(rows, NORM_ROWS),)](
                x, y, norm.weight, norm.bias, out, rows, width, len(y), norm.eps,
                ROWS=NORM_ROWS, WIDE=triton.next_power_of_2(width), num_warps=NORM_WARPS,
            )  # fmt: skip
    return out


def convolved(both: Tensor, along: Tensor, lengths: Tensor, t: int) -> Tensor:
    """The input of the outward map of `long.layers.GatedConvolution`, (n * t, inner).

    `both` has the mixed channels and beside them their gate, (n * t, 2 * inner), rows may be strided.
    `along` are the weights of the place before, the place, and the one after, (3, inner), dense. `lengths`
    is (n,) int64.
    """
    rows, inner = both.shape[0], both.shape[1] // 2
    out = torch.empty((rows, inner), dtype=both.dtype, device=both.device)
    if rows:
        with _on(both):
            _convolved[(triton.cdiv(rows, NEAR_ROWS),)](
                both, along, lengths, out, rows, t, inner, both.stride(0),
                ROWS=NEAR_ROWS, WIDE=triton.next_power_of_2(inner), num_warps=NEAR_WARPS,
            )  # fmt: skip
    return out


def _on(x: Tensor) -> AbstractContextManager[object]:
    return torch.cuda.device(x.device) if x.is_cuda else nullcontext()
