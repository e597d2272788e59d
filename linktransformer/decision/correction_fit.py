"""Fit a correction of the shipped decision to labelled pairs, with no correction as the prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.decision.context import sigmoid64
from linktransformer.decision.correction import Correction, matrix_of, named, scaled

__all__ = ["LabelledJob", "fit_correction", "trust_in"]


WRONG = 0.02  # of judged labels are expected to be wrong, so that one alone cannot move a sure pair far
WIDTHS = (0.01, 0.03, 0.1, 0.3, 1.0)  # prior standard deviations of weights, weighed by their evidence
CHOSEN = 0.5  # standard deviation of the log-odds by which matches are rather labelled than non-matches
WORTH = 10  # labels: what the shipped decision says of the level of all log-odds counts as so many
PLAUSIBLE = -6.0  # log-odds: pairs below weigh nothing as unlabelled ones
MOST = 20_000  # unlabelled pairs, the most probable ones
SHIFTS = 12.0  # the largest shift of all log-odds
LEAST_SLOPE = 0.1
TINY = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class LabelledJob:
    """The candidates of a job, and which of them labels name.

    Args:
        log_odds: By the shipped decision, (n_pairs,) float32.
        names: Of the pair features.
        values: (n_pairs, n_features) float32.
        bits: Match weight of each column, (n_pairs, n_columns) float32.
        columns: Names of the columns.
        matches: Candidates known to match, (n,) int64.
        others: Candidates known not to match.
        chosen: Labels are answers for pairs that were chosen by their features, such as doubtful ones.
    """

    log_odds: Floats
    names: tuple[str, ...]
    values: Floats
    bits: Floats
    columns: tuple[str, ...]
    matches: Integers
    others: Integers
    chosen: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs with the probability that they match, and the share of these labels that is wrong.

    Args:
        z: Log-odds, (n,) float64.
        design: What is multiplied by the parameters (slope, intercept, weights), (n, n_parameters).
        target: 0 to 1, (n,).
        wrong: A share.
    """

    z: Doubles
    design: Doubles
    target: Doubles
    wrong: float

    def cost(self, parameters: Doubles) -> tuple[float, Doubles]:
        """The cross-entropy, summed over the pairs, and its gradient, (n_parameters,)."""
        p = sigmoid64(self.z + self.design @ parameters)
        q = (1 - 2 * self.wrong) * p + self.wrong
        value = -(self.target * np.log(q) + (1 - self.target) * np.log(1 - q)).sum()
        slope = (1 - 2 * self.wrong) * p * (1 - p) * (q - self.target) / (q * (1 - q))
        return float(value), self.design.T @ slope

    def information(self, parameters: Doubles) -> Doubles:
        """The Fisher information, (n_parameters, n_parameters)."""
        p = sigmoid64(self.z + self.design @ parameters)
        q = (1 - 2 * self.wrong) * p + self.wrong
        weight = ((1 - 2 * self.wrong) * p * (1 - p)) ** 2 / (q * (1 - q))
        return np.asarray((self.design.T * weight) @ self.design)


def fit_correction(job: LabelledJob, spread: float) -> Correction:
    """Fit a correction to the labels of a job, of which there is one at least.

    Labels of both kinds are taken for pairs that were chosen without a look at the answer: a logistic
    regression of which a small share of the labels is wrong. The intercept is averaged with the one at which
    the expected number of matches agrees with the share of known matches that the shipped decision finds.

    Where labels are of one kind, their share of the pairs is not known. Then all other pairs are
    taken as labelled by the shipped decision, each with its probability.

    Pairs that were chosen by their features (`job.chosen`) say as much of a match given its features as
    others do. But the share of known matches that the shipped decision finds says nothing then, nor do labels
    of one kind.

    Slope and weights have normal priors around 1 and 0. Their width is averaged over by the evidence of the
    labels (Laplace's approximation; D. MacKay, Bayesian interpolation, 1992). `spread` is the standard
    deviation of the error that the shipped log-odds of all pairs have in common.
    """
    by_place, by_name = named(job.columns)
    raw = matrix_of(by_place, job.names, job.values, job.bits)
    z = job.log_odds.astype(np.float64)
    means, scales, used = _scales(raw, z)
    weight = sigmoid64(z) * sigmoid64(-z)
    centre = float((z * weight).sum() / weight.sum())
    width = max(float(np.sqrt(((z - centre) ** 2 * weight).sum() / weight.sum())), 0.1)
    design = np.concatenate(
        [((z - centre) / width)[:, None], np.ones((len(z), 1)), scaled(raw[:, used], means, scales)], axis=1
    )
    if len(job.matches) and len(job.others):
        parameters, uncertainty = _fit_both_kinds(z, design, job, spread, width)
    elif job.chosen:
        parameters, uncertainty = np.zeros(design.shape[1]), spread
    else:
        parameters, uncertainty = _fit_one_kind(z, design, job, spread, width), spread
    slope = 1 + float(parameters[0]) / width
    return Correction(
        slope,
        float(parameters[1]) - (slope - 1) * centre,
        min(uncertainty, spread),
        tuple(by_name[number] for number in used.tolist()),
        tuple(parameters[2:].tolist()),
        tuple(means.tolist()),
        tuple(scales.tolist()),
        job.columns,
    )


def trust_in(few: int) -> float:
    """What widths of priors are multiplied by, where so many labels are of the kind that is less frequent."""
    return float(np.sqrt(few / (few + WORTH)))


