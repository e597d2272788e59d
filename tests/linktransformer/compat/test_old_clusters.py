"""Cluster types and distances as old scripts give them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from tests.letters import Letters, cosine

FIRMS = ["Acme Steel Corp", "Baxter Dairy", "Acme Steel Corp.", "Quimby Paper", "Zeller Motors", None, None]
PARAMETERS = {"threshold": 0.2, "min cluster size": 2, "metric": "cosine"}


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("SLINK", {"threshold": 0.2, "min cluster size": 2, "metric": "cosine"}),
        ("agglomerative", {"threshold": 0.2, "clustering linkage": "average", "metric": "cosine"}),
        ("agglomerative", {"threshold": 0.6}),
        ("HDBScan", {"min cluster size": 2, "min samples": 1}),
    ],
)
def test_cluster_types(kind: str, parameters: dict[str, Any]) -> None:
    table, given = pd.DataFrame({"name": FIRMS}, index=range(5, 12)), dict(parameters)
    found = lt.cluster_rows(table, model=Letters(), on="name", cluster_type=kind, cluster_params=given)
    assert found["cluster"].tolist() == [0, 1, 0, 2, 3, 4, 5]  # W1, W10: who is alone stays alone
    assert given == parameters  # W2
    kept = lt.dedup_rows(table, model=Letters(), on="name", cluster_type=kind, cluster_params=given)
    assert kept.index.tolist() == [5, 6, 8, 9, 10, 11]


def test_old_places_of_clusters() -> None:
    table = pd.DataFrame({"name": FIRMS})
    expected = lt.cluster_rows(
        table, model=Letters(), on="name", cluster_type="SLINK", cluster_params=PARAMETERS
    )
    for found in (
        lt.cluster_rows(table, Letters(), "name", "SLINK", PARAMETERS),
        lt.cluster_rows(table, Letters(), on="name", cluster_params=PARAMETERS),
        lt.cluster_rows(df=table, model=Letters(), on=["name"], cluster_params=PARAMETERS, openai_key=None),
    ):
        pd.testing.assert_frame_equal(found, expected)
    ours = lt.cluster_rows(table, "name")  # the second place is `on` in our own signature
    pd.testing.assert_frame_equal(ours, lt.cluster_rows(table, on="name"))


def test_the_distance_is_that_of_the_model_alone() -> None:
    table = pd.DataFrame({"name": ["Acme Steel", "Acme Steel Corp"]})
    distance = 1 - cosine(*table["name"])
    for off, together in ((1e-3, True), (-1e-3, False)):
        parameters = {"threshold": distance + off, "min cluster size": 2, "metric": "cosine"}
        found = lt.cluster_rows(
            table, model=Letters(), on="name", cluster_type="SLINK", cluster_params=parameters
        )
        assert (found["cluster"].nunique() == 1) is together
        euclid = {"threshold": float(np.sqrt(2 * (distance + off))), "clustering linkage": "complete"}
        found = lt.cluster_rows(table, Letters(), "name", "agglomerative", euclid)
        assert (found["cluster"].nunique() == 1) is together


def test_defaults_of_agglomerative_work_and_do_not_leak() -> None:
    """W2: they raised, and what one call gave the next one found."""
    table = pd.DataFrame({"name": FIRMS})
    first = lt.cluster_rows(table, model=Letters(), on="name", cluster_type="agglomerative")
    lt.cluster_rows(table, model=Letters(), on="name", cluster_type="HDBScan")
    again = lt.cluster_rows(table, model=Letters(), on="name", cluster_type="agglomerative")
    pd.testing.assert_frame_equal(first, again)


def test_clusters_that_are_too_small_are_taken_apart_but_for_equal_texts() -> None:
    table = pd.DataFrame({"name": ["Acme Steel", "Acme Steel", "Acme Steels"]})
    parameters = {"threshold": 0.2, "min cluster size": 4, "metric": "cosine"}
    assert lt.cluster_rows(table, Letters(), "name", "SLINK", parameters)["cluster"].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("kind", "parameters", "message"),
    [
        ("kmeans", None, "cluster_type='kmeans'"),
        ("SLINK", {"min_cluster_size": 2}, "'min_cluster_size'"),
        ("SLINK", {"threshold": -1}, "'threshold' is -1"),
        ("SLINK", {"threshold": 1.5}, "all rows are one"),
        ("SLINK", {"metric": "manhattan"}, "'metric' is 'manhattan'"),
        ("agglomerative", {"clustering linkage": "centroid"}, "'clustering linkage' is 'centroid'"),
        ("HDBScan", {"min cluster size": 0}, "'min cluster size' is 0"),
    ],
)
def test_wrong_cluster_arguments(kind: str, parameters: Any, message: str) -> None:
    with pytest.raises(lt.InvalidArgumentError, match=message):
        lt.cluster_rows(pd.DataFrame({"a": ["x"]}), on="a", cluster_type=kind, cluster_params=parameters)
