"""Pairs of equal texts rank above all other pairs of their two records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats
from linktransformer.decision.fused import Fused
from linktransformer.progress import stage
from linktransformer.search import blocking, candidate_search
from linktransformer.tables import records

__all__ = ["BUT_FOR_CAPITALS", "EQUAL", "SAME", "STEP", "alike", "equal_first", "raised", "same_text"]

SAME = 1 - 1e-5  # at or above, texts are equal but for what no view sees, such as capitals
BUT_FOR_CAPITALS, EQUAL = 1, 2  # grades of equality of two texts; 0 where they differ
STEP = 0.05  # of log-odds, which float32 tells apart at any probability that is given


@stage("decision")
def raised(fused: Fused, same: NDArray[np.int8], *, one_table: bool = False) -> Fused:
    """The pairs with the probabilities of `equal_first`; `same` holds their grades, (n_pairs,) int8."""
    if fused.decided is None:
        return fused
    log_odds = equal_first(fused.candidates, fused.decided.log_odds, same, one_table=one_table)
    decided = replace(fused.decided, log_odds=log_odds, equal=same == EQUAL)
    return replace(fused, score=decided.probability, decided=decided)


def equal_first(
    candidates: candidate_search.Candidates,
    log_odds: Floats,
    same: NDArray[np.int8],
    *,
    one_table: bool = False,
) -> Floats:
    """Raise the log-odds of pairs of equal texts above those of the other pairs of their two records.

    Texts that are equal but for case come after equal ones and before all others.

    Args:
        candidates: The pairs.
        log_odds: Of a match, (n_pairs,) float32.
        same: The grade of each pair, as `alike` gives it, (n_pairs,) int8.
        one_table: Both sides are one table, and a record's pairs are on either side.
    """
    raised = log_odds.copy()
    for grade in (BUT_FOR_CAPITALS, EQUAL):
        pairs = np.flatnonzero(same == grade)
        if len(pairs):
            best_left = np.full(candidates.n_left, -np.inf, dtype=np.float32)
            best_right = np.full(candidates.n_right, -np.inf, dtype=np.float32)
            np.maximum.at(best_left, candidates.left, raised)
            np.maximum.at(best_right, candidates.right, raised)
            if one_table:
                best_left = best_right = np.maximum(best_left, best_right)
            rivals = np.maximum(best_left[candidates.left[pairs]], best_right[candidates.right[pairs]])
            raised[pairs] = np.maximum(raised[pairs], rivals + np.float32(STEP))
    return raised


@stage("decision")
def same_text(
    texts: tuple[records.Records, records.Records],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    fused: Fused,
) -> NDArray[np.int8]:
    """The grade of equality of each candidate's texts; only those with a score near 1 are compared."""
    candidates = fused.candidates
    near = np.flatnonzero(np.maximum(fused.score, candidates.views["lexical"]) > SAME)
    left = texts[0].texts[nodes[0].text[candidates.left[near]]]
    right = texts[1].texts[nodes[1].text[candidates.right[near]]]
    same = np.zeros(len(candidates), dtype=np.int8)
    same[near] = alike(left, right)
    return same


def alike(left: NDArray[np.object_], right: NDArray[np.object_]) -> NDArray[np.int8]:
    """The grade of equality of texts, pair by pair: EQUAL, BUT_FOR_CAPITALS or 0, (n,) int8.

    Example:
        >>> texts = np.array(["Acme", "ACME", "Acme Co"], dtype=object)
        >>> alike(texts, np.array(["Acme"] * 3, dtype=object)).tolist()
        [2, 1, 0]
    """
    equal = left == right
    grade = np.where(equal, np.int8(EQUAL), np.int8(0))
    rest = np.flatnonzero(~equal)
    grade[rest[_casefold(left[rest]) == _casefold(right[rest])]] = BUT_FOR_CAPITALS
    return grade


_casefold = np.frompyfunc(str.casefold, 1, 1)
