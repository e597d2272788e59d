"""The decision: which candidates are links, without a label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from linktransformer.errors import InvalidArgumentError
from linktransformer.fuse import SAME
from linktransformer.ranking import Ranking, rank
from linktransformer.sharing import Lead, sharing_links

__all__ = [
    "LEAST",
    "Decision",
    "check_reached",
    "check_threshold",
    "decide",
    "estimated_precision",
    "is_number",
]

FALSE_SHARE = 0.3  # of the not mutual links that are taken together, at most this share is estimated false
LEAST = 0.1  # a pair that has less in common is no link, however alone it is

WORDS = {
    "none": "",
    "near": ", and others nearly as good as the best",
    "apart": ", and others that stand far above their next best",
}

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
Threshold = str | float | Mapping[str, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The pairs that are links.

    Args:
        pairs: Positions among the candidates, (n,) int64, one at most for each left node.
        threshold: The score that a link needs: the number that was given, the one found for a wanted
            precision (None where it cannot be reached), 0.1 for "auto", None for None.
        precision: The estimated precision of the links, None where it is not estimated.
        rule: How it was decided, in words.
    """

    pairs: Integers
    threshold: float | None
    precision: float | None
    rule: str


def check_threshold(threshold: Threshold) -> None:
    """Refuse what is no threshold.

    Args:
        threshold: "auto", a number, {"precision": p} or None.

    Raises:
        InvalidArgumentError: It is something else.
    """
    if threshold is None or (isinstance(threshold, str) and threshold == "auto"):
        return
    if isinstance(threshold, Mapping):
        wanted = threshold.get("precision")
        if set(threshold) == {"precision"} and is_number(wanted) and 0 < float(wanted) < 1:
            return
    elif is_number(threshold):
        check_reached(threshold)
        return
    raise InvalidArgumentError(
        f"threshold={threshold!r} is not understood. Give 'auto', a number such as 0.8, "
        "{'precision': 0.95} with a precision between 0 and 1, or None."
    )


