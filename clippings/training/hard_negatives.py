"""Negatives that are hard to tell from the right answer: the nearest texts of other entities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from clippings.arrays import Floats, Integers
from clippings.training.examples import Examples

Near = Callable[[Integers, Integers, int], Integers]
SPARE = 8  # neighbours fetched beyond what is wanted, for those that are no negatives
CELLS = 2**26  # scores held at once


def mine(
    examples: Examples, ways: Sequence[Near], wanted: int, draw: np.random.Generator | None = None
) -> Integers:
    """Find the negatives of every positive pair: known ones first, then the nearest of each way in turn.

    Never a text of the same entity, hence never a known positive and never an equal text.

    Args:
        examples: The examples; negatives are taken from `examples.corpus`.
        ways: Searches: each takes numbers of query texts, numbers of the texts to search, and k, and
            gives places in the latter, (n_queries, k), nearest first, -1 for none.
        wanted: Negatives a pair.
        draw: Shuffles the known ones of a text, so that over the epochs all of them are seen; None leaves
            them in their order.

    Returns:
        Numbers of texts, (n_positive, wanted) int64, -1 where none was found.
    """
    positive = examples.positive
    anchors, place = np.unique(examples.left[positive], return_inverse=True)
    found = np.full((len(anchors), wanted), -1, dtype=np.int64)
    if not wanted or not len(anchors):
        return found[place]
    lists = [_labelled(examples, anchors, draw)]
    k = min(wanted + SPARE, len(examples.corpus))
    for way in ways if k else ():
        near = np.asarray(way(anchors, examples.corpus, k), dtype=np.int64)
        lists.append(np.where(near >= 0, examples.corpus[near], -1))
    of_anchor = examples.entity[anchors]
    for row in range(len(anchors)):
        found[row] = _first(examples, int(of_anchor[row]), [one[row].tolist() for one in lists], wanted)
    return found[place]


def _labelled(examples: Examples, anchors: Integers, draw: np.random.Generator | None) -> Integers:
    """Texts that the labels say are not the anchor's, (n_anchors, most) with -1."""
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


def _first(examples: Examples, entity: int, lists: list[list[int]], wanted: int) -> list[int]:
    """Take from the lists in turn what is of another entity, until there is enough."""
    taken: list[int] = []
    for depth in range(max(map(len, lists), default=0)):
        for one in lists:
            if depth < len(one) and one[depth] >= 0 and examples.entity[one[depth]] != entity:
                if one[depth] not in taken:
                    taken.append(one[depth])
                if len(taken) == wanted:
                    return taken
    return taken + [-1] * (wanted - len(taken))


def nearest(queries: Floats, items: Floats, k: int) -> Integers:
    """The nearest rows by inner product, exactly.

    Args:
        queries: (n, d) float32.
        items: (m, d) float32.
        k: How many, at most m.

    Returns:
        Places among the items, (n, k) int64, nearest first, ties to the lower one.
    """
    found = np.empty((len(queries), k), dtype=np.int64)
    step = max(1, CELLS // max(1, len(items)))
    for start in range(0, len(queries) if k else 0, step):
        score = queries[start : start + step] @ items.T
        last = np.partition(-score, k - 1, axis=1)[:, k - 1 : k]
        for row, (scores, least) in enumerate(zip(-score, last[:, 0], strict=True), start):
            near = np.flatnonzero(scores <= least)  # all that tie for the last place, in their order
            found[row] = near[np.argsort(scores[near], kind="stable")[:k]]
    return found
