"""Links that are not mutual and yet right: several rows of one table share a row of the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from linktransformer.ranking import Ranking

__all__ = ["FEWEST", "Lead", "sharing_links"]

NEARER = 0.25  # of the nearly best ones this share must be nearer to their partner than to their own table
FEWEST = 20  # with fewer rows on either side of a comparison nothing is estimated

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
Lead = Callable[[Integers], Floats]


def sharing_links(
    unsure: Integers,
    of_left: Ranking,
    mutual: NDArray[np.bool_],
    owner: Integers,
    left: Integers,
    right: Integers,
    score: Floats,
    false_share: float,
    lead: Lead | None,
) -> tuple[Integers, str]:
    """Choose, among left nodes that are not the best of their best right node, those that are right.

    Two signs, each compared with pairs that are known to be wrong: how little such a node misses the best
    partner of its right node, and how far its right node stands above its next one (a two-groups model:
    B. Efron, Large-Scale Inference, 2010). Either sign is trusted only where the right nodes hold their own
    against the left table itself, whose rows serve as decoys: a node without a partner finds something
    similar in its own table as easily as in the other one (target-decoy competition: J. Elias and S. Gygi,
    Nature Methods 2007). For the second sign next to no decoy may lead by as much as the right nodes do;
    for the first, where a true partner has siblings in the left table, a quarter of the wins is enough.

    Args:
        unsure: The best pairs of the left nodes in question.
        of_left: Ranking of all left nodes.
        mutual: Which of them are linked by being mutual, (n_left nodes,).
        owner: The best pair of each right node, -1 for none.
        left: Left node of each candidate.
        right: Right node of each candidate.
        score: (n,) float32.
        false_share: The largest estimated share of false links among the chosen.
        lead: How much nearer the left node of each given pair is to its right node than to any other node
            of its own table. None leaves out the second sign and that comparison.

    Returns:
        The chosen pairs, and by which sign: "near", "apart" (or both) or "none".
    """
    wrong = of_left.second[mutual & (of_left.second >= 0)]
    none = np.empty(0, dtype=np.int64)
    if min(len(unsure), len(wrong)) < FEWEST:
        return none, "none"
    near = _excess(
        score[unsure] - score[owner[right[unsure]]], score[wrong] - score[owner[right[wrong]]], false_share
    )
    apart = _apart(unsure, of_left, mutual, left, score, false_share)
    if lead is not None and len(apart) and _beats_decoys(lead(unsure[apart]), false_share):
        chosen: Integers = unsure[np.union1d(near, apart)]
        return chosen, "apart"
    if lead is not None and len(near) and (lead(unsure[near]) > 0).mean() < NEARER:
        return none, "none"
    return unsure[near], "near" if len(near) else "none"


def _apart(
    unsure: Integers,
    of_left: Ranking,
    mutual: NDArray[np.bool_],
    left: Integers,
    score: Floats,
    false_share: float,
) -> Integers:
    """Those with a margin over the next best that runners-up of mutual links do not have over theirs."""
    node = np.searchsorted(of_left.nodes, left[unsure])
    margin = score[unsure] - _score_or_zero(score, of_left.second[node])
    second = of_left.second[mutual]
    known = second >= 0
    null = score[second[known]] - _score_or_zero(score, of_left.third[mutual][known])
    return _excess(margin, null, false_share)


def _score_or_zero(score: Floats, pairs: Integers) -> Floats:
    return np.where(pairs >= 0, score[pairs], np.float32(0))


def _excess(value: Floats, null: Floats, false_share: float) -> Integers:
    """The places of the highest values, as many as exceed what the null explains."""
    order = np.argsort(-value, kind="stable")
    seen = np.arange(1, len(value) + 1) / len(value)
    null = np.sort(null)
    expected = (len(null) - np.searchsorted(null, value[order], side="left")) / len(null)
    share = max(0.0, float(np.max(seen - expected)))
    fine = np.flatnonzero((1 - share) * expected <= false_share * seen)
    if not len(fine) or fine[-1] + 1 < FEWEST:
        return np.empty(0, dtype=np.int64)
    return np.asarray(order[: fine[-1] + 1])


def _beats_decoys(lead: Floats, false_share: float) -> bool:
    """Whether enough leads are so high that next to no decoy leads as much."""
    target, decoy = np.sort(lead[lead > 0])[::-1], np.sort(-lead[lead < 0])
    false = len(decoy) - np.searchsorted(decoy, target) + 1
    fine = np.flatnonzero(false <= false_share * np.arange(1, len(target) + 1))
    return bool(len(fine) and fine[-1] + 1 >= FEWEST)
