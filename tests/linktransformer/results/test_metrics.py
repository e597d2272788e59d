"""Scores of clusters, against scikit-learn and against their definitions over all pairs of rows."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from linktransformer.errors import InvalidArgumentError
from linktransformer.results.metrics import recall_at_k, score_clusters

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25)


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_equals_scikit_learn(rows: list[tuple[int, int]]) -> None:
    truth, labels = [row[0] for row in rows], [row[1] for row in rows]
    scores = score_clusters(truth, labels)
    assert scores.ari == pytest.approx(sklearn.adjusted_rand_score(truth, labels))
    wanted = sklearn.homogeneity_completeness_v_measure(truth, labels)
    assert (scores.homogeneity, scores.completeness, scores.v_measure) == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_equals_the_definitions(rows: list[tuple[int, int]]) -> None:
    truth, labels = [row[0] for row in rows], [row[1] for row in rows]
    scores = score_clusters(truth, labels)
    n = len(rows)
    true = {pair for pair in combinations(range(n), 2) if truth[pair[0]] == truth[pair[1]]}
    found = {pair for pair in combinations(range(n), 2) if labels[pair[0]] == labels[pair[1]]}
    assert scores.precision == pytest.approx(len(true & found) / len(found) if found else 1)
    assert scores.recall == pytest.approx(len(true & found) / len(true) if true else 1)
    groups = [
        [{row for row in range(n) if side[row] == side[own]} for own in range(n)] for side in (truth, labels)
    ]
    shared = [len(one & other) for one, other in zip(*groups, strict=True)]
    assert scores.b_cubed_precision == pytest.approx(
        sum(part / len(group) for part, group in zip(shared, groups[1], strict=True)) / n
    )
    assert scores.b_cubed_recall == pytest.approx(
        sum(part / len(group) for part, group in zip(shared, groups[0], strict=True)) / n
    )
    whole = {frozenset(group) for group in groups[0]} & {frozenset(group) for group in groups[1]}
    assert scores.cluster_precision == pytest.approx(len(whole) / len(set(labels)))
    assert scores.cluster_recall == pytest.approx(len(whole) / len(set(truth)))


def test_names_of_clusters_may_be_anything() -> None:
    scores = score_clusters(["a", ("b", 1), "a"], [None, 0, None])
    assert scores.f1 == scores.b_cubed_f1 == scores.ari == scores.v_measure == scores.cluster_f1 == 1


def test_millions_of_pairs_cost_no_more_than_their_rows() -> None:
    n = 300_000  # 4.5e10 pairs in one cluster
    scores = score_clusters([0] * n, [row % 2 for row in range(n)])
    assert scores.precision == 1
    assert scores.recall == pytest.approx(0.5, abs=1e-5)


def test_nothing() -> None:
    scores = score_clusters([], [])
    assert (scores.precision, scores.recall, scores.ari, scores.n_clusters) == (1, 1, 1, 0)


def test_different_lengths_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="2 rows and labels 1"):
        score_clusters([0, 1], [0])


def test_recall_at_k_counts_the_first_of_each_row() -> None:
    left, right = [1, 0, 1, 0, 1], ["a", "b", "c", "d", "e"]
    assert recall_at_k([(1, "c"), (0, "d")], left, right, 1) == 0
    assert recall_at_k([(1, "c"), (0, "d")], left, right, 2) == 1
    assert recall_at_k([(1, "e"), (1, "a")], left, right, 2) == 0.5
    assert recall_at_k([], left, right, 2) == 1


def test_null_is_a_cluster_of_its_own() -> None:
    """Rows without a true cluster were one true cluster."""
    scores = score_clusters([None, None, float("nan"), "a", "a"], [0, 1, 2, 3, 3])
    assert scores.recall == scores.precision == 1 and scores.n_true_clusters == 4


def test_recall_reads_truth_as_links_do() -> None:
    """Triples matched no candidate, and a table was read as its column names: both gave 0."""
    left, right = [0, 0, 1, 1], [7, 5, 9, 8]
    judged = [(0, 7, 1), (1, 8, 1), (1, 9, "no")]
    assert recall_at_k(judged, left, right, k=1) == 0.5
    table = pd.DataFrame(judged, columns=["l", "r", "ok"])
    assert recall_at_k(table, left, right, k=2) == 1 and recall_at_k({0: 7, 1: None}, left, right, k=1) == 1
    with pytest.raises(InvalidArgumentError, match="right rows in their place"):
        recall_at_k([(7, 0)], left, right, k=1)
    with pytest.raises(InvalidArgumentError, match="left has 4 rows and right 1"):
        recall_at_k(judged, left, [7], k=1)
