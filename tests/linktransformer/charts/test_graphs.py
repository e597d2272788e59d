"""The layout of graphs: finite, inside the square, the same again, near what is probable."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.charts.graphs import ClusterGraph, graph_chart, layout


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_points_lie_in_the_square_and_apart(n: int) -> None:
    left, right = np.triu_indices(n, 1)
    score = np.full(len(left), 0.7, "f4")
    place = layout(n, left, right, score)
    assert np.isfinite(place).all() and place.min() >= -1e-9 and place.max() <= 1 + 1e-9
    assert np.array_equal(place, layout(n, left, right, score))
    apart = np.linalg.norm(place[:, None] - place[None], axis=2)[left, right]
    assert apart.min(initial=1) > 0.01


def test_two_groups_are_drawn_as_two() -> None:
    left, right = np.array([0, 0, 1, 3, 3, 4, 2]), np.array([1, 2, 2, 4, 5, 5, 3])
    place = layout(6, left, right, np.array([0.9] * 6 + [0.1], "f4"))
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    assert distance[:3, :3].max() < distance[0, 4]


def test_labels_that_look_like_markup() -> None:
    graph = ClusterGraph(
        "one", ["<script>alert(1)</script>", "b"], np.array([0]), np.array([1]), np.array([0.8], "f4")
    )
    assert "<script" not in graph_chart([graph], "Clusters", []).to_svg()
