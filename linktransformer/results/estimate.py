"""Precision and recall of links from a stratified sample that people reviewed.

Precision is the stratified estimator of a proportion, recall the combined ratio estimator of two totals (W.
G. Cochran, Sampling Techniques, 1977, chapters 5 and 6). Strata are bands of the match probability, within
which the sample is simple random without replacement. The estimates take nothing from the model but these
bands.

Normal intervals fail here, as most strata have nearly only matches or none, and Wilson's is for one
stratum. The interval of the precision is that of the profile likelihood of the stratified proportion, with
the correction for finite populations. It takes nothing from the model either.

A recall hangs on matches that are rare among very many pairs: of a band without a match in the sample the
data alone say next to nothing. So its interval has a prior: the share of matches in a stratum is normal in
log-odds, around its mean match probability, with the standard deviation of the error of the shipped
decision (1.9, a factor of 7 in odds). The number of matches among the pairs of a stratum that were not
reviewed is drawn given its sample (W. A. Ericson, Subjective Bayesian models in sampling finite
populations, 1969), and the interval is from the 2.5th to the 97.5th percentile of the recall of these
draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Doubles, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.sample import Sample

__all__ = ["Estimate", "estimate"]

DRAWS = 2000
GRID, WIDEST = 401, 6.0  # points, and standard deviations of the prior that they cover to either side
LEVEL = 0.95
CHI_SQUARE = 3.841  # its 95th percentile with one degree of freedom


@dataclass(frozen=True, slots=True)
class Estimate:
    """Precision and recall with their intervals.

    Args:
        precision: Share of links that are matches.
        precision_interval: Lowest and highest, 95 %.
        recall: Share of the matches among all candidates that are links.
        recall_interval: Lowest and highest, 95 %.
        reviewed: Pairs with an answer.
        unanswered: Pairs of the sample without one; they are taken to be as the others of their stratum.
        method: How it was estimated, in words.
    """

    precision: float
    precision_interval: tuple[float, float]
    recall: float
    recall_interval: tuple[float, float]
    reviewed: int
    unanswered: int
    method: str = (
        "stratified estimator (precision) and combined ratio estimator (recall), Cochran 1977; 95 % "
        "intervals by the profile likelihood (precision) and by draws of the pairs that were not reviewed, "
        "Ericson 1969 (recall)"
    )


def estimate(reviewed: Sample, match: object, seed: int = 0) -> Estimate:
    """Estimate precision and recall of links from the answers for a sample.

    Recall is of the matches among the candidates: those that the search did not find are not counted.

    Args:
        reviewed: Of `sample`.
        match: For each pair, 1 or True for a match, 0 or False for none, NaN or None for no answer; (n,).
        seed: Of the draws that the intervals are made of.

    Returns:
        Both with 95 % intervals. Where nothing is linked the precision is 1, with an interval from 0 to 1.

    Raises:
        InvalidArgumentError: Not as many answers as pairs, another value, or a stratum without an answer.
    """
    answers = _answers(match, len(reviewed))
    has = ~np.isnan(answers)
    n_strata = len(reviewed.sizes)
    n = np.bincount(reviewed.stratum[has], minlength=n_strata)
    yes = np.bincount(reviewed.stratum[has], answers[has], n_strata).astype(np.float64)
    if not len(n) or n.min() == 0:
        raise InvalidArgumentError(
            f"{int((n == 0).sum()) or 'All'} of the {n_strata} strata of the sample have no answer. Answer "
            "some pairs of each (the column stratum of the table)."
        )
    total = (reviewed.sizes * yes / n).astype(np.float64)
    draw = np.random.default_rng(seed)
    shares = _shares(yes, n, reviewed.expected, reviewed.spread, draw)
    totals = (yes + draw.binomial(reviewed.sizes - n, shares)).astype(np.float64)
    precision, recall = _rates(total[None], reviewed)
    ends = np.quantile(_rates(totals, reviewed)[1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    of_recall = min(ends[0], float(recall[0])), max(ends[1], float(recall[0]))
    links, of_precision = reviewed.of_links, (0.0, 1.0)
    if links.any():
        of_precision = _profile(
            yes[links], n[links].astype(np.float64), reviewed.sizes[links].astype(np.float64)
        )
    return Estimate(
        float(precision[0]), of_precision, float(recall[0]), of_recall, int(has.sum()), int((~has).sum())
    )


def _profile(yes: Doubles, n: Doubles, sizes: Doubles) -> tuple[float, float]:
    """The interval of a stratified proportion by the profile likelihood.

    Where the share of matches in stratum h is p_h, the likelihood is the product of p_h^yes_h times
    (1 - p_h)^(n_h - yes_h). Its maximum for a given proportion sum(w_h p_h) has
    yes_h / p_h - (n_h - yes_h) / (1 - p_h) = l w_h with one number l. The interval has the proportions whose
    likelihood ratio is below that of chi-square. Samples count for more by the correction for finite
    populations.
    """
    larger = np.where(sizes > n, (sizes - 1) / np.maximum(sizes - n, 1e-9), 1e9)
    yes, n, weight = yes * larger, n * larger, sizes / sizes.sum()

    def shares(of: float) -> Doubles:
        slope = of * weight
        middle = n + slope
        root = np.sqrt(np.maximum(middle**2 - 4 * slope * yes, 0))
        upper = (middle - root) / np.where(slope == 0, 1, 2 * slope)
        return np.asarray(
            np.clip(np.where(middle > 0, 2 * yes / np.maximum(middle + root, 1e-300), upper), 0, 1)
        )

    def likelihood(p: Doubles) -> float:
        return float((_log(yes, p) + _log(n - yes, 1 - p)).sum())

    highest = likelihood(yes / n)
    ends = []
    for sign in (1.0, -1.0):
        low, high = -20.0, 40.0  # logarithms of l
        for _ in range(60):
            middle = (low + high) / 2
            inside = 2 * (highest - likelihood(shares(sign * np.exp(middle)))) < CHI_SQUARE
            low, high = (middle, high) if inside else (low, middle)
        ends.append(float(weight @ shares(sign * np.exp(low))))
    return ends[0], ends[1]


def _log(count: Doubles, p: Doubles) -> Doubles:
    """The count times the logarithm of p, 0 for no count."""
    return np.where(count > 0, count * np.log(np.maximum(p, 1e-300)), 0.0)


def _shares(
    yes: Doubles, n: Integers, expected: Doubles, spread: float, draw: np.random.Generator
) -> Doubles:
    """Draws of the share of matches in each stratum given its sample, (`DRAWS`, n_strata), on a grid."""
    steps = np.linspace(-WIDEST, WIDEST, GRID)
    middle = np.clip(expected, 1e-5, 1 - 1e-5)
    z = np.log(middle / (1 - middle))[:, None] + spread * steps
    likely = -yes[:, None] * np.logaddexp(0, -z) - (n - yes)[:, None] * np.logaddexp(0, z) - 0.5 * steps**2
    density = np.exp(likely - likely.max(axis=1, keepdims=True))
    rising = np.cumsum(density, axis=1) / density.sum(axis=1, keepdims=True)
    at = np.stack(
        [np.interp(draw.random(DRAWS), of, line) for of, line in zip(rising, z, strict=True)], axis=1
    )
    return np.asarray(1 / (1 + np.exp(-at)))


def _rates(totals: Doubles, reviewed: Sample) -> tuple[Doubles, Doubles]:
    """Precision and recall of numbers of matches by stratum, (n, n_strata); both 1 where there are none."""
    right = totals[:, reviewed.of_links].sum(axis=1)
    links, every = int(reviewed.sizes[reviewed.of_links].sum()), totals.sum(axis=1)
    precision = right / links if links else np.ones(len(totals))
    recall = np.where(every > 0, right / np.maximum(every, 1e-9), 1.0)
    return precision, recall


def _answers(match: object, n: int) -> Doubles:
    """Answers as 1, 0 and NaN."""
    try:
        answers = np.asarray(match, dtype=object).astype(np.float64)
    except (TypeError, ValueError):
        answers = np.full(1, 2.0)
    if answers.shape != (n,) or not np.isin(answers[~np.isnan(answers)], (0.0, 1.0)).all():
        raise InvalidArgumentError(
            f"match= must be {n} answers, one for each pair of the sample: 1 (match), 0 (none) or NaN (no "
            f"answer). Given: {type(match).__name__} of shape {answers.shape}."
        )
    return answers
