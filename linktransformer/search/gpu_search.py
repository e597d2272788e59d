"""Exact nearest rows by inner product on a GPU, at the rate of its matrix units.

Half-precision products are made tile by tile on the matrix units, and of each only the greatest of every
group of 16 items is kept: nothing of the size of queries x items is written. The k best groups bound the
k-th best product from below; all groups that may hold a product above that bound, the error of rounding
counted in (from the lengths of what was rounded away, by Cauchy and Schwarz), are multiplied again in
float32. So the answer is exact. Rows of blocks are sorted by block, and a tile of queries meets the tiles
of items that its blocks reach: there is no loop over blocks.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import torch

from linktransformer.arrays import Floats, Integers
from linktransformer.search import gpu_plain
from linktransformer.search.gpu_passes import Items, best_keys
from linktransformer.search.gpu_plain import LOWEST, of_keys
from linktransformer.search.gpu_rows import fitting, integers, on_card, rounded, runs_triton, uploaded

__all__ = ["GpuIndex", "devices", "top_k"]

Matrix = Floats


def devices(device: str | None = None) -> list[str]:
    """The cards that a search may use.

    Args:
        device: "cpu" for none, "cuda:1" for one, None or "cuda" for all.

    Returns:
        Their names.

    Example:
        >>> devices("cpu")
        []
    """
    if device == "cpu" or not torch.cuda.is_available():
        return []
    if device is not None and ":" in device:
        return [device]
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]


def top_k(
    queries: Matrix,
    items: Matrix,
    k: int,
    *,
    blocks: tuple[Integers, Integers] | None = None,
    device: str | Sequence[str] | None = None,
) -> tuple[Integers, Matrix, dict[str, Any]]:
    """Find the k rows with the largest inner product for each query.

    Args:
        queries: (n, d) float32, finite.
        items: (m, d) float32, finite, m below 2**32. What the card has no room for is searched in parts.
        k: How many.
        blocks: The block of each query and of each item, (n,) and (m,) int64: only rows of one block meet.
        device: A card, or several, among which the queries are divided; None for all there are. "cpu" does
            the same in torch on the processor, slowly.

    Returns:
        Item rows (n, k) int64, best first, -1 where there are fewer; scores (n, k) float32, -inf there; and
        how it was searched. Ties go to the lower row.

    Example:
        >>> rows, scores, _ = top_k(np.eye(2, dtype="f4"), np.eye(2, dtype="f4")[::-1], 1, device="cpu")
        >>> rows.ravel().tolist(), scores.ravel().tolist()
        ([1, 0], [1.0, 1.0])
    """
    on = [device] if isinstance(device, str) else list(device or devices())
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), LOWEST, dtype=np.float32)
    order = np.arange(len(queries)) if blocks is None else np.argsort(blocks[0], kind="stable")
    shares = [share for share in np.array_split(order, len(on)) if len(share)]

    def search(share: Integers, name: str) -> GpuIndex:
        index = GpuIndex(items, blocks=None if blocks is None else blocks[1], device=name)
        whole = len(share) == len(queries)
        some = slice(None) if whole else share
        of = None if blocks is None else blocks[0][some]
        rows[some], scores[some] = index.search(queries[some], k, blocks=of)
        return index

    report: dict[str, Any] = {"index": "exact, GPU", "devices": len(shares)}
    with ThreadPoolExecutor(max(1, len(shares))) as pool:
        used = list(pool.map(search, shares, on))
    if any(index.parts > 1 for index in used):
        report["parts"] = max(index.parts for index in used)
    if any(index.looked_again for index in used):
        report["queries_with_many_near_ties"] = sum(index.looked_again for index in used)
    return rows, scores, report


class GpuIndex:
    """Items on a card, to be searched more than once.

    Args:
        items: (m, d) float32.
        blocks: The block of each item, (m,) int64; None for one block.
        device: The card, or "cpu".
        at_once: Items on the card at a time; None for as many as there is room for.

    Attributes:
        parts: In how many parts the items are searched.
        looked_again: Queries of the last search with more near ties than there was room for at first.

    Example:
        >>> index = GpuIndex(np.eye(3, dtype="f4"), device="cpu")
        >>> index.search(np.eye(3, dtype="f4")[:1], 1)[0].tolist()
        [[0]]
    """

    def __init__(
        self,
        items: Matrix,
        *,
        blocks: Integers | None = None,
        device: str = "cuda:0",
        at_once: int | None = None,
    ) -> None:
        self.device = torch.device(device)
        self._kernels = _kernels(self.device)
        self._order = None if blocks is None else np.argsort(blocks, kind="stable")
        self._codes, self._block = None, None
        if blocks is not None and self._order is not None:
            self._codes, code = np.unique(blocks, return_inverse=True)
            self._block = code[self._order].astype(np.int64)
        self._items = items
        self._step = at_once or fitting(self.device, items.shape[1])
        self._starts = range(0, len(items), self._step)
        self.parts = len(self._starts)
        self.looked_again = 0
        self._kept = self._part(0) if self.parts == 1 and items.shape[1] else None

    def _part(self, start: int) -> Items:
        stop = min(start + self._step, len(self._items))
        with torch.inference_mode(), on_card(self.device):
            if self._order is None or self._block is None:
                some = uploaded(self._items, self.device, slice(start, stop))
                return Items(rounded(some), None, None)
            block = self._block[start:stop]
            some = uploaded(self._items, self.device, self._order[start:stop])
            return Items(rounded(some), block, integers(block, self.device, torch.int32))

    def search(self, queries: Matrix, k: int, *, blocks: Integers | None = None) -> tuple[Integers, Matrix]:
        """Find the k items with the largest inner product for each query.

        Args:
            queries: (n, d) float32.
            k: How many.
            blocks: The block of each query, (n,) int64, where the items have blocks.

        Returns:
            Item rows (n, k) int64, best first, -1 where there are fewer; scores (n, k) float32, -inf there.
        """
        self.looked_again = 0
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), LOWEST, dtype=np.float32)
        if 0 in (*queries.shape, *self._items.shape, k):
            if k and len(queries) and len(self._items) and blocks is None:  # no columns: all products are 0
                rows[:, : len(self._items)], scores[:, : len(self._items)] = (
                    np.arange(k)[: len(self._items)],
                    0,
                )
            return rows, scores
        of = None if blocks is None else self._coded(blocks)
        with torch.inference_mode(), on_card(self.device):
            best: Any = None
            for start in self._starts:
                items = self._kept or self._part(start)
                keys, again = best_keys(self._kernels, items, queries, of, min(k, len(items.rows.full)))
                self.looked_again += again
                keys = keys - start  # the lower half holds the item, falling
                best = keys if best is None else torch.cat([best, keys], 1)
                best = best.topk(min(k, best.shape[1]))[0]
            item, score = of_keys(best)
            if self._order is not None:
                back = integers(self._order, self.device)
                item = torch.where(item >= 0, back[item.clamp_min(0)], -1)
            rows[:, : item.shape[1]] = item.cpu().numpy()
            scores[:, : item.shape[1]] = score.cpu().numpy()
        return rows, scores

    def _coded(self, blocks: Integers) -> Integers:
        """The blocks of queries as numbers of the items' blocks, -1 for a block without items."""
        codes = self._codes if self._codes is not None else np.unique(blocks)
        code = np.searchsorted(codes, blocks)
        there = codes[np.minimum(code, len(codes) - 1)] == blocks
        return np.where(there, code, -1).astype(np.int64)


def _kernels(device: Any) -> ModuleType:
    """Triton's kernels on a card with matrix units for half precision, where it is installed; else torch."""
    if runs_triton(device):
        return importlib.import_module("linktransformer.search.gpu_kernels")
    return gpu_plain
