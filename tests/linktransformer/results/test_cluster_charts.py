"""Charts of clusters: keys once, means as in the estimate, and errors."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.cluster_charts import KINDS, looseness
from tests.flows.test_explain import people

pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")


@pytest.fixture(scope="module")
def clusters() -> lt.Clusters:
    left, right = people()
    table = pd.concat([left, right, left.iloc[:5]], ignore_index=True)
    return lt.cluster(table, on=["name", "town", "year"])


def test_every_kind_is_drawn(clusters: lt.Clusters) -> None:
    number = int(clusters.label[clusters.left_rows[0]])
    for kind in KINDS:
        chart = clusters.chart(kind, cluster=number, pair=0) if kind == "pair" else None
        chart = chart or clusters.chart(kind, cluster=number)
        assert chart.to_svg().startswith("<svg") and chart.description


def test_looseness_is_the_mean_of_all_pairs_of_keys() -> None:
    names = ["Acme Steel Works", "Acme Steel Work", "Acme Steel Wrks", "Acme Stel Works", "Baxter Dairy"]
    table = pd.DataFrame({"name": [*names, *(f"{word} {number}" for word in "uvw" for number in range(20))]})
    clusters = lt.cluster(table, on="name", threshold=0.05)
    assert clusters.sizes.max() > 2
    loose = looseness(clusters)
    scores = dict(zip(zip(clusters.left_rows, clusters.right_rows, strict=True), clusters.score, strict=True))
    compared = sorted({row for pair in scores for row in pair})
    for cluster in range(len(clusters)):
        rows = [row for row in compared if clusters.label[row] == cluster]
        pairs = [scores.get(pair, 0.0) for pair in itertools.combinations(rows, 2)]
        expected = np.mean(pairs) if pairs else np.nan
        assert loose[cluster] == pytest.approx(expected, nan_ok=True)


def test_rows_of_equal_keys_are_one_point(clusters: lt.Clusters) -> None:
    twice = int(clusters.label[0])  # its first row is in the table twice
    points = clusters.chart("cluster", cluster=twice).spec["concat"][0]["layer"][1]["data"]["values"]
    assert any(point["row"].endswith("(×2)") for point in points)
    members = int((clusters.label == twice).sum())
    assert len(points) < members


def test_all_keys_are_equal() -> None:
    table = pd.DataFrame({"name": ["Acme Steel", "ACME STEEL", "Baxter Dairy"]})
    clusters = lt.cluster(table, on="name")
    assert clusters.chart("largest").to_svg().startswith("<svg")


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("bars", {}, "kind='bars' is not one of 'sizes'"),
        ("cluster", {}, "needs cluster=0"),
        ("pair", {"cluster": 0}, "needs cluster=0, pair=0"),
        ("cluster", {"cluster": 10**6}, "cluster=1000000 is not a cluster"),
    ],
)
def test_what_is_missing_is_said(clusters: lt.Clusters, kind: str, more: dict, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        clusters.chart(kind, **more)


def test_no_cluster_of_several_rows() -> None:
    clusters = lt.cluster(pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy"]}), on="name")
    with pytest.raises(InvalidArgumentError, match="No cluster has several rows"):
        clusters.chart("largest")
    assert clusters.chart("sizes").to_svg().startswith("<svg")


def test_scores_have_their_name(clusters: lt.Clusters) -> None:
    assert (
        clusters.chart("probability").spec["vconcat"][0]["layer"][0]["encoding"]["x"]["title"]
        == "match probability"
    )
    number = int(clusters.label[clusters.left_rows[0]])
    assert "mean probability" in str(clusters.chart("cluster", cluster=number).spec)
