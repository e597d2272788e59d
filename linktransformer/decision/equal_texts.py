"""Pairs of equal texts, which no variant may go before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats
from linktransformer.decision.fused import Fused
from linktransformer.progress import stage
from linktransformer.search import blocking, candidate_search
from linktransformer.tables import records

__all__ = [
    "BUT_FOR_CAPITALS",
    "EQUAL",
    "SAME",
    "STEP",
    "alike",
    "equal_first",
    "raised",
    "same_text",
]

SAME = 1 - 1e-5  # at or above, texts are equal but for what no view sees, such as capitals
BUT_FOR_CAPITALS, EQUAL = 1, 2  # how equal two texts are
STEP = 0.05  # of log-odds, which float32 tells apart at any probability that is given


@stage("decision")
def raised(fused: Fused, same: NDArray[np.int8], *, one_table: bool = False) -> Fused:
    """Put pairs of equal texts first, as `equal_first` does.

    Args:
        fused: Pairs with their probabilities.
        same: How equal their texts are, as `alike` has it, (n_pairs,) int8.
        one_table: Both sides are one table.

    Returns:
        The pairs with other probabilities.
    """
    if fused.decided is None:
        return fused
    log_odds = equal_first(fused.candidates, fused.decided.log_odds, same, one_table=one_table)
    decided = replace(fused.decided, log_odds=log_odds, equal=same == EQUAL)
    return replace(fused, score=decided.probability, decided=decided)


def equal_first(
    found: candidate_search.Candidates,
    log_odds: Floats,
    same: NDArray[np.int8],
    *,
    one_table: bool = False,
) -> Floats:
    """Raise pairs of equal texts above the other pairs of their two records: no variant may go before them.

    Texts that are equal but for case come after equal ones and before all others.

    Args:
        found: The pairs.
        log_odds: Of a match, (n_pairs,) float32.
        same: How equal the two texts of a pair are, as `alike` has it, (n_pairs,) int8.
        one_table: Both sides are one table, and a record's pairs are on either side.

    Returns:
        (n_pairs,) float32.
    """
    raised = log_odds.copy()
    for grade in (BUT_FOR_CAPITALS, EQUAL):
        some = np.flatnonzero(same == grade)
        if len(some):
            best_left = np.full(found.n_left, -np.inf, dtype=np.float32)
            best_right = np.full(found.n_right, -np.inf, dtype=np.float32)
            np.maximum.at(best_left, found.left, raised)
            np.maximum.at(best_right, found.right, raised)
            if one_table:
                best_left = best_right = np.maximum(best_left, best_right)
            rivals = np.maximum(best_left[found.left[some]], best_right[found.right[some]])
            raised[some] = np.maximum(raised[some], rivals + np.float32(STEP))
    return raised


@stage("decision")
def same_text(
    texts: tuple[records.Records, records.Records],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    fused: Fused,
) -> NDArray[np.int8]:
    """How equal the two texts of a candidate are; only near ones are looked at.

    Args:
        texts: The texts of the left and of the right table.
        nodes: Their nodes.
        fused: The candidates and their score.

    Returns:
        As `alike`, (n_candidates,) int8.
    """
    found = fused.candidates
    near = np.flatnonzero(np.maximum(fused.score, found.views["lexical"]) > SAME)
    same = np.zeros(len(found), dtype=np.int8)
    a = texts[0].texts[nodes[0].text[found.left[near]]]
    b = texts[1].texts[nodes[1].text[found.right[near]]]
    same[near] = alike(a, b)
    return same


def alike(left: NDArray[np.object_], right: NDArray[np.object_]) -> NDArray[np.int8]:
    """How equal texts are, pair by pair.

    Args:
        left: Texts, (n,).
        right: Theirs, (n,).

    Returns:
        EQUAL, BUT_FOR_CAPITALS or 0, (n,) int8.

    Example:
        >>> texts = np.array(["Acme", "ACME", "Acme Co"], dtype=object)
        >>> alike(texts, np.array(["Acme"] * 3, dtype=object)).tolist()
        [2, 1, 0]
    """
    equal = left == right
    found = np.where(equal, np.int8(EQUAL), np.int8(0))
    for place in np.flatnonzero(~equal).tolist():
        if left[place].casefold() == right[place].casefold():
            found[place] = BUT_FOR_CAPITALS
    return found
