"""Linear attention of a whole record on a GPU that never stores the features: Triton kernels.

A key has 153 features (of 16 numbers: one, the numbers, their products), computed in registers by two
products with zeros and ones: a feature is the product of two numbers, or of a number and one. Their
weights, 1, 1 / sqrt(f), 1 / f or half of it, are multiplied into the state. The state is summed in float32,
chunk by chunk, and read as two half-precision numbers, whose sum has twice the digits of one.

Forward only. `clippings.layers.linear_attention` is the reference, has the gradients, and decides when this
is used.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

__all__ = ["SIZE", "WIDTH", "fused_linear_attention"]

SIZE = 32  # numbers of a query or key, at most
WIDTH = 64  # of the values of a head, at most
# chosen by measured speed; powers of two, at least 16
CHUNK = 2048  # places that one program adds up
STATE_PLACES = 32  # of these at a time
STATE_FEATURES = 64  # of one program
STATE_WARPS = 4
READ_PLACES = 128  # of one program
READ_FEATURES = 32  # at a time; a divisor of STATE_FEATURES
READ_WARPS = 4
STAGES = 2  # pipelined loads
LARGER = 1024  # factor by which the second half of the state is scaled up

ONE, NOTHING = -1, -2  # in place of a number's index: the constant one; no feature


@triton.jit
def _state(
    key,
    value,
    weight,
    first,
    second,
    sums,
    weights,
    t,
    heads,
    size,
    width,
    chunks,
    features,
    key_n,
    key_t,
    key_h,
    value_n,
    value_t,
    value_h,
    weight_n,
    weight_t,
    weight_h,
    CHUNK: tl.constexpr,
    PLACES: tl.constexpr,
    FEATURES: tl.constexpr,
    SIZE: tl.constexpr,
    WIDE: tl.constexpr,
    WEIGHTED: tl.constexpr,
):
    """The sum over one chunk of places of features times values, and of the features alone."""
    program = tl.program_id(0)  # the heads of a chunk run side by side: their rows share lines of memory
    head = (program % heads).to(tl.int64)
    chunk = program // heads % chunks
    record = (program // heads // chunks).to(tl.int64)
    feature = tl.program_id(1) * FEATURES + tl.arange(0, FEATURES)
    number = tl.arange(0, SIZE)
    wide = tl.arange(0, WIDE)
    one, other = tl.load(first + feature), tl.load(second + feature)
    picks_one = tl.where(one[:, None] == number[None, :], 1.0, 0.0).to(value.dtype.element_ty)
    picks_other = tl.where(other[:, None] == number[None, :], 1.0, 0.0).to(value.dtype.element_ty)
    plus_one = tl.where(one == -1, 1.0, 0.0)[:, None]
    plus_other = tl.where(other == -1, 1.0, 0.0)[:, None]
    key += record * key_n + head * key_h
    value += record * value_n + head * value_h
    weight += record * weight_n + head * weight_h
    total = tl.zeros((FEATURES, WIDE), dtype=tl.float32)
    mass = tl.zeros((FEATURES,), dtype=tl.float32)
    begin = chunk * CHUNK
    for start in range(begin, tl.minimum(begin + CHUNK, t), PLACES):
        place = start + tl.arange(0, PLACES)
        there = place < t
        at = place.to(tl.int64)
        k = tl.load(
            key + at[None, :] * key_t + number[:, None],
            mask=there[None, :] & (number < size)[:, None],
            other=0.0,
        )
        v = tl.load(
            value + at[:, None] * value_t + wide[None, :],
            mask=there[:, None] & (wide < width)[None, :],
            other=0.0,
        )
        if WEIGHTED:
            w = tl.load(weight + at * weight_t, mask=there, other=0.0).to(tl.float32)
            v = (v.to(tl.float32) * w[:, None]).to(v.dtype)
        else:
            w = there.to(tl.float32)
        features_of = (tl.dot(picks_one, k) + plus_one) * (tl.dot(picks_other, k) + plus_other)
        rounded = features_of.to(v.dtype)  # (FEATURES, PLACES)
        total = tl.dot(rounded, v, total)
        mass += tl.sum(rounded.to(tl.float32) * w[None, :], axis=1)
    at = ((record * heads + head) * chunks + chunk) * features + feature
    tl.store(sums + at[:, None] * width + wide[None, :], total, mask=(wide < width)[None, :])
    tl.store(weights + at, mass)


@triton.jit
def _halves(
    sums,
    weights,
    factor,
    coarse,
    rest,
    below,
    chunks,
    features,
    width,
    LARGER: tl.constexpr,
    FEATURES: tl.constexpr,
    WIDE: tl.constexpr,
):
    """The chunks of a head summed, divided by the total weight of its keys, and split into two numbers."""
    head = tl.program_id(0).to(tl.int64)
    feature = tl.program_id(1) * FEATURES + tl.arange(0, FEATURES)
    wide = tl.arange(0, WIDE)
    mask = (wide < width)[None, :]
    total = tl.zeros((FEATURES, WIDE), dtype=tl.float32)
    mass = tl.zeros((FEATURES,), dtype=tl.float32)
    total_mass = tl.zeros((FEATURES,), dtype=tl.float32)  # sum of the constant feature: of all weights
    for chunk in range(0, chunks):
        at = (head * chunks + chunk) * features
        total += tl.load(sums + (at + feature)[:, None] * width + wide[None, :], mask=mask, other=0.0)
        mass += tl.load(weights + at + feature)
        total_mass += tl.load(weights + at + feature * 0)
    share = tl.load(factor + feature) / tl.where(total_mass > 0, total_mass, 1.0)
    total = total * share[:, None]
    half = total.to(coarse.dtype.element_ty)
    at = (head * features + feature)[:, None] * width + wide[None, :]
    tl.store(coarse + at, half, mask=mask)
    # the remainder is below the range of float16, unless it is scaled up
    left = (total - half.to(tl.float32)) * LARGER
    tl.store(rest + at, left.to(coarse.dtype.element_ty), mask=mask)
    tl.store(below + head * features + feature, mass * share)


@triton.jit
def _read(
    query,
    first,
    second,
    coarse,
    rest,
    below,
    gate,
    out,
    t,
    heads,
    size,
    width,
    tiles,
    count,
    features,
    query_n,
    query_t,
    query_h,
    out_n,
    out_t,
    out_h,
    LARGER: tl.constexpr,
    PLACES: tl.constexpr,
    FEATURES: tl.constexpr,
    SIZE: tl.constexpr,
    WIDE: tl.constexpr,
    GATED: tl.constexpr,
    ADDED: tl.constexpr,
):
    """What the queries of one tile of places read in the state of their head."""
    program = tl.program_id(0)
    head = (program % heads).to(tl.int64)
    place = program // heads % tiles * PLACES + tl.arange(0, PLACES)
    record = (program // heads // tiles).to(tl.int64)
    state = (record * heads + head) * features
    number = tl.arange(0, SIZE)
    wide = tl.arange(0, WIDE)
    there = place < t
    at = place.to(tl.int64)
    q = tl.load(
        query + record * query_n + head * query_h + at[:, None] * query_t + number[None, :],
        mask=there[:, None] & (number < size)[None, :],
        other=0.0,
    )
    total = tl.zeros((PLACES, WIDE), dtype=tl.float32)
    remainder = tl.zeros((PLACES, WIDE), dtype=tl.float32)
    mass = tl.zeros((PLACES,), dtype=tl.float32)
    for start in range(0, count, FEATURES):
        feature = start + tl.arange(0, FEATURES)
        one, other = tl.load(first + feature), tl.load(second + feature)
        left = tl.dot(q, tl.where(number[:, None] == one[None, :], 1.0, 0.0).to(q.dtype))
        right = tl.dot(q, tl.where(number[:, None] == other[None, :], 1.0, 0.0).to(q.dtype))
        left += tl.where(one == -1, 1.0, 0.0)[None, :]
        right += tl.where(other == -1, 1.0, 0.0)[None, :]
        features_of = (left * right).to(q.dtype)  # (PLACES, FEATURES)
        cell = (state + feature)[:, None] * width + wide[None, :]
        mask = (wide < width)[None, :]
        total = tl.dot(features_of, tl.load(coarse + cell, mask=mask, other=0.0), total)
        remainder = tl.dot(features_of, tl.load(rest + cell, mask=mask, other=0.0), remainder)
        mass += tl.sum(features_of.to(tl.float32) * tl.load(below + state + feature)[None, :], axis=1)
    total = (total + remainder / LARGER) / tl.where(mass > 0, mass, 1.0)[:, None]
    if GATED:
        total = total * tl.load(gate + head)
    out += record * out_n + head * out_h
    to = out + at[:, None] * out_t + wide[None, :]
    mask = there[:, None] & (wide < width)[None, :]
    if ADDED:
        total += tl.load(to, mask=mask, other=0.0).to(tl.float32)
    tl.store(to, total.to(out.dtype.element_ty), mask=mask)


def fused_linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    weight: Tensor | None = None,
    *,
    gate: Tensor | None = None,
    into: Tensor | None = None,
) -> Tensor:
    """Each place's mean of the values weighted by 1 + s + s^2 / 2, s = q.k / sqrt(f); no gradients.

    q and k are (n, t, heads, f), f at most 32; v is (n, t, heads, d), d at most 64, of the same dtype; all
    may be strided. `weight` (n, t, heads or 1) weights each key, 0 for padding. `gate` (heads,) float32
    multiplies the result, which is added to `into` (n, t, heads, d) where that is given. A record without
    any key gives zeros. (S. Arora et al., Simple linear attention language models balance the recall-
    throughput tradeoff, 2024.)
    """
    n, t, heads, size = q.shape
    width = v.shape[-1]
    if size > SIZE or width > WIDTH:
        raise ValueError(
            f"Heads may have {SIZE} features and {WIDTH} values at most. Given: {size} and {width}. Use "
            "clippings.layers.linear_attention.linear_attention."
        )
    out = v.new_empty((n, t, heads, width)) if into is None else into
    if not out.numel():
        return out
    q, k, v = (part if part.stride(-1) == 1 else part.contiguous() for part in (q, k, v))
    w = v[..., 0] if weight is None else weight.expand(n, t, heads)
    gated = None if gate is None else gate.float().contiguous()
    first, second, factor = _pairs(size, q.device)
    features, count = len(first), 1 + size + size * (size + 1) // 2
    chunks, tiles = triton.cdiv(t, CHUNK), triton.cdiv(t, READ_PLACES)
    cells = (n * heads, chunks, features)
    sums = torch.empty((*cells, width), dtype=torch.float32, device=q.device)
    weights = torch.empty(cells, dtype=torch.float32, device=q.device)
    halves = v.new_empty((2, n * heads, features, width))
    below = torch.empty((n * heads, features), dtype=torch.float32, device=q.device)
    sides = {
        "SIZE": max(16, triton.next_power_of_2(size)),
        "WIDE": max(16, triton.next_power_of_2(width)),
        "num_stages": STAGES,
    }
    with torch.cuda.device(q.device) if q.is_cuda else nullcontext():
        _state[(n * heads * chunks, features // STATE_FEATURES)](
            k, v, w, first, second, sums, weights, t, heads, size, width, chunks, features,
            *k.stride()[:3], *v.stride()[:3], *w.stride(),
            CHUNK=CHUNK, PLACES=STATE_PLACES, FEATURES=STATE_FEATURES, WEIGHTED=weight is not None,
            num_warps=STATE_WARPS, **sides,
        )  # fmt: skip
        _halves[(n * heads, features // READ_FEATURES)](
            sums, weights, factor, halves[0], halves[1], below, chunks, features, width,
            LARGER=LARGER, FEATURES=READ_FEATURES, WIDE=sides["WIDE"], num_warps=4,
        )  # fmt: skip
        _read[(n * heads * tiles,)](
            q, first, second, halves[0], halves[1], below, factor if gated is None else gated, out,
            t, heads, size, width, tiles, count, features, *q.stride()[:3], *out.stride()[:3],
            LARGER=LARGER, PLACES=READ_PLACES, FEATURES=READ_FEATURES,
            GATED=gate is not None, ADDED=into is not None, num_warps=READ_WARPS, **sides,
        )  # fmt: skip
    return out


@lru_cache(maxsize=64)
def _pairs(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The two numbers of each feature, int32, and the weight of their product, float32; in whole tiles."""
    pairs = [(ONE, ONE, 1.0), *((one, ONE, size**-0.5) for one in range(size))]
    for one in range(size):  # a pair stands for two products, a square for one
        pairs += [(one, other, 1 / size if one < other else 0.5 / size) for other in range(one, size)]
    pairs += [(NOTHING, NOTHING, 0.0)] * (-len(pairs) % STATE_FEATURES)
    first, second, factor = zip(*pairs, strict=True)
    numbers = [torch.tensor(part, dtype=torch.int32, device=device) for part in (first, second)]
    return numbers[0], numbers[1], torch.tensor(factor, dtype=torch.float32, device=device)
