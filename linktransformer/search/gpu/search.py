"""Exact nearest rows by inner product on a GPU, at the rate of its matrix units.

Half-precision products are made tile by tile on the matrix units, and of each only the greatest of every
group of 16 items is kept: nothing of the size of queries x items is written. The k best groups bound the
k-th best product from below. All groups that may hold a product above that bound are multiplied again in
float32; the bound includes the rounding error, from the norms of what was rounded away (Cauchy-Schwarz).
So the result is exact. Rows of blocks are sorted by block, and a tile of queries meets the tiles of items
that its blocks reach: there is no loop over blocks.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import torch

from linktransformer.arrays import Floats, Integers
from linktransformer.search.gpu import torch_reference
from linktransformer.search.gpu.exact_passes import Items, best_keys
from linktransformer.search.gpu.rows import fitting, integers, on_gpu, rounded, runs_triton, uploaded
from linktransformer.search.gpu.torch_reference import LOWEST, of_keys
from linktransformer.search.matrices import Report

__all__ = ["GpuIndex", "devices", "top_k"]


def devices(device: str | None = None) -> list[str]:
    """Names of the GPUs for a search: none for "cpu", one for "cuda:1", all for None or "cuda"."""
    if device == "cpu" or not torch.cuda.is_available():
        return []
    if device is not None and ":" in device:
        return [device]
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]


def top_k(
    queries: Floats,
    items: Floats,
    k: int,
    *,
    blocks: tuple[Integers, Integers] | None = None,
    device: str | Sequence[str] | None = None,
) -> tuple[Integers, Floats, Report]:
    """Find the k rows of items (m, d) with the largest inner product for each of the queries (n, d).

    Values must be finite and m below 2**32. With `blocks`, the blocks of queries and items, only rows of one
    block are compared. Queries are divided among several devices; "cpu" does the same in torch, slowly.
    Returns item rows (n, k) int64, best first, -1 where there are fewer; scores (n, k) float32, -inf there;
    and how they were searched. Ties go to the lower row.
    """
    gpus = [device] if isinstance(device, str) else list(device or devices())
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), LOWEST, dtype=np.float32)
    order = np.arange(len(queries)) if blocks is None else np.argsort(blocks[0], kind="stable")
    shares = [share for share in np.array_split(order, len(gpus)) if len(share)]

    def search(share: Integers, gpu: str) -> GpuIndex:
        index = GpuIndex(items, blocks=None if blocks is None else blocks[1], device=gpu)
        part = slice(None) if len(share) == len(queries) else share
        block = None if blocks is None else blocks[0][part]
        rows[part], scores[part] = index.search(queries[part], k, blocks=block)
        return index

    report: Report = {"index": "exact, GPU", "devices": len(shares)}
    with ThreadPoolExecutor(max(1, len(shares))) as pool:
        indexes = list(pool.map(search, shares, gpus))
    if any(index.parts > 1 for index in indexes):
        report["parts"] = max(index.parts for index in indexes)
    if any(index.n_reexamined for index in indexes):
        report["queries_with_many_near_ties"] = sum(index.n_reexamined for index in indexes)
    return rows, scores, report


class GpuIndex:
    """Items on a GPU, to be searched more than once.

    Args:
        items: (m, d) float32.
        blocks: The block of each item, (m,) int64; None for one block.
        device: The GPU, or "cpu".
        at_once: Items on the GPU at a time; None for as many as there is room for.

    Attributes:
        parts: In how many parts the items are searched.
        n_reexamined: Queries of the last search with more near ties than there was room for at first.
    """

    def __init__(
        self,
        items: Floats,
        *,
        blocks: Integers | None = None,
        device: str = "cuda:0",
        at_once: int | None = None,
    ) -> None:
        self.device = torch.device(device)
        self._kernels = _kernels(self.device)
        self._order: Integers | None = None
        if blocks is not None:
            self._order = np.argsort(blocks, kind="stable")
            self._block_names, code = np.unique(blocks, return_inverse=True)
            self._block = code[self._order].astype(np.int64)
        self._items = items
        self._step = at_once or fitting(self.device, items.shape[1])
        self._starts = range(0, len(items), self._step)
        self.parts = len(self._starts)
        self.n_reexamined = 0
        self._whole = self._part(0) if self.parts == 1 and items.shape[1] else None

    def _part(self, start: int) -> Items:
        part = slice(start, min(start + self._step, len(self._items)))
        with torch.inference_mode(), on_gpu(self.device):
            if self._order is None:
                return Items(rounded(uploaded(self._items, self.device, part)), None, None)
            rows = uploaded(self._items, self.device, self._order[part])
            block = self._block[part]
            return Items(rounded(rows), block, integers(block, self.device, torch.int32))

    def search(self, queries: Floats, k: int, *, blocks: Integers | None = None) -> tuple[Integers, Floats]:
        """Find the k items with the largest inner product for each query, in its block; as `top_k`."""
        self.n_reexamined = 0
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), LOWEST, dtype=np.float32)
        m = len(self._items)
        if 0 in (*queries.shape, *self._items.shape, k):
            if k and len(queries) and m and blocks is None:  # no columns: all products are 0
                rows[:, :m], scores[:, :m] = np.arange(k)[:m], 0
            return rows, scores
        codes = None if blocks is None else self._coded(blocks)
        with torch.inference_mode(), on_gpu(self.device):
            best = torch.empty((len(queries), 0), dtype=torch.int64, device=self.device)
            for start in self._starts:
                items = self._whole or self._part(start)
                keys, n = best_keys(self._kernels, items, queries, codes, min(k, len(items.rows.full)))
                self.n_reexamined += n
                # the lower half of a key holds the item, falling
                best = torch.cat([best, keys - start], 1)
                best = best.topk(min(k, best.shape[1]))[0]
            item, score = of_keys(best)
            if self._order is not None:
                order = integers(self._order, self.device)
                item = torch.where(item >= 0, order[item.clamp_min(0)], -1)
            rows[:, : item.shape[1]] = item.cpu().numpy()
            scores[:, : item.shape[1]] = score.cpu().numpy()
        return rows, scores

    def _coded(self, blocks: Integers) -> Integers:
        """The blocks of queries as numbers of the items' blocks, -1 for a block without items."""
        names = self._block_names
        code = np.searchsorted(names, blocks)
        return np.where(names[np.minimum(code, len(names) - 1)] == blocks, code, -1).astype(np.int64)


def _kernels(device: torch.device) -> ModuleType:
    """Triton's kernels on a GPU with matrix units for half precision, where it is installed; else torch."""
    if runs_triton(device):
        return importlib.import_module("linktransformer.search.gpu.kernels")
    return torch_reference
