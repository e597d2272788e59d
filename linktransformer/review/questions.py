"""Which pairs to ask about next, and what more answers would tell.

An answer is worth what it is expected to change: it settles its own pair, and it moves the decision for
pairs like it. The second part is the reduction of the expected loss of the decision by the posterior of
`decision.answer_posterior`: V-optimal design of a logistic regression (K. Chaloner, I. Verdinelli, Bayesian
experimental design, 1995; D. MacKay, Information-based objective functions for active data selection, 1992),
with the loss of deciding under uncertainty as in the knowledge gradient (P. Frazier and others, 2009). Pairs
in doubt, pairs like many others in doubt, and pairs of which views disagree are worth more by it. It has no
constants but the widths of the prior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Doubles, Integers
from linktransformer.decision.answer_posterior import information, quadratic
from linktransformer.decision.context import sigmoid64
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.sample import in_order
from linktransformer.review.refit import Answers, Pool, Refitted, refit

__all__ = ["RANDOM", "STRATA", "Outlook", "Questions", "next_pairs", "outlook"]

RANDOM = 0.1  # share of questions that are drawn at random
STRATA = 2  # of links, and of other candidates, of the random ones: few, since these are few
SHORTLIST = 2_000  # pairs that are compared again after each choice
MOST = 20_000  # undecided pairs whose decision may change, those that matter most
LEAST = 0.05  # weight of either kind of error, however low or high the threshold
WIDE = 1.96  # standard deviations of an interval that holds 95 times in 100


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Pairs to ask about.

    Args:
        at: Positions in the pool, (n,) int64; first those that were drawn at random.
        random: Which were drawn at random, (n,) bool.
        value: The expected reduction of the number of pairs decided wrongly, weighed as by the threshold;
            NaN for one that was drawn at random.
    """

    at: Integers
    random: Bools
    value: Doubles


@dataclass(frozen=True, slots=True)
class Outlook:
    """The 95 % interval of the precision of the links as they are, by the model, and after more answers.

    Args:
        more: How many answers.
        now: Lowest and highest precision.
        after: The same, as expected after these answers.
    """

    more: int
    now: tuple[float, float]
    after: tuple[float, float]

    def __str__(self) -> str:
        now, after = ("-".join(f"{value:.2f}".lstrip("0") for value in of) for of in (self.now, self.after))
        return f"{self.more} more answers would narrow the precision from {now} to {after}"


def next_pairs(
    pairs: Pool, answered: Answers, n: int, seed: int = 0, now: Refitted | None = None
) -> Questions:
    """Choose the pairs whose answers are expected to improve the decision most, and a tenth at random.

    Of the chosen ones at most one is of a left record and one of a right record. The random ones come in the
    order of `results.sample.in_order`: at any time the first of them are a stratified random sample of all
    pairs, whatever was chosen beside them.

    Args:
        pairs: All pairs.
        answered: Answers so far.
        n: How many to choose.
        seed: The same seed gives the same pairs.
        now: The decision after these answers, from `refit`; None makes it.

    Returns:
        n pairs that were not asked about, or fewer where all others are of the records of these.

    Raises:
        InvalidArgumentError: n is not a positive number.

    Example:
        >>> import numpy as np
        >>> z = np.linspace(-4, 4, 60).astype("f4")
        >>> rows, none = np.arange(60), np.empty(0, dtype=np.int64)
        >>> pool = Pool(rows, rows, z, np.full((60, 29), np.nan, dtype="f4"), z, z > 0)
        >>> asked = next_pairs(pool, Answers(none, none.astype(bool)), 10)
        >>> len(asked.at), int(asked.random.sum())
        (10, 1)
    """
    if not _whole(n):
        raise InvalidArgumentError(f"n={n!r} is not a number of pairs. Give a whole number from 1.")
    now = refit(pairs, answered) if now is None else now
    done = np.zeros(len(pairs), dtype=bool)
    done[answered.at] = True
    size = int(RANDOM * (int(done.sum()) + n) + 1e-9)
    sample = in_order(sigmoid64(pairs.log_odds.astype(np.float64)), pairs.linked, STRATA, seed).at[:size]
    drawn = sample[~done[sample]][:n]
    open_pairs = ~done & ~np.isin(pairs.left, pairs.left[drawn]) & ~np.isin(pairs.right, pairs.right[drawn])
    chosen, value = _greedy(pairs, now, ~done, np.flatnonzero(open_pairs), int(n) - len(drawn))
    return Questions(
        np.concatenate([drawn, chosen]),
        np.arange(len(drawn) + len(chosen)) < len(drawn),
        np.concatenate([np.full(len(drawn), np.nan), value]),
    )


def outlook(pairs: Pool, answered: Answers, now: Refitted, asked: Integers) -> Outlook:
    """How much more answers would narrow what is known of the precision of the links as they are.

    By the model: its parameters are uncertain, and whether each link is a match. `Links.estimate` does not
    need the model to be right.

    Args:
        pairs: All pairs.
        answered: Answers so far.
        now: The decision after these, from `refit`.
        asked: The pairs that would be asked about, from `next_pairs`, (n,) int64.

    Returns:
        The interval of the precision now, and the one that is expected after these answers.
    """
    rows = now.posterior.basis.matrix[asked].astype(np.float64)
    after = now.posterior.covariance
    for row, told in zip(rows, information(now.corrected[asked].astype(np.float64)), strict=True):  # few
        after = _told(after, row, float(told))
    done = np.zeros(len(pairs), dtype=bool)
    done[answered.at] = True
    before = _precision(now, done, now.posterior.covariance)
    done[asked] = True
    return Outlook(len(asked), before, _precision(now, done, after))


