"""Refit the decision by answers so far, on features that are kept: nothing is searched again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.answer_posterior import PRIOR, Basis, Posterior, Prior, basis_of, posterior_of
from linktransformer.decision.choose_links import EVEN, choose
from linktransformer.decision.correction import matrix_of, named
from linktransformer.decision.correction_fit import WRONG
from linktransformer.decision.model import sigmoid
from linktransformer.decision.threshold import Threshold
from linktransformer.review.pairs import Pairs

__all__ = ["Answers", "Pool", "Refitted", "pool_of", "refit"]

SURE = float(np.log((1 - WRONG) / WRONG))  # log-odds of one answer, of which a share of `WRONG` is wrong


@dataclass(frozen=True, eq=False)
class Pool:
    """Pairs that can be asked about, with the features that are weighed by answers.

    Args:
        left: Left record of each pair, (n,) int64.
        right: Right record.
        log_odds: Of a match, without answers, (n,) float32.
        features: (n, n_features) float32, NaN for unknown: `decision.correction.FEATURES`, then the match
            weight of each column.
        similarity: Breaks ties, (n,) float32.
        linked: Which are links without answers, (n,) bool.
        validate: Which pairs can be links together, as of `link`.
        threshold: Which pairs are links, as of `link`.
        prior: How far the shipped decision may be off.
    """

    left: Integers
    right: Integers
    log_odds: Floats
    features: Floats
    similarity: Floats
    linked: Bools
    validate: str = "m:1"
    threshold: Threshold = "auto"
    prior: Prior = PRIOR

    def __len__(self) -> int:
        return len(self.left)

    @cached_property
    def basis(self) -> Basis:
        """The pairs as answers are learned from; made once."""
        return basis_of(self.log_odds, self.features, self.prior)

    @cached_property
    def without_answers(self) -> Bools:
        """Which pairs are links by the rule that is applied after answers too, (n,) bool.

        For clusters these are the pairs above the threshold.
        """
        return _decided(self, self.log_odds)[0]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers for pairs of a pool; a pair that several people judged is there several times.

    Args:
        at: Positions in the pool, (n,) int64.
        match: Whether it was judged a match, (n,) bool.
    """

    at: Integers
    match: Bools

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True, eq=False)
class Refitted:
    """The decision after answers.

    Args:
        log_odds: Of every pair of the pool, its own answers counted in, (n,) float32.
        corrected: The same without its own answers, but as far as they move those of all pairs.
        linked: Which pairs are links, (n,) bool.
        lowest: The lowest probability of a link; .5 where there is no rule but the best candidate.
        posterior: What is known of the log-odds of all pairs.
    """

    log_odds: Floats
    corrected: Floats
    linked: Bools
    lowest: float
    posterior: Posterior

    @property
    def probability(self) -> Floats:
        """Match probabilities, (n,) float32."""
        return sigmoid(self.log_odds)


def pool_of(pairs: Pairs) -> Pool:
    """The pool of pairs, each at the same position, with features computed again from their evidence.

    Pairs that are no candidates, and those of links by similarity, have no features.

    Args:
        pairs: Of links or clusters, from `review.pairs.pairs_of`.

    Returns:
        The pool.
    """
    kept, n = pairs.evidence, len(pairs)
    score = np.clip(pairs.probability.astype(np.float64), 1e-6, 1 - 1e-6)
    log_odds = (np.log(score) - np.log1p(-score)).astype(np.float32)
    rule, lowest = pairs.details.get("rule"), pairs.details.get("threshold")
    threshold: Threshold = (
        "auto" if rule == "the best expected F1" or not isinstance(lowest, float) else lowest
    )
    validate = "m:m" if pairs.clusters is not None else str(pairs.details.get("validate", "m:1"))
    left, right = pairs.left, pairs.right
    if kept is None:
        none = np.empty((n, 0), dtype=np.float32)
        return Pool(left, right, log_odds, none, pairs.probability, pairs.linked, validate, threshold)
    names, values, bits = kept.features()
    known = np.flatnonzero(pairs.position >= 0)
    at = pairs.position[known]
    wanted = named(tuple(map(str, range(bits.shape[1]))))[0]
    features = np.full((n, len(wanted)), np.nan, dtype=np.float32)
    features[known] = matrix_of(wanted, names, values, bits)[at]
    log_odds[known] = kept.log_odds[at]
    views = [view[kept.at] for view in kept.searched.views.values()]
    similarity = np.zeros(n, dtype=np.float32)
    if views:
        similarity[known] = np.fmax.reduce(views)[at]
    left, right = (nodes.node_of_row[rows] for nodes, rows in zip(kept.nodes, (left, right), strict=True))
    return Pool(
        left.astype(np.int64),
        right.astype(np.int64),
        log_odds,
        features,
        similarity,
        pairs.linked,
        validate,
        threshold,
    )


def refit(pool: Pool, answers: Answers) -> Refitted:
    """The decision for all pairs after these answers.

    Pairs may be chosen by anything that is known of them but the answer. A pair that was
    asked about also moves by the log-odds of its answers, so far at least that they decide it.

    Args:
        pool: All pairs.
        answers: Those so far; none gives the decision without answers.

    Returns:
        The log-odds of all pairs after the answers, and what they are made of.
    """
    posterior = posterior_of(pool.basis, answers.at, answers.match)
    corrected = posterior.log_odds() if len(answers) else pool.log_odds
    net = np.bincount(answers.at, np.where(answers.match, 1.0, -1.0), len(pool))
    z = corrected + SURE * net
    z = np.where(net > 0, np.maximum(z, SURE), np.where(net < 0, np.minimum(z, -SURE), z)).astype(np.float32)
    linked, lowest = _decided(pool, z)
    return Refitted(z, corrected, linked, lowest, posterior)


def _decided(pool: Pool, log_odds: Floats) -> tuple[Bools, float]:
    """Which pairs are links, and the lowest probability of one."""
    p = sigmoid(log_odds)
    choice = choose(pool.left, pool.right, p, pool.similarity, pool.validate, pool.threshold)
    linked = np.zeros(len(pool), dtype=bool)
    linked[choice.pairs] = True
    return linked, EVEN if choice.threshold is None else float(choice.threshold)
