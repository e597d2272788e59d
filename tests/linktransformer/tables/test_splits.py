"""Entities of pairs against a union of sets, and shares without an entity in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.splits import TEST, TRAIN, VAL, check_shares, components, split


@pytest.mark.parametrize("seed", range(5))
def test_entities_are_unions_of_pairs(seed: int) -> None:
    draw = np.random.default_rng(seed)
    left, right = draw.integers(0, 20, (2, 12))
    sets = {thing: {thing} for thing in range(20)}
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        joined = sets[a] | sets[b]
        sets.update(dict.fromkeys(joined, joined))
    found = components(20, left, right)
    for one in range(20):
        assert set(np.flatnonzero(found == found[one]).tolist()) == sets[one]
    assert len(components(0, left[:0], right[:0])) == 0


def test_two_entities_are_for_training_and_rows_without_a_match_are_split_too() -> None:
    texts = [f"firm {n}" for n in range(22)]
    weight = np.array([3, 4, *[0] * 20])
    found = split(np.arange(22), texts, weight, (0.5, 0.25, 0.25))
    assert found[:2].tolist() == [TRAIN, TRAIN]
    assert np.bincount(found[2:], minlength=3).tolist() == [10, 5, 5]
    assert {TRAIN, VAL, TEST} == {0, 1, 2}


@pytest.mark.parametrize(
    "shares", ["abc", (0.5, 0.5), (0.5, 0.4, 0.2), (0, 0.5, 0.5), (1.5, -0.5, 0), 3, (1, 0, "0")]
)
def test_shares_that_cannot_be_cut_are_refused(shares: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="shares="):
        check_shares(shares)
