"""Estimates from a reviewed sample: no bias, coverage, strata, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.results.estimate import _profile, estimate
from linktransformer.results.sample import drawn


def population(seed: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    z = np.concatenate([draw.normal(4, 2.5, 2_000), draw.normal(-5, 2, 8_000)])
    score = (1 / (1 + np.exp(-z))).astype(np.float32)
    return score, score >= 0.5, draw.random(len(z)) < score


def test_intervals_hold_the_truth_about_95_times_in_100() -> None:
    score, linked, match = population()
    true = (linked & match).sum() / linked.sum(), (linked & match).sum() / match.sum()
    held = np.zeros(2)
    values = []
    for seed in range(200):
        reviewed = drawn(score, linked, 200, seed)
        found = estimate(reviewed, match[reviewed.at], seed)
        both = found.precision_interval, found.recall_interval
        held += [low <= of <= high for (low, high), of in zip(both, true, strict=True)]
        values.append((found.precision, found.recall))
    assert (held >= 180).all()  # 95 % of 200 less three standard deviations
    assert held[0] < 200
    assert np.mean(values, axis=0) == pytest.approx(true, abs=0.02)


def test_one_stratum_has_the_interval_of_the_likelihood_ratio() -> None:
    ends = np.array(_profile(np.array([18.0]), np.array([20.0]), np.array([1e9])))
    ratio = 18 * np.log(0.9 / ends) + 2 * np.log(0.1 / (1 - ends))
    assert ends[0] < 0.9 < ends[1]
    assert 2 * ratio == pytest.approx([3.841, 3.841], abs=1e-3)
    assert _profile(np.array([20.0]), np.array([20.0]), np.array([1e9]))[1] == pytest.approx(1)
    assert _profile(np.array([0.0]), np.array([20.0]), np.array([1e9]))[0] == pytest.approx(0)
    # exp(-3.841 / 40): none of 20
    assert _profile(np.array([0.0]), np.array([20.0]), np.array([1e9]))[1] == pytest.approx(0.0916, abs=1e-3)


def test_a_population_that_was_reviewed_whole_is_known() -> None:
    score, linked, match = population()
    some = np.arange(0, len(score), 100)
    reviewed = drawn(score[some], linked[some], len(some), 0)
    found = estimate(reviewed, match[some][reviewed.at])
    true = (linked & match)[some].sum() / linked[some].sum()
    assert found.precision == pytest.approx(true)
    assert found.precision_interval == pytest.approx((true, true), abs=1e-3)
    assert found.recall_interval[1] - found.recall_interval[0] < 1e-9


def test_unanswered_pairs_are_counted() -> None:
    score, linked, match = population()
    reviewed = drawn(score, linked, 100, 1)
    answers = match[reviewed.at].astype(float)
    answers[:10] = np.nan
    found = estimate(reviewed, answers)
    assert (found.reviewed, found.unanswered) == (90, 10)


def test_nothing_linked() -> None:
    score = np.linspace(0, 0.4, 500).astype(np.float32)
    reviewed = drawn(score, np.zeros(500, dtype=bool), 50)
    found = estimate(reviewed, np.zeros(len(reviewed)))
    assert (found.precision, found.precision_interval) == (1.0, (0.0, 1.0))


@pytest.mark.parametrize("answers", [[1, 0], ["yes"] * 100, [2] * 100, None])
def test_answers_that_are_none(answers: object) -> None:
    score, linked, _ = population()
    with pytest.raises(InvalidArgumentError, match="match="):
        estimate(drawn(score, linked, 100), answers)


def test_a_stratum_without_answers() -> None:
    score, linked, _ = population()
    reviewed = drawn(score, linked, 100)
    answers = np.where(reviewed.stratum == 0, np.nan, 1.0)
    with pytest.raises(InvalidArgumentError, match="strata"):
        estimate(reviewed, answers)
