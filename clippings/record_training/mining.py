"""Hard negatives among records: the nearest records of other entities, mined in every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from clippings.arrays import Bools, Floats, Integers
from clippings.training.hard_negatives import CELLS, Near, nearest

SPARE = 8  # neighbours fetched beyond what is limit, for those that do not count


def taken_for(
    group: Integers,
    text: Integers,
    searches: Sequence[Near],
    limit: int,
    *,
    equal_texts: bool = False,
    has_entity: Bools | None = None,
) -> Integers:
    """The nearest records of other entities, (n, limit) int64, -1 for none; the searches in turn.

    `group` is the entity of each record and `text` a number of its text, (n,) each; a search returns places,
    (n_queries, k), nearest first, -1 for none. Records with the same text count only with `equal_texts`, as
    the labels may have missed that they match. Pairs without a known entity (`has_entity`, (n,) bool) do not
    count: the nearest one may match.
    """
    n = len(group)
    rows = np.arange(n)
    k = min(n, 2 * limit + SPARE)
    lists = [np.asarray(way(rows, rows, k), np.int64) for way in searches if limit]
    if not lists:
        return np.full((n, 0), -1, np.int64)
    # by turns: the first of each way, the second of each way, and so on
    neighbours = np.stack(lists, axis=2).reshape(n, -1)
    entity = group[neighbours]
    valid = (neighbours >= 0) & (entity != group[:, None])
    if not equal_texts:
        valid &= (text[neighbours] != text[:, None]) | (text[:, None] < 0)
    if has_entity is not None:
        valid &= has_entity[neighbours] | has_entity[:, None]
    for column in range(1, neighbours.shape[1]):
        repeated = (entity[:, :column] == entity[:, column : column + 1]) & valid[:, :column]
        valid[:, column] &= ~repeated.any(axis=1)
    order = np.argsort(~valid, axis=1, kind="stable")[:, :limit]
    best = np.take_along_axis(np.where(valid, neighbours, -1), order, axis=1)
    return np.pad(best, ((0, 0), (0, limit - best.shape[1])), constant_values=-1)


def by_vectors(vectors: Floats, device: str) -> Near:
    """A search by cosine of unit rows, (n, d); on a GPU equal cosines are in no fixed order."""

    def near(queries: Integers, items: Integers, k: int) -> Integers:
        if not device.startswith("cuda"):
            return nearest(vectors[queries], vectors[items], k)
        return nearest_on(vectors[queries], vectors[items], k, device)

    return near


def nearest_on(queries: Floats, items: Floats, k: int, device: str) -> Integers:
    """As `nearest`, on a device; equal products are in no fixed order."""
    torch = import_module("torch")
    matrix = torch.from_numpy(items).to(device).T
    places = np.empty((len(queries), k), np.int64)
    step = max(1, CELLS // max(1, len(items)))
    for start in range(0, len(queries) if k else 0, step):
        score = torch.from_numpy(queries[start : start + step]).to(device) @ matrix
        places[start : start + step] = score.topk(k, dim=1).indices.cpu().numpy()
    return places
