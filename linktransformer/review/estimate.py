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

from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.links import Links
from linktransformer.tables import frames
from linktransformer.tables.frames import IntoDataFrame

__all__ = ["Estimate", "Sample", "drawn", "estimate", "sample"]

STRATA = 5  # of links, and as many of other candidates: with 200 pairs 20 of each stratum
FEWEST = 4  # pairs of a stratum; small samples have fewer strata
NEARLY = 0.02  # a probability counts as at least so uncertain where strata are cut and shared out
DRAWS = 2000
GRID, WIDEST = 401, 6.0  # points, and standard deviations of the prior that they cover to either side
LEVEL = 0.95
CHI_SQUARE = 3.841  # its 95th percentile with one degree of freedom
SPREAD = 1.9  # of the shipped decision, which was trained


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Pairs to review, and how they were drawn.

    Args:
        at: Positions of the pairs in the population, (n,) int64.
        linked: Whether each is a link, (n,) bool.
        stratum: Of each, (n,) int64.
        sizes: Pairs of each stratum in the population, (n_strata,) int64.
        of_links: Which strata are of links, (n_strata,) bool.
        expected: The mean match probability of each stratum, (n_strata,) float64.
        left_rows: Of each pair, (n,) int64; -1 where the sample is of arrays.
        right_rows: Of each pair.
        score: Match probabilities, (n,) float32.
        spread: The standard deviation of the log-odds of matches in a stratum, beside those expected.
    """

    at: Integers
    linked: Bools
    stratum: Integers
    sizes: Integers
    of_links: Bools
    expected: Doubles
    left_rows: Integers
    right_rows: Integers
    score: Floats
    spread: float = SPREAD

    def __len__(self) -> int:
        return len(self.at)

    @property
    def share(self) -> Doubles:
        """The probability with which each pair was drawn, (n,) float64."""
        return (np.bincount(self.stratum, minlength=len(self.sizes)) / self.sizes)[self.stratum]

    def table(self, links: Links) -> IntoDataFrame:
        """The pairs as a table in the caller's library: left, right, score, linked, stratum, share."""
        return frames.new_frame(
            links.left,
            {
                "left": frames.index_labels(links.left, self.left_rows),
                "right": frames.index_labels(links.right, self.right_rows),
                "score": self.score,
                "linked": self.linked,
                "stratum": self.stratum,
                "share": self.share,
            },
        )


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


def sample(links: Links, n: int = 200, seed: int = 0) -> Sample:
    """Draw a stratified sample of links and of other candidates, to be reviewed for `estimate`.

    Half of the pairs are links, for the precision; the others, for the recall, are candidates that are none.
    Candidates of rows with equal texts count once. Matches that the search did not find are in no sample.

    Args:
        links: Of `linktransformer.link`, in memory.
        n: How many pairs.
        seed: The same seed gives the same sample.

    Returns:
        The sample; `sample.table(links)` names the rows.

    Raises:
        InvalidArgumentError: n is too small, or the links kept no candidates.

    Example:
        >>> import pandas as pd
        >>> import linktransformer as lt
        >>> a = pd.DataFrame({"name": [f"Acme Steel {n}" for n in range(30)]})
        >>> b = pd.DataFrame({"name": [f"ACME STEEL {n} CO" for n in range(30)]})
        >>> links = lt.link(a, b, on="name", model="lexical")
        >>> asked = sample(links, 20)
        >>> found = estimate(asked, asked.left_rows == asked.right_rows)
        >>> found.reviewed, found.precision_interval[0] <= found.precision <= found.precision_interval[1]
        (20, True)
    """
    kept = links.evidence
    if kept is None:
        raise InvalidArgumentError(
            "These links kept no candidates to draw from. Link the tables by link(left, right) with match "
            'probabilities (not scores="similarity").'
        )
    first = [_first_rows(nodes.node_of_row, len(nodes)) for nodes in kept.nodes]
    codes = kept.left.astype(np.int64) * len(kept.nodes[1]) + kept.right
    of_links = (
        kept.nodes[0].node_of_row[links.left_rows] * len(kept.nodes[1])
        + kept.nodes[1].node_of_row[links.right_rows]
    )
    others = np.flatnonzero(~np.isin(codes, of_links))
    z = kept.log_odds[others].astype(np.float64)
    score = np.concatenate([links.score, (1 / (1 + np.exp(-np.clip(z, -30, 30)))).astype(np.float32)])
    linked = np.arange(len(score)) < len(links)
    left = np.concatenate([links.left_rows, first[0][kept.left[others]]])
    right = np.concatenate([links.right_rows, first[1][kept.right[others]]])
    return replace(drawn(score, linked, n, seed, (left, right)), spread=max(kept.decision.uncertainty, 1.0))


