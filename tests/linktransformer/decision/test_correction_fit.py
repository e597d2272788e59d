"""The correction that labels give the shipped decision: what it learns, and what it leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from linktransformer.decision.correction import Correction
from linktransformer.decision.correction_fit import LabelledJob, _Pairs, fit_correction

SPREAD = 1.9


def job(
    n: int = 2000, shift: float = 0.0, weight: float = 0.0, seed: int = 0
) -> tuple[LabelledJob, np.ndarray]:
    """Pairs whose true log-odds are the shipped ones, a shift, and the weighted bits of a column."""
    draw = np.random.default_rng(seed)
    z = draw.normal(-1, 2.5, n)
    bits = draw.normal(0, 1, (n, 2))
    truth = draw.random(n) < 1 / (1 + np.exp(-(z + shift + weight * bits[:, 1])))
    values = draw.normal(0, 1, (n, 1)).astype(np.float32)
    none = np.empty(0, dtype=np.int64)
    z, bits = z.astype(np.float32), bits.astype(np.float32)
    given = LabelledJob(z, ("lexical similarity",), values, bits, ("name", "town"), none, none)
    return given, truth


def labelled(given: LabelledJob, truth: np.ndarray, some: np.ndarray) -> LabelledJob:
    return replace(given, matches=some[truth[some]], others=some[~truth[some]])


def after(given: LabelledJob, found: Correction) -> np.ndarray:
    here = found.on_columns(given.columns)
    assert here is not None
    return here.corrected(given.log_odds, here.offset(given.names, given.values, given.bits))


def loss(z: np.ndarray, truth: np.ndarray) -> float:
    return float(np.logaddexp(0, np.where(truth, -z, z)).mean())


def test_a_shift_and_a_column_are_found() -> None:
    given, truth = job(shift=1.5, weight=1.5)
    some, rest = np.arange(500), np.arange(500, 2000)
    found = fit_correction(labelled(given, truth, some), SPREAD)
    assert loss(after(given, found)[rest], truth[rest]) < loss(given.log_odds[rest], truth[rest]) - 0.08
    weights = dict(zip(found.features, found.weights, strict=True))
    assert weights["match weight of town"] > 5 * abs(weights["match weight of name"]) > 0
    assert 0 < found.uncertainty < SPREAD / 3


@pytest.mark.parametrize("kind", ["match", "other", "both"])
def test_one_or_two_labels_change_nearly_nothing(kind: str) -> None:
    given, _ = job()
    z = given.log_odds
    sure = np.argsort(z)
    odd_match, odd_other = sure[5:6], sure[-5:-4]  # each is the opposite of what the decision says
    none = np.empty(0, dtype=np.int64)
    one = replace(
        given,
        matches=odd_match if kind != "other" else none,
        others=odd_other if kind != "match" else none,
    )
    near = np.abs(z) < 3
    assert np.abs(after(given, fit_correction(one, SPREAD)) - z)[near].max() < 0.5


def test_right_labels_of_a_right_decision_leave_it() -> None:
    given, truth = job()
    found = fit_correction(labelled(given, truth, np.arange(300)), SPREAD)
    rest = np.arange(300, 2000)
    assert loss(after(given, found)[rest], truth[rest]) < loss(given.log_odds[rest], truth[rest]) + 0.01


@pytest.mark.parametrize("kind", ["matches", "others"])
def test_labels_of_one_kind_do_not_swallow_the_other(kind: str) -> None:
    given, truth = job()
    every = labelled(given, truth, np.flatnonzero((given.log_odds > -2) & (np.arange(2000) < 1000)))
    none = np.empty(0, dtype=np.int64)
    one = replace(every, matches=none) if kind == "others" else replace(every, others=none)
    z, rest = after(given, fit_correction(one, SPREAD)), np.arange(1000, 2000)
    assert loss(z[rest], truth[rest]) < loss(given.log_odds[rest], truth[rest]) + 0.03
    fewer = (1 / (1 + np.exp(-z))).sum() < (1 / (1 + np.exp(-given.log_odds))).sum()
    assert fewer == (kind == "others")


def test_a_few_wrong_labels_cost_little() -> None:
    given, truth = job(shift=1.0, weight=1.0)
    some, rest = np.arange(400), np.arange(400, 2000)
    said = truth.copy()
    said[:400:20] ^= True
    surest = some[np.argsort(-given.log_odds[:400])[:2]]
    given.log_odds[surest] = 15.0
    said[surest] = False
    right = loss(after(given, fit_correction(labelled(given, truth, some), SPREAD))[rest], truth[rest])
    wrong = loss(after(given, fit_correction(labelled(given, said, some), SPREAD))[rest], truth[rest])
    assert wrong < right + 0.005


def test_the_gradient_is_that_of_the_cost() -> None:
    draw = np.random.default_rng(1)
    pairs = _Pairs(draw.normal(0, 2, 30), draw.normal(0, 1, (30, 4)), draw.random(30), 0.05)
    at = draw.normal(0, 0.5, 4)
    numeric = [(pairs.cost(at + step)[0] - pairs.cost(at - step)[0]) / 2e-5 for step in 1e-5 * np.eye(4)]
    np.testing.assert_allclose(pairs.cost(at)[1], numeric, atol=1e-5)


def test_chosen_pairs_do_not_tell_how_many_match() -> None:
    given, truth = job(n=4000)
    doubtful = np.argsort(np.abs(given.log_odds))[:200]  # half of the known matches are improbable
    few = labelled(given, truth, doubtful)
    expected = (1 / (1 + np.exp(-given.log_odds))).sum()
    count = {
        chosen: (1 / (1 + np.exp(-after(given, fit_correction(replace(few, chosen=chosen), SPREAD))))).sum()
        for chosen in (False, True)
    }
    assert abs(count[True] / expected - 1) < 0.05 < abs(count[False] / expected - 1)


def test_chosen_pairs_of_one_kind_change_nothing() -> None:
    given, truth = job()
    sure = np.argsort(given.log_odds)[-20:]
    one = replace(given, matches=sure[truth[sure]], chosen=True)
    assert (after(given, fit_correction(one, SPREAD)) == given.log_odds).all()
