"""The nearest sparse rows on a GPU: all products of sketches by the matrix units, true ones of the best.

A sketch adds the entries of a row up in 1,024 numbers, each entry with a random sign at a random place, so
that the product of two sketches is that of the rows but for noise of 1/32 (M. Charikar, K. Chen and M.
Farach-Colton, Finding frequent items in data streams, 2002; K. Weinberger et al., Feature hashing for large
scale multitask learning, 2009). The items of the groups with the best sketches are multiplied as they are.
How many groups is found on a sample of queries, of which the true neighbours are looked up first.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from linktransformer.arrays import Floats, Integers
from linktransformer.search.gpu.exact_passes import above, largest
from linktransformer.search.gpu.rows import SparseRows, integers, on_gpu, sparse_rows, workspace
from linktransformer.search.gpu.torch_reference import GROUP, LOWEST, ROWS, TILE, as_keys, of_keys
from linktransformer.search.matrices import Report, Sparse

__all__ = ["top_k"]

WIDTH = 1024  # numbers of a sketch
SAMPLE = 512  # queries on which the recall is measured, a multiple of ROWS
RECALL = 0.95  # that the sample must reach
ROOMS = (64, 128, 256, 512, 1024)  # items of a query that are multiplied as they are, tried one after another
STRETCH = 2**16  # items that the sample is multiplied with at a time
PIECE = 2**16  # rows that are sketched at a time


def top_k(
    queries: Sparse, items: Sparse, k: int, *, device: str
) -> tuple[Integers, Integers, Floats, Report]:
    """Find the k rows with the largest positive inner product for each query, nearly all of them.

    Takes unit rows (n, d) and (m, d) float32, the same object for a table against itself. Returns pairs and
    scores as `lexical.sparse_top_k`, and how they were searched, with the recall on a sample.
    """
    gpu = torch.device(device)
    k = min(k, items.shape[0])
    with torch.inference_mode(), on_gpu(gpu):
        item_rows = sparse_rows(items, gpu)
        query_rows = item_rows if queries is items else sparse_rows(queries, gpu)
        search = _Search(query_rows, item_rows, _Sketch(queries.shape[1], gpu), k)
        room, recall = search.room_for(_sample(queries.shape[0]))
        item, score = of_keys(search.run(torch.arange(queries.shape[0], device=gpu), room))
        query, place = torch.nonzero(item >= 0, as_tuple=True)
        pairs = query.cpu().numpy(), item[query, place].cpu().numpy(), score[query, place].cpu().numpy()
    return *pairs, {"index": "sketches, GPU", "items_multiplied": room, "recall": round(recall, 4)}


def _sample(n: int) -> Integers:
    return np.sort(np.random.default_rng(0).choice(n, min(n, SAMPLE), replace=False))


class _Sketch:
    """Where each column goes in a sketch, and with which sign."""

    def __init__(self, columns: int, gpu: torch.device) -> None:
        draw = np.random.default_rng(0)
        self.place = integers(draw.integers(0, WIDTH, columns), gpu)
        sign = draw.integers(0, 2, columns).astype(np.float32) * 2 - 1
        self.sign = torch.from_numpy(sign).to(gpu)

    def of_rows(self, rows: SparseRows, numbers: Tensor) -> Tensor:
        """The sketches of some rows, (n, WIDTH) float16; zeros for -1."""
        start, column, value = rows
        sketches = torch.empty((len(numbers), WIDTH), dtype=torch.float16, device=start.device)
        for first in range(0, len(numbers), PIECE):
            part = numbers[first : first + PIECE]
            begin = start[part.clamp_min(0)]
            count = torch.where(part >= 0, start[part + 1] - begin, 0)
            row = torch.repeat_interleave(torch.arange(len(part), device=part.device), count)
            at = torch.arange(len(row), device=part.device) - (count.cumsum(0) - count)[row] + begin[row]
            cell = row * WIDTH + self.place[column[at].long()]
            full = torch.zeros(len(part) * WIDTH, device=part.device)
            full.scatter_add_(0, cell, value[at] * self.sign[column[at].long()])
            sketches[first : first + PIECE] = full.view(-1, WIDTH)
        return sketches


class _Search:
    """Queries and items on a GPU, the items also as sketches."""

    def __init__(self, queries: SparseRows, items: SparseRows, sketch: _Sketch, k: int) -> None:
        from linktransformer.search.gpu import kernels, sparse_kernels

        self.queries, self.items, self.sketch, self.k = queries, items, sketch, k
        self.half = sketch.of_rows(items, torch.arange(len(items[0]) - 1, device=items[0].device))
        self.kernels, self.sparse = kernels, sparse_kernels
        self.tiles = -(-len(self.half) // TILE)

    def room_for(self, sample: Integers) -> tuple[int, float]:
        """How many items of a query must be multiplied to reach the wanted recall on a sample; the recall."""
        rows = integers(sample, self.half.device)
        true = of_keys(self._exact(rows))[1]
        room, recall = ROOMS[0], 1.0
        for room in ROOMS:
            room = min(max(room, 2 * self.k), len(self.half))
            score = of_keys(self.run(rows, room))[1]
            near = (score >= true[:, -1:] - 1e-6) & (score > LOWEST)
            recall = min(1.0, float(near.sum() / (true > LOWEST).sum().clamp_min(1)))
            if recall >= RECALL:
                break
        return room, recall

    def _exact(self, rows: Tensor) -> Tensor:
        """The keys of the true neighbours of a few queries."""
        best = torch.empty((len(rows), 0), dtype=torch.int64, device=rows.device)
        for first in range(0, len(self.half), STRETCH):
            item = torch.arange(first, min(len(self.half), first + STRETCH), device=rows.device)
            keys = self._products(rows, item.expand(len(rows), -1))
            best = largest(torch.cat([best, keys], 1), self.k)
        return best

    def _products(self, rows: Tensor, item: Tensor) -> Tensor:
        """The keys of some items, (n, i) int64 or -1 for none, for n queries, by their true products."""
        row = rows[:, None].expand(item.shape).flatten()
        at = item.flatten()
        score = self.sparse.pair_products(self.queries, self.items, row, at.clamp_min(0))
        score = torch.where((score > 0) & (at >= 0), score, LOWEST)
        return as_keys(score, at.clamp_min(0)).view(item.shape)

    def run(self, rows: Tensor, room: int) -> Tensor:
        """The keys of the k best of `room` multiplied items for some queries, (n, k) int64, largest first."""
        n_groups = max(32, room // 2)
        per_row = self.tiles * (4 + 4 * TILE // GROUP) + 16 * GROUP * n_groups + 64 * room + 4 * WIDTH
        step = ROWS * max(1, workspace(rows.device) // (ROWS * per_row))
        keys = torch.empty((len(rows), self.k), dtype=torch.int64, device=rows.device)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            padded = torch.nn.functional.pad(part, (0, -len(part) % ROWS), value=-1)
            query = self.sketch.of_rows(self.queries, padded)
            groups = torch.empty((len(query), self.tiles * (TILE // GROUP)), device=rows.device)
            of_tiles = torch.empty((len(query), self.tiles), device=rows.device)
            self.kernels.maxima(query, self.half, None, None, self.tiles, (groups, of_tiles))
            endless = torch.full((len(query),), float("inf"), device=rows.device)
            chosen, _ = above(groups, of_tiles, self.k, endless, (n_groups, n_groups))
            sketched = self.kernels.rescored(query, self.half, chosen.int().contiguous(), None)
            item, _ = of_keys(largest(sketched[: len(part)], room))
            keys[start : start + len(part)] = largest(self._products(part, item), self.k)
        return keys
