"""The nearest sparse rows on a GPU: all products of sketches by the matrix units, true ones of the best.

A sketch adds the entries of a row up in 1,024 numbers, each entry with a random sign at a random place, so
that the product of two sketches is that of the rows but for noise of 1/32 (M. Charikar, K. Chen and M.
Farach-Colton, Finding frequent items in data streams, 2002; K. Weinberger et al., Feature hashing for large
scale multitask learning, 2009). The items of the groups with the best sketches are multiplied as they are.
How many groups is found on a sample of queries, of which the true neighbours are looked up first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from linktransformer.arrays import Floats, Integers
from linktransformer.search.gpu_pairs import sparse_rows
from linktransformer.search.gpu_passes import above, largest
from linktransformer.search.gpu_plain import GROUP, LOWEST, ROWS, TILE, as_keys, of_keys
from linktransformer.search.gpu_rows import integers, on_card, workspace

__all__ = ["top_k"]

WIDTH = 1024  # numbers of a sketch
TRIED = 512  # queries on which the recall is measured, a multiple of ROWS
WANTED = 0.95
ROOMS = (64, 128, 256, 512, 1024)  # items of a query that are multiplied as they are, tried one after another
STRETCH = 2**16  # items that the sample is multiplied with at a time


def top_k(
    queries: sp.csr_matrix, items: sp.csr_matrix, k: int, *, device: str
) -> tuple[Integers, Integers, Floats, dict[str, Any]]:
    """Find the k rows with the largest positive inner product for each query, nearly all of them.

    Args:
        queries: (n, d) float32, unit rows.
        items: (m, d) float32, unit rows; the same object for a table against itself.
        k: How many at most; rows that share nothing are left out.
        device: The card.

    Returns:
        Queries, items and scores of the found pairs as `lexical.sparse_top_k` gives them, and how it was
        searched, with the recall on a sample.
    """
    card = torch.device(device)
    k = min(k, items.shape[0])
    with torch.inference_mode(), on_card(card):
        sketch = _Sketch(queries.shape[1], card)
        of_items = sparse_rows(items, card)
        of_queries = of_items if queries is items else sparse_rows(queries, card)
        half = sketch.of(of_items)
        search = _Search(of_queries, of_items, half, sketch, k)
        room, recall = search.room_for(_sample(queries.shape[0]))
        keys = search.run(torch.arange(queries.shape[0], device=card), room)
        item, score = of_keys(keys)
        query, place = torch.nonzero(item >= 0, as_tuple=True)
        found = query.cpu().numpy(), item[query, place].cpu().numpy(), score[query, place].cpu().numpy()
    return *found, {"index": "sketches, GPU", "items_multiplied": room, "recall": round(recall, 4)}


def _sample(n: int) -> Integers:
    return np.sort(np.random.default_rng(0).choice(n, min(n, TRIED), replace=False))


class _Sketch:
    """Where each column goes in a sketch, and with which sign."""

    def __init__(self, columns: int, card: Any) -> None:
        draw = np.random.default_rng(0)
        self.place = integers(draw.integers(0, WIDTH, columns), card)
        sign = draw.integers(0, 2, columns).astype(np.float32) * 2 - 1
        self.sign = torch.from_numpy(sign).to(card)

    def of(self, rows: tuple[Any, Any, Any], which: Any = None) -> Any:
        """The sketches of all rows, or of some, (n, WIDTH) float16.

        Args:
            rows: Sparse rows: where they start, their columns and their values.
            which: Numbers of the rows, -1 for a sketch of zeros; None for all of them.

        Returns:
            The sketches.
        """
        start, column, value = rows
        if which is None:
            which = torch.arange(len(start) - 1, device=start.device)
        made = torch.empty((len(which), WIDTH), dtype=torch.float16, device=start.device)
        step = 2**16
        for first in range(0, len(which), step):
            some = which[first : first + step]
            count = torch.where(some >= 0, start[some + 1] - start[some.clamp_min(0)], 0)
            row = torch.repeat_interleave(torch.arange(len(some), device=some.device), count)
            begin = count.cumsum(0) - count
            at = torch.arange(len(row), device=some.device) - begin[row] + start[some.clamp_min(0)][row]
            there = row * WIDTH + self.place[column[at].long()]
            full = torch.zeros(len(some) * WIDTH, device=some.device)
            full.scatter_add_(0, there, value[at] * self.sign[column[at].long()])
            made[first : first + step] = full.view(-1, WIDTH)
        return made


class _Search:
    """Queries and items on a card."""

    def __init__(self, queries: Any, items: Any, half: Any, sketch: _Sketch, k: int) -> None:
        from linktransformer.search import gpu_kernels, gpu_sparse_kernels

        self.queries, self.items, self.half, self.sketch, self.k = queries, items, half, sketch, k
        self.kernels, self.sparse = gpu_kernels, gpu_sparse_kernels
        self.tiles = -(-len(half) // TILE)

    def room_for(self, sample: Integers) -> tuple[int, float]:
        """Find how many items must be rescored to find enough of the neighbours of sample queries.

        Args:
            sample: Numbers of the sample queries, (n,) int64.

        Returns:
            The number of items to rescore for each query, and the recall reached with it, from 0 to 1.
        """
        rows = integers(sample, self.half.device)
        wanted = self._truly(rows)
        score = of_keys(wanted)[1]
        room, recall = ROOMS[0], 1.0
        for room in ROOMS:
            room = min(max(room, 2 * self.k), len(self.half))
            found = of_keys(self.run(rows, room))[1]
            real = score > LOWEST
            near = (found >= score[:, -1:] - 1e-6) & (found > LOWEST)
            recall = float(near.sum() / real.sum().clamp_min(1))
            recall = min(1.0, recall)
            if recall >= WANTED:
                break
        return room, recall

    def _truly(self, rows: Any) -> Any:
        """The keys of the true neighbours of a few queries."""
        best = torch.empty((len(rows), 0), dtype=torch.int64, device=rows.device)
        for first in range(0, len(self.half), STRETCH):
            item = torch.arange(first, min(len(self.half), first + STRETCH), device=rows.device)
            found = self._products(rows, item.expand(len(rows), -1))
            best = largest(torch.cat([best, found], 1), self.k)
        return best

    def _products(self, rows: Any, item: Any) -> Any:
        """The keys of some items, (n, i) int64 or -1 for none, for n queries, by their true products."""
        row = rows[:, None].expand(item.shape).flatten()
        at = item.flatten()
        score = self.sparse.pair_products(self.queries, self.items, row, at.clamp_min(0))
        score = torch.where((score > 0) & (at >= 0), score, LOWEST)
        return as_keys(score, at.clamp_min(0)).view(item.shape)

    def run(self, rows: Any, room: int) -> Any:
        """The keys of the k best items for some queries, (n, k) int64.

        Args:
            rows: Numbers of the queries, (n,) int64 on the card.
            room: How many items are rescored for each query.

        Returns:
            The keys, largest first.
        """
        n_groups = max(32, room // 2)
        per_row = self.tiles * (4 + 4 * TILE // GROUP) + 16 * GROUP * n_groups + 64 * room + 4 * WIDTH
        step = ROWS * max(1, workspace(rows.device) // (ROWS * per_row))
        keys = torch.empty((len(rows), self.k), dtype=torch.int64, device=rows.device)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            query = self.sketch.of(
                self.queries, torch.nn.functional.pad(some, (0, -len(some) % ROWS), value=-1)
            )
            groups = torch.empty((len(query), self.tiles * (TILE // GROUP)), device=rows.device)
            of_tiles = torch.empty((len(query), self.tiles), device=rows.device)
            self.kernels.maxima(query, self.half, None, None, self.tiles, (groups, of_tiles))
            endless = torch.full((len(query),), float("inf"), device=rows.device)
            chosen, _ = above(groups, of_tiles, self.k, endless, (n_groups, n_groups))
            sketched = self.kernels.rescored(query, self.half, chosen.int().contiguous(), None)
            item, _ = of_keys(largest(sketched[: len(some)], room))
            keys[start : start + len(some)] = largest(self._products(some, item), self.k)
        return keys
