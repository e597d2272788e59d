"""Evidence per column in a merge: what the agreement of each column adds to the views, where it helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import agreement, blocking, records
from linktransformer.fuse import Fused, change
from linktransformer.mutual import Sides, mutual_best, mutual_best_rate
from linktransformer.sharing import Lead
from linktransformer.threshold import decide

__all__ = ["VIEW", "added"]

VIEW = "evidence"
WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5)  # of the evidence in the score; what is left is for the other views
SURE = 0.9  # the first guess that a pair the views would link is a match
MOST_BITS = 30.0  # more or less than this is all the same

Integers = NDArray[np.int64]


def added(
    columns: list[tuple[str, records.Records, records.Records]],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    fused: Fused,
    lead: Lead | None,
) -> tuple[Fused, Mapping[str, Any] | None]:
    """Add the evidence of each column to the score as one more view, if more rows find each other by it.

    Fellegi and Sunter's mixture over levels of agreement, as `agreement.fit` has it, is fitted on the
    candidates; the sum of the bits is the view. It is left out unless more rows are each other's best with
    it, beyond chance.

    Args:
        columns: Names and texts of the columns that both tables have.
        nodes: Of both tables.
        fused: The candidates and their score by the views.
        lead: Of left nodes, as `threshold.decide` takes it.

    Returns:
        The score with the evidence, and what each level of agreement is worth; the score as it was and None
        where the evidence does not help.
    """
    found = fused.candidates
    first = blocking.first_rows(nodes[0]), blocking.first_rows(nodes[1])
    stay = agreement.without_repeats([left for _, left, _ in columns], first[0])
    if len(stay) < 2 or not len(found):
        return fused, None
    graded = agreement.levels(
        [columns[place][1:] for place in stay], first[0][found.left], first[1][found.right]
    )
    guess = np.full(len(found), 1 - SURE, dtype=np.float32)
    guess[decide(found.left, found.right, fused.score, "auto", lead, fused.common()).pairs] = SURE
    fitted = agreement.fit([columns[place][0] for place in stay], graded, guess)
    bits = np.clip(fitted.bits_of(graded), -MOST_BITS, MOST_BITS)
    view = ((bits + MOST_BITS) / (2 * MOST_BITS)).astype(np.float32)
    weight = _weight(fused, view)
    if not weight:
        return fused, None
    score = _mixed(fused.score, view, weight)
    weights = {name: (1 - weight) * value for name, value in fused.weights.items()} | {VIEW: weight}
    rate = mutual_best_rate(found, score, Sides.of(found))
    views = {**found.views, VIEW: view}
    added = replace(found, views=views)
    return Fused(added, score, weights, rate, fused.chance, fused.kept), fitted.shown()


def _mixed(score: NDArray[np.float32], view: NDArray[np.float32], weight: float) -> NDArray[np.float32]:
    return np.asarray((1 - weight) * score + weight * view, dtype=np.float32)


def _weight(fused: Fused, view: NDArray[np.float32]) -> float:
    """The least weight that lets about as many left nodes more find a mutual-best partner as any does.

    One standard error is the margin, as L. Breiman and others have it (Classification and regression trees,
    1984): by that much the best weight must beat none, and up to that much a smaller one may fall behind.
    """
    found, sides = fused.candidates, Sides.of(fused.candidates)
    before = mutual_best(found, fused.score, sides)
    more, error = [], []
    for weight in WEIGHTS:
        after = mutual_best(found, _mixed(fused.score, view, weight), sides)
        gained, lost = change(before, after)
        more.append(gained - lost)
        error.append(float(np.sqrt(gained + lost)))
    if not more:
        return 0.0
    best = int(np.argmax(more))
    if more[best] < max(1.0, error[best]):
        return 0.0
    return next(weight for weight, net in zip(WEIGHTS, more, strict=True) if net >= more[best] - error[best])
