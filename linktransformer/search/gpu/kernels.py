"""Triton kernels of the exact search on a GPU; only `search` imports this file, where Triton is installed."""

from __future__ import annotations

import functools

import torch
import triton
import triton.language as tl
from torch import Tensor

from linktransformer.search.gpu import torch_reference
from linktransformer.search.gpu.torch_reference import GROUP, ROWS, TILE, Blocks

__all__ = ["ROUNDING", "maxima", "rescored"]

try:
    from triton.tools.tensor_descriptor import TensorDescriptor
except ImportError:  # before Triton 3.4
    TensorDescriptor = None

LOW_BITS = tl.constexpr(torch_reference.LOW_BITS)
DEEP = 64  # columns of a step of the matrix units
ROUNDING = 0.0  # products are sums in float32


@triton.jit
def _maxima(
    queries,
    items,
    first_tile,
    n_tiles,
    block_of_query,
    block_of_item,
    of_groups,
    of_tiles,
    n_row_tiles,
    most_tiles,
    m,
    depth,
    BLOCKS: tl.constexpr,
    ROWS: tl.constexpr,
    TILE: tl.constexpr,
    DEEP: tl.constexpr,
    GROUP: tl.constexpr,
):
    """One tile of products: the greatest of each group of items, and of the whole tile, for each query.

    Programs of the same items run side by side, so that items are read from the second-level cache.
    """
    place = tl.program_id(0)
    row_tile = place % n_row_tiles
    column = place // n_row_tiles
    tile = column
    if BLOCKS:
        if column >= tl.load(n_tiles + row_tile):
            return
        tile += tl.load(first_tile + row_tile)
    row = row_tile * ROWS + tl.arange(0, ROWS)
    item = tile * TILE + tl.arange(0, TILE)
    deep = tl.arange(0, DEEP)
    query_at = queries + row[:, None] * depth + deep[None, :]
    # items beyond the last are read as the last: masking the load would cost the pipeline
    item_at = items + tl.minimum(item, m - 1).to(tl.int64)[None, :] * depth + deep[:, None]
    product = tl.zeros((ROWS, TILE), dtype=tl.float32)
    for start in range(0, depth, DEEP):
        product = tl.dot(tl.load(query_at + start), tl.load(item_at + start), product)
    keep = (item < m)[None, :]
    if BLOCKS:
        same = (
            tl.load(block_of_query + row)[:, None]
            == tl.load(block_of_item + tl.minimum(item, m - 1))[None, :]
        )
        keep = keep & same
    product = tl.where(keep, product, float("-inf"))
    GROUPS: tl.constexpr = TILE // GROUP
    best = tl.max(tl.reshape(product, (ROWS, GROUPS, GROUP)), axis=2)
    width = most_tiles * GROUPS
    at = of_groups + row.to(tl.int64)[:, None] * width + (column * GROUPS + tl.arange(0, GROUPS))[None, :]
    tl.store(at, best)
    tl.store(of_tiles + row.to(tl.int64) * most_tiles + column, tl.max(best, axis=1))


@triton.jit
def _rescored(
    queries,
    items,
    groups,
    block_of_query,
    block_of_item,
    keys,
    n_groups,
    m,
    depth,
    BLOCKS: tl.constexpr,
    DEEP: tl.constexpr,
    GROUP: tl.constexpr,
):
    """The float32 products of a query with the items of one group, as keys that sort as (score, -item)."""
    row = tl.program_id(0).to(tl.int64)
    slot = tl.program_id(1)
    group = tl.load(groups + row * n_groups + slot)
    lane = tl.arange(0, GROUP)
    item = group.to(tl.int64) * GROUP + lane
    valid = (item < m) & (group >= 0)
    if BLOCKS:
        same = tl.load(block_of_item + item, mask=valid, other=-1) == tl.load(block_of_query + row)
        valid = valid & same
    score = tl.zeros((GROUP,), dtype=tl.float32)
    if group >= 0:
        for start in range(0, depth, DEEP):
            deep = start + tl.arange(0, DEEP)
            query = tl.load(queries + row * depth + deep, mask=deep < depth, other=0.0)
            group_rows = tl.load(
                items + item[:, None] * depth + deep[None, :],
                mask=valid[:, None] & (deep < depth)[None, :],
                other=0.0,
            )
            score += tl.sum(group_rows.to(tl.float32) * query.to(tl.float32)[None, :], axis=1)
    score = tl.where(valid, score + 0.0, float("-inf"))
    bits = score.to(tl.int32, bitcast=True)
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    key = (rising.to(tl.int64) << 32) | (LOW_BITS - tl.maximum(item, 0))
    tl.store(keys + (row * n_groups + slot) * GROUP + lane, key)


