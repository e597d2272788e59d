"""The passes of an exact search on a card: maxima in half precision, a bound, products above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import torch

from linktransformer.arrays import Floats, Integers
from linktransformer.search.gpu_plain import GROUP, LOWEST, NOTHING, ROWS, TILE
from linktransformer.search.gpu_rows import Rows, integers, rounded, uploaded, workspace

__all__ = ["Items", "above", "best_keys", "largest"]

PER_TILE = TILE // GROUP
SPARE = 16  # groups beyond k that there is room for at first
MORE = 1024  # and for queries with more near ties than that
STRETCH = 2**14  # groups of items that the last queries are multiplied with at a time
ADDING = 2.0**-22  # error of a sum in float32, for each of its terms
NOBODY = -2  # block of the rows that fill up a tile of queries

Matrix = Floats


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Items on a card, sorted by block where they have blocks.

    Args:
        rows: The items.
        block: Their blocks on the processor, (m,) int64 rising; None for one block.
        block_there: The same on the card, int32.
    """

    rows: Rows
    block: Integers | None
    block_there: Any


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """Queries that are searched together.

    Args:
        rows: Query rows, a multiple of ROWS of them, -1 where there is none.
        spans: With blocks, the first tile of items and the number of tiles of each ROWS queries.
        most_tiles: The largest number of tiles.
    """

    rows: Integers
    spans: tuple[Integers, Integers] | None
    most_tiles: int


