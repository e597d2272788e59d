"""Estimates from a reviewed sample: no bias, coverage, strata, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.review.estimate import _profile, drawn, estimate, sample


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


def test_shares_are_those_of_the_strata() -> None:
    score, linked, _ = population()
    reviewed = drawn(score, linked, 200, 1)
    assert len(reviewed) == len(np.unique(reviewed.at)) == 200
    assert reviewed.linked.sum() == 100
    assert float((1 / reviewed.share).sum()) == pytest.approx(len(score))
    assert (linked[reviewed.at] == reviewed.of_links[reviewed.stratum]).all()
    again = drawn(score, linked, 200, 1)
    assert again.at.tolist() == reviewed.at.tolist()


def test_unanswered_pairs_are_counted() -> None:
    score, linked, match = population()
    reviewed = drawn(score, linked, 100, 1)
    answers = match[reviewed.at].astype(float)
    answers[::10] = np.nan
    found = estimate(reviewed, answers)
    assert (found.reviewed, found.unanswered) == (90, 10)


def test_a_sample_of_links_names_rows() -> None:
    names = [f"{word} {place}" for word in ("Acme", "Baxter", "Quincy") for place in ["Ada", "Boise", "Cody"]]
    left = pd.DataFrame({"name": names}, index=range(100, 109))
    right = pd.DataFrame({"name": [name.upper() + " CO" for name in names] + ["Dover Glass"]})
    links = lt.link(left, right, on="name", model="lexical")
    reviewed = sample(links, 20, 0)
    table = reviewed.table(links)
    assert list(table.columns) == ["left", "right", "score", "linked", "stratum", "share"]
    assert table["left"].between(100, 108).all()
    assert set(zip(table.left[table.linked], table.right[table.linked], strict=True)) <= set(
        zip(links.pairs.left, links.pairs.right, strict=True)
    )
    linked = set(zip(links.pairs.left, links.pairs.right, strict=True))
    assert not linked & set(zip(table.left[~table.linked], table.right[~table.linked], strict=True))
    found = estimate(reviewed, table["left"] - 100 == table["right"])
    assert found.precision == 1.0


def test_nothing_linked() -> None:
    score = np.linspace(0, 0.4, 500).astype(np.float32)
    reviewed = drawn(score, np.zeros(500, dtype=bool), 50)
    found = estimate(reviewed, np.zeros(len(reviewed)))
    assert (found.precision, found.precision_interval) == (1.0, (0.0, 1.0))


@pytest.mark.parametrize("n", [0, 7, 20.0, True])
def test_too_few_pairs(n: object) -> None:
    score, linked, _ = population()
    with pytest.raises(InvalidArgumentError, match="n="):
        drawn(score, linked, n)  # type: ignore[arg-type]


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


def test_links_of_similarities_have_no_candidates() -> None:
    table = pd.DataFrame({"name": ["Acme", "Baxter"]})
    links = lt.link(table, table, on="name", model="lexical")
    from dataclasses import replace

    with pytest.raises(InvalidArgumentError, match="kept no candidates"):
        sample(replace(links, evidence=None))


def test_strata_are_bands_of_the_probability() -> None:
    score, linked, _ = population()
    reviewed = drawn(score, linked, 200)
    assert len(reviewed.sizes) == 10 and reviewed.of_links.sum() == 5
    assert (np.diff(reviewed.expected[:5]) > 0).all() and (np.diff(reviewed.expected[5:]) > 0).all()
    assert np.bincount(reviewed.stratum).tolist() == [20] * 10
