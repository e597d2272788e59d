"""Match weights: levels do not fall, rare values count more, and the matches that made the data are found."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import isotonic_regression

from linktransformer.scoring import fellegi_sunter
from linktransformer.scoring.fellegi_sunter import LEVELS, ColumnLevels, level_of, match_weights

PRIOR = -8.0


def columns(seed: int = 0, n: int = 3000) -> tuple[list[ColumnLevels], np.ndarray]:
    """Three columns: one that tells much, one that tells little, and one of noise with nulls."""
    draw = np.random.default_rng(seed)
    match = draw.random(n) < 0.3
    found = []
    for hit, nulls in ((0.9, 0.0), (0.5, 0.0), (0.0, 0.3)):
        level = draw.integers(0, 3, n)
        alike = match & (draw.random(n) < hit)
        level[alike] = draw.choice([4, 5, 6], alike.sum(), p=[0.1, 0.3, 0.6])
        level[draw.random(n) < nulls] = -1
        random = draw.integers(0, 3, 5000)
        random[:10] = 6
        random[10:40] = 5
        frequency = draw.choice([0.0005, 0.02], n).astype(np.float32)
        found.append(ColumnLevels(level.astype(np.int8), random.astype(np.int8), frequency))
    return found, match


def fitted(seed: int = 0) -> tuple[fellegi_sunter.Weights, np.ndarray, list[ColumnLevels]]:
    made, match = columns(seed)
    guess = np.where(made[0].level >= 4, 0.6, 0.1).astype(np.float32)
    return match_weights(made, guess, PRIOR), match, made


@pytest.mark.parametrize("seed", range(20))
def test_levels_are_the_isotonic_regression(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values, weight = draw.normal(size=LEVELS), draw.integers(1, 40, LEVELS).astype(float)
    found = fellegi_sunter._rising(values, weight)
    np.testing.assert_allclose(found, isotonic_regression(values, sample_weight=weight), atol=1e-9)
    assert (np.diff(found) >= -1e-12).all()


@pytest.mark.parametrize("seed", range(3))
def test_matches_are_found_without_labels(seed: int) -> None:
    weights, match, _ = fitted(seed)
    assert np.median(weights.total[match]) > np.median(weights.total[~match]) + 5
    tells = weights.table[:, -1] - weights.table[:, 0]
    assert tells[0] > tells[1] > tells[2]
    assert (np.diff(weights.table, axis=1) >= -1e-9).all()


def test_an_equal_value_is_never_worth_less_than_a_similar_one() -> None:
    weights, _, made = fitted()
    for place, column in enumerate(made):
        equal, similar = column.level == LEVELS - 1, column.level == LEVELS - 2
        if equal.any() and similar.any():
            assert weights.bits[equal, place].min() >= weights.bits[similar, place].max() - 1e-5


def test_a_rare_equal_value_is_worth_more_than_a_frequent_one() -> None:
    weights, _, made = fitted()
    equal = made[0].level == LEVELS - 1
    rare = made[0].frequency < 0.01
    assert weights.bits[equal & rare, 0].min() > weights.bits[equal & ~rare, 0].max()


def test_nulls_say_nothing_and_the_sum_is_the_total() -> None:
    weights, _, made = fitted()
    null = made[2].level < 0
    assert null.any() and (weights.bits[null, 2] == 0).all()
    np.testing.assert_allclose(weights.total, weights.bits.sum(axis=1) + PRIOR, atol=1e-3)


def test_the_order_of_the_columns_does_not_matter() -> None:
    made, _ = columns()
    guess = np.where(made[0].level >= 4, 0.6, 0.1).astype(np.float32)
    straight, turned = match_weights(made, guess, PRIOR), match_weights(made[::-1], guess, PRIOR)
    np.testing.assert_allclose(straight.total, turned.total, atol=1e-4)
    np.testing.assert_allclose(straight.table, turned.table[::-1], atol=1e-6)


def test_levels_by_similarity() -> None:
    similarity = np.array([0, 0.16, 0.17, 0.5, 0.84, 1.0, np.nan, 1.0], dtype="f4")
    equal = np.array([False] * 7 + [True])
    assert level_of(similarity, equal).tolist() == [0, 0, 1, 3, 5, 5, -1, 6]


def test_the_weights_of_parts_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    levels = [
        ColumnLevels(
            draw.integers(-1, 7, 999).astype(np.int8),
            draw.integers(-1, 7, 500).astype(np.int8),
            draw.random(999).astype(np.float32),
        )
        for _ in range(3)
    ]
    guess = draw.random(999).astype(np.float32)
    whole = match_weights(levels, guess, -9.0)
    monkeypatch.setattr(fellegi_sunter, "STEP", 100)
    parts = match_weights(levels, guess, -9.0)
    np.testing.assert_array_equal(parts.bits, whole.bits)
    np.testing.assert_array_equal(parts.total, whole.total)
    np.testing.assert_array_equal(parts.table, whole.table)
