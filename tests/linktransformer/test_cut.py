"""Where clustering stops: clusters that are none are divided, and what is as good as equal stays together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from linktransformer import cut
from linktransformer.search import Candidates

DOUBTFUL = {(0, 1): 0.95, (2, 3): 0.95, (0, 2): 0.5, (0, 3): 0.5, (1, 2): 0.5, (1, 3): 0.5}
NEAR = {(node, other): 0.6 for node in range(4) for other in (4, 5)} | {(4, 5): 0.9}


def candidates(scores: dict[tuple[int, int], float], n: int) -> tuple[Candidates, np.ndarray]:
    left, right = np.array(sorted(scores)).T
    score = np.array([scores[pair] for pair in sorted(scores)], dtype=np.float32)
    return Candidates(left, right, {"lexical": score}, n, n), score


def pairs_of(first: int, n: int) -> dict[tuple[int, int], float]:
    return {(node, node + 1): 0.9 for node in range(first, first + 2 * n, 2)}


def test_a_weak_cluster_is_divided_at_a_higher_threshold() -> None:
    found, score = candidates({**DOUBTFUL, **NEAR, **pairs_of(6, 10)}, 26)
    label = np.array([0, 0, 0, 0, 1, 1, *np.repeat(np.arange(2, 12), 2)])
    divided, n, separation = cut.without_weak(found, score, label, 0.45, "average", None)
    assert divided.tolist() == [0, 0, 1, 1, 2, 2, *np.repeat(np.arange(3, 13), 2)]
    assert n == 1
    assert separation is not None and separation > 0.7


def test_without_structure_weak_clusters_are_taken_apart() -> None:
    scores = dict.fromkeys(combinations(range(12), 2), 0.5) | {(0, 1): 0.95}
    found, score = candidates(scores, 12)
    label = np.repeat(np.arange(3), 4)
    divided, n, separation = cut.without_weak(found, score, label, 0.45, "average", None)
    assert divided.tolist() == list(range(12))
    assert (n, separation) == (3, None)


def test_what_is_weak_at_every_threshold_is_taken_apart() -> None:
    # three nodes as near to one another as to those of another cluster, whatever the threshold
    scores = dict.fromkeys(combinations(range(6), 2), 0.95) | pairs_of(6, 10)
    found, score = candidates(scores, 26)
    label = np.array([0, 0, 0, 1, 1, 1, *np.repeat(np.arange(2, 12), 2)])
    divided, n, _ = cut.without_weak(found, score, label, 0.45, "average", None)
    assert divided.tolist() == [*range(6), *np.repeat(np.arange(6, 16), 2)]
    assert n == 2


@pytest.mark.parametrize("method", ["single", "average", "complete"])
def test_sound_clusters_stay(method: str) -> None:
    found, score = candidates(pairs_of(0, 5), 10)
    label = np.repeat(np.arange(5), 2)
    divided, n, separation = cut.without_weak(found, score, label, 0.45, method, None)
    assert divided.tolist() == label.tolist()
    assert (n, separation) == (0, 0.9)
