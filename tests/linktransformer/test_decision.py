"""Fusing views, ranking partners, the threshold and the assignment, on cases small enough to check."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from linktransformer import assign
from linktransformer.assign import one_to_one
from linktransformer.errors import InvalidArgumentError
from linktransformer.fuse import fuse, shrunk
from linktransformer.mutual import Sides, mutual_best_rate
from linktransformer.ranking import rank
from linktransformer.search import Candidates
from linktransformer.threshold import decide


def full(score: list[list[float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    matrix = np.array(score, dtype=np.float32)
    left, right = np.indices(matrix.shape)
    return left.ravel(), right.ravel(), matrix.ravel()


def candidates(*views: list[list[float]]) -> Candidates:
    left, right, _ = full(views[0])
    shape = np.array(views[0]).shape
    return Candidates(left, right, {f"view {n}": full(view)[2] for n, view in enumerate(views)}, *shape)


def test_rank_settles_ties_by_the_lower_partner() -> None:
    left, right, score = full([[0.5, 0.9, 0.5], [0.2, 0.2, 0.2]])
    ranking = rank(left, right, score)
    assert right[ranking.best].tolist() == [1, 0]
    assert right[ranking.second].tolist() == [0, 1]
    assert right[ranking.third].tolist() == [2, 2]
    alone = rank(np.array([3]), np.array([7]), np.array([0.4], dtype=np.float32))
    assert (alone.nodes.tolist(), alone.second.tolist(), alone.third.tolist()) == ([3], [-1], [-1])


def test_auto_takes_what_is_mutual() -> None:
    left, right, score = full([[0.9, 0.3], [0.8, 0.2], [0.05, 0.09]])
    decision = decide(left, right, score, "auto")
    assert [(int(left[p]), int(right[p])) for p in decision.pairs] == [(0, 0)]
    assert decision.threshold == 0.1


def test_a_number_and_none() -> None:
    left, right, score = full([[0.9, 0.3], [0.8, 0.2], [0.05, 0.09]])
    assert len(decide(left, right, score, 0.8).pairs) == 2
    assert len(decide(left, right, score, 0.81).pairs) == 1
    assert len(decide(left, right, score, None).pairs) == 3


@pytest.mark.parametrize(
    "threshold", ["automatic", True, float("nan"), {"precision": 1.5}, {"recall": 0.5}, [0.8]]
)
def test_what_is_no_threshold_is_refused(threshold: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="threshold="):
        decide(*full([[0.5]]), threshold)


def test_higher_precision_takes_fewer_links() -> None:
    draw = np.random.default_rng(0)
    n = 300
    matrix = draw.uniform(0.1, 0.5, (n, n))
    matrix[np.arange(n // 2), np.arange(n // 2)] = draw.uniform(0.4, 0.95, n // 2)
    left, right, score = full(matrix.tolist())
    kept = [set(decide(left, right, score, {"precision": p}).pairs.tolist()) for p in (0.5, 0.8, 0.95)]
    assert kept[2] < kept[1] < kept[0]
    right_share = [np.mean([left[p] == right[p] for p in pairs]) for pairs in kept]
    assert right_share[2] >= 0.9


def test_the_view_that_tells_rows_apart_gets_the_weight() -> None:
    blind = [[0.5] * 4 for _ in range(4)]
    sharp = (np.eye(4) * 0.5 + 0.2).tolist()
    fused = fuse(candidates(blind, sharp), {"view 0": 0.1, "view 1": 0.1})
    assert fused.rate == 1.0
    assert fused.weights["view 1"] > 0
    useless = fuse(candidates(sharp, blind), {"view 0": 0.1, "view 1": 0.1})
    assert useless.weights == {"view 0": 1.0, "view 1": 0.0}


def test_a_gain_that_chance_explains_counts_for_nothing() -> None:
    # by the second view thirteen nodes find a partner and ten lose theirs
    known = np.eye(80) * 0.5 + 0.2
    known[:15, :15] = 0.45
    told = np.full((80, 80), 0.2)
    told[:13, :13] += np.eye(13) * 0.3
    pairs = np.arange(40, 60, 2)
    told[pairs, pairs + 1] = 3.0  # 40 finds 41, which loses its own
    chance = fuse(candidates(known.tolist(), told.tolist()), {"view 0": 0.1, "view 1": 0.1})
    told[pairs, pairs + 1] = 0.2
    sure = fuse(candidates(known.tolist(), told.tolist()), {"view 0": 0.1, "view 1": 0.1})
    assert chance.weights["view 1"] == 0 < sure.weights["view 1"]
    assert chance.said()["weights_kept"] == {"view 1": 0.0} and "weights_kept" not in sure.said()


def test_what_a_gain_may_owe_to_chance_is_taken_back() -> None:
    def weight(counts: tuple[int, int]) -> float:
        return shrunk([1.0, 2.0], 0, lambda before, after: counts)[1]

    assert weight((2000, 100)) > 1.99
    assert weight((30, 20)) == pytest.approx(2 * 0.6)
    assert weight((40, 30)) == pytest.approx(2 * 0.4)
    assert weight((20, 30)) == weight((10, 10)) == weight((11, 10)) == weight((3, 3)) == 0.0
    assert weight((5, 1)) == pytest.approx(2 * 0.875)
    assert weight((1, 0)) == weight((2, 1)) == weight((3, 2)) == 2.0  # too few to estimate by


def test_one_of_two_views_that_know_the_same_stays() -> None:
    def moved(before: list[float], after: list[float]) -> tuple[int, int]:
        gone = next(place for place in range(3) if after[place] and not before[place])
        return (10 + gone, 10) if after[1] and after[2] else (80, 5)

    assert shrunk([1.0, 2.0, 0.5], 0, moved) == [1.0, 0.0, pytest.approx(0.5, abs=0.01)]


def test_a_view_in_which_no_pair_has_anything_does_not_lead() -> None:
    nothing, told = [[0.0] * 3] * 3, [[0.7, 0.1, 0.1], [0.2, 0.8, 0.1], [0.1, 0.3, 0.6]]
    fused = fuse(candidates(nothing, told), {"view 0": 0.001, "view 1": 0.2})
    assert fused.weights == {"view 0": 0.0, "view 1": 1.0}
    # three rows do not prove what any other view knows
    little = [[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.1, 0.0, 0.0]]
    assert fuse(candidates(little, told), {"view 0": 0.2, "view 1": 0.2}).weights["view 0"] > 0
    assert fuse(candidates(nothing, nothing), {"view 0": 0.2, "view 1": 0.2}).weights["view 0"] == 1.0


def test_ties_are_not_mutual() -> None:
    found = candidates([[0.5, 0.5], [0.5, 0.5]])
    assert mutual_best_rate(found, found.views["view 0"], Sides.of(found)) == 0.0


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
