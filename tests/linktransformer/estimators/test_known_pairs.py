"""The scored pairs of a fitted job, and the rivals of pairs that come later."""

from __future__ import annotations

import numpy as np

from linktransformer.estimators.known_pairs import PairScores, SamplePairs


def test_rivals_are_the_other_rows_of_the_sample_that_are_no_copies_of_the_record() -> None:
    values = np.zeros(5, dtype="f4")
    sample, record = np.array([0, 1, 2, 1, 3]), np.array([0, 0, 0, 2, 2])
    pairs = SamplePairs(sample, record, {}, values, values, values, values, 3)
    copy_of = np.array([-1, -1, 0, -1])
    pair, rival = pairs.rivals(copy_of, np.array([1, -1, 3, -1]), np.array([0, 2, 2, 1]))
    assert list(zip(pair.tolist(), sample[rival].tolist(), strict=True)) == [(0, 0), (1, 1), (1, 3), (2, 1)]
    kept = pairs.renumbered(np.array([-1, 0, 1]), 2)
    assert kept.left.tolist() == [1, 3] and kept.right.tolist() == [1, 1]
    assert kept.starts.tolist() == [0, 0, 2]


def test_pairs_that_were_not_described_have_no_scores() -> None:
    ends, found = (np.array([1, 0, 2]), np.array([1, 0, 0])), np.array([0.5, 0.25], dtype="f4")
    pairs = SamplePairs.of(ends, {}, 2, np.array([0, 2]), PairScores(found, found, found), found + 1)
    assert pairs.left.tolist() == [0, 2, 1] and pairs.described.tolist() == [False, True, True]
    np.testing.assert_array_equal(pairs.raised, np.array([np.nan, 1.25, 1.5], dtype="f4"))
