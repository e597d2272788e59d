"""Which pairs to ask about next, and what more answers would tell.

An answer is worth what it is expected to change: it settles its own pair, and it moves the decision for
pairs like it. The second part is the reduction of the expected loss of the decision by a Gaussian posterior
of the correction that `fit_decision` learns: V-optimal design of a logistic regression (K. Chaloner, I.
Verdinelli, Bayesian experimental design, 1995; D. MacKay, Information-based objective functions for active
data selection, 1992), with the loss of deciding under uncertainty as in the knowledge gradient (P. Frazier
and others, 2009). Pairs in doubt, pairs like many others in doubt, and pairs of which views disagree are
worth more by it. It has no constants but the prior of `fit_correction`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Doubles, Integers
from linktransformer.decision.context import CUTS, sigmoid64
from linktransformer.decision.correction import scaled
from linktransformer.decision.correction_fit import MOST, WIDTHS, WRONG, trust_in
from linktransformer.errors import InvalidArgumentError
from linktransformer.training.refit import Answers, Pool, Refitted, refit

__all__ = ["RANDOM", "Outlook", "Questions", "next_pairs", "outlook", "random_sample"]

RANDOM = 0.1  # share of questions that are drawn at random
SHORTLIST = 2_000  # pairs that are compared again after each choice
LEAST = 0.05  # weight of either kind of error, however low or high the threshold
WIDE = 1.96  # standard deviations of an interval that holds 95 times in 100


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Pairs to ask about.

    Args:
        at: Positions in the pool, (n,) int64; first those that were drawn at random.
        random: Which were drawn at random, (n,) bool.
        inclusion: The probability with which each was to be in the random sample of its size, (n,) float64;
            NaN for one that was chosen.
        value: The expected reduction of the number of pairs decided wrongly, weighed as by the threshold;
            NaN for one that was drawn at random.
    """

    at: Integers
    random: Bools
    inclusion: Doubles
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


@dataclass(frozen=True, slots=True, eq=False)
class _Posterior:
    """Pairs that matter, and the covariance of the correction's parameters.

    Args:
        at: Positions in the pool, (n,) int64.
        design: (n, n_parameters) float64.
        z: Log-odds of each, (n,).
        covariance: (n_parameters, n_parameters).
    """

    at: Integers
    design: Doubles
    z: Doubles
    covariance: Doubles


