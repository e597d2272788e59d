"""Which view leads where none is known to be good."""

from __future__ import annotations

import numpy as np

from linktransformer import fuse
from linktransformer.search import Candidates
from linktransformer.spacings import knows_partners


def candidates(views: dict[str, np.ndarray]) -> Candidates:
    left, right = (part.ravel().astype(np.int64) for part in np.indices((6, 6)))
    return Candidates(
        left, right, {name: score.ravel().astype(np.float32) for name, score in views.items()}, 6, 6
    )


def test_the_view_leads_by_which_most_rows_find_each_other() -> None:
    blind = np.tile(np.linspace(0.4, 0.5, 6), (6, 1))  # everybody's best is the last right row
    half = np.where(np.arange(6) < 3, np.eye(6), 0.1 * blind)
    found = fuse.best_first(candidates({"blind": blind, "half": half, "sharp": np.eye(6)}))
    assert list(found.views) == ["sharp", "half", "blind"]
    fused = fuse.fuse(found, dict.fromkeys(found.views, 0.2))
    assert fused.rate == 1.0 and fused.weights["blind"] == 0.0
    # the other way round the blind view is counted, whatever it does
    assert (
        fuse.fuse(candidates({"blind": blind, "sharp": np.eye(6)}), {"blind": 0.2, "sharp": 0.2}).weights[
            "blind"
        ]
        > 0
    )


def test_of_equals_the_first_stays_first() -> None:
    found = fuse.best_first(candidates({"b": np.eye(6), "a": np.eye(6)}))
    assert list(found.views) == ["b", "a"]


def of_two(score: np.ndarray, other: np.ndarray) -> Candidates:
    left, right = (part.ravel().astype(np.int64) for part in np.indices(score.shape))
    views = {"first": score.ravel().astype(np.float32), "other": other.ravel().astype(np.float32)}
    return Candidates(left, right, views, *score.shape)


def test_a_view_that_knows_nothing_does_not_lead_where_another_knows_partners() -> None:
    draw = np.random.default_rng(0)
    blocks = np.zeros((1500, 60))
    rows = np.arange(1500)
    noise = draw.normal(scale=0.1, size=(1500, 60))
    blocks[rows, rows % 60] = draw.random(1500) < 0.4  # the partner of each, for two in five
    nothing = 1e-3 * draw.random(noise.shape)
    for views, knows in (((nothing, noise + 0.3 * blocks), True), ((nothing, noise), False)):
        found = of_two(*views)
        assert [knows_partners(found, score) for score in found.views.values()] == [False, knows]
        weights = fuse.fuse(found, {"first": 0.0, "other": 0.1}).weights
        assert (weights["first"] == 0 and weights["other"] == 1) is knows
    # one that knows partners leads whatever the others know
    found = of_two(0.3 * blocks + noise, 0.3 * blocks + noise[::-1])
    assert fuse.fuse(found, {"first": 0.1, "other": 0.1}).weights["first"] > 0


def test_few_nodes_prove_nothing() -> None:
    draw = np.random.default_rng(1)
    score = draw.normal(scale=0.1, size=(12, 12)) + 0.1 * np.eye(12)
    assert not knows_partners(of_two(score, score), score.ravel().astype(np.float32))
    assert not knows_partners(of_two(score[:3, :3], score[:3, :3]), score[:3, :3].ravel())
