"""Ranking partners, the threshold and the assignment, on cases small enough to check."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from linktransformer.decision import assign
from linktransformer.decision.assign import one_to_one
from linktransformer.decision.ranking import rank
from linktransformer.decision.threshold import check_threshold
from linktransformer.errors import InvalidArgumentError


def full(score: list[list[float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    matrix = np.array(score, dtype=np.float32)
    left, right = np.indices(matrix.shape)
    return left.ravel(), right.ravel(), matrix.ravel()


def test_rank_settles_ties_by_the_lower_partner() -> None:
    left, right, score = full([[0.5, 0.9, 0.5], [0.2, 0.2, 0.2]])
    ranking = rank(left, right, score)
    assert right[ranking.best].tolist() == [1, 0]
    assert right[ranking.second].tolist() == [0, 1]
    alone = rank(np.array([3]), np.array([7]), np.array([0.4], dtype=np.float32))
    assert (alone.nodes.tolist(), alone.second.tolist()) == ([3], [-1])


@pytest.mark.parametrize(
    "threshold", ["automatic", True, float("nan"), {"precision": 1.5}, {"recall": 0.5}, [0.8]]
)
def test_what_is_no_threshold_is_refused(threshold: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="threshold="):
        check_threshold(threshold)


@pytest.mark.parametrize("seed", range(5))
def test_assignment_is_the_best_of_all(seed: int) -> None:
    matrix = np.random.default_rng(seed).random((5, 5)).astype(np.float32)
    left, right, score = full(matrix.tolist())
    chosen, too_large = one_to_one(left, right, score)
    best = max(sum(matrix[i, p] for i, p in enumerate(order)) for order in permutations(range(5)))
    assert score[chosen].sum() == pytest.approx(best)
    assert too_large == 0


def test_a_component_too_large_is_assigned_greedily_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assign, "LARGEST", 3)
    left, right, score = full([[0.9, 0.8], [0.8, 0.1]])
    chosen, too_large = one_to_one(left, right, score)
    assert chosen.tolist() == [0, 3]
    assert too_large == 1
