"""Which pairs are links, given the probability that each one is a match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.decision.assign import one_to_one
from linktransformer.decision.threshold import Threshold

__all__ = ["EVEN", "Choice", "choose"]

EVEN = 0.5  # sets of links with a lower mean probability are not made


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Pairs that are links.

    Args:
        pairs: Their positions among the candidates, rising, (n,) int64.
        threshold: The lowest probability of a link; None where every record takes its best candidate.
        precision: Their mean probability, None where there is no link.
        recall: The expected share of all matches among the candidates that are links, None where no match
            is expected.
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
    threshold: Threshold,
) -> Choice:
    """Choose links by match probability; ties go to the larger similarity.

    "m:1" gives each left record its most probable right one, "1:m" each right record its left one, "1:1"
    both by the assignment with the largest sum of log-odds above the threshold, "m:m" takes every pair.
    Of these, "auto" takes the set with the best expected F1 (probable pairs first) whose mean probability is
    at least `EVEN`; a number takes the pairs with at least this probability; {"precision": p} takes the
    largest set with a mean probability of at least p; None takes all.

    Example:
        >>> pairs = np.array([0, 0, 1]), np.array([0, 1, 1])
        >>> p = np.array([0.9, 0.2, 0.7], dtype="f4")
        >>> [choose(*pairs, p, p, "m:1", at).pairs.tolist() for at in ("auto", 0.8)]
        [[0, 2], [0]]
    """
    eligible = _eligible(left, right, probability, similarity, validate, threshold)
    order = eligible[
        np.lexsort((right[eligible], left[eligible], -similarity[eligible], -probability[eligible]))
    ]
    falling = probability[order].astype(np.float64)
    count = np.arange(1, len(order) + 1)
    total = np.cumsum(falling)
    expected = float(total[-1]) if len(order) else 0.0
    lowest: float | None
    if threshold is None:
        stop, rule, lowest = len(order), "the best candidate, however bad", None
    elif isinstance(threshold, Mapping):
        precision = float(threshold["precision"])
        enough = np.flatnonzero(total / count >= precision)
        stop, rule = int(enough[-1]) + 1 if len(enough) else 0, f"mean probability at least {precision:g}"
        lowest = float(falling[stop - 1]) if stop else None
    elif isinstance(threshold, str):
        f1 = np.where(total / count >= EVEN, 2 * total / (count + expected), -1)
        stop = int(f1.argmax()) + 1 if len(order) and f1.max() > 0 else 0
        rule, lowest = "the best expected F1", float(falling[stop - 1]) if stop else EVEN
    else:
        lowest, rule = float(threshold), "probability at or above the threshold"
        stop = int((probability[order] >= np.float32(threshold)).sum())
    return Choice(
        np.sort(order[:stop]),
        lowest,
        float(total[stop - 1] / stop) if stop else None,
        float(total[stop - 1] / expected) if stop and expected > 0 else None,
        rule,
    )


def _eligible(
    left: Integers,
    right: Integers,
    probability: Floats,
    similarity: Floats,
    validate: str,
    threshold: Threshold,
) -> Integers:
    """The pairs that may be links together."""
    if validate == "m:m":
        return np.arange(len(left))
    best_of_left = _best(left, right, probability, similarity)
    if validate == "m:1":
        return best_of_left
    best_of_right = _best(right, left, probability, similarity)
    if validate == "1:m":
        return best_of_right
    mutual = np.intersect1d(best_of_left, best_of_right)
    # an assignment may use pairs as probable as the links of the records that agree
    links = choose(left[mutual], right[mutual], probability[mutual], similarity[mutual], "m:m", threshold)
    if isinstance(threshold, Mapping) and not len(links.pairs):
        return mutual
    floor = 0.0 if links.threshold is None else links.threshold
    usable = np.flatnonzero(probability >= np.float32(floor))
    above = np.maximum(_log_odds(probability[usable]) - _log_odds(np.array([floor])), 0) + np.float32(1e-6)
    return usable[one_to_one(left[usable], right[usable], above.astype(np.float32))[0]]


def _best(group: Integers, other: Integers, probability: Floats, similarity: Floats) -> Integers:
    """The rising positions of the most probable pair of each record."""
    if not len(group):
        return np.empty(0, dtype=np.int64)
    highest = np.full(int(group.max()) + 1, -np.inf, dtype=probability.dtype)
    np.maximum.at(highest, group, probability)
    first = np.flatnonzero(probability == highest[group])  # few tie
    order = first[np.lexsort((other[first], -similarity[first], group[first]))]
    return np.sort(order[np.flatnonzero(np.diff(group[order], prepend=-1))])


def _log_odds(probability: Floats | Doubles) -> Doubles:
    p = np.clip(probability.astype(np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(p / (1 - p)))
