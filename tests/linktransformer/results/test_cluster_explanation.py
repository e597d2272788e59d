"""Paths and parts inside a cluster, against all paths and against merging by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from linktransformer.results.cluster_explanation import _parts, _strongest_path


def graph(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    pairs = np.array(list(itertools.combinations(range(6), 2)))
    kept = (draw.random(len(pairs)) < 0.6) | (pairs[:, 1] == pairs[:, 0] + 1)  # connected
    return pairs[kept, 0], pairs[kept, 1], draw.random(int(kept.sum())).astype("f4")


@pytest.mark.parametrize("seed", range(8))
def test_no_path_has_a_stronger_weakest_pair(seed: int) -> None:
    left, right, p = graph(seed)
    score = {frozenset(pair): float(of) for *pair, of in zip(left, right, p, strict=True)}

    def weakest(path: tuple[int, ...]) -> float:
        return min(score.get(frozenset(pair), -1.0) for pair in itertools.pairwise(path))

    every = [(0, *inner, 5) for n in range(5) for inner in itertools.permutations(range(1, 5), n)]
    found = _strongest_path(6, left, right, p, 0, 5)
    assert found[0] == 0 and found[-1] == 5
    assert weakest(tuple(found)) == pytest.approx(max(map(weakest, every)))


@pytest.mark.parametrize("seed", range(8))
def test_the_parts_are_those_that_average_linkage_joins(seed: int) -> None:
    left, right, p = graph(seed)
    matrix = np.zeros((6, 6))
    matrix[left, right] = matrix[right, left] = p
    clusters = [{node} for node in range(6)]
    while True:
        pairs = list(itertools.combinations(range(len(clusters)), 2))
        means = [matrix[np.ix_(list(clusters[i]), list(clusters[j]))].mean() for i, j in pairs]
        i, j = pairs[int(np.argmax(means))]
        one, other = clusters[i], clusters[j]
        if {0, 5} <= one | other:
            break
        clusters = [of for k, of in enumerate(clusters) if k not in (i, j)] + [one | other]
    wanted = (one, other) if 0 in one else (other, one)
    found = _parts(6, (left, right, p), (0, 5), "average")
    assert [set(np.flatnonzero(part).tolist()) for part in found] == list(wanted)