def drawn(
    score: Floats, linked: Bools, n: int, seed: int = 0, rows: tuple[Integers, Integers] | None = None
) -> Sample:
    """Draw a stratified sample of pairs with these match probabilities.

    The strata are cut so that each has an equal part of the sum of the standard deviations of a match, and
    are sampled alike, which is then Neyman's allocation (T. Dalenius, J. Hodges, 1959).

    Args:
        score: Match probabilities of all pairs, (n_pairs,) float32.
        linked: Which are links, (n_pairs,) bool.
        n: How many to draw.
        seed: The same seed gives the same sample.
        rows: Left and right row of each pair.

    Raises:
        InvalidArgumentError: n is too small.
    """
    if not _whole(n, 2 * FEWEST):
        raise InvalidArgumentError(f"n={n!r} is not a number of pairs to review. Give {2 * FEWEST} or more.")
    draw = np.random.default_rng(seed)
    n_strata = int(min(STRATA, n // (2 * FEWEST)))
    numbers = int(linked.sum()), int((~linked).sum())
    of_links = min(numbers[0], max(n - n // 2, n - numbers[1]))
    stratum = np.full(len(score), -1, dtype=np.int64)
    taken: list[Integers] = []
    sizes: list[int] = []
    n_of_links = 0
    for population, wanted in ((linked, of_links), (~linked, min(numbers[1], int(n) - of_links))):
        pairs = np.flatnonzero(population)
        if not len(pairs):
            continue
        order = pairs[np.argsort(score[pairs], kind="stable")]
        p = np.clip(score[order].astype(np.float64), NEARLY, 1 - NEARLY)
        weight = np.cumsum(np.sqrt(p * (1 - p)))
        part = np.minimum((weight / weight[-1] * n_strata * (1 - 1e-12)).astype(np.int64), n_strata - 1)
        part = np.unique(part, return_inverse=True)[1]
        counts = np.bincount(part)
        for number, (count, some) in enumerate(zip(counts, _shared(counts, wanted), strict=True)):  # few
            of_part = order[part == number]
            stratum[of_part] = len(sizes)
            taken.append(draw.choice(of_part, some, replace=False))
            sizes.append(int(count))
        n_of_links += len(counts) if population is linked else 0
    at = np.concatenate(taken) if taken else np.empty(0, dtype=np.int64)
    known = stratum >= 0
    total = np.array(sizes, dtype=np.int64)
    expected = np.bincount(stratum[known], score[known].astype(np.float64), len(sizes)) / np.maximum(total, 1)
    nobody = np.full(len(at), -1, dtype=np.int64)
    left, right = (nobody, nobody) if rows is None else (rows[0][at], rows[1][at])
    return Sample(
        at,
        linked[at],
        stratum[at],
        total,
        np.arange(len(sizes)) < n_of_links,
        expected,
        left,
        right,
        score[at],
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


def _shared(counts: Integers, wanted: int) -> list[int]:
    """Numbers to draw, as equal as the sizes of strata allow, with the sum `wanted`, or all."""
    some = np.zeros(len(counts), dtype=np.int64)
    for rank, number in enumerate(np.argsort(counts, kind="stable").tolist()):  # few strata
        rest = wanted - int(some.sum())
        some[number] = min(int(counts[number]), -(-rest // (len(counts) - rank)))
    return some.tolist()


def _whole(n: object, least: int) -> bool:
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool) and int(n) >= least


def _first_rows(node_of_row: Integers, n: int) -> Integers:
    """A row of each record."""
    first = np.full(n, -1, dtype=np.int64)
    rows = np.flatnonzero(node_of_row >= 0)[::-1]
    first[node_of_row[rows]] = rows
    return first
