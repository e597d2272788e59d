"""Which columns a model reads best: seen on a sample, without labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.blocking import Nodes
from linktransformer.index import exact_top_k
from linktransformer.scoring.sampling import Drawing, drawn

__all__ = ["better_reading"]

SAMPLE = 1000  # records: the standard error of a rate is .016 at most


def better_reading(
    other: tuple[Any, Any],
    usual: tuple[Any, Any],
    nodes: tuple[Nodes, Nodes],
    drawing: Drawing,
    *,
    same: bool = False,
) -> bool:
    """Whether more records find a match that finds them by one set of vectors than by another.

    A vector has room for so much: a name beside an address, a description and a price says less to a model
    than the name alone. Records that only one of the two sets serves are counted; the difference has to be
    larger than one standard error.

    Args:
        other: Vectors of the left and of the right texts.
        usual: Those that are used otherwise.
        nodes: The records.
        drawing: From what records are drawn.
        same: Both sides are one table.

    Returns:
        True where `other` serves more records.
    """
    first = drawing.first
    sample = drawn(drawing.ordered[first], SAMPLE)
    ways = [(of[first], of[1 - first]) for of in (other, usual)]
    sides = nodes[first], nodes[1 - first]
    a, b = (_mutual(vectors, sides, sample, same) for vectors in ways)
    gained, lost = int((a & ~b).sum()), int((b & ~a).sum())
    return bool(gained - lost > np.sqrt(gained + lost))


def _mutual(
    vectors: tuple[Any, Any], nodes: tuple[Nodes, Nodes], sample: NDArray[np.int64], same: bool
) -> NDArray[np.bool_]:
    left, right = vectors[0][nodes[0].text], vectors[1][nodes[1].text]
    best, one = _best(left[sample], right, sample if same else None)
    back, one_back = _best(right[best], left, best if same else None)
    return np.asarray(one & one_back & (back == sample))


def _best(
    queries: Any, items: Any, own: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The nearest item of each query, and whether it is the only nearest one."""
    item, score = exact_top_k(queries, items, 3 if own is not None else 2)
    if own is not None:
        score = np.where(item == own[:, None], -2, score)
        order = np.argsort(-score, axis=1, kind="stable")
        item, score = np.take_along_axis(item, order, 1), np.take_along_axis(score, order, 1)
    if item.shape[1] < 2:
        return item[:, 0], np.ones(len(item), dtype=bool)
    return item[:, 0], score[:, 0] > score[:, 1]
