"""Hard negatives among texts: the nearest texts of other entities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clippings.arrays import Floats, Integers
from clippings.training.examples import Examples

Near = Callable[[Integers, Integers, int], Integers]
SPARE = 8  # neighbours fetched beyond the limit, as some are not negatives
CELLS = 2**26  # scores held at once


def mine(
    examples: Examples, searches: Sequence[Near], limit: int, draw: np.random.Generator | None = None
) -> Integers:
    """The negatives of every positive pair, (n_positive, limit) int64, -1 for none: labelled ones first.

    Then the nearest texts of each search in turn: a search takes numbers of query texts, numbers of texts to
    search, and k, and returns places in the latter, (n_queries, k), nearest first, -1 for none. Texts of the
    same entity are left out. `draw` shuffles the labelled negatives of a text, so that all are used over the
    epochs.
    """
    positive = examples.positive
    anchors, place = np.unique(examples.left[positive], return_inverse=True)
    negatives = np.full((len(anchors), limit), -1, dtype=np.int64)
    if not limit or not len(anchors):
        return negatives[place]
    lists = [_labelled(examples, anchors, draw)]
    k = min(limit + SPARE, len(examples.corpus))
    for way in searches if k else ():
        neighbours = np.asarray(way(anchors, examples.corpus, k), dtype=np.int64)
        lists.append(np.where(neighbours >= 0, examples.corpus[neighbours], -1))
    entity = examples.entity[anchors]
    for row in range(len(anchors)):
        negatives[row] = _first(examples, int(entity[row]), [one[row].tolist() for one in lists], limit)
    return negatives[place]


def _labelled(examples: Examples, anchors: Integers, draw: np.random.Generator | None) -> Integers:
    """Labelled negatives of the anchors, (n_anchors, most) int64, -1 for none."""
    negative = np.flatnonzero(examples.label == 0)
    negative = negative if draw is None else draw.permutation(negative)
    rows: dict[int, list[int]] = {}
    for a, b in zip(examples.left[negative].tolist(), examples.right[negative].tolist(), strict=True):
        rows.setdefault(a, []).append(b)
    lists = [rows.get(anchor, []) for anchor in anchors.tolist()]
    table = np.full((len(anchors), max(map(len, lists), default=0)), -1, dtype=np.int64)
    for row, one in enumerate(lists):
        table[row, : len(one)] = one
    return table


def _first(examples: Examples, entity: int, lists: list[list[int]], limit: int) -> list[int]:
    """The first `limit` different texts of other entities, from the lists in turn."""
    chosen: list[int] = []
    for depth in range(max(map(len, lists), default=0)):
        for one in lists:
            if depth < len(one) and one[depth] >= 0 and examples.entity[one[depth]] != entity:
                if one[depth] not in chosen:
                    chosen.append(one[depth])
                if len(chosen) == limit:
                    return chosen
    return chosen + [-1] * (limit - len(chosen))


def nearest(queries: Floats, items: Floats, k: int) -> Integers:
    """Places of the k items with the largest inner product, (n, k) int64, exact, ties to the lower place.

    Queries are (n, d) and items (m, d) float32.
    """
    places = np.empty((len(queries), k), dtype=np.int64)
    step = max(1, CELLS // max(1, len(items)))
    for start in range(0, len(queries) if k else 0, step):
        score = queries[start : start + step] @ items.T
        last = np.partition(-score, k - 1, axis=1)[:, k - 1 : k]
        for row, (scores, least) in enumerate(zip(-score, last[:, 0], strict=True), start):
            tied = np.flatnonzero(scores <= least)  # all that tie for the last place, in their order
            places[row] = tied[np.argsort(scores[tied], kind="stable")[:k]]
    return places
