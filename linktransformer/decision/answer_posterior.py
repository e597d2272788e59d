"""What answers about pairs tell of the match probabilities of all pairs: a Bayesian logistic regression.

The log-odds of a match are those of the shipped decision, plus a level, plus a multiple of these log-odds,
plus a weighted sum of features. All parameters are normal around 0. The shipped probability of a pair is a
mean over all that is unknown, so the regression starts from the log-odds whose mean probability over the
prior is the shipped one; these are further from 0. Probabilities after answers are means over the posterior
in the same way (Laplace's approximation; D. MacKay, The evidence framework applied to classification
networks, 1992). A share of the answers is taken to be wrong, as by `fit_correction`.

The widths of the prior are fitted by `python -m tests.benchmarks answer_prior` on labelled sets: those at
which forty answers predict the other pairs best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.decision.context import sigmoid64
from linktransformer.decision.correction import scaled
from linktransformer.decision.correction_fit import PLAUSIBLE, WRONG

__all__ = [
    "PRIOR",
    "Basis",
    "Posterior",
    "Prior",
    "averaged",
    "basis_of",
    "information",
    "posterior_of",
    "quadratic",
    "start_of",
]

STEPS, ENOUGH = 30, 1e-7
PART = 65_536  # pairs that are worked on at a time
FURTHEST = 10.0  # log-odds, from which on the slope changes no more
NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(20)
WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True, slots=True)
class Prior:
    """Standard deviations of the parameters.

    Args:
        level: Of what is added to all log-odds.
        slope: Of what is added to the factor 1 of the log-odds.
        features: Of the weighted sum of the features, for a pair with all of them one standard deviation from
            their means.
    """

    level: float
    slope: float
    features: float


PRIOR = Prior(2.58, 0.52, 1.54)


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The pairs of a job as the regression sees them.

    Args:
        matrix: What is multiplied by parameters with variance 1, (n_pairs, n_parameters) float32.
        start: Log-odds before answers, (n_pairs,) float32.
    """

    matrix: Floats
    start: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """What is known of the log-odds after answers.

    Args:
        basis: The pairs.
        mean: Of the parameters, (n_parameters,).
        covariance: (n_parameters, n_parameters).
    """

    basis: Basis
    mean: Doubles
    covariance: Doubles

    def moments(self, at: Integers | slice) -> tuple[Doubles, Doubles, Doubles]:
        """Rows of the basis, and mean and variance of the log-odds, of these pairs."""
        rows = self.basis.matrix[at].astype(np.float64)
        return rows, self.basis.start[at] + rows @ self.mean, quadratic(rows, self.covariance)

    def log_odds(self) -> Floats:
        """Of the mean probability of every pair, (n_pairs,) float32."""
        parts = []
        for some in _parts(len(self.basis.start)):
            p = averaged(*self.moments(some)[1:])
            parts.append((np.log(p) - np.log1p(-p)).astype(np.float32))
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)


def basis_of(log_odds: Floats, features: Floats, prior: Prior = PRIOR) -> Basis:
    """The basis of a job.

    Args:
        log_odds: By the shipped decision, (n_pairs,) float32.
        features: (n_pairs, n_features) float32, NaN for unknown. They are centred and scaled by pairs that
            may match, which weigh the more the less certain they are.
        prior: Of the parameters.
    """
    z = log_odds.astype(np.float64)
    weight = np.sqrt(sigmoid64(z) * sigmoid64(-z)) * (z >= PLAUSIBLE) + 1e-12
    kept = []
    for values in features.T:
        known = ~np.isnan(values)
        of = weight * known
        filled = np.where(known, values, 0).astype(np.float64)
        total = max(float(of.sum()), 1e-12)
        mean = float(of @ filled) / total
        scale = float(np.sqrt(of @ (filled - mean) ** 2 / total))
        if scale > 1e-6:
            kept.append(scaled(values, mean, scale).astype(np.float32))
    columns = [np.full(len(z), prior.level), prior.slope * np.clip(z, -FURTHEST, FURTHEST)]
    columns += [column * (prior.features / np.sqrt(len(kept))) for column in kept]
    matrix = np.stack(columns, axis=1).astype(np.float32)
    starts = [
        start_of(z[some], (matrix[some].astype(np.float64) ** 2).sum(axis=1)) for some in _parts(len(z))
    ]
    return Basis(matrix, np.concatenate([*starts, np.empty(0)]).astype(np.float32))