def _precision(now: Refitted, done: Bools, covariance: Doubles) -> tuple[float, float]:
    """The interval of the mean probability of links, on the scale of log-odds."""
    links = np.flatnonzero(now.linked)
    if not len(links):
        return 0.0, 1.0
    mean = float(np.clip(now.probability[links].astype(np.float64).mean(), 1e-3, 1 - 1e-3))
    rows, z, _ = now.posterior.moments(links)
    p = sigmoid64(z)
    spread = p * (1 - p) * ~done[links]
    slope = spread @ rows / len(links)
    error = float(slope @ covariance @ slope) + float(spread.sum()) / len(links) ** 2
    middle, sd = np.log(mean / (1 - mean)), np.sqrt(error) / (mean * (1 - mean))
    low, high = sigmoid64(np.array([middle - WIDE * sd, middle + WIDE * sd])).tolist()
    return float(low), float(high)


def _whole(n: object) -> bool:
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool) and int(n) >= 1


def _told(covariance: Doubles, row: Doubles, told: float) -> Doubles:
    """The covariance after an answer (Sherman, Morrison)."""
    along = covariance @ row
    return np.asarray(covariance - np.outer(along, along) * told / (1 + told * float(row @ along)))


def _greedy(
    pairs: Pool, now: Refitted, open_pairs: Bools, able: Integers, n: int
) -> tuple[Integers, Doubles]:
    """Pairs of `able` chosen one after the other, each given that those before are answered; their values."""
    lowest = float(np.clip(now.lowest, LEAST, 1 - LEAST))
    p = sigmoid64(now.log_odds.astype(np.float64))
    first, rival = _rivals(pairs, p)
    # the loss if the decision stays: a link that is wrong, a match that is none and whose record has none
    own = np.where(now.linked, (1 - p) * lowest, np.minimum(p, 1 - rival) * (1 - lowest))
    of_others = _at_stake(now, np.flatnonzero(first & open_pairs), lowest)
    told = information(now.corrected.astype(np.float64))
    # an answer makes others worth less: those that are worth most are compared again after each
    covariance, matrix = now.posterior.covariance, now.posterior.basis.matrix
    worth = _worth(matrix[able].astype(np.float64), covariance, of_others, own[able], told[able])
    some = able[np.argsort(-worth, kind="stable")[: max(SHORTLIST, 50 * n)]]
    design, own, told = matrix[some].astype(np.float64), own[some], told[some]
    left, right, free = pairs.left[some], pairs.right[some], np.ones(len(some), dtype=bool)
    chosen: list[int] = []
    value: list[float] = []
    for _ in range(n):  # few
        if not free.any():
            break
        worth = np.where(free, _worth(design, covariance, of_others, own, told), -np.inf)
        best = int(worth.argmax())
        chosen.append(best)
        value.append(float(worth[best]))
        free &= (left != left[best]) & (right != right[best])
        covariance = _told(covariance, design[best], float(told[best]))
    return some[np.array(chosen, dtype=np.int64)], np.array(value)


def _at_stake(now: Refitted, at: Integers, lowest: float) -> Doubles:
    """The derivative of the expected loss of decisions by the variance of their log-odds, as a matrix."""
    threshold = np.log(lowest / (1 - lowest))
    near = np.abs(now.corrected[at] - np.float32(threshold))
    if len(at) > MOST:
        at = at[np.argpartition(near, MOST)[:MOST]]
    rows, mean, variance = now.posterior.moments(at)
    sd = np.sqrt(np.maximum(variance, 1e-12))
    margin = (mean - threshold * np.sqrt(1 + np.pi / 8 * variance)) / sd
    loss = lowest * (1 - lowest) * np.exp(-0.5 * margin**2) / (np.sqrt(8 * np.pi) * sd)
    return np.asarray((rows.T * loss) @ rows)


def _worth(design: Doubles, covariance: Doubles, of_others: Doubles, own: Doubles, told: Doubles) -> Doubles:
    """The expected reduction of the loss by an answer for each pair: its own, and that of all pairs, (n,)."""
    less = quadratic(design, covariance @ of_others @ covariance) * told
    return np.asarray(own + less / (1 + told * quadratic(design, covariance)))


def _rivals(pairs: Pool, p: Doubles) -> tuple[Bools, Doubles]:
    """Which pairs are the most probable ones of their records, and the probability of those that others have.

    A record that can have one link only has no use for another match. The probability is 0 for the most
    probable pair itself, (n,).
    """
    best, rival = np.ones(len(p), dtype=bool), np.zeros(len(p))
    sides = {"m:1": (pairs.left,), "1:m": (pairs.right,), "1:1": (pairs.left, pairs.right)}
    for record in sides.get(pairs.validate, ()):
        order = np.lexsort((-p, record))
        first = np.diff(record[order], prepend=-1) != 0
        place = np.empty(len(p), dtype=np.int64)
        place[order] = order[np.flatnonzero(first)[np.cumsum(first) - 1]]
        other = place != np.arange(len(p))
        best &= ~other
        rival = np.maximum(rival, np.where(other, p[place], 0.0))
    return best, rival