def best_keys(
    kernels: ModuleType, items: Items, queries: Matrix, blocks: Integers | None, k: int
) -> tuple[Any, int]:
    """Find the k best items of each query.

    Args:
        kernels: `gpu_kernels` or `gpu_plain`.
        items: Items, k of them at least.
        queries: (n, d) float32 on the processor.
        blocks: The block of each query, (n,) int64; None for one block.
        k: How many.

    Returns:
        Their keys (`gpu_plain.as_keys`), (n, k) int64 on the card, best first; and how many queries had more
        near ties than there was room for at first.
    """
    there = items.rows.full.device
    asked = _Asked(queries, blocks, None if blocks is None else _whole(queries, there))
    keys = torch.empty((len(queries), k), dtype=torch.int64, device=there)
    rest, again = np.arange(len(queries)), 0
    for spare in (SPARE + k // 4, MORE):
        rest = _pass(kernels, items, asked, rest, keys, spare)
        again = again or len(rest)
        if not len(rest):
            return keys, again
    _exhaust(kernels, items, asked, rest, keys)
    return keys, again


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """The queries: all of them on the processor and, where they come in another order, on the card."""

    matrix: Matrix
    block: Integers | None
    there: Any

    def on_card(self, rows: Integers, device: Any) -> Any:
        """Some of the queries on the card, (n_rows, d) float32, zeros where there is none.

        Args:
            rows: Numbers of the queries, -1 for none, all of these at the end, (n_rows,) int64.
            device: The torch device of the card.

        Returns:
            The queries.
        """
        straight = int((rows >= 0).sum())
        if rows[straight - 1] - rows[0] == straight - 1 and (np.diff(rows[:straight]) == 1).all():
            some = uploaded(self.matrix, device, slice(int(rows[0]), int(rows[0]) + straight))
            return torch.nn.functional.pad(some, (0, 0, 0, len(rows) - straight))
        if self.there is None:
            return uploaded(self.matrix, device, rows)
        at = integers(rows, device)
        return self.there[at.clamp_min(0)] * (at >= 0)[:, None]


def _whole(queries: Matrix, device: Any) -> Any:
    """All queries on the card, if there is room for them."""
    if device.type == "cuda" and queries.nbytes > torch.cuda.mem_get_info(device)[0] // 4:
        return None
    return uploaded(queries, device)


def _pass(
    kernels: ModuleType, items: Items, asked: _Asked, rows: Integers, keys: Any, spare: int
) -> Integers:
    """Search for some queries; return those with more near ties than there is room for."""
    k = keys.shape[1]
    room = k + spare, 2 * k + spare
    longest, most_lost = (items.rows.size + items.rows.lost).amax(), items.rows.lost.amax()
    adding = ADDING * items.rows.full.shape[1] + kernels.ROUNDING
    still = torch.zeros(len(keys), dtype=torch.bool, device=keys.device)
    for slice_ in _slices(items, asked.block, rows, room[1]):
        some = slice_.rows
        query, blocks = rounded(asked.on_card(some, keys.device)), _blocks(items, asked.block, some)
        maxima, first = _maxima(kernels, items, query, slice_, blocks)
        error = query.lost * longest + query.size * (most_lost + adding * longest)
        group, open_ = above(*maxima, k, 2 * error, room)
        group = torch.where(group >= 0, group + first, -1).int()
        best = largest(kernels.rescored(query.full, items.rows.full, group, blocks), k)
        real = slice(0, int((some >= 0).sum()))  # rows that fill up come last
        at = integers(some[real], keys.device)
        keys[at], still[at] = best[real], open_[real]
    return np.flatnonzero(still.cpu().numpy())


def _blocks(items: Items, blocks: Integers | None, rows: Integers) -> tuple[Any, Any] | None:
    if blocks is None:
        return None
    of = np.where(rows >= 0, blocks[rows], NOBODY)
    return integers(of, items.block_there.device, torch.int32), items.block_there


def _slices(items: Items, blocks: Integers | None, rows: Integers, groups: int) -> Iterator[_Slice]:
    """The queries cut into stretches whose maxima and keys fit the workspace; the widest first."""
    of_keys, space = 16 * GROUP * groups, workspace(items.rows.full.device)
    of_tile = 4 + 4 * PER_TILE
    if blocks is None or items.block is None:
        tiles = -(-len(items.rows.full) // TILE)
        step = ROWS * max(1, space // (ROWS * (tiles * of_tile + of_keys)))
        for start in range(0, len(rows), step):
            yield _Slice(_filled(rows[start : start + step]), None, tiles)
        return
    tile = _filled(rows[np.argsort(blocks[rows], kind="stable")]).reshape(-1, ROWS)
    last = tile[np.arange(len(tile)), (tile >= 0).sum(axis=1) - 1]
    begin = np.searchsorted(items.block, blocks[tile[:, 0]], "left")
    end = np.searchsorted(items.block, blocks[last], "right")
    first = begin // TILE
    count = np.where(end > begin, -(-end // TILE) - first, 0)
    order, at = np.argsort(-count, kind="stable"), 0
    while at < len(order):
        most = max(1, int(count[order[at]]))
        some = order[at : at + max(1, space // (ROWS * (most * of_tile + of_keys)))]
        # rows that fill up come last, where they are looked for
        some = some[np.argsort(tile[some, -1] < 0, kind="stable")]
        yield _Slice(tile[some].ravel(), (first[some], count[some]), most)
        at += len(some)


def _filled(rows: Integers) -> Integers:
    return np.pad(rows, (0, -len(rows) % ROWS), constant_values=-1)


def _maxima(
    kernels: ModuleType, items: Items, query: Rows, slice_: _Slice, blocks: tuple[Any, Any] | None
) -> tuple[tuple[Any, Any], Any]:
    """The maxima of groups and of tiles; and the group of items that the first of a row is."""
    there = query.full.device
    shape = len(query.full), slice_.most_tiles
    out = (
        torch.empty((shape[0], shape[1] * PER_TILE), device=there),
        torch.empty(shape, device=there),
    )
    spans, first = None, torch.zeros((1, 1), dtype=torch.int64, device=there)
    if slice_.spans is not None:
        for maxima in out:
            maxima.fill_(LOWEST)
        tile, count = (integers(part, there, torch.int32) for part in slice_.spans)
        spans, first = (tile, count), (tile.long() * PER_TILE).repeat_interleave(ROWS)[:, None]
    kernels.maxima(query.half, items.rows.half, spans, blocks, shape[1], out)
    return out, first


def above(of_groups: Any, of_tiles: Any, k: int, margin: Any, room: tuple[int, int]) -> tuple[Any, Any]:
    """The groups that may hold one of the k best.

    k groups have a maximum of `bound` or more, so the k-th best product is less than one error below it, and
    what has such a product is less than two below it in half precision.

    Args:
        of_groups: Half-precision maxima of groups, (n, tiles * PER_TILE).
        of_tiles: Of tiles, (n, tiles).
        k: How many products are wanted.
        margin: Twice the error of a product, (n,).
        room: Tiles and groups that are looked at.

    Returns:
        (n, g) groups, -1 for none; and the rows that may have more of them, (n,) bool.
    """
    value, tile = of_tiles.topk(min(of_tiles.shape[1], room[0]))
    group = (tile[:, :, None] * PER_TILE + torch.arange(PER_TILE, device=tile.device)).flatten(1)
    best, at = of_groups.gather(1, group).topk(min(group.shape[1], room[1]))
    bound = best[:, k - 1] - margin if best.shape[1] >= k else torch.full_like(margin, LOWEST)
    open_ = torch.zeros_like(bound, dtype=torch.bool)
    for found, there in ((value, of_tiles.shape[1]), (best, group.shape[1])):
        if found.shape[1] < there:
            open_ |= (found[:, -1] >= bound) & (found[:, -1] > LOWEST)
    return torch.where((best >= bound[:, None]) & (best > LOWEST), group.gather(1, at), -1), open_


def largest(keys: Any, k: int) -> Any:
    """The k largest keys of each row, largest first, filled up with those of nothing.

    Args:
        keys: (n, m) int64.
        k: How many to take; m may be smaller.

    Returns:
        (n, k) int64.
    """
    missing = max(0, k - keys.shape[1])
    return torch.nn.functional.pad(keys, (0, missing), value=NOTHING).topk(k)[0]


def _exhaust(kernels: ModuleType, items: Items, asked: _Asked, rows: Integers, keys: Any) -> None:
    """Multiply the last queries with every item in float32."""
    n_groups = -(-len(items.rows.full) // GROUP)
    for start in range(0, len(rows), ROWS):
        some = rows[start : start + ROWS]
        query, blocks = uploaded(asked.matrix, keys.device, some), _blocks(items, asked.block, some)
        best = torch.empty((len(some), 0), dtype=torch.int64, device=keys.device)
        for first in range(0, n_groups, STRETCH):
            group = torch.arange(first, min(n_groups, first + STRETCH), dtype=torch.int32, device=keys.device)
            group = group.expand(len(some), -1).contiguous()
            found = kernels.rescored(query, items.rows.full, group, blocks)
            best = largest(torch.cat([best, found], 1), keys.shape[1])
        keys[integers(some, keys.device)] = best
