"""One score out of several views, with weights chosen for the job at hand and without labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.decision.model import Probabilities
from linktransformer.lexical import cores
from linktransformer.mutual import Sides, mutual_best, mutual_best_rate
from linktransformer.search import Candidates
from linktransformer.spacings import knows_partners

__all__ = [
    "SAME",
    "SELDOM",
    "Fused",
    "alike",
    "best_first",
    "best_weights",
    "change",
    "fuse",
    "kept_of",
    "same_text_first",
    "shares",
    "shrunk",
    "weighted",
]

STEPS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
MANY = 10**6  # pairs: with more, weights are tried on several cores at once
GAIN = 5e-4  # a weight changes only for a rate that is higher by this much
SELDOM = 0.2  # where the first view has a lower rate alone, it is asked whether it knows anything
FEW_CHANGES = 6  # nodes: fewer that change, all of them to one side even, are no evidence (sign test, .05)
SAME = 1 - 1e-5  # at or above, texts are equal but for what no view sees, such as capitals
BUT_FOR_CAPITALS, EQUAL = 1, 2  # how equal two texts are
BELOW_ONE = np.float32(1 - 2.0**-20)
ROUNDING = np.float32(1e-4)  # a weight below is none

Floats = NDArray[np.float32]
Weights = list[float]  # one a view


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Candidates with the one score that decides.

    Args:
        candidates: What was found.
        score: Weighted mean of the views' scores, (n,) float32.
        weights: The weight of each view in that mean; they add up to 1.
        rate: The mutual-best rate of the score.
        kept: For views whose weight was `shrunk`, the share of it that is left.
        decided: Match probabilities, where the score is one; None where it is a mean of similarities.
    """

    candidates: Candidates
    score: Floats
    weights: Mapping[str, float]
    rate: float
    kept: Mapping[str, float] = field(default_factory=dict)
    decided: Probabilities | None = None

    def said(self) -> dict[str, Any]:
        """What a report says of the views: their weights, what was taken back of them, the rate."""
        if self.decided is not None:
            return {"weights": {}}
        found: dict[str, Any] = {"weights": {name: round(value, 4) for name, value in self.weights.items()}}
        if self.kept:
            found["weights_kept"] = {name: round(value, 4) for name, value in self.kept.items()}
        return found | {"mutual_best_rate": round(self.rate, 4)}


def fuse(candidates: Candidates, spread: Mapping[str, float]) -> Fused:
    """Sum the views with the weights that give the highest mutual-best rate.

    Each view is first divided by its spread over all pairs, so that a wrong weight does little harm.

    The rate rises and falls with the quality of the links as a weight moves, and needs no label.
    The first view always counts; the weights of the others are found by coordinate ascent. Where few nodes
    find each other by the first view alone, it knows no partners and another does (`knows_partners`), that
    one leads; so does another where no pair has anything in the first one, as with names in two scripts.
    What a view that does not lead then weighs is `shrunk` by what chance explains of its gain.

    Args:
        candidates: Pairs with a score in every view.
        spread: Standard deviation of each view's score over all pairs of the two tables.

    Returns:
        The score, a weighted mean of cosines, and the weights.
    """
    names = list(candidates.views)
    sides = Sides.of(candidates)

    def tried(trial: Weights) -> float:
        return mutual_best_rate(candidates, weighted(candidates, spread, trial), sides)

    lead = 0
    if len(names) > 1:
        alone = mutual_best_rate(candidates, candidates.views[names[0]], sides)
        lead = _lead(candidates) if alone < SELDOM else 0
    with ThreadPoolExecutor(min(cores(), len(STEPS)) if len(candidates) > MANY else 1) as pool:
        weights, rate = best_weights(len(names), lambda trials: list(pool.map(tried, trials)), lead)
    score, kept = weighted(candidates, spread, weights), {}
    if len(names) > 1:
        standing: dict[tuple[float, ...], NDArray[np.bool_]] = {}

        def stands(of: Weights) -> NDArray[np.bool_]:
            if tuple(of) not in standing:
                standing[tuple(of)] = mutual_best(candidates, weighted(candidates, spread, of), sides)
            return standing[tuple(of)]

        smaller = shrunk(weights, lead, lambda before, after: change(stands(before), stands(after)))
        if smaller != weights:
            kept = kept_of(names, weights, smaller)
            weights, score = smaller, weighted(candidates, spread, smaller)
            rate = mutual_best_rate(candidates, score, sides)
    share = dict(zip(names, shares(names, spread, weights), strict=True))
    return Fused(candidates, score, share, rate, kept)


def _lead(candidates: Candidates) -> int:
    """The first view that knows partners; if none is seen to, the first in which any pair has something."""
    scores = list(candidates.views.values())
    for place, score in enumerate(scores):
        if knows_partners(candidates, score):
            return place
    return next((place for place, score in enumerate(scores) if (score > 0).any()), 0)


def best_weights(
    n_views: int, rates: Callable[[list[Weights]], list[float]], lead: int = 0
) -> tuple[Weights, float]:
    """Find the weights with the highest rate by coordinate ascent; the leading view always counts.

    Args:
        n_views: How many views there are.
        rates: The mutual-best rate of each of several weightings.
        lead: The view that leads.

    Returns:
        The weights and their rate.

    Example:
        >>> best_weights(2, lambda trials: [3 - abs(weights[1] - 2) for weights in trials])
        ([1.0, 2.0], 3.0)
    """
    weights = [1.0 if place == lead else 0.0 for place in range(n_views)]
    rate = rates([weights])[0]
    for _ in range(2 if n_views > 1 else 0):
        for place in range(n_views):
            if place == lead:
                continue
            trials = [[*weights[:place], step, *weights[place + 1 :]] for step in STEPS]
            for trial, found in zip(trials, rates(trials), strict=True):
                if found > rate + GAIN:
                    rate, weights = found, trial
    return weights, rate


