"""Described pairs become match probabilities, equal texts first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linktransformer.decision.context import context
from linktransformer.decision.correction import Correction
from linktransformer.decision.equal_texts import EQUAL, alike
from linktransformer.decision.model import decision, sigmoid
from linktransformer.decision.pair_probabilities import at_level_of, judge
from linktransformer.scoring.describe import Described, Options, describe
from linktransformer.search import blocking
from linktransformer.tables import frames, records
from linktransformer.tables.serialize import Serializer
from tests.linktransformer.scoring.test_features import table

CORRECTION = Correction(0.7, 1.0, 0.3, ("lexical similarity",), (0.5,), (0.4,), (0.2,), ("name",))


@pytest.fixture(scope="module", params=[False, True], ids=["two tables", "one table"])
def job(request: pytest.FixtureRequest) -> tuple[Described, tuple[Any, Any]]:
    """Pairs of small tables, of whose names some are equal, and their texts."""
    left = frames.wrap(pd.concat([table(40, 1), table(9, 3)]), "left")
    right = left if request.param else frames.wrap(pd.concat([table(30, 2), table(9, 3)]), "right")
    texts = tuple(records.read(side, ["name"], Serializer()) for side in (left, right))
    nodes = tuple(blocking.nodes(side.text_of_row) for side in texts)
    names = (["name"], ["name"])
    found = describe((left, right), names, nodes, texts, Options(), same=request.param)  # type: ignore[arg-type]
    return found, texts  # type: ignore[return-value]


def test_log_odds_are_those_of_both_sums_of_trees(job: tuple[Described, tuple[Any, Any]]) -> None:
    described, texts = job
    judged = judge(described)
    features, candidates = described.features, described.candidates
    model = decision()
    own = model.pair.predict(features.values, features.names)
    np.testing.assert_array_equal(judged.own, own)
    fused = judged.in_job(texts, readings=True)
    left, right = candidates.left[features.at], candidates.right[features.at]
    sizes = len(described.nodes[0]), len(described.nodes[1])
    seen = context(own, left, right, sizes, same=described.views.same)
    plain = model.job.predict(seen.values, seen.names)
    np.testing.assert_allclose(fused.score, sigmoid(plain), atol=1e-6)
    np.testing.assert_array_equal(fused.candidates.left, left)
    assert fused.decided is not None and fused.described is fused.shipped is None


def test_equal_texts_go_first_unless_they_were_read(job: tuple[Described, tuple[Any, Any]]) -> None:
    described, texts = job
    judged = judge(described)
    plain, raised = judged.in_job(texts, readings=True), judged.in_job(texts)
    pairs = raised.candidates
    text = [side.texts[nodes.text] for side, nodes in zip(texts, described.nodes, strict=True)]
    equal = alike(text[0][pairs.left], text[1][pairs.right]) == EQUAL
    assert raised.decided is not None and plain.decided is not None and plain.decided.equal is None
    np.testing.assert_array_equal(raised.decided.equal, equal)
    np.testing.assert_array_equal(raised.score[~equal], plain.score[~equal])
    assert (raised.score[equal] >= plain.score[equal]).all()
    for pair in np.flatnonzero(equal).tolist():
        rivals = (pairs.left == pairs.left[pair]) | (pairs.right == pairs.right[pair])
        assert raised.score[rivals].max() == raised.score[pair]
    if not described.views.same:
        assert equal.any()


def test_changed_pairs_are_judged_again_and_the_others_stay(job: tuple[Described, tuple[Any, Any]]) -> None:
    described, _ = job
    whole = judge(described, CORRECTION)
    assert whole.offset is not None
    changed = np.arange(len(whole.own)) % 3 == 0
    old = replace(whole, own=np.where(changed, np.float32(-5), whole.own),
                  offset=np.where(changed, np.float32(9), whole.offset))  # fmt: skip
    again = old.update(described, changed)
    np.testing.assert_array_equal(again.own[~changed], whole.own[~changed])
    np.testing.assert_array_equal(again.own[changed], at_level_of(old.own[changed], whole.own[changed]))
    np.testing.assert_array_equal(again.offset, whole.offset)
    assert old.own[0] == -5  # the old one is as it was


def test_a_correction_and_features_are_kept_where_they_are_wanted(
    job: tuple[Described, tuple[Any, Any]],
) -> None:
    described, texts = job
    plain, corrected = judge(described), judge(described, CORRECTION)
    similarity = described.features.values[:, described.features.names.index("lexical similarity")]
    expected = 1 + 0.5 * ((similarity - 0.4) / 0.2).clip(-5, 5)
    np.testing.assert_allclose(corrected.offset, expected, atol=1e-5)
    before = plain.in_job(texts, readings=True).decided
    fused = corrected.in_job(texts, readings=True, keep_features=True)
    assert before is not None and fused.decided is not None
    np.testing.assert_allclose(fused.decided.log_odds, 0.7 * before.log_odds + expected, atol=1e-4)
    assert fused.described is described and fused.shipped is not None and fused.shipped.correction is None
    other = judge(described, replace(CORRECTION, columns=("street", "town")))
    assert other.offset is None


def test_pairs_that_are_judged_again_keep_their_expected_number_of_matches() -> None:
    draw = np.random.default_rng(0)
    before = draw.normal(-3, 2, 400).astype(np.float32)
    after = (0.5 * before + draw.normal(3, 2, 400)).astype(np.float32)
    shifted = at_level_of(before, after)
    assert sigmoid(after).sum() > 1.5 * sigmoid(before).sum()
    np.testing.assert_allclose(sigmoid(shifted).sum(), sigmoid(before).sum(), rtol=1e-2)
    np.testing.assert_array_equal(np.argsort(shifted), np.argsort(after))
    np.testing.assert_allclose(np.ptp(shifted - after), 0, atol=1e-5)
    order = draw.permutation(400)
    np.testing.assert_array_equal(at_level_of(before[order], after[order]), shifted[order])


def test_of_pairs_that_stay_as_they_are_or_of_none_nothing_is_shifted() -> None:
    same = np.linspace(-4, 4, 9, dtype=np.float32)
    np.testing.assert_array_equal(at_level_of(same, same), same)
    assert len(at_level_of(same[:0], same[:0])) == 0
