"""Features of few pairs, computed again from what is kept, against those of the whole job."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from linktransformer.decision import job_evidence
from linktransformer.decision.context import FLOOR
from linktransformer.decision.job_evidence import JobEvidence
from linktransformer.decision.model import decision
from linktransformer.scoring import ranks
from linktransformer.scoring.columns import compared
from linktransformer.scoring.features import Evidence, PairFeatures
from tests.linktransformer.scoring.test_features import ON, job, letters


def kept_of(evidence: Evidence, features: PairFeatures, nodes: Any) -> JobEvidence:
    model = decision()
    own = model.pair.predict(features.values, features.names)
    left, right = evidence.left[features.at], evidence.right[features.at]
    decided = model.in_job(own, features.at, left, right, evidence.sizes, same=evidence.same)
    return job_evidence.slim_evidence(nodes, evidence, features, own, decided, model)


@pytest.mark.parametrize("same", [False, True], ids=["two tables", "one table"])
@pytest.mark.parametrize(("on", "embed"), [(["name"], None), (ON, None), (ON, letters)])
def test_features_of_few_pairs_are_those_of_the_job(
    monkeypatch: pytest.MonkeyPatch, on: list[str], embed: Any, same: bool
) -> None:
    evidence, features = job(monkeypatch, (60, 45), on, embed, same)
    kept = kept_of(evidence, features, None)
    at = np.random.default_rng(0).permutation(len(features.at))[:12]
    left, right = kept.left[at].astype(np.int64), kept.right[at].astype(np.int64)
    seen = kept.compare(left, right)
    names, values = kept._features(at, left, right, seen)
    assert names == features.names
    np.testing.assert_array_equal(values, features.values[at])
    z = ranks.places(kept.left, kept.right, kept.pair, FLOOR, same=same)
    few = kept._places(kept.pair, kept.left, kept.right, at, FLOOR)
    for name in ("rank_left", "rank_right", "gap_left", "gap_right"):
        np.testing.assert_array_equal(getattr(few, name), getattr(z, name)[at])
    for place, column in enumerate(evidence.columns):
        whole = compared(column, (left, right), (left[:0], right[:0]))
        np.testing.assert_array_equal(seen.similarity[:, place], whole.similarity)
        np.testing.assert_array_equal(seen.equal[:, place], whole.equal)
    explained = kept.explain(at)
    np.testing.assert_allclose(explained.total, kept.log_odds[at] / np.log(2), atol=1e-4)
    assert (explained.columns[seen.equal] >= 0).all()


def test_little_is_kept_of_each_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, features = job(monkeypatch, (200, 200), ["name"])
    kept = kept_of(evidence, features, None)
    views = sum(of.nbytes for of in kept.searched.views.values())
    of_candidates = kept.searched.left.nbytes + kept.searched.right.nbytes + views
    of_described = kept.at.nbytes + kept.bits.nbytes + kept.pair.nbytes + kept.log_odds.nbytes
    assert of_candidates <= (8 + 4 * len(evidence.views)) * len(evidence.left)
    assert of_described <= 16 * len(features.at) < features.values.nbytes / 15


def test_candidates_are_found_from_either_end(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence, features = job(monkeypatch, (40, 40), ["name"], same=True)
    kept = kept_of(evidence, features, None)
    a, b = kept.left[:5].astype(np.int64), kept.right[:5].astype(np.int64)
    assert kept.find(a, b).tolist() == kept.find(b, a).tolist() == list(range(5))
    mine = kept.candidates_of(int(a[0]), 0)
    assert sorted(mine.tolist()) == np.flatnonzero((kept.left == a[0]) | (kept.right == a[0])).tolist()
    assert (np.diff(kept.log_odds[mine]) <= 0).all()
    every = {(x, y) for x, y in zip(kept.left.tolist(), kept.right.tolist(), strict=True)}
    other = next((x, y) for x in range(40) for y in range(x + 1, 40) if (x, y) not in every)
    assert kept.find(np.array([other[0]]), np.array([other[1]])).tolist() == [-1]
