"""Clippings of photographs with captions, some of them missing: clustered, merged, fitted once."""

from __future__ import annotations

import pandas as pd
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: photographs are not read")

import linktransformer as lt
from clippings import CaptionChanges, PerceptualHash, Press, reprint
from linktransformer.metrics import ClusterScores, score_clusters
from tests.scenes import captions, scene

N = 9
HOW = {"on": "caption", "images": "photo", "model": "photos"}


def clippings() -> pd.DataFrame:
    made = reprint(
        [scene(number) for number in range(N)],
        captions(N),
        3,
        presses=Press(severity=0.5),
        changes=CaptionChanges(translated=0.3, shortened=0.2, misread=0.2),
        seed=1,
    )
    return pd.DataFrame(made.columns())


def scores(table: pd.DataFrame, **how: object) -> ClusterScores:
    found = lt.cluster_rows(table, progress=False, **how)
    assert len(found) == len(table)
    return score_clusters(table.source.tolist(), found["cluster"].tolist())


def test_clippings_are_clustered_by_both() -> None:
    table = clippings()
    # drawings of one kind of scene are alike: by default two of the nine are taken for one (docs/pictures.md)
    both = scores(table, threshold=0.7, **HOW).ari
    assert scores(table, **HOW).recall == 1.0
    assert both >= 0.9 and both > scores(table, on="caption").ari


def test_missing_pictures_and_captions_are_borne() -> None:
    table = clippings()
    table["photo"] = [None if row % 3 == 0 else one for row, one in enumerate(table.photo)]
    table["caption"] = [None if row % 3 == 1 else one for row, one in enumerate(table.caption)]
    found = scores(table, threshold=0.8, **HOW)
    assert found.precision >= 0.6 and found.n_clusters < len(table)
    hashes = scores(table.drop(columns="caption"), images="photo", model=PerceptualHash())
    assert hashes.precision >= 0.5


def test_two_papers_are_merged_and_one_is_asked() -> None:
    table = clippings()
    left, right = (table[part::3].reset_index(drop=True) for part in (0, 1))
    linked = lt.merge(left, right, **HOW, progress=False)
    assert (linked.source_x == linked.source_y).sum() >= 8 and len(linked) <= N
    fitted = lt.Linker(**HOW).fit(left, right)
    found = fitted.link(right).pairs
    assert (right.source[found.left].to_numpy() == left.source[found.right].to_numpy()).sum() >= 8
