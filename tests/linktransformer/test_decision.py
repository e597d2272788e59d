"""Fusing views, ranking partners, the threshold and the assignment, on cases small enough to check."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from linktransformer import assign
from linktransformer.assign import one_to_one
from linktransformer.errors import InvalidArgumentError
from linktransformer.fuse import Fused, fuse, shrunk
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


def test_a_view_that_counts_little_is_enough_to_have_something_in_common() -> None:
    """n-grams outweigh a model twenty times, and two rows have next to none with any other."""
    left, right, ngrams = full([[0.9, 0.0, 0.0], [0.0, 0.0, 0.01], [0.0, 0.01, 0.0]])
    model = full([[0.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, 0.09]])[2]
    views = {"lexical": ngrams, "dense": model, "edit": np.full(9, 0.5, dtype=np.float32)}
    weights = {"lexical": 0.95, "dense": 0.05, "edit": 0.0}
    score = np.float32(0.95) * ngrams + np.float32(0.05) * model
    fused = Fused(Candidates(left, right, views, 3, 3), score, weights, 0.0, {"dense": 0.5})
    assert score[4] < 0.1 and len(decide(left, right, score, "auto").pairs) == 1
    pairs = decide(left, right, score, "auto", None, fused.common()).pairs
    assert [(int(left[p]), int(right[p])) for p in pairs] == [(0, 0), (1, 1)]
    # a cosine that unrelated pairs have as well does not tell, nor does a view that counts for nothing
    by_chance = replace(fused, chance={"dense": 0.95})
    without = replace(fused, weights={"lexical": 0.95, "dense": 0.0, "edit": 0.05})
    for none in (by_chance, without, replace(fused, chance={})):
        assert none.common().tolist() == score.tolist()


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


def test_a_view_that_few_nodes_speak_for_counts_little() -> None:
    # by the second view three nodes find a partner and two lose theirs: the gain may be chance
    known = np.eye(40) * 0.5 + 0.2
    known[:5, :5] = 0.45
    told = np.full((40, 40), 0.2)
    told[:3, :3] += np.eye(3) * 0.3
    told[10, 11] = told[12, 13] = 3.0  # 10 and 12 find 11 and 13, which lose their own
    few = fuse(candidates(known.tolist(), told.tolist()), {"view 0": 0.1, "view 1": 0.1})
    told[10, 11] = told[12, 13] = 0.2
    told[3:5, 3:5] += np.eye(2) * 0.3
    sure = fuse(candidates(known.tolist(), told.tolist()), {"view 0": 0.1, "view 1": 0.1})
    assert few.weights["view 1"] == 0 < sure.weights["view 1"]


def test_what_a_gain_may_owe_to_chance_is_taken_back() -> None:
    def moved(counts: tuple[int, int]) -> float:
        return shrunk([1.0, 2.0], 0, lambda without: counts)[1]

    assert moved((2000, 100)) > 1.99
    assert moved((30, 20)) == pytest.approx(2 * 0.6)
    assert moved((40, 30)) == pytest.approx(2 * 0.4)
    assert moved((1, 0)) == moved((3, 0)) == 2.0
    assert moved((20, 30)) == moved((5, 5)) == moved((0, 0)) == 0.0
    asked: list[list[float]] = []
    shrunk([1.0, 2.0, 0.0, 4.0], 0, lambda without: asked.append(without) or (9, 0))  # type: ignore[func-returns-value]
    assert asked == [[1.0, 0.0, 0.0, 4.0], [1.0, 2.0, 0.0, 0.0]]


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