def _fit_both_kinds(
    z: Doubles, design: Doubles, job: LabelledJob, spread: float, width: float
) -> tuple[Doubles, float]:
    """Parameters, and the standard deviation of the intercept, where labels of both kinds are known."""
    labelled = np.concatenate([job.matches, job.others])
    target = np.repeat([1.0, 0.0], [len(job.matches), len(job.others)])
    few = min(len(job.matches), len(job.others))  # labels of one kind do not tell the intercept
    trust = trust_in(few)
    prior = spread * trust
    pairs = _Pairs(z[labelled], design[labelled], target, WRONG)
    parameters, sd = _averaged(pairs, prior, width, trust)
    uncertainty = float(np.sqrt(sd**2 + spread**2 - prior**2))
    if job.chosen:
        return parameters, uncertainty
    variance = sd**2 + CHOSEN**2
    by_count, of_count = _by_recall(z, z + design @ parameters - parameters[1], job.matches, spread)
    parameters[1] = (parameters[1] / variance + by_count / of_count) / (1 / variance + 1 / of_count)
    return parameters, uncertainty


def _fit_one_kind(z: Doubles, design: Doubles, job: LabelledJob, spread: float, width: float) -> Doubles:
    """Parameters where all labels are matches, or all are non-matches."""
    labelled = np.concatenate([job.matches, job.others])
    pool = np.flatnonzero(z >= PLAUSIBLE)
    if len(pool) > MOST:
        pool = pool[np.argsort(-z[pool], kind="stable")[:MOST]]
    pool = np.union1d(pool, labelled)
    target = sigmoid64(z)
    target[job.matches], target[job.others] = 1.0, 0.0
    parameters, _ = _averaged(_Pairs(z[pool], design[pool], target[pool], 0.0), spread, width)
    if len(job.matches):
        # either matches are more than expected, or the others are fewer: half way
        same = _shift_to(z + design @ parameters - parameters[1], float(sigmoid64(z).sum()))
        parameters[1] = (parameters[1] + same) / 2
    return parameters


def _by_recall(z: Doubles, after: Doubles, matches: Integers, spread: float) -> tuple[float, float]:
    """The intercept that gives the number of matches estimated from the known ones, and its variance.

    Of the known matches a share is probable by the shipped decision; the expected number of matches among all
    probable pairs, divided by this share, is that of all matches.
    """
    p = sigmoid64(z)
    likely = p >= 0.5
    if not likely.any():
        return 0.0, spread**2
    expected, linked, n = float(p.sum()), float(p[likely].sum()), len(matches)
    recall = (int(likely[matches].sum()) + WORTH * linked / expected) / (n + WORTH)
    shift = _shift_to(after, min(linked / recall, 0.9 * len(z)))
    moved = sigmoid64(after + shift)
    slope = max(float((moved * (1 - moved)).sum() / moved.sum()), TINY)  # of the logarithm of their number
    wide = float((sigmoid64(z[likely] + spread) - sigmoid64(z[likely] - spread)).sum()) / 2 / linked
    return shift, max(((1 - recall) / (recall * (n + WORTH)) + wide**2) / slope**2, TINY)


def _averaged(pairs: _Pairs, spread: float, width: float, trust: float = 1.0) -> tuple[Doubles, float]:
    """Parameters averaged over the widths of their prior, and the standard deviation of the intercept."""
    fits = [_fitted(pairs, spread, trust * of_weights, width) for of_weights in WIDTHS]
    evidence = np.array([fit[1] for fit in fits])
    share = np.exp(evidence - evidence.max())
    share /= share.sum()
    mean = np.sum([part * fit[0] for part, fit in zip(share, fits, strict=True)], axis=0)
    return mean, float(sum(part * fit[2] for part, fit in zip(share, fits, strict=True)))


def _fitted(
    pairs: _Pairs, of_intercept: float, of_weights: float, width: float
) -> tuple[Doubles, float, float]:
    """The most probable parameters, the logarithm of their evidence, the intercept's standard deviation."""
    from scipy.optimize import minimize

    n = pairs.design.shape[1]
    precision = np.full(n, of_weights**-2.0)
    precision[1] = max(of_intercept, TINY) ** -2.0

    def cost(parameters: Doubles) -> tuple[float, Doubles]:
        value, gradient = pairs.cost(parameters)
        return value + 0.5 * float(precision @ parameters**2), gradient + precision * parameters

    bounds = [((LEAST_SLOPE - 1) * width, None), *[(None, None)] * (n - 1)]
    best = minimize(cost, np.zeros(n), jac=True, method="L-BFGS-B", bounds=bounds)
    curvature = pairs.information(best.x) + np.diag(precision)
    evidence = -best.fun - 0.5 * (np.linalg.slogdet(curvature)[1] - np.log(precision).sum())
    return best.x, float(evidence), float(np.sqrt(np.linalg.inv(curvature)[1, 1]))


def _scales(raw: Floats, z: Doubles) -> tuple[Doubles, Doubles, Integers]:
    """Means and standard deviations of features near the threshold, and which features vary there."""
    has_value = ~np.isnan(raw)
    weight = (sigmoid64(z) * sigmoid64(-z))[:, None] * has_value
    values = np.where(has_value, raw, 0).astype(np.float64)
    total = np.maximum(weight.sum(axis=0), 1e-12)
    means = (values * weight).sum(axis=0) / total
    scales = np.sqrt(((values - means) ** 2 * weight).sum(axis=0) / total)
    used = np.flatnonzero(scales > 1e-6)
    return means[used], scales[used], used


def _shift_to(z: Doubles, expected: float) -> float:
    """The shift of all log-odds at which their probabilities add up to `expected`."""
    low, high = -SHIFTS, SHIFTS
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid64(z + middle).sum() < expected else (low, middle)
    return (low + high) / 2
