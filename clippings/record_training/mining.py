"""Records that are taken for others: the nearest of other entities, found anew every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import numpy as np

from clippings.arrays import Bools, Floats, Integers
from clippings.training.hard_negatives import CELLS, Near, nearest

SPARE = 8  # neighbours fetched beyond what is wanted, for those that do not count


def taken_for(
    group: Integers,
    text: Integers,
    ways: Sequence[Near],
    wanted: int,
    *,
    equal_texts: bool = False,
    known: Bools | None = None,
) -> Integers:
    """The nearest records of other entities, of each way in turn.

    Args:
        group: The entity of each record; records without one have numbers of their own, (n,).
        text: Equal numbers for equal texts, -1 for none, (n,).
        ways: Searches: each takes numbers of query records, numbers of the records to search, and k, and
            gives places in the latter, (n_queries, k), nearest first, -1 for none.
        wanted: Entities a record.
        equal_texts: Whether records with the same text count: the labels may have missed that they are one.
        known: Whose entity is known, (n,) bool: two records of which neither is known are not taken for each
            other, since what lies nearest to a record may well be the same thing. None: all are.

    Returns:
        Numbers of records, each of another entity, (n, wanted) int64, -1 where none was found.
    """
    n = len(group)
    every = np.arange(n)
    k = min(n, 2 * wanted + SPARE)
    lists = [np.asarray(way(every, every, k), np.int64) for way in ways if wanted]
    if not lists:
        return np.full((n, 0), -1, np.int64)
    # by turns: the first of each way, the second of each way, and so on
    found = np.stack(lists, axis=2).reshape(n, -1)
    of_found = group[found]
    good = (found >= 0) & (of_found != group[:, None])
    if not equal_texts:
        good &= (text[found] != text[:, None]) | (text[:, None] < 0)
    if known is not None:
        good &= known[found] | known[:, None]
    for column in range(1, found.shape[1]):
        again = (of_found[:, :column] == of_found[:, column : column + 1]) & good[:, :column]
        good[:, column] &= ~again.any(axis=1)
    order = np.argsort(~good, axis=1, kind="stable")[:, :wanted]
    best = np.take_along_axis(np.where(good, found, -1), order, axis=1)
    return np.pad(best, ((0, 0), (0, wanted - best.shape[1])), constant_values=-1)


def taken_for_plain(
    group: Integers,
    text: Integers,
    ways: Sequence[Near],
    wanted: int,
    *,
    equal_texts: bool = False,
    known: Bools | None = None,
) -> Integers:
    """As `taken_for`, record by record.

    Args:
        group: (n,).
        text: (n,).
        ways: Searches.
        wanted: Entities a record.
        equal_texts: Whether records with the same text count.
        known: Whose entity is known, (n,) bool; None: all.

    Returns:
        The same numbers.
    """
    every = np.arange(len(group))
    lists = [way(every, every, min(len(group), 2 * wanted + SPARE)) for way in ways if wanted]
    made = np.full((len(group), wanted if lists else 0), -1, np.int64)
    for row in range(len(group)):
        taken: list[int] = []
        for depth in range(max((one.shape[1] for one in lists), default=0)):
            for one in lists:
                other = int(one[row, depth])
                equal = not equal_texts and text[row] >= 0 and text[other] == text[row]
                new = group[other] not in [group[row], *group[taken]]
                sure = known is None or bool(known[row]) or bool(known[other])
                if other >= 0 and new and sure and not equal and len(taken) < wanted:
                    taken.append(other)
        made[row, : len(taken)] = taken
    return made


def by_vectors(vectors: Floats, device: str) -> Near:
    """A search by cosine; on a GPU it is done there, and equal cosines are in no set order.

    Args:
        vectors: Unit rows, (n, d).
        device: Where the model runs.

    Returns:
        The search.
    """

    def near(queries: Integers, items: Integers, k: int) -> Integers:
        if not device.startswith("cuda"):
            return nearest(vectors[queries], vectors[items], k)
        return nearest_on(vectors[queries], vectors[items], k, device)

    return near


def nearest_on(queries: Floats, items: Floats, k: int, device: str) -> Integers:
    """The nearest rows by inner product, on a device.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        k: How many, at most m.
        device: Where.

    Returns:
        Places among the items, (n, k) int64, nearest first.
    """
    torch = import_module("torch")
    there = torch.from_numpy(items).to(device).T
    found = np.empty((len(queries), k), np.int64)
    step = max(1, CELLS // max(1, len(items)))
    for start in range(0, len(queries) if k else 0, step):
        score = torch.from_numpy(queries[start : start + step]).to(device) @ there
        found[start : start + step] = score.topk(k, dim=1).indices.cpu().numpy()
    return found