def next_pairs(
    pairs: Pool, answered: Answers, n: int, seed: int = 0, now: Refitted | None = None
) -> Questions:
    """Choose the pairs whose answers are expected to improve the decision most, and a tenth at random.

    Of the chosen ones at most one is of a left record and one of a right record. The random ones come in the
    order of permanent random numbers within bands of probability, so that at any time the first of them are a
    stratified random sample of all pairs, whatever was chosen beside them.

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
        >>> pool = Pool(rows, rows, z, np.full((60, 29), np.nan, dtype="f4"), z, 0, 1.9)
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
    sample, inclusion = random_sample(pairs, size, seed)
    new = np.flatnonzero(~done[sample])[:n]
    drawn = sample[new]
    open_pairs = ~done
    open_pairs &= ~np.isin(pairs.left, pairs.left[drawn]) & ~np.isin(pairs.right, pairs.right[drawn])
    chosen, value = _greedy(pairs, now, _posterior(pairs, answered, now), open_pairs, int(n) - len(drawn))
    return Questions(
        np.concatenate([drawn, chosen]),
        np.arange(len(drawn) + len(chosen)) < len(drawn),
        np.concatenate([inclusion[new], np.full(len(chosen), np.nan)]),
        np.concatenate([np.full(len(drawn), np.nan), value]),
    )


def random_sample(pairs: Pool, size: int, seed: int) -> tuple[Integers, Doubles]:
    """The first pairs of a fixed random order, (size,) int64, and their inclusion probabilities, (size,).

    Strata are bands of the match probability without answers. They share the sample in proportion to the
    number of pairs times the standard deviation of a match (Neyman), by the divisors of Sainte-Laguë, so that
    a larger sample has the pairs of a smaller one.
    """
    p = sigmoid64(pairs.log_odds.astype(np.float64))
    band = np.searchsorted(CUTS, p)
    number = np.bincount(band, minlength=len(CUTS) + 1)
    mean = np.bincount(band, p, len(number)) / np.maximum(number, 1)
    share = number * np.sqrt(np.maximum(mean * (1 - mean), 1e-6))
    order = np.lexsort((np.random.default_rng(seed).random(len(p)), band))
    place = np.arange(len(p)) - np.repeat(np.cumsum(number) - number, number)
    first = order[np.argsort((place + 0.5) / share[band[order]], kind="stable")[:size]]
    taken = np.bincount(band[first], minlength=len(number))
    return first, (taken / np.maximum(number, 1))[band[first]]


def outlook(pairs: Pool, answered: Answers, more: int = 20, seed: int = 0) -> Outlook:
    """How much more answers would narrow what is known of the precision of the links as they are.

    By the model: its parameters are uncertain, and whether each link is a match. `review.estimate` does not
    need the model to be right.

    Args:
        pairs: All pairs.
        answered: Answers so far.
        more: How many answers.
        seed: Of `next_pairs`.

    Returns:
        The interval of the precision now, and the one that is expected after these answers.
    """
    now = refit(pairs, answered)
    posterior = _posterior(pairs, answered, now, links=True)
    asked = next_pairs(pairs, answered, more, seed, now).at
    after = posterior.covariance
    known = np.flatnonzero(np.isin(posterior.at, asked))
    for row in known.tolist():
        after = _told(after, posterior.design[row], _information(posterior.z[row : row + 1])[0])
    done = np.zeros(len(pairs), dtype=bool)
    done[answered.at] = True
    before = _precision(posterior, now, done, posterior.covariance)
    done[asked] = True
    return Outlook(more, before, _precision(posterior, now, done, after))


def _precision(posterior: _Posterior, now: Refitted, done: Bools, covariance: Doubles) -> tuple[float, float]:
    """The interval of the mean probability of links, on the scale of log-odds."""
    links = np.flatnonzero(now.linked[posterior.at])
    if not len(links):
        return 0.0, 1.0
    p = now.probability.astype(np.float64)[now.linked]
    mean = float(np.clip(p.mean(), 1e-3, 1 - 1e-3))
    of = sigmoid64(posterior.z[links])
    spread = of * (1 - of) * ~done[posterior.at[links]]
    slope = spread @ posterior.design[links] / len(p)
    error = float(slope @ covariance @ slope) + float(spread.sum()) / len(p) ** 2
    middle, sd = np.log(mean / (1 - mean)), np.sqrt(error) / (mean * (1 - mean))
    low, high = sigmoid64(np.array([middle - WIDE * sd, middle + WIDE * sd])).tolist()
    return float(low), float(high)


def _posterior(pairs: Pool, answered: Answers, now: Refitted, *, links: bool = False) -> _Posterior:
    """The pairs nearest to the threshold, `MOST` of them, and those answered; with `links`, the links too."""
    z = now.corrected
    distance = np.abs(z - np.float32(np.log(now.lowest / max(1 - now.lowest, 1e-9))))
    at = np.arange(len(z))
    if len(z) > MOST:
        at = np.argpartition(distance, MOST)[:MOST]
    asked = np.unique(answered.at)
    at = np.union1d(at, asked)
    if links:
        at = np.union1d(at, np.flatnonzero(now.linked))
    design, variances = _design(pairs, at, z[at].astype(np.float64))
    if not links:  # the refit trusts few answers little
        few = min(int(answered.match.sum()), int((~answered.match).sum()))
        variances *= max(trust_in(few), 1e-3) ** 2
    rows = np.searchsorted(at, asked)
    told = _information(z[asked].astype(np.float64))
    precision = np.diag(1 / variances) + (design[rows].T * told) @ design[rows]
    return _Posterior(
        at, design, z[at].astype(np.float64), np.asarray(np.linalg.inv(precision), dtype=np.float64)
    )


def _design(pairs: Pool, at: Integers, z: Doubles) -> tuple[Doubles, Doubles]:
    """What the parameters of a correction are multiplied by, and their prior variances.

    The columns are 1, log-odds and features, centred and scaled where the decision is open, as
    `fit_correction` does, (n, n_parameters). The width of slope and weights is the middle one of its prior.
    """
    weight = _information(z) + 1e-12
    raw = np.concatenate([z[:, None], pairs.features[at].astype(np.float64)], axis=1)
    known = ~np.isnan(raw)
    values = np.where(known, raw, 0)
    total = np.maximum(weight @ known, 1e-12)
    means = (weight @ values) / total
    scales = np.sqrt(np.maximum((weight @ (np.where(known, values - means, 0) ** 2)) / total, 0))
    used = np.flatnonzero(scales > 1e-6)
    design = np.concatenate([np.ones((len(at), 1)), scaled(raw[:, used], means[used], scales[used])], axis=1)
    variances = np.full(design.shape[1], WIDTHS[len(WIDTHS) // 2] ** 2)
    variances[0] = max(pairs.uncertainty, 1e-3) ** 2
    return design, variances


def _whole(n: object) -> bool:
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool) and int(n) >= 1


def _information(z: Doubles) -> Doubles:
    """What an answer tells of the log-odds, of which a share is wrong as in `fit_correction`."""
    p = sigmoid64(z)
    q = (1 - 2 * WRONG) * p + WRONG
    return np.asarray(((1 - 2 * WRONG) * p * (1 - p)) ** 2 / (q * (1 - q)))


def _told(covariance: Doubles, row: Doubles, information: float) -> Doubles:
    """The covariance after an answer (Sherman, Morrison)."""
    along = covariance @ row
    return np.asarray(
        covariance - np.outer(along, along) * information / (1 + information * float(row @ along))
    )


def _greedy(
    pairs: Pool, now: Refitted, posterior: _Posterior, open_pairs: Bools, n: int
) -> tuple[Integers, Doubles]:
    """Pairs chosen one after the other, each given that those before it are answered, and their values."""
    at, covariance = posterior.at, posterior.covariance
    lowest = float(np.clip(now.lowest, LEAST, 1 - LEAST))
    able = open_pairs[at]
    p = sigmoid64(now.log_odds[at].astype(np.float64))
    first, rival = _rivals(pairs, at, p)
    matters = np.flatnonzero(first & able)
    # the derivative of the expected loss of decisions by the variance of their log-odds, as a matrix
    rows = posterior.design[matters]
    sd = np.sqrt(np.maximum(_quadratic(rows, covariance), 1e-12))
    margin = (posterior.z[matters] - np.log(lowest / (1 - lowest))) / sd
    loss = lowest * (1 - lowest) * np.exp(-0.5 * margin**2) / (np.sqrt(8 * np.pi) * sd)
    of_others = (rows.T * loss) @ rows
    told = _information(posterior.z)
    # the loss if the decision stays: a link that is wrong, a match that is none and whose record has none
    own = np.where(now.linked[at], (1 - p) * lowest, np.minimum(p, 1 - rival) * (1 - lowest))
    worth = _worth(posterior.design, covariance, of_others, own, told)
    # an answer makes others worth less: those that are worth most are compared again after each
    some = np.flatnonzero(able)
    some = some[np.argsort(-worth[some], kind="stable")[: max(SHORTLIST, 50 * n)]]
    design, own, told, places = posterior.design[some], own[some], told[some], at[some]
    left, right, free = pairs.left[places], pairs.right[places], np.ones(len(some), dtype=bool)
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
    return places[np.array(chosen, dtype=np.int64)], np.array(value)


def _worth(design: Doubles, covariance: Doubles, of_others: Doubles, own: Doubles, told: Doubles) -> Doubles:
    """The expected reduction of the loss by an answer for each pair: its own, and that of all pairs, (n,)."""
    less = _quadratic(design, covariance @ of_others @ covariance) * told
    return np.asarray(own + less / (1 + told * _quadratic(design, covariance)))


def _quadratic(design: Doubles, matrix: Doubles) -> Doubles:
    """The quadratic form of each row, (n,)."""
    return np.asarray(((design @ matrix) * design).sum(axis=1))


def _rivals(pairs: Pool, at: Integers, p: Doubles) -> tuple[Bools, Doubles]:
    """Which pairs are the most probable ones of their records, and the probability of those that others have.

    A record that can have one link only has no use for another match. The probability is 0 for the most
    probable pair itself, (n,).
    """
    best, rival = np.ones(len(at), dtype=bool), np.zeros(len(at))
    sides = {"m:1": (pairs.left,), "1:m": (pairs.right,), "1:1": (pairs.left, pairs.right)}
    for side in sides.get(pairs.validate, ()):
        record = side[at]
        order = np.lexsort((-p, record))
        first = np.diff(record[order], prepend=-1) != 0
        place = np.empty(len(at), dtype=np.int64)
        place[order] = order[np.flatnonzero(first)[np.cumsum(first) - 1]]
        other = place != np.arange(len(at))
        best &= ~other
        rival = np.maximum(rival, np.where(other, p[place], 0.0))
    return best, rival
