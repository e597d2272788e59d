"""The steps of the exact search on a GPU in plain torch: reference of the Triton kernels, and stand-in."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["GROUP", "ROUNDING", "ROWS", "TILE", "as_keys", "maxima", "of_keys", "rescored"]

GROUP = 16  # items whose greatest product alone is kept
ROWS = 128  # queries that are looked at together
TILE = 256  # items that are looked at together
NUMBERS = 2**26  # products or gathered numbers at a time
ROUNDING = 2.0**-11  # of the products, beside that of their factors: a half-precision product is one
LOWEST = float("-inf")
LOW_BITS = 0xFFFFFFFF
NOTHING = -0x7F80000100000000  # the key of minus infinity

Blocks = tuple[Tensor, Tensor]  # of queries and of items, int32; products across blocks are minus infinity


def maxima(
    queries: Tensor,
    items: Tensor,
    spans: tuple[Tensor, Tensor] | None,
    blocks: Blocks | None,
    most_tiles: int,
    out: tuple[Tensor, Tensor],
) -> None:
    """Write the greatest product of each group and each tile of items for each query.

    Queries (n, d) and items (m, d) are float16, n a multiple of ROWS, d of 64. With blocks, `spans` holds the
    first tile of items and the number of tiles of each ROWS queries, int32. `out` is (n, most_tiles * TILE /
    GROUP) and (n, most_tiles) float32, filled with minus infinity where there are spans.
    """
    of_groups, of_tiles = out
    if spans is None or blocks is None:
        _tiles(queries, items, slice(0, most_tiles), None, out)
        return
    first, count = spans[0].tolist(), spans[1].tolist()
    for number in range(len(queries) // ROWS):
        rows = slice(number * ROWS, (number + 1) * ROWS)
        if count[number]:
            tiles = slice(first[number], first[number] + count[number])
            _tiles(
                queries[rows], items, tiles, (blocks[0][rows], blocks[1]), (of_groups[rows], of_tiles[rows])
            )


def _tiles(
    queries: Tensor, items: Tensor, tiles: slice, blocks: Blocks | None, out: tuple[Tensor, Tensor]
) -> None:
    """The maxima of some queries over some tiles of items, a stretch of tiles at a time."""
    of_groups, of_tiles = out
    step = max(1, NUMBERS // (len(queries) * TILE))
    for first in range(tiles.start, tiles.stop, step):
        last = min(tiles.stop, first + step)
        part = slice(first * TILE, last * TILE)
        product = _product(queries, items[part])
        if blocks is not None:
            product = product.masked_fill(blocks[0][:, None] != blocks[1][part][None, :], LOWEST)
        missing = (last - first) * TILE - product.shape[1]
        product = torch.nn.functional.pad(product, (0, missing), value=LOWEST)
        best = product.view(len(queries), -1, GROUP).amax(2).float()
        start, stop = first - tiles.start, last - tiles.start
        of_groups[:, start * TILE // GROUP : stop * TILE // GROUP] = best
        of_tiles[:, start:stop] = best.view(len(queries), -1, TILE // GROUP).amax(2)


def _product(queries: Tensor, items: Tensor) -> Tensor:
    if queries.is_cuda:
        return queries @ items.T
    return (queries.float() @ items.T.float()).half()  # CPUs multiply half precision slowly


def rescored(queries: Tensor, items: Tensor, groups: Tensor, blocks: Blocks | None) -> Tensor:
    """The float32 products of queries (n, d) with the items of some groups (n, g), as keys.

    Returns (n, g * GROUP) int64; the greater the key, the greater the product, then the lower the item. A
    group of -1 is none.
    """
    n, count = groups.shape
    keys = torch.empty((n, count * GROUP), dtype=torch.int64, device=queries.device)
    lane = torch.arange(GROUP, device=queries.device)
    step = max(1, NUMBERS // (count * GROUP * queries.shape[1]))
    for start in range(0, n, step):
        part = slice(start, start + step)
        item = (groups[part, :, None].long() * GROUP + lane).flatten(1)
        valid = (item >= 0) & (item < len(items))
        item = torch.where(valid, item, 0)
        if blocks is not None:
            valid &= blocks[1][item] == blocks[0][part, None]
        score = (items[item] * queries[part, None, :]).sum(2)
        keys[part] = as_keys(torch.where(valid, score, LOWEST), item)
    return keys


def as_keys(score: Tensor, item: Tensor) -> Tensor:
    """Scores (float32) and items (int64, below 2**32) as int64 that rise with the score, fall with the item.

    Example:
        >>> keys = as_keys(torch.tensor([0.5, 0.5, -1.0]), torch.tensor([0, 1, 2]))
        >>> keys.argsort(descending=True).tolist()
        [0, 1, 2]
    """
    bits = (score + 0.0).view(torch.int32)  # adding 0 makes of the two zeros one
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (rising.long() << 32) | (LOW_BITS - item)


def of_keys(keys: Tensor) -> tuple[Tensor, Tensor]:
    """Items, int64 with -1 where the score is minus infinity, and scores, float32, of keys."""
    rising = (keys >> 32).int()
    score = (rising ^ ((rising >> 31) & 0x7FFFFFFF)).view(torch.float32)
    valid = score > LOWEST
    return torch.where(valid, LOW_BITS - (keys & LOW_BITS), -1), torch.where(valid, score, LOWEST)
