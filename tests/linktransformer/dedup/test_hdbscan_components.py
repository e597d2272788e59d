"""HDBSCAN within components, against scikit-learn on one component's matrix."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import HDBSCAN

from linktransformer.dedup import hdbscan_components


def test_each_component_is_clustered_by_itself_and_noise_is_alone() -> None:
    draw = np.random.default_rng(0)
    points = np.concatenate([draw.normal(place, 0.02, (12, 2)) for place in ((0, 0), (0.5, 0), (0.5, 0.5))])
    points = np.concatenate([points, [[0.25, 0.2]]])
    n = len(points)
    distance = np.linalg.norm(points[:, None] - points, axis=2).clip(0, 1)
    left, right = np.triu_indices(n, 1)
    score = (1 - distance[left, right]).astype(np.float32)
    # two copies that do not hang together, with an unconnected node between
    twice = np.concatenate([left, left + n + 1]), np.concatenate([right, right + n + 1])
    label, too_large = hdbscan_components.within_components(
        2 * n + 1, *twice, np.concatenate([score, score]), 0.3, np.arange(2 * n + 1)
    )
    assert too_large == 0
    wanted = (
        HDBSCAN(min_cluster_size=2, metric="precomputed", allow_single_cluster=True, copy=True)
        .fit(distance)
        .labels_
    )
    assert len(set(wanted.tolist())) > 2
    for copy in (label[:n], label[n + 1 :]):
        for node in range(n):
            together = (copy == copy[node]).tolist()
            assert together == (
                [other == node for other in range(n)]
                if wanted[node] < 0
                else (wanted == wanted[node]).tolist()
            )
    assert (label == label[n]).sum() == 1
    assert not set(label[:n].tolist()) & set(label[n:].tolist())


def test_a_component_that_is_too_large_keeps_its_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdbscan_components, "LARGEST", 3)
    left, right = np.array([0, 1, 2, 4]), np.array([1, 2, 3, 5])
    score = np.full(4, 0.9, dtype=np.float32)
    label, too_large = hdbscan_components.within_components(
        6, left, right, score, 0.5, np.array([0, 0, 1, 1, 2, 3])
    )
    assert too_large == 1
    assert label.tolist() == [0, 0, 1, 1, 2, 2]
