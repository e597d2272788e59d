"""Which pairs are links, given the probability that each one is a match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.decision.assign import one_to_one

__all__ = ["Choice", "choose"]


EVEN = 0.5  # links that are together more often wrong than right are not made


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Pairs that are links.

    Args:
        pairs: Their places among the candidates, rising, (n,) int64.
        threshold: The lowest probability of a link; None where every record takes its best candidate.
        precision: Their mean probability, None where there is no link.
        recall: The expected share of all matches among the candidates that they are, None where no match is
            expected.
        rule: How they were chosen, in words.
    """

    pairs: Integers
    threshold: float | None
    precision: float | None
    recall: float | None
    rule: str


def choose(
    left: Integers,
    right: Integers,
    probability: Floats,
    similarity: Floats,
    validate: str,
    threshold: Any,
) -> Choice:
    """Choose links.

    "m:1" gives each left record its most probable right one, "1:m" each right record its left one, "1:1"
    both by the assignment with the largest sum of log-odds above the threshold, "m:m" takes every pair.
    Of these:

    - "auto" takes the set with the best expected F1 (probable pairs first), of those with a mean probability
      of at least .5;
    - a number takes the pairs with at least this probability;
    - {"precision": p} takes the largest set with a mean probability of at least p;
    - None takes all.

    Args:
        left: Left record of each candidate, (n_pairs,) int64.
        right: Right record.
        probability: That the pair is a match, (n_pairs,) float32.
        similarity: For ties, (n_pairs,) float32.
        validate: "1:1", "1:m", "m:1" or "m:m".
        threshold: "auto", a number, {"precision": p} or None.

    Returns:
        The choice.

    Example:
        >>> pairs = np.array([0, 0, 1]), np.array([0, 1, 1])
        >>> p = np.array([0.9, 0.2, 0.7], dtype="f4")
        >>> [choose(*pairs, p, p, "m:1", at).pairs.tolist() for at in ("auto", 0.8)]
        [[0, 2], [0]]
    """
    able = _able(left, right, probability, similarity, validate, threshold)
    order = able[np.lexsort((right[able], left[able], -similarity[able], -probability[able]))]
    falling = probability[order].astype(np.float64)
    count = np.arange(1, len(order) + 1)
    total = np.cumsum(falling)
    expected = float(total[-1]) if len(order) else 0.0
    if threshold is None:
        stop, rule, lowest = len(order), "the best candidate, however bad", None
    elif isinstance(threshold, Mapping):
        wanted = float(threshold["precision"])
        fine = np.flatnonzero(total / count >= wanted)
        stop, rule = int(fine[-1]) + 1 if len(fine) else 0, f"mean probability at least {wanted:g}"
        lowest = float(falling[stop - 1]) if stop else None
    elif isinstance(threshold, str):
        score = np.where(total / count >= EVEN, 2 * total / (count + expected), -1)
        stop = int(score.argmax()) + 1 if len(order) and score.max() > 0 else 0
        rule, lowest = "the best expected F1", float(falling[stop - 1]) if stop else EVEN
    else:
        lowest, rule = float(threshold), "probability at or above the threshold"
        stop = int((probability[order] >= np.float32(threshold)).sum())
    kept = order[:stop]
    return Choice(
        np.sort(kept),
        lowest,
        float(total[stop - 1] / stop) if stop else None,
        float(total[stop - 1] / expected) if stop and expected > 0 else None,
        rule,
    )


def _able(
    left: Integers,
    right: Integers,
    probability: Floats,
    similarity: Floats,
    validate: str,
    threshold: Any,
) -> Integers:
    """The pairs that may be links together."""
    every = np.arange(len(left))
    if validate == "m:m":
        return every
    of_left = _best(left, right, probability, similarity)
    of_right = _best(right, left, probability, similarity)
    if validate == "m:1":
        return of_left
    if validate == "1:m":
        return of_right
    mutual = np.intersect1d(of_left, of_right)
    # what an assignment may use: what is as probable as the links of the records that agree
    lowest = choose(left[mutual], right[mutual], probability[mutual], similarity[mutual], "m:m", threshold)
    floor = 0.0 if lowest.threshold is None else lowest.threshold
    if isinstance(threshold, Mapping) and not len(lowest.pairs):
        return mutual
    some = np.flatnonzero(probability >= np.float32(floor))
    value = np.maximum(_log_odds(probability[some]) - _log_odds(np.array(floor)), 0) + np.float32(1e-6)
    chosen, _ = one_to_one(left[some], right[some], value.astype(np.float32))
    return some[chosen]


def _best(group: Integers, other: Integers, probability: Floats, similarity: Floats) -> Integers:
    if not len(group):
        return np.empty(0, dtype=np.int64)
    highest = np.full(int(group.max()) + 1, -np.inf, dtype=probability.dtype)
    np.maximum.at(highest, group, probability)
    first = np.flatnonzero(probability == highest[group])  # few tie
    order = first[np.lexsort((other[first], -similarity[first], group[first]))]
    return np.sort(order[np.flatnonzero(np.diff(group[order], prepend=-1))])


def _log_odds(probability: NDArray[Any]) -> Doubles:
    p = np.clip(probability.astype(np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(p / (1 - p)))
