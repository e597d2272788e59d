"""Which view leads where none is known to be good."""

from __future__ import annotations

import numpy as np

from linktransformer import fuse
from linktransformer.search import Candidates


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
