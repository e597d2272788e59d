"""What stands between the products of a layer, each in one pass over memory: Triton kernels, forward only.

Rows go in and come out in half precision; sums, means and the division are float32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import triton
import triton.language as tl

__all__ = ["add_norm", "convolved"]

# to be set to what is quickest on a card; powers of two
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
    """Some rows of the sum, each less its mean, divided by its spread."""
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
    made = off / spread[:, None] * by[None, :] + plus[None, :]
    tl.store(out + at, made.to(out.dtype.element_ty), mask=mask)


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
    """Some rows: each place and its two neighbours, channel by channel, bent, times the gate."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    wide = tl.arange(0, WIDE)
    across = (wide < inner)[None, :]
    here = row < rows
    place = row % t
    length = tl.load(lengths + row // t, mask=here, other=0)
    at = both + row[:, None] * stride + wide[None, :]
    # what lies beyond a record's end is nothing, as it is beyond its beginning
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
    made = mixed / (1.0 + tl.exp(-mixed)) * gate
    to = out + row[:, None] * inner + wide[None, :]
    tl.store(to, made.to(out.dtype.element_ty), mask=here[:, None] & across)


def add_norm(x: Any, y: Any, norm: Any, dtype: Any = None) -> Any:
    """The normalised sum of two sequences, as `norm(x + y)`.

    (J. Ba et al., Layer normalization, 2016.)

    Args:
        x: (rows, width), dense.
        y: (rows, width) or fewer rows, dense; where it has fewer rows it starts again after its last.
        norm: A `torch.nn.LayerNorm` of that width, with weights.
        dtype: Of what is made; None: that of `x`.

    Returns:
        (rows, width).
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


def convolved(both: Any, along: Any, lengths: Any, t: int) -> Any:
    """Each place's neighbours, bent and times a gate: what `long.layers.GatedConvolution` maps outward.

    Args:
        both: What is mixed and, beside it, its gate, (n * t, 2 * inner); rows may lie apart.
        along: What a place before, the place, and the one after count, (3, inner), dense.
        lengths: Places of each record that are no padding, (n,) int64.
        t: Places of a padded record.

    Returns:
        (n * t, inner) of the type of `both`.
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


def _on(x: Any) -> AbstractContextManager[Any]:
    return torch.cuda.device(x.device) if x.is_cuda else nullcontext()
