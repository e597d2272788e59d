"""The scale of a reader's scores: Platt's, found by a plain search; and readers that cannot have one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.reader_scale import Scale, confident, fit_scale


def plain_scale(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Shift and slope of the weighted logistic regression on Platt's targets, by a general minimiser."""
    n = min(int(y.sum()), int((~y).sum()))
    target = np.where(y, (n + 1) / (n + 2), 1 / (n + 2))
    weight = np.where(y, 1 / y.sum(), 1 / (~y).sum())

    def cost(values: np.ndarray) -> float:
        z = values[0] + values[1] * x
        return float((weight * (np.logaddexp(0, z) - target * z)).sum())

    found: np.ndarray = minimize(cost, np.zeros(2), method="BFGS", options={"gtol": 1e-9}).x
    return found


@pytest.mark.parametrize("apart", [0.5, 2.0, 20.0])
def test_the_scale_is_that_of_platt(apart: float) -> None:
    draw = np.random.default_rng(3)
    y = np.arange(150) < 40
    x = draw.normal(0, 1, 150) + apart * y + 5
    scale = fit_scale(x.astype(np.float32), y)
    np.testing.assert_allclose([scale.shift, scale.slope], plain_scale(x, y), rtol=0.02, atol=0.02)
    assert scale.most == pytest.approx(np.log(41))


def test_evidence_does_not_depend_on_the_unit_of_the_scores_and_has_a_bound() -> None:
    draw = np.random.default_rng(4)
    y = np.arange(60) < 30
    x = (draw.normal(0, 1, 60) + 2 * y).astype(np.float32)
    new = np.array([-100, 0, 1, 2, 100], np.float32)
    evidence = fit_scale(x, y)(new)
    np.testing.assert_allclose(fit_scale(1000 * x - 7, y)(1000 * new - 7), evidence, atol=1e-2)
    assert evidence[0] == -evidence[-1] == pytest.approx(-np.log(31)) and (np.diff(evidence) > 0).all()


def test_no_answer_is_no_evidence_and_teaches_nothing() -> None:
    y = np.arange(40) < 20
    x = (y + np.random.default_rng(5).normal(0, 1, 40)).astype(np.float32)
    whole = fit_scale(x, y)
    some = fit_scale(np.append(x, [np.nan] * 9).astype(np.float32), np.append(y, [True] * 9))
    assert some == whole and whole(np.array([np.nan], np.float32)).tolist() == [0.0]


def test_scores_that_fall_with_matches_or_are_all_equal_tell_nothing() -> None:
    y = np.arange(40) < 20
    for x in (-1.0 * y, np.full(40, 3.0)):
        assert fit_scale(x.astype(np.float32), y) == Scale(0.0, 0.0, 0.0)


def test_sure_pairs_are_those_nearest_to_doubt_and_their_equals() -> None:
    p = np.array([0.99, 0.96, 0.96, 0.97, 0.5, 0.04, 0.01, 0.03], np.float32)
    matches, others = confident(p, 0.95, 1)
    assert np.flatnonzero(matches).tolist() == [1, 2] and np.flatnonzero(others).tolist() == [5]


def test_labels_of_one_kind_or_too_few_calibrate_no_reader() -> None:
    def length(left: list[str], right: list[str]) -> list[int]:
        return [len(a) for a in left]

    texts = ["a" * n for n in range(40)]
    known = lt.calibrated_reader(length, texts, texts, np.arange(40) >= 20)
    assert known.scale.slope > 0 and known.name == "length"
    with pytest.raises(InvalidArgumentError, match=r"at least 10 labels .* Given: 9 matches and 31"):
        lt.calibrated_reader(length, texts, texts, np.arange(40) < 9)
    with pytest.raises(InvalidArgumentError, match="40 left, 39 right, 40 labels"):
        lt.calibrated_reader(length, texts, texts[1:], np.arange(40) < 20)
    with pytest.raises(InvalidArgumentError, match="reads no pairs"):
        lt.calibrated_reader(3, texts, texts, np.arange(40) < 20)