def posterior_of(basis: Basis, at: Integers, match: Bools) -> Posterior:
    """The posterior after answers about pairs `at`, (n,) int64, of which one may be there several times."""
    rows, start = basis.matrix[at].astype(np.float64), basis.start[at].astype(np.float64)
    n = rows.shape[1]
    parameters = np.zeros(n)

    def value(of: Doubles) -> float:
        q = (1 - 2 * WRONG) * sigmoid64(start + rows @ of) + WRONG
        return float(np.log(np.where(match, q, 1 - q)).sum() - of @ of / 2)

    best = value(parameters)
    for _ in range(STEPS):  # Fisher's scoring, each step as long as it leads up
        z = start + rows @ parameters
        p = sigmoid64(z)
        q = (1 - 2 * WRONG) * p + WRONG
        slope = (1 - 2 * WRONG) * p * (1 - p) * np.where(match, 1 / q, -1 / (1 - q))
        step = np.linalg.solve(_curvature(rows, z), rows.T @ slope - parameters)
        while (found := value(parameters + step)) < best and np.abs(step).max() > ENOUGH:
            step = step / 2
        gained = found - best
        if gained <= 0:
            break
        parameters, best = parameters + step, found
        if gained < ENOUGH:
            break
    covariance = np.linalg.inv(_curvature(rows, start + rows @ parameters))
    return Posterior(basis, parameters, np.asarray(covariance))


def information(z: Doubles) -> Doubles:
    """What an answer tells of the log-odds: Fisher's information, (n,)."""
    p = sigmoid64(z)
    q = (1 - 2 * WRONG) * p + WRONG
    return np.asarray(((1 - 2 * WRONG) * p * (1 - p)) ** 2 / (q * (1 - q)))


def averaged(mean: Doubles, variance: Doubles) -> Doubles:
    """The mean probability of normal log-odds, (n,), by quadrature (Gauss, Hermite)."""
    z = mean[:, None] + np.sqrt(np.maximum(variance, 0))[:, None] * NODES
    return np.asarray(np.clip(sigmoid64(z) @ WEIGHTS, 1e-12, 1 - 1e-12))


def quadratic(rows: Doubles, matrix: Doubles) -> Doubles:
    """The quadratic form of each row, (n,)."""
    return np.asarray(((rows @ matrix) * rows).sum(axis=1))


def _curvature(rows: Doubles, z: Doubles) -> Doubles:
    return np.asarray((rows.T * information(z)) @ rows + np.eye(rows.shape[1]))


def start_of(z: Doubles, variance: Doubles) -> Doubles:
    """The means of normal log-odds whose mean probability is that of z, (n,), by Newton's method."""
    low = -np.abs(z)  # where the logarithm of the mean probability is concave enough
    target = -np.logaddexp(0, -low)
    mean = np.maximum(low * np.sqrt(1 + np.pi / 8 * variance), low - variance / 2)
    for _ in range(STEPS):
        p = sigmoid64(mean[:, None] + np.sqrt(variance)[:, None] * NODES)
        value = np.maximum(p @ WEIGHTS, 1e-300)
        step = (np.log(value) - target) * value / np.maximum((p * (1 - p)) @ WEIGHTS, 1e-300)
        step = np.clip(step, -2, 2)
        mean = np.minimum(mean - step, 0)
        if np.abs(step).max(initial=0) < 1e-4:
            break
    return np.asarray(np.where(z > 0, -mean, mean))


def _parts(n: int) -> Iterator[slice]:
    return (slice(first, first + PART) for first in range(0, n, PART))
