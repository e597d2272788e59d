"""The passes of an exact search on a GPU: maxima in half precision, a bound, products above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from linktransformer.arrays import Floats, Integers
from linktransformer.search.gpu.rows import Rows, integers, rounded, uploaded, workspace
from linktransformer.search.gpu.torch_reference import GROUP, LOWEST, NOTHING, ROWS, TILE

__all__ = ["Items", "above", "best_keys", "largest"]

PER_TILE = TILE // GROUP
SPARE = 16  # groups beyond k that there is room for at first
MORE = 1024  # and for queries with more near ties than that
STRETCH = 2**14  # groups of items that the last queries are multiplied with at a time
ADDING = 2.0**-22  # error of a sum in float32, for each of its terms
NO_BLOCK = -2  # block of the rows that fill up a tile of queries


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Items on a GPU, sorted by block where they have blocks.

    Args:
        rows: The items.
        block: Their blocks in the host's memory, (m,) int64 rising; None for one block.
        block_on_gpu: The same on the GPU, int32.
    """

    rows: Rows
    block: Integers | None
    block_on_gpu: Tensor | None


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


@dataclass(frozen=True, slots=True, eq=False)
class _Queries:
    """All queries in the host's memory and, where they are read in another order, on the GPU."""

    matrix: Floats
    block: Integers | None
    on_gpu: Tensor | None

    def rows(self, rows: Integers, device: torch.device) -> Tensor:
        """Some of the queries on the GPU, (n_rows, d) float32; zeros for -1, all of which are at the end."""
        n = int((rows >= 0).sum())
        if rows[n - 1] - rows[0] == n - 1 and (np.diff(rows[:n]) == 1).all():
            part = uploaded(self.matrix, device, slice(int(rows[0]), int(rows[0]) + n))
            return torch.nn.functional.pad(part, (0, 0, 0, len(rows) - n))
        if self.on_gpu is None:
            return uploaded(self.matrix, device, rows)
        at = integers(rows, device)
        return self.on_gpu[at.clamp_min(0)] * (at >= 0)[:, None]