@triton.jit
def _maxima_streamed(
    queries,
    items,
    of_groups,
    of_tiles,
    n_row_tiles,
    most_tiles,
    m,
    depth,
    programs,
    ROWS: tl.constexpr,
    TILE: tl.constexpr,
    DEEP: tl.constexpr,
    GROUP: tl.constexpr,
):
    """As `_maxima` without blocks, for GPUs that copy tiles asynchronously (Hopper and later).

    One program a multiprocessor goes from tile to tile, and the next tile is on its way while this one's
    maxima are taken.
    """
    GROUPS: tl.constexpr = TILE // GROUP
    width = most_tiles * GROUPS
    for place in tl.range(tl.program_id(0), n_row_tiles * most_tiles, programs, flatten=True):
        row_tile = place % n_row_tiles
        tile = place // n_row_tiles
        product = tl.zeros((ROWS, TILE), dtype=tl.float32)
        for start in range(0, depth, DEEP):
            query_tile = queries.load([row_tile * ROWS, start])
            product = tl.dot(query_tile, items.load([tile * TILE, start]).T, product)
        item = tile * TILE + tl.arange(0, TILE)
        product = tl.where((item < m)[None, :], product, float("-inf"))
        best = tl.max(tl.reshape(product, (ROWS, GROUPS, GROUP)), axis=2)
        row = (row_tile * ROWS + tl.arange(0, ROWS)).to(tl.int64)
        tl.store(of_groups + row[:, None] * width + (tile * GROUPS + tl.arange(0, GROUPS))[None, :], best)
        tl.store(of_tiles + row * most_tiles + tile, tl.max(best, axis=1))


def maxima(
    queries: Tensor,
    items: Tensor,
    spans: tuple[Tensor, Tensor] | None,
    blocks: Blocks | None,
    most_tiles: int,
    out: tuple[Tensor, Tensor],
    *,
    streamed: bool | None = None,
) -> None:
    """As `plain.maxima`. `streamed`: the GPU copies tiles itself, not with blocks; None to find out."""
    n, depth = queries.shape
    m = len(items)
    shape = {"ROWS": ROWS, "TILE": TILE, "DEEP": DEEP, "GROUP": GROUP, "num_warps": 8, "num_stages": 3}
    if streamed is None:
        streamed = blocks is None and TensorDescriptor is not None and _streams(queries.device)
    if streamed:
        programs = torch.cuda.get_device_properties(queries.device).multi_processor_count
        _maxima_streamed[(programs,)](
            TensorDescriptor.from_tensor(queries, [ROWS, DEEP]),
            TensorDescriptor.from_tensor(items, [TILE, DEEP]),
            *out, n // ROWS, most_tiles, m, depth, programs, **shape,
        )  # fmt: skip
        return
    first, count = spans if spans is not None else (queries, queries)
    of_query, of_item = blocks if blocks is not None else (queries, queries)
    _maxima[(n // ROWS * most_tiles,)](
        queries, items, first, count, of_query, of_item, *out, n // ROWS, most_tiles, m, depth,
        BLOCKS=blocks is not None, **shape,
    )  # fmt: skip


@functools.cache
def _streams(device: torch.device) -> bool:
    return bool(torch.cuda.get_device_capability(device) >= (9, 0))


def rescored(queries: Tensor, items: Tensor, groups: Tensor, blocks: Blocks | None) -> Tensor:
    """As `plain.rescored`."""
    n, count = groups.shape
    depth = queries.shape[1]
    keys = torch.empty((n, count * GROUP), dtype=torch.int64, device=queries.device)
    of_query, of_item = blocks if blocks is not None else (groups, groups)
    deep = min(512, triton.next_power_of_2(depth))
    _rescored[(n, count)](
        queries, items, groups, of_query, of_item, keys, count, len(items), depth,
        BLOCKS=blocks is not None, DEEP=deep, GROUP=GROUP, num_warps=4,
    )  # fmt: skip
    return keys
