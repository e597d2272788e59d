"""Which pairs are links, against a search of every set of links."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from linktransformer.decision.choose_links import Choice, choose


def job(seed: int, side: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    every = np.array(list(itertools.product(range(side), range(side))))
    some = np.sort(draw.choice(len(every), side * side - 4, replace=False))
    p = draw.beta(0.6, 0.8, len(some)).clip(0.01, 0.99).astype(np.float32)
    return every[some, 0], every[some, 1], p


def chosen(seed: int, validate: str, threshold: Any) -> tuple[Choice, np.ndarray, np.ndarray, np.ndarray]:
    left, right, p = job(seed)
    return choose(left, right, p, p, validate, threshold), left, right, p


def best_of(side: np.ndarray, p: np.ndarray) -> set[int]:
    return {max(np.flatnonzero(side == one).tolist(), key=lambda pair: p[pair]) for one in set(side.tolist())}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("threshold", [None, 0.3, 0.7])
def test_each_record_takes_its_most_probable_one(seed: int, threshold: float | None) -> None:
    for validate, at in (("m:1", 0), ("1:m", 1)):
        found, *sides, p = chosen(seed, validate, threshold)
        wanted = {pair for pair in best_of(sides[at], p) if threshold is None or p[pair] >= threshold}
        assert set(found.pairs.tolist()) == wanted
        assert found.threshold == threshold
    found, _, _, p = chosen(seed, "m:m", threshold)
    assert found.pairs.tolist() == [n for n, one in enumerate(p) if threshold is None or one >= threshold]


@pytest.mark.parametrize("seed", range(10))
def test_auto_has_the_best_expected_f1_of_all_sets(seed: int) -> None:
    found, left, _, p = chosen(seed, "m:1", "auto")
    able = sorted(best_of(left, p))
    expected = sum(float(p[pair]) for pair in able)

    def f1(some: tuple[int, ...]) -> float:
        hits = sum(float(p[pair]) for pair in some)
        return 2 * hits / (len(some) + expected) if some and hits / len(some) >= 0.5 else -1.0

    every = [some for size in range(len(able) + 1) for some in itertools.combinations(able, size)]
    best = max(map(f1, every))
    assert f1(tuple(found.pairs.tolist())) == pytest.approx(best)
    if len(found.pairs):
        assert found.precision == pytest.approx(float(p[found.pairs].mean()))
        assert found.recall == pytest.approx(float(p[found.pairs].sum()) / expected)
        assert found.threshold == pytest.approx(float(p[found.pairs].min()))
    else:
        assert best == -1 and found.precision is found.recall is None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("wanted", [0.5, 0.8, 0.95])
def test_a_precision_takes_the_largest_set_with_that_mean(seed: int, wanted: float) -> None:
    found, left, _, p = chosen(seed, "m:1", {"precision": wanted})
    able = best_of(left, p)
    falling = np.sort(p[list(able)].astype(float))[::-1]
    fine = [size for size in range(1, len(able) + 1) if falling[:size].mean() >= wanted]
    assert len(found.pairs) == max(fine, default=0)
    if fine:
        assert found.precision is not None and found.precision >= wanted


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("threshold", [0.2, 0.6])
def test_one_to_one_is_the_assignment_of_most_log_odds_above_the_threshold(
    seed: int, threshold: float
) -> None:
    found, left, right, p = chosen(seed, "1:1", threshold)
    log_odds = np.log(p / (1 - p)) - np.log(threshold / (1 - threshold))
    value = np.full((4, 4), 0.0)
    value[left, right] = np.maximum(log_odds, 0)
    best = max(
        sum(value[row, at] for row, at in enumerate(order)) for order in itertools.permutations(range(4))
    )
    assert value[left[found.pairs], right[found.pairs]].sum() == pytest.approx(best, abs=1e-4)
    for side in (left, right):
        assert len(set(side[found.pairs].tolist())) == len(found.pairs)
    assert (p[found.pairs] >= threshold).all()


@pytest.mark.parametrize("threshold", ["auto", {"precision": 0.7}, None])
@pytest.mark.parametrize("seed", range(6))
def test_one_to_one_uses_no_record_twice(seed: int, threshold: Any) -> None:
    found, left, right, p = chosen(seed, "1:1", threshold)
    for side in (left, right):
        assert len(set(side[found.pairs].tolist())) == len(found.pairs)
    if isinstance(threshold, dict) and len(found.pairs):
        assert p[found.pairs].mean() >= 0.7


def test_no_link_where_all_are_more_often_wrong_than_right() -> None:
    left, right = np.array([0, 1]), np.array([0, 1])
    p = np.array([0.4, 0.3], dtype="f4")
    for validate in ("m:1", "1:m", "1:1", "m:m"):
        assert not len(choose(left, right, p, p, validate, "auto").pairs)


def test_ties_go_to_the_more_similar_pair() -> None:
    left, right = np.array([0, 0]), np.array([0, 1])
    p = np.array([0.8, 0.8], dtype="f4")
    assert choose(left, right, p, np.array([0.2, 0.9], dtype="f4"), "m:1", "auto").pairs.tolist() == [1]


@pytest.mark.parametrize("validate", ["m:1", "1:m", "1:1", "m:m"])
@pytest.mark.parametrize("threshold", ["auto", None, 0.5, {"precision": 0.9}])
def test_no_candidates(validate: str, threshold: Any) -> None:
    none = np.empty(0, dtype=np.int64)
    found = choose(none, none, none.astype("f4"), none.astype("f4"), validate, threshold)
    assert not len(found.pairs) and found.precision is found.recall is None
