"""Simulated reviewers: how often they are wrong, and what a majority makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.errors import InvalidArgumentError
from tests.benchmarks.reviewers import CARELESS, THREE, judged, majority

TRUTH = np.random.default_rng(0).random(20_000) < 0.5


def test_one_who_is_right() -> None:
    assert (judged(TRUTH) == TRUTH).all()


def test_one_in_a_hurry_is_wrong_of_either_kind() -> None:
    wrong = judged(TRUTH, CARELESS) != TRUTH
    assert wrong.mean() == pytest.approx(CARELESS, abs=0.006)
    assert wrong[TRUTH].mean() == pytest.approx(wrong[~TRUTH].mean(), abs=0.01)
    assert (judged(TRUTH, CARELESS, 1) == judged(TRUTH, CARELESS, 1)).all()


def test_three_people_are_wrong_less_often_than_their_best_two() -> None:
    said, disputed = majority(TRUTH)
    a, b, c = THREE
    expected = a * b * (1 - c) + a * (1 - b) * c + (1 - a) * b * c + a * b * c
    assert (said != TRUTH).mean() == pytest.approx(expected, abs=0.003)
    assert disputed.mean() == pytest.approx(1 - (1 - a) * (1 - b) * (1 - c) - a * b * c, abs=0.01)
    assert (said == TRUTH)[~disputed].mean() > 0.999


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_no_share(wrong: float) -> None:
    with pytest.raises(InvalidArgumentError, match="wrong="):
        judged(TRUTH, wrong)


def test_two_people_may_tie() -> None:
    with pytest.raises(InvalidArgumentError, match="odd"):
        majority(TRUTH, (0.1, 0.1))
