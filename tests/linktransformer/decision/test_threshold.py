"""What is a threshold, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from linktransformer.decision.threshold import check_reached, check_threshold, is_number
from linktransformer.errors import InvalidArgumentError


@pytest.mark.parametrize(
    "threshold", ["automatic", True, float("nan"), {"precision": 1.5}, {"recall": 0.5}, [0.8]]
)
def test_what_is_no_threshold_is_refused(threshold: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="threshold="):
        check_threshold(threshold)


@pytest.mark.parametrize(
    "threshold", ["auto", None, 0, 1, -3, 0.8, np.float32(0.5), np.int64(1), {"precision": 0.95}]
)
def test_what_is_one_passes(threshold: Any) -> None:
    check_threshold(threshold)


@pytest.mark.parametrize(("number", "hint"), [(80, "such as 0.8"), (100, "such as 1."), (1.5, "up to 1.")])
def test_a_number_that_no_score_reaches_is_refused_with_the_one_that_was_meant(
    number: float, hint: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"cutoff={number} is reached by no pair.*{hint}"):
        check_reached(number, "cutoff")
    with pytest.raises(InvalidArgumentError, match=f"threshold={number}"):
        check_threshold(number)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, True), (-0.5, True), (np.float64(2), True), (np.int8(3), True), (False, False),
     (np.bool_(True), False), (float("inf"), False), (1e30, False), (10**29, True), (-(10**30), False),
     (10**400, False), ("1", False), (None, False)],
)  # fmt: skip
def test_numbers_are_finite_and_no_truth_values(value: Any, expected: bool) -> None:
    assert is_number(value) is expected
