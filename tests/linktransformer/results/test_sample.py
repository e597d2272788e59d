"""Stratified random samples of links and clusters: strata, shares, an order that larger ones continue."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.sample import drawn, in_order
from tests.linktransformer.results.test_estimate import population


def test_shares_are_those_of_the_strata() -> None:
    score, linked, _ = population()
    reviewed = drawn(score, linked, 200, 1)
    assert len(reviewed) == len(np.unique(reviewed.at)) == 200
    assert reviewed.linked.sum() == 100
    assert float((1 / reviewed.share).sum()) == pytest.approx(len(score))
    assert (linked[reviewed.at] == reviewed.of_links[reviewed.stratum]).all()
    again = drawn(score, linked, 200, 1)
    assert again.at.tolist() == reviewed.at.tolist()


@pytest.mark.parametrize("n", [0, 7, 20.0, True])
def test_too_few_pairs(n: object) -> None:
    score, linked, _ = population()
    with pytest.raises(InvalidArgumentError, match="n="):
        drawn(score, linked, n)  # type: ignore[arg-type]


def test_a_sample_of_links_names_rows() -> None:
    names = [f"{word} {place}" for word in ("Acme", "Baxter", "Quincy") for place in ["Ada", "Boise", "Cody"]]
    left = pd.DataFrame({"name": names}, index=range(100, 109))
    right = pd.DataFrame({"name": [name.upper() + " CO" for name in names] + ["Dover Glass"]})
    links = lt.link(left, right, on="name", model="lexical")
    reviewed = links.sample(20)
    table = reviewed.table
    assert list(table.columns) == ["left", "right", "score", "linked", "stratum", "share"]
    assert table["left"].between(100, 108).all()
    assert set(zip(table.left[table.linked], table.right[table.linked], strict=True)) <= set(
        zip(links.pairs.left, links.pairs.right, strict=True)
    )
    linked = set(zip(links.pairs.left, links.pairs.right, strict=True))
    assert not linked & set(zip(table.left[~table.linked], table.right[~table.linked], strict=True))
    found = links.estimate(reviewed, table["left"] - 100 == table["right"])
    assert found.precision == 1.0


def test_links_of_similarities_have_no_candidates() -> None:
    table = pd.DataFrame({"name": ["Acme", "Baxter"]})
    links = lt.link(table, table, on="name", model="lexical")
    with pytest.raises(InvalidArgumentError, match="kept no candidates"):
        replace(links, evidence=None).sample()


def test_strata_are_bands_of_the_probability() -> None:
    score, linked, _ = population()
    reviewed = drawn(score, linked, 200)
    assert len(reviewed.sizes) == 10 and reviewed.of_links.sum() == 5
    assert (np.diff(reviewed.expected[:5]) > 0).all() and (np.diff(reviewed.expected[5:]) > 0).all()
    assert np.bincount(reviewed.stratum).tolist() == [20] * 10


def test_a_larger_sample_holds_the_smaller_one() -> None:
    score, linked, _ = population()
    few, many = (drawn(score, linked, n, 3) for n in (80, 200))
    assert set(few.at.tolist()) <= set(many.at.tolist())


def test_every_pair_of_a_stratum_is_as_likely_in_a_sample_of_any_size() -> None:
    score, linked = np.repeat(np.float32(0.9), 12), np.arange(12) < 6
    counts = np.zeros(12)
    for seed in range(4000):
        counts[in_order(score.astype(float), linked, 1, seed).at[:5]] += 1
    assert counts == pytest.approx(np.full(12, 4000 * 5 / 12), rel=0.08)


def test_where_links_end_the_others_go_on() -> None:
    score = np.linspace(0, 1, 100).astype(np.float32)
    reviewed = drawn(score, score > 0.95, 40)
    assert reviewed.linked.sum() == (score > 0.95).sum() and len(reviewed) == 40
    assert len(drawn(score, score > 0.95, 500)) == 100


TWICE = pd.DataFrame(
    {"name": [f"{word} {n}{end}" for word in ("Acme", "Quincy") for n in range(9) for end in ("", " Co")]}
)


def test_a_sample_of_clusters_is_of_pairs_within_and_between_them() -> None:
    clusters = lt.cluster(TWICE, on="name", model="lexical")
    reviewed = clusters.sample(400)
    left, right = reviewed.rows
    assert (left < right).all()
    assert ((clusters.label[left] == clusters.label[right]) == reviewed.linked).all()
    inside = [  # the plain reference: every pair of rows in one cluster, none twice
        (a, b)
        for a, b in itertools.combinations(range(len(TWICE)), 2)
        if clusters.label[a] == clusters.label[b]
    ]
    found = list(zip(left[reviewed.linked].tolist(), right[reviewed.linked].tolist(), strict=True))
    assert sorted(found) == inside
    true = left // 2 == right // 2
    assert clusters.estimate(reviewed, true).precision == pytest.approx(true[reviewed.linked].mean())
    with pytest.raises(InvalidArgumentError, match="kept no candidates"):
        replace(clusters, evidence=None).sample()
