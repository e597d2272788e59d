"""Pairs of equal texts go before the other pairs of their records."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.decision.equal_texts import BUT_FOR_CAPITALS, EQUAL, STEP, equal_first
from linktransformer.search.candidate_search import Candidates

LOG_ODDS = np.array([0.0, 3.0, 5.0, 4.0], dtype=np.float32)


def pairs(left: list[int], right: list[int], n: int) -> Candidates:
    return Candidates(np.array(left), np.array(right), {}, n, n)


@pytest.mark.parametrize(("one_table", "most"), [(False, 3.0), (True, 5.0)])
def test_in_one_table_rivals_are_on_either_side_of_a_pair(one_table: bool, most: float) -> None:
    found = pairs([1, 1, 0, 2], [2, 3, 1, 3], 4)  # record 1 is in three pairs, once on the right
    same = np.array([EQUAL, 0, 0, 0], dtype=np.int8)
    raised = equal_first(found, LOG_ODDS, same, one_table=one_table)
    assert raised.tolist() == pytest.approx([most + STEP, 3, 5, 4])


def test_equal_texts_go_before_those_equal_but_for_case() -> None:
    found = pairs([0, 0, 0, 1], [0, 1, 2, 1], 3)
    same = np.array([EQUAL, BUT_FOR_CAPITALS, 0, 0], dtype=np.int8)
    raised = equal_first(found, LOG_ODDS, same)
    assert raised[0] > raised[1] > raised[2] == 5
