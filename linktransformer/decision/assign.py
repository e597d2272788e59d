"""One-to-one by the best total score: optimal assignment in each connected component of the candidates."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers

__all__ = ["LARGEST", "one_to_one"]

LARGEST = 4_000_000  # cells of a component's matrix; a larger component is assigned greedily


def one_to_one(left: Integers, right: Integers, score: Floats) -> tuple[Integers, int]:
    """Pairs that use every row at most once and have the largest sum of scores; scores up to 0 never count.

    Each connected component is solved exactly (R. Jonker and A. Volgenant, 1987, by SciPy). A component
    whose matrix would have more than `LARGEST` cells is assigned greedily from the best pair down. Returns
    the rising positions of the chosen pairs, and the number of components that were too large.

    Example:
        >>> pairs, _ = one_to_one(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.8, 0.8], "f4"))
        >>> pairs.tolist()
        [1, 2]
    """
    positive = np.flatnonzero(score > 0)
    if not len(positive):
        return positive, 0
    rows, row = np.unique(left[positive], return_inverse=True)
    columns, column = np.unique(right[positive], return_inverse=True)
    n = len(rows) + len(columns)
    graph = sp.coo_matrix((np.ones(len(row)), (row, column + len(rows))), shape=(n, n))
    _, label = sp.csgraph.connected_components(graph, directed=False)
    component = label[row]
    order = np.argsort(component, kind="stable")
    chosen: list[Integers] = []
    too_large = 0
    for part in np.split(order, np.flatnonzero(np.diff(component[order])) + 1):
        if len(part) == 1:
            chosen.append(part)
            continue
        a, b = np.unique(row[part], return_inverse=True)[1], np.unique(column[part], return_inverse=True)[1]
        large = (int(a.max()) + 1) * (int(b.max()) + 1) > LARGEST
        too_large += large
        chosen.append(part[(_greedy if large else _optimal)(a, b, score[positive[part]])])
    return np.sort(positive[np.concatenate(chosen)]), too_large


def _optimal(a: Integers, b: Integers, score: Floats) -> Integers:
    from scipy.optimize import linear_sum_assignment

    matrix = np.zeros((int(a.max()) + 1, int(b.max()) + 1))
    position = np.full(matrix.shape, -1, dtype=np.int64)
    matrix[a, b], position[a, b] = score, np.arange(len(a))
    chosen = position[linear_sum_assignment(matrix, maximize=True)]
    return np.asarray(chosen[chosen >= 0])


def _greedy(a: Integers, b: Integers, score: Floats) -> Integers:
    free_a = np.ones(int(a.max()) + 1, dtype=bool)
    free_b = np.ones(int(b.max()) + 1, dtype=bool)
    chosen = []
    for pair in np.lexsort((b, a, -score)).tolist():
        if free_a[a[pair]] and free_b[b[pair]]:
            free_a[a[pair]] = free_b[b[pair]] = False
            chosen.append(pair)
    return np.array(chosen, dtype=np.int64)