def best_keys(
    kernels: ModuleType, items: Items, queries: Floats, blocks: Integers | None, k: int
) -> tuple[Tensor, int]:
    """Find the k best of the items, k of them at least, for each of the queries (n, d) in host memory.

    Returns their keys (`plain.as_keys`), (n, k) int64 on the GPU, best first; and how many queries had more
    near ties than there was room for at first. `kernels` is the module `kernels` or `plain`.
    """
    device = items.rows.full.device
    source = _Queries(queries, blocks, None if blocks is None else _whole(queries, device))
    keys = torch.empty((len(queries), k), dtype=torch.int64, device=device)
    open_rows, n_reexamined = np.arange(len(queries)), 0
    for spare in (SPARE + k // 4, MORE):
        open_rows = _pass(kernels, items, source, open_rows, keys, spare)
        n_reexamined = n_reexamined or len(open_rows)
        if not len(open_rows):
            return keys, n_reexamined
    _exhaust(kernels, items, source, open_rows, keys)
    return keys, n_reexamined


def _whole(queries: Floats, device: torch.device) -> Tensor | None:
    """All queries on the GPU, if there is room for them."""
    if device.type == "cuda" and queries.nbytes > torch.cuda.mem_get_info(device)[0] // 4:
        return None
    return uploaded(queries, device)


def _pass(
    kernels: ModuleType, items: Items, queries: _Queries, rows: Integers, keys: Tensor, spare: int
) -> Integers:
    """Write the keys of some queries; returns those with more near ties than there is room for."""
    k = keys.shape[1]
    room = k + spare, 2 * k + spare
    longest, most_lost = (items.rows.size + items.rows.lost).amax(), items.rows.lost.amax()
    adding = ADDING * items.rows.full.shape[1] + kernels.ROUNDING
    is_open = torch.zeros(len(keys), dtype=torch.bool, device=keys.device)
    for part in _slices(items, queries.block, rows, room[1]):
        query, blocks = (
            rounded(queries.rows(part.rows, keys.device)),
            _blocks(items, queries.block, part.rows),
        )
        maxima, first = _maxima(kernels, items, query, part, blocks)
        error = query.lost * longest + query.size * (most_lost + adding * longest)
        group, has_more = above(*maxima, k, 2 * error, room)
        group = torch.where(group >= 0, group + first, -1).int()
        best = largest(kernels.rescored(query.full, items.rows.full, group, blocks), k)
        real = slice(0, int((part.rows >= 0).sum()))  # rows that fill up come last
        at = integers(part.rows[real], keys.device)
        keys[at], is_open[at] = best[real], has_more[real]
    return np.flatnonzero(is_open.cpu().numpy())


def _blocks(items: Items, blocks: Integers | None, rows: Integers) -> tuple[Tensor, Tensor] | None:
    if blocks is None or items.block_on_gpu is None:
        return None
    of_rows = np.where(rows >= 0, blocks[rows], NO_BLOCK)
    return integers(of_rows, items.block_on_gpu.device, torch.int32), items.block_on_gpu


def _slices(items: Items, blocks: Integers | None, rows: Integers, groups: int) -> Iterator[_Slice]:
    """The queries cut into stretches whose maxima and keys fit the workspace; the widest first."""
    key_bytes, space = 16 * GROUP * groups, workspace(items.rows.full.device)
    tile_bytes = 4 + 4 * PER_TILE
    if blocks is None or items.block is None:
        tiles = -(-len(items.rows.full) // TILE)
        step = ROWS * max(1, space // (ROWS * (tiles * tile_bytes + key_bytes)))
        for start in range(0, len(rows), step):
            yield _Slice(_filled(rows[start : start + step]), None, tiles)
        return
    tile = _filled(rows[np.argsort(blocks[rows], kind="stable")]).reshape(-1, ROWS)
    last = tile[np.arange(len(tile)), (tile >= 0).sum(axis=1) - 1]
    begin = np.searchsorted(items.block, blocks[tile[:, 0]], "left")
    end = np.searchsorted(items.block, blocks[last], "right")
    first = begin // TILE
    count = np.where(end > begin, -(-end // TILE) - first, 0)
    order, start = np.argsort(-count, kind="stable"), 0
    while start < len(order):
        widest = max(1, int(count[order[start]]))
        part = order[start : start + max(1, space // (ROWS * (widest * tile_bytes + key_bytes)))]
        # rows that fill up must come last
        part = part[np.argsort(tile[part, -1] < 0, kind="stable")]
        yield _Slice(tile[part].ravel(), (first[part], count[part]), widest)
        start += len(part)


def _filled(rows: Integers) -> Integers:
    return np.pad(rows, (0, -len(rows) % ROWS), constant_values=-1)


def _maxima(
    kernels: ModuleType, items: Items, query: Rows, part: _Slice, blocks: tuple[Tensor, Tensor] | None
) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """The maxima of groups and of tiles; and the group of items that the first of a row is."""
    device = query.full.device
    n, tiles = len(query.full), part.most_tiles
    out = torch.empty((n, tiles * PER_TILE), device=device), torch.empty((n, tiles), device=device)
    spans, first = None, torch.zeros((1, 1), dtype=torch.int64, device=device)
    if part.spans is not None:
        for maxima in out:
            maxima.fill_(LOWEST)
        tile, count = (integers(span, device, torch.int32) for span in part.spans)
        spans, first = (tile, count), (tile.long() * PER_TILE).repeat_interleave(ROWS)[:, None]
    kernels.maxima(query.half, items.rows.half, spans, blocks, tiles, out)
    return out, first


def above(
    of_groups: Tensor, of_tiles: Tensor, k: int, margin: Tensor, room: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """The groups that may hold one of the k best products.

    k groups have a maximum of `bound` or more, so the k-th best product is less than one error below it, and
    what has such a product is less than two below it in half precision. Takes half-precision maxima of groups
    (n, tiles * PER_TILE) and tiles (n, tiles), twice the error of a product (n,), and how many tiles and
    groups are looked at. Returns groups (n, g), -1 for none; and the rows that may have more, (n,) bool.
    """
    best_tile, tile = of_tiles.topk(min(of_tiles.shape[1], room[0]))
    group = (tile[:, :, None] * PER_TILE + torch.arange(PER_TILE, device=tile.device)).flatten(1)
    best, at = of_groups.gather(1, group).topk(min(group.shape[1], room[1]))
    bound = best[:, k - 1] - margin if best.shape[1] >= k else torch.full_like(margin, LOWEST)
    has_more = torch.zeros_like(bound, dtype=torch.bool)
    for top, n in ((best_tile, of_tiles.shape[1]), (best, group.shape[1])):
        if top.shape[1] < n:
            has_more |= (top[:, -1] >= bound) & (top[:, -1] > LOWEST)
    return torch.where((best >= bound[:, None]) & (best > LOWEST), group.gather(1, at), -1), has_more


def largest(keys: Tensor, k: int) -> Tensor:
    """The k largest of keys (n, m) in each row, largest first, filled up with the key of nothing."""
    missing = max(0, k - keys.shape[1])
    return torch.nn.functional.pad(keys, (0, missing), value=NOTHING).topk(k)[0]


def _exhaust(kernels: ModuleType, items: Items, queries: _Queries, rows: Integers, keys: Tensor) -> None:
    """Write the keys of the last queries, multiplied with every item in float32."""
    n_groups = -(-len(items.rows.full) // GROUP)
    for start in range(0, len(rows), ROWS):
        part = rows[start : start + ROWS]
        query, blocks = uploaded(queries.matrix, keys.device, part), _blocks(items, queries.block, part)
        best = torch.empty((len(part), 0), dtype=torch.int64, device=keys.device)
        for first in range(0, n_groups, STRETCH):
            group = torch.arange(first, min(n_groups, first + STRETCH), dtype=torch.int32, device=keys.device)
            group = group.expand(len(part), -1).contiguous()
            scored = kernels.rescored(query, items.rows.full, group, blocks)
            best = largest(torch.cat([best, scored], 1), keys.shape[1])
        keys[integers(part, keys.device)] = best
