"""Clusters of a sparse graph, against SciPy on the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from linktransformer.errors import InvalidArgumentError
from linktransformer.results.agglomerate import Apart, agglomerate, components, masks_of


def same_clusters(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    return bool(((one[:, None] == one) == (other[:, None] == other)).all())


def random_graph(
    seed: int, n: int, dense: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    draw = np.random.default_rng(seed)
    matrix = np.triu(np.where(draw.random((n, n)) < dense, draw.random((n, n)), 0), 1)
    left, right = np.nonzero(matrix)
    return left, right, matrix[left, right].astype(np.float32)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(2, 25),
    st.floats(0.05, 1),
    st.floats(0.02, 0.98),
    st.sampled_from(["single", "average", "complete"]),
)
def test_equals_scipy_on_the_whole_matrix(
    seed: int, n: int, dense: float, threshold: float, method: str
) -> None:
    left, right, score = random_graph(seed, n, dense)
    distance = np.ones((n, n))
    distance[left, right] = distance[right, left] = 1 - score.astype(float)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), method)
    wanted = fcluster(tree, 1 - float(np.float32(threshold)), "distance")
    assert same_clusters(agglomerate(n, left, right, score, threshold, method), wanted)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 20), st.floats(0, 1))
def test_components_are_what_can_be_reached(seed: int, n: int, dense: float) -> None:
    left, right, _ = random_graph(seed, n, dense * 0.2)
    reach = np.eye(n, dtype=bool)
    reach[left, right] = reach[right, left] = True
    for _ in range(n):
        reach = reach @ reach
    assert components(n, left, right).tolist() == [
        np.unique(reach.argmax(axis=1)).tolist().index(first) for first in reach.argmax(axis=1)
    ]


@pytest.mark.parametrize("method", ["single", "average", "complete"])
def test_a_node_without_a_partner_is_its_own_cluster(method: str) -> None:
    none = np.empty(0, dtype=np.int64)
    assert agglomerate(3, none, none, np.empty(0, dtype=np.float32), 0.5, method).tolist() == [0, 1, 2]
    one, two, score = np.array([1]), np.array([3]), np.array([0.9], dtype=np.float32)
    assert agglomerate(4, one, two, score, 0.5, method).tolist() == [0, 1, 2, 1]
    assert agglomerate(4, two, one, score, 0.95, method).tolist() == [0, 1, 2, 3]


def test_equal_scores_end_and_merge_all() -> None:
    n = 40
    left, right = np.triu_indices(n, 1)
    score = np.full(len(left), 0.7, dtype=np.float32)
    for method in ("average", "complete", "single"):
        assert set(agglomerate(n, left, right, score, 0.7, method).tolist()) == {0}
        assert len(set(agglomerate(n, left, right, score, 0.71, method).tolist())) == n


def test_a_chain_is_one_cluster_for_single_linkage_alone() -> None:
    left, right = np.arange(9), np.arange(1, 10)
    score = np.full(9, 0.9, dtype=np.float32)
    assert set(agglomerate(10, left, right, score, 0.5, "single").tolist()) == {0}
    for method in ("average", "complete"):
        assert len(set(agglomerate(10, left, right, score, 0.5, method).tolist())) == 5


@pytest.mark.parametrize(("threshold", "method"), [(0.0, "average"), (-1.0, "single"), (0.5, "ward")])
def test_what_cannot_work_is_refused(threshold: float, method: str) -> None:
    with pytest.raises(InvalidArgumentError):
        agglomerate(2, np.array([0]), np.array([1]), np.array([0.5], "f4"), threshold, method)


def one_at_a_time(
    start: NDArray[np.int64],
    similar: NDArray[np.float64],
    threshold: float,
    method: str,
    never: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The plain reference: merge the most similar two clusters that may be merged, again and again."""
    n = len(start)
    groups = [np.flatnonzero(start == label).tolist() for label in np.unique(start)]
    reduce = {"single": np.max, "average": np.mean, "complete": np.min}[method]
    while True:
        found = [
            (float(reduce(similar[np.ix_(one, other)])), -i, -j)
            for i, one in enumerate(groups)
            for j, other in enumerate(groups[:i])
            if not never[np.ix_(one, other)].any()
        ]
        if not found or max(found)[0] < threshold:
            break
        _, i, j = max(found)
        groups[-j] += groups.pop(-i)
    label = np.empty(n, dtype=np.int64)
    for number, group in enumerate(groups):
        label[group] = number
    return label


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(2, 14),
    st.floats(0.2, 1),
    st.floats(0.05, 0.9),
    st.sampled_from(["single", "average", "complete"]),
    st.integers(1, 130),
)
def test_what_must_stay_apart_does_and_the_rest_is_merged(
    seed: int, n: int, dense: float, threshold: float, method: str, n_values: int
) -> None:
    left, right, score = random_graph(seed, n, dense)
    draw = np.random.default_rng(seed + 1)
    value = draw.integers(-1, n_values, n)
    pairs = draw.integers(0, n, 3), draw.integers(0, n, 3)
    never = (value[:, None] == value) & (value >= 0)[:, None]
    never[pairs] = never[pairs[::-1]] = True
    np.fill_diagonal(never, False)
    similar = np.zeros((n, n))
    similar[left, right] = similar[right, left] = score
    wanted = one_at_a_time(np.arange(n), similar, float(np.float32(threshold)), method, never)
    apart = Apart(*pairs, masks_of(n, np.arange(n), value))
    assert same_clusters(agglomerate(n, left, right, score, threshold, method, apart), wanted)


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(2, 14),
    st.floats(0.2, 1),
    st.floats(0.05, 0.9),
    st.sampled_from(["single", "average", "complete"]),
    st.booleans(),
)
def test_clusters_to_begin_with_are_merged_as_wholes(
    seed: int, n: int, dense: float, threshold: float, method: str, with_values: bool
) -> None:
    left, right, score = random_graph(seed, n, dense)
    draw = np.random.default_rng(seed + 1)
    start = draw.integers(0, n, n)
    # one value a cluster to begin with, in its last node: none contradicts itself
    last = n - 1 - np.unique(start[::-1], return_index=True)[1]
    value = np.full(n, -1)
    value[last] = draw.integers(-1, 3, len(last)) if with_values else -1
    never = (value[:, None] == value) & (value >= 0)[:, None]
    np.fill_diagonal(never, False)
    similar = np.zeros((n, n))
    similar[left, right] = similar[right, left] = score
    wanted = one_at_a_time(start, similar, float(np.float32(threshold)), method, never)
    none = np.empty(0, dtype=np.int64)
    apart = Apart(none, none, masks_of(n, np.arange(n), value)) if with_values else None
    assert same_clusters(agglomerate(n, left, right, score, threshold, method, apart, start), wanted)