def change(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[int, int]:
    """How many nodes gain a mutual-best partner, and how many lose theirs.

    Args:
        before: Which nodes have one, (n,).
        after: Likewise.

    Returns:
        Gained and lost.

    Example:
        >>> change(np.array([True, True, False]), np.array([False, True, True]))
        (1, 1)
    """
    return int((after & ~before).sum()), int((before & ~after).sum())


def shrunk(weights: Weights, lead: int, moved: Callable[[Weights, Weights], tuple[int, int]]) -> Weights:
    """Take back as much of a view's weight as its gain may owe to chance.

    Of nodes whose partner changes by chance as many lose one as gain one. Where l nodes lose theirs by a view
    and g gain one, some l of the gains are of that kind, and g - l has a variance of about 2 l. The weight is
    multiplied by 1 - 2 l / (g - l)^2, an empirical Bayes estimate's factor (B. Efron and C. Morris, Stein's
    estimation rule and its competitors, 1973), and by 0 where that is negative or no more gain than lose. It
    is next to 1 where thousands gain and few lose. Where fewer than 6 change nothing is estimated: by the
    sign test (at .05, on both sides) not even five that all gain would tell anything from chance.

    Views may know the same, and each of them look idle beside the others: one is shrunk after the other, the
    one with the least net gain first, and what it loses is missing when the next one is counted.

    Args:
        weights: As `best_weights` finds them.
        lead: The view that leads, whose weight stays.
        moved: How many nodes gain and lose, as `change` counts them, from one weighting to another.

    Returns:
        The weights, each of them as large or smaller.

    Example:
        >>> shrunk([1.0, 2.0], 0, lambda before, after: (30, 20))
        [1.0, 1.2]
    """

    def counted(place: int, current: Weights) -> tuple[int, int]:
        return moved([*current[:place], 0.0, *current[place + 1 :]], current)

    places = [place for place, weight in enumerate(weights) if place != lead and weight]
    counts = {place: counted(place, weights) for place in places}
    smaller = list(weights)
    for place in sorted(places, key=lambda place: counts[place][0] - counts[place][1]):
        gained, lost = counts[place] if smaller == weights else counted(place, smaller)
        net = gained - lost
        if gained + lost >= FEW_CHANGES:
            smaller[place] *= max(0.0, 1 - 2 * lost / net**2) if net > 0 else 0.0
    return smaller


def best_first(candidates: Candidates) -> Candidates:
    """Put the view first that lets most left nodes find a mutual-best partner by itself.

    For views none of which is known to be good: `fuse` always counts the first one.

    Args:
        candidates: Pairs with a score in every view, sorted by left node.

    Returns:
        The same, views in falling order of that rate; of equals the first one stays first.
    """
    sides = Sides.of(candidates)
    rate = {name: mutual_best_rate(candidates, score, sides) for name, score in candidates.views.items()}
    order = sorted(candidates.views, key=lambda name: -rate[name])
    return replace(candidates, views={name: candidates.views[name] for name in order})


def kept_of(names: Sequence[str], before: Weights, after: Weights) -> dict[str, float]:
    """What is left of the weights that were shrunk.

    Args:
        names: The views.
        before: Their weights.
        after: Likewise, none of them larger.

    Returns:
        View -> share of its weight, only those below 1.

    Example:
        >>> kept_of(["lexical", "dense"], [1.0, 2.0], [1.0, 0.5])
        {'dense': 0.25}
    """
    each = zip(names, before, after, strict=True)
    return {name: smaller / weight for name, weight, smaller in each if smaller < weight}


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


def same_text_first(fused: Fused, same: NDArray[np.int8]) -> Fused:
    """Give a score of 1 to equal texts, and to no others; a hair less where they differ in capitals alone.

    Cosines of equal vectors lie around 1 by rounding, and texts that differ in the order of words may have
    equal n-grams: neither shall keep a record from the one that is written as it is. A model may take a name
    in capitals for another one, which it never is.

    Args:
        fused: The candidates and their score.
        same: How equal the two texts are, as `alike` says it, (n,); zeros where equal texts are no proof.

    Returns:
        The same with scores between 0 and 1.
    """
    found = fused.candidates
    bounded = {name: np.clip(score, -1, 1) for name, score in found.views.items()}
    score = np.where(same == BUT_FOR_CAPITALS, BELOW_ONE, np.minimum(fused.score, BELOW_ONE))
    score = np.where(same == EQUAL, np.float32(1), score)
    return replace(fused, candidates=replace(found, views=bounded), score=score.astype(np.float32))


def shares(names: list[str], spread: Mapping[str, float], weights: Weights) -> list[float]:
    """What each view counts in the score.

    Args:
        names: The views.
        spread: Standard deviation of each view's score over all pairs.
        weights: Of the views, after each is divided by its spread.

    Returns:
        Shares that add up to 1.
    """
    scaled = [weight / max(spread[name], 1e-3) for name, weight in zip(names, weights, strict=True)]
    return [value / sum(scaled) for value in scaled]


def weighted(candidates: Candidates, spread: Mapping[str, float], weights: Weights) -> Floats:
    """The weighted mean of the views.

    Args:
        candidates: Pairs with a score in every view.
        spread: As for `shares`.
        weights: Likewise.

    Returns:
        (n,) float32.
    """
    names = list(candidates.views)
    score = np.zeros(len(candidates), dtype=np.float32)
    for name, share in zip(names, shares(names, spread, weights), strict=True):
        if share:
            score += np.float32(share) * candidates.views[name]
    return score
