"""Refit the decision of links by answers so far, on features that are kept: nothing is searched again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.choose_links import EVEN, choose
from linktransformer.decision.correction import matrix_of, named
from linktransformer.decision.correction_fit import WRONG, LabelledJob, fit_correction
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Probabilities, sigmoid
from linktransformer.decision.threshold import Threshold
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.resolve_links import decided
from linktransformer.results.links import Links
from linktransformer.search.candidate_search import Candidates

__all__ = ["Answers", "Pool", "Refitted", "links_after", "pool_of", "refit"]

SURE = float(np.log((1 - WRONG) / WRONG))  # log-odds of one answer, of which a share of `WRONG` is wrong


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The candidate pairs of links that can be asked about, with the features that are corrected by answers.

    Args:
        left: Left record of each pair, (n,) int64.
        right: Right record.
        log_odds: Of a match, without answers, (n,) float32.
        features: (n, n_features) float32, NaN for unknown: `decision.correction.FEATURES`, then the match
            weight of each column.
        similarity: Breaks ties, (n,) float32.
        n_columns: Key columns.
        uncertainty: The standard deviation of the error that the log-odds of all pairs have in common.
        validate: Which pairs can be links together, as of `link`.
        threshold: Which pairs are links, as of `link`.
    """

    left: Integers
    right: Integers
    log_odds: Floats
    features: Floats
    similarity: Floats
    n_columns: int
    uncertainty: float
    validate: str = "m:1"
    threshold: Threshold = "auto"

    def __len__(self) -> int:
        return len(self.left)


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
        uncertainty: The standard deviation of the error that all log-odds have in common.
    """

    log_odds: Floats
    corrected: Floats
    linked: Bools
    lowest: float
    uncertainty: float

    @property
    def probability(self) -> Floats:
        """Match probabilities, (n,) float32."""
        return sigmoid(self.log_odds)


def pool_of(links: Links) -> Pool:
    """The pool of links, with features computed again from their evidence.

    Args:
        links: Links of two tables with match probabilities.

    Returns:
        Their candidate pairs.

    Raises:
        InvalidArgumentError: The links kept no evidence.
    """
    kept = links.evidence
    if kept is None:
        raise InvalidArgumentError(
            "These links kept no candidate pairs to ask about. Link the tables by link(left, right) with "
            'match probabilities (not scores="similarity").'
        )
    names, values, bits = kept.features()
    n_columns = bits.shape[1]
    views = [view[kept.at] for view in kept.searched.views.values()]
    similarity = np.fmax.reduce(views) if views else np.zeros(len(kept.at), dtype=np.float32)
    rule = links.details.get("rule")
    lowest = links.details.get("threshold")
    threshold: Threshold = (
        "auto" if rule == "the best expected F1" or not isinstance(lowest, float) else lowest
    )
    return Pool(
        kept.left.astype(np.int64),
        kept.right.astype(np.int64),
        kept.log_odds,
        matrix_of(_names(n_columns), names, values, bits),
        similarity.astype(np.float32),
        n_columns,
        kept.decision.uncertainty,
        str(links.details.get("validate", "m:1")),
        threshold,
    )


def refit(pool: Pool, answers: Answers, *, by_share: bool = False) -> Refitted:
    """The decision for all pairs after these answers.

    The correction of `fit_decision` is fitted to the answers: pairs may be chosen by anything that is known
    of them but the answer. The log-odds of a pair that was asked about also move by those of its answers.

    Args:
        pool: All pairs.
        answers: Those so far; none gives the decision without answers.
        by_share: The pairs were drawn at random among the best candidates, as `fit_decision` assumes: the
            share of known matches that were probable tells of the number of all matches.

    Returns:
        The log-odds of all pairs after the answers, and their uncertainty.
    """
    z, uncertainty = pool.log_odds, pool.uncertainty
    corrected = z
    if len(answers):
        net = np.bincount(answers.at, np.where(answers.match, 1.0, -1.0), len(pool))
        job = LabelledJob(
            z,
            _names(pool.n_columns),
            pool.features,
            pool.features[:, pool.features.shape[1] - pool.n_columns :],
            tuple(map(str, range(pool.n_columns))),
            np.flatnonzero(net > 0),
            np.flatnonzero(net < 0),
            chosen=not by_share,
        )
        if len(job.matches) + len(job.others):
            learned = fit_correction(job, pool.uncertainty)
            here = learned.on_columns(job.columns) or learned
            corrected = here.corrected(z, here.offset(job.names, job.values, job.bits))
            if not by_share:
                corrected = _supported(z, corrected, job.matches, job.others)
            uncertainty = learned.uncertainty
        z = (corrected + SURE * net).astype(np.float32)
    p = sigmoid(z)
    choice = choose(pool.left, pool.right, p, pool.similarity, pool.validate, pool.threshold)
    linked = np.zeros(len(pool), dtype=bool)
    linked[choice.pairs] = True
    lowest = EVEN if choice.threshold is None else float(choice.threshold)
    return Refitted(z, corrected, linked, lowest, uncertainty)


def _supported(z: Floats, corrected: Floats, matches: Integers, others: Integers) -> Floats:
    """The corrected log-odds, but those of no pair raised that is less probable than every known match.

    Nor are those of a pair lowered that is more probable than every known non-match: answers for pairs in
    doubt say little of pairs far from them.
    """
    lowest = z[matches].min() if len(matches) else np.inf
    highest = z[others].max() if len(others) else -np.inf
    far = ((corrected > z) & (z < lowest)) | ((corrected < z) & (z > highest))
    return np.where(far, z, corrected)


def links_after(links: Links, pool: Pool, refitted: Refitted) -> Links:
    """Links by the decision after answers, with every unlinked row and its reason.

    Their evidence is that of before: `explain` speaks of the decision without answers.

    Args:
        links: The links before.
        pool: Their candidate pairs, from `pool_of`.
        refitted: The decision after the answers, from `refit`.

    Returns:
        The new links.

    Raises:
        InvalidArgumentError: The links kept no evidence.
    """
    kept = links.evidence
    if kept is None:
        raise InvalidArgumentError("These links kept no candidate pairs. Link the tables again by link().")
    views = {name: np.clip(score[kept.at], -1, 1) for name, score in kept.searched.views.items()}
    pairs = Candidates(pool.left, pool.right, views, len(kept.nodes[0]), len(kept.nodes[1]))
    probabilities = Probabilities(kept.at.astype(np.int64), refitted.log_odds, refitted.uncertainty)
    fused = Fused(pairs, probabilities.probability, probabilities)
    details = {**links.details, "decision": "learned from labels"}
    new = decided((links.left, links.right), kept.nodes, fused, pool.validate, pool.threshold, details)
    return replace(new, pictures=links.pictures, evidence=kept)


def _names(n_columns: int) -> tuple[str, ...]:
    return named(tuple(map(str, range(n_columns))))[0]
