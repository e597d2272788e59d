"""The steps of the exact search on a GPU in plain torch: reference of the Triton kernels, and stand-in."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["GROUP", "ROUNDING", "ROWS", "TILE", "as_keys", "maxima", "of_keys", "rescored"]

GROUP = 16  # items whose greatest product alone is kept
ROWS = 128  # queries that are looked at together
TILE = 256  # items that are looked at together
NUMBERS = 2**26  # products or gathered numbers at a time
ROUNDING = 2.0**-11  # of the products, beside that of their factors: a half-precision product is one
LOWEST = float("-inf")
LOW_BITS = 0xFFFFFFFF
NOTHING = -0x7F80000100000000  # the key of minus infinity


def maxima(
    queries: Any,
    items: Any,
    spans: tuple[Any, Any] | None,
    blocks: tuple[Any, Any] | None,
    most_tiles: int,
    out: tuple[Any, Any],
) -> None:
    """Write the greatest product of each group and each tile of items for each query.

    Args:
        queries: (n, d) float16; n a multiple of ROWS, d of 64.
        items: (m, d) float16.
        spans: With `blocks`, for each ROWS queries their first tile of items and the number of tiles, int32.
        blocks: The blocks of queries and of items, int32: products across blocks count as minus infinity.
        most_tiles: Tiles of items in a row of `out`.
        out: (n, most_tiles * TILE / GROUP) and (n, most_tiles) float32, at minus infinity with `spans`.
    """
    of_groups, of_tiles = out
    if spans is None or blocks is None:
        _tile(queries, items, 0, most_tiles, None, of_groups, of_tiles)
        return
    first, count = spans[0].tolist(), spans[1].tolist()
    for number in range(len(queries) // ROWS):
        rows = slice(number * ROWS, (number + 1) * ROWS)
        if count[number]:
            of = (blocks[0][rows], blocks[1])
            _tile(queries[rows], items, first[number], count[number], of, of_groups[rows], of_tiles[rows])


def _tile(
    queries: Any, items: Any, first: int, count: int, blocks: Any, of_groups: Any, of_tiles: Any
) -> None:
    """The maxima of some queries over `count` tiles of items, a stretch of tiles at a time."""
    step = max(1, NUMBERS // (len(queries) * TILE))
    for start in range(0, count, step):
        stop = min(count, start + step)
        some = items[(first + start) * TILE : (first + stop) * TILE]
        product = _product(queries, some)
        if blocks is not None:
            of_item = blocks[1][(first + start) * TILE : (first + stop) * TILE]
            product = product.masked_fill(blocks[0][:, None] != of_item[None, :], LOWEST)
        missing = (stop - start) * TILE - len(some)
        product = torch.nn.functional.pad(product, (0, missing), value=LOWEST)
        best = product.view(len(queries), -1, GROUP).amax(2).float()
        of_groups[:, start * TILE // GROUP : stop * TILE // GROUP] = best
        of_tiles[:, start:stop] = best.view(len(queries), -1, TILE // GROUP).amax(2)


def _product(queries: Any, items: Any) -> Any:
    if queries.is_cuda:
        return queries @ items.T
    return (queries.float() @ items.T.float()).half()  # processors multiply half precision slowly


def rescored(queries: Any, items: Any, groups: Any, blocks: tuple[Any, Any] | None) -> Any:
    """The items of some groups as keys: the float32 product in the upper half, the item falling in the lower.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        groups: (n, g) int32, -1 for none.
        blocks: Block numbers of the queries and of the items, int32; products across blocks count as minus
            infinity. None without blocking.

    Returns:
        (n, g * GROUP) int64; the greater the key, the greater the product, then the lower the item.
    """
    n, count = groups.shape
    keys = torch.empty((n, count * GROUP), dtype=torch.int64, device=queries.device)
    lane = torch.arange(GROUP, device=queries.device)
    step = max(1, NUMBERS // (count * GROUP * queries.shape[1]))
    for start in range(0, n, step):
        some = slice(start, start + step)
        item = (groups[some, :, None].long() * GROUP + lane).flatten(1)
        there = (item >= 0) & (item < len(items))
        item = torch.where(there, item, 0)
        if blocks is not None:
            there &= blocks[1][item] == blocks[0][some, None]
        score = (items[item] * queries[some, None, :]).sum(2)
        keys[some] = as_keys(torch.where(there, score, LOWEST), item)
    return keys


def as_keys(score: Any, item: Any) -> Any:
    """Scores and items as integers that rise with the score and, for equal scores, fall with the item.

    Args:
        score: Float32.
        item: Int64, below 2**32.

    Returns:
        Int64 of the same shape.

    Example:
        >>> keys = as_keys(torch.tensor([0.5, 0.5, -1.0]), torch.tensor([0, 1, 2]))
        >>> keys.argsort(descending=True).tolist()
        [0, 1, 2]
    """
    bits = (score + 0.0).view(torch.int32)  # adding 0 makes of the two zeros one
    rising = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (rising.long() << 32) | (LOW_BITS - item)


def of_keys(keys: Any) -> tuple[Any, Any]:
    """Items and scores of keys.

    Args:
        keys: From `as_keys` or `rescored`.

    Returns:
        Int64 items, -1 where the score is minus infinity, and float32 scores.

    Example:
        >>> item, score = of_keys(as_keys(torch.tensor([0.5, -1.0]), torch.tensor([7, 9])))
        >>> item.tolist(), score.tolist()
        ([7, 9], [0.5, -1.0])
    """
    rising = (keys >> 32).int()
    score = (rising ^ ((rising >> 31) & 0x7FFFFFFF)).view(torch.float32)
    there = score > LOWEST
    return torch.where(there, LOW_BITS - (keys & LOW_BITS), -1), torch.where(there, score, LOWEST)
