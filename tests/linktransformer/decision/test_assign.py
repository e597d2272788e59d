"""The assignment of rows, on cases small enough to try all."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from linktransformer.decision import assign
from linktransformer.decision.assign import one_to_one


def full(score: list[list[float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    matrix = np.array(score, dtype=np.float32)
    left, right = np.indices(matrix.shape)
    return left.ravel(), right.ravel(), matrix.ravel()


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


@pytest.mark.parametrize("seed", range(10))
def test_components_are_assigned_as_the_whole_is(seed: int) -> None:
    draw = np.random.default_rng(seed)
    matrix = np.where(draw.random((6, 7)) < 0.3, draw.normal(0.2, 1, (6, 7)), -1).astype(np.float32)
    left, right = np.nonzero(matrix > -1)  # few pairs: several components, and scores below zero
    chosen, _ = one_to_one(left, right, matrix[left, right])
    gain = np.maximum(matrix, 0)
    best = max(
        sum(gain[row, column] for row, column in enumerate(order)) for order in permutations(range(7), 6)
    )
    assert matrix[left[chosen], right[chosen]].sum() == pytest.approx(best, abs=1e-5)
    assert (matrix[left[chosen], right[chosen]] > 0).all() and (np.diff(chosen) > 0).all()
    for side in (left, right):
        assert len(np.unique(side[chosen])) == len(chosen)


def test_no_pair_above_zero_is_no_link() -> None:
    zero = np.zeros(3, dtype=np.float32)
    chosen, too_large = one_to_one(np.arange(3), np.arange(3), zero)
    assert len(chosen) == too_large == 0