def check_reached(threshold: Any, name: str = "threshold") -> None:
    """Refuse a number that no score reaches, such as one in percent.

    Args:
        threshold: A number.
        name: Of the argument.

    Raises:
        InvalidArgumentError: It is above 1, or no number.
    """
    number = float(threshold)
    if not number <= 1:
        hint = f", such as {number / 100:g}" if 2 <= number <= 100 else ""
        raise InvalidArgumentError(
            f"{name}={threshold!r} is reached by no pair: scores are at most 1. Give a number up to 1{hint}."
        )


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is a finite number of Python or NumPy, and no truth value.

    Args:
        value: Anything.

    Returns:
        True or False.

    Example:
        >>> is_number(np.float32(0.8)), is_number(True), is_number(float("nan"))
        (True, False, False)
    """
    return _is_real(value) and -1e30 < float(value) < 1e30


def _is_real(value: Any) -> bool:
    if isinstance(value, int):  # one that no float can hold is no score
        return not isinstance(value, bool) and abs(value) < 10**30
    return isinstance(value, (float, np.integer, np.floating))


def decide(
    left: Integers,
    right: Integers,
    score: Floats,
    threshold: Threshold,
    lead: Lead | None = None,
) -> Decision:
    """Give each left node its best right node, or nothing.

    "auto" takes the pairs that are each other's best and score at least 0.1, those whose texts are
    equal but for what no view sees, and of the others those that `sharing_links` finds right.
    {"precision": p} takes the mutual pairs down to the lowest score at which the estimated precision is
    still p, and those that stand apart with an estimated false share of 1 - p.

    Args:
        left: Left node of each candidate, (n,) int64.
        right: Right node, (n,) int64.
        score: (n,) float32.
        threshold: "auto", a number, {"precision": p} or None.
        lead: For `sharing_links`; None takes no link by that comparison.

    Returns:
        The links among the candidates.
    """
    check_threshold(threshold)
    if not len(score):
        return Decision(np.empty(0, dtype=np.int64), _floor(threshold), None, "no candidates")
    of_left, of_right = rank(left, right, score), rank(right, left, score)
    best = of_left.best
    if threshold is None:
        return Decision(best, None, None, "the best partner, however bad")
    if is_number(threshold):
        kept = best[score[best] >= np.float32(threshold)]
        return Decision(kept, _floor(threshold), None, "the best partner at or above the threshold")
    owner = np.full(int(right.max()) + 1, -1, dtype=np.int64)
    owner[of_right.nodes] = of_right.best
    near = score[best] >= LEAST
    mutual = ((owner[right[best]] == best) | (score[best] >= SAME)) & near
    links = best[mutual]
    unsure = best[~mutual & near]
    wanted = float(threshold["precision"]) if isinstance(threshold, Mapping) else 1 - FALSE_SHARE
    share = min(FALSE_SHARE, 1 - wanted)
    more, sign = sharing_links(unsure, of_left, mutual, owner, left, right, score, share, lead)
    order, precision = estimated_precision(
        links, of_left, of_right, left, right, score, shared=sign == "apart"
    )
    if isinstance(threshold, Mapping):
        enough = np.flatnonzero(precision >= wanted)
        stop = int(enough[-1]) + 1 if len(enough) else 0
        kept = links[order[:stop]]
        if sign == "apart":
            kept = np.concatenate([kept, more])
        shown, floor = (float(precision[stop - 1]), float(score[kept].min())) if stop else (None, None)
        return Decision(np.sort(kept), floor, shown, f"mutual best, estimated precision at least {wanted:g}")
    shown = float(precision[-1]) if len(precision) else None
    rule = f"mutual best{WORDS[sign]}"
    return Decision(np.sort(np.concatenate([links, more])), LEAST, shown, rule)


def _floor(threshold: Threshold) -> float | None:
    """The score that a link needs where it is known before anything is looked at."""
    return float(threshold) if is_number(threshold) else LEAST if threshold == "auto" else None


def estimated_precision(
    links: Integers,
    of_left: Ranking,
    of_right: Ranking,
    left: Integers,
    right: Integers,
    score: Floats,
    *,
    shared: bool = False,
) -> tuple[Integers, NDArray[np.float64]]:
    """Estimate the precision of mutual links above every score from what would link without the best.

    Take away a node's best partner: if its second best then is a mutual link, that is a false link of the
    score that an unmatched node would give. Counted from both sides, the larger count is taken as the
    number of false links above a score. This is the decoy idea of target-decoy search (J. Elias and
    S. Gygi, Nature Methods 2007) with runners-up as decoys.

    Args:
        links: Mutual pairs, positions among the candidates.
        of_left: Ranking of the left nodes.
        of_right: Ranking of the right nodes.
        left: Left node of each candidate.
        right: Right node of each candidate.
        score: (n,) float32.
        shared: Several left nodes may have the same right node, so that the runner-up of a right node
            tells nothing: only those of left nodes are counted.

    Returns:
        The order of falling score, and the estimated precision of that many links, (n_links,) float64.
    """
    best_left = np.full(int(left.max()) + 1, -np.inf, dtype=np.float32)
    best_right = np.full(int(right.max()) + 1, -np.inf, dtype=np.float32)
    best_left[of_left.nodes], best_right[of_right.nodes] = score[of_left.best], score[of_right.best]
    order = np.argsort(-score[links], kind="stable")
    falling = score[links][order]
    seconds = of_left.second[of_left.second >= 0]
    decoys = [np.sort(score[seconds][score[seconds] >= best_right[right[seconds]]])]
    if not shared:
        seconds = of_right.second[of_right.second >= 0]
        decoys.append(np.sort(score[seconds][score[seconds] >= best_left[left[seconds]]]))
    false = np.max([len(found) - np.searchsorted(found, falling) for found in decoys], axis=0)
    return order, 1 - np.minimum(1.0, false / np.arange(1, len(links) + 1))
