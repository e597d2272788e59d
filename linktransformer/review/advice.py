"""What answers so far say: the decision after them, what to ask next, and how sure the links are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.results.estimate import Estimate, estimate
from linktransformer.results.sample import Ordered, Sample, first_of
from linktransformer.review.questions import Outlook, next_pairs, outlook
from linktransformer.review.refit import Answers, Pool, refit
from linktransformer.tables.answered_pairs import Standing

__all__ = ["AHEAD", "Advice", "Judged", "advise"]

AHEAD = 20  # pairs that are chosen at once


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The answers so far.

    Args:
        version: Of the file of answers.
        standing: Left label, right label, answer and reviewer, each reviewer's last one for a pair.
        answered: Which pairs have an answer of anybody, (n_pairs,) bool.
        clear: The pairs with yes or no on which no two reviewers disagree.
    """

    version: tuple[int, int]
    standing: list[Standing]
    answered: Bools
    clear: Answers


@dataclass(frozen=True, slots=True, eq=False)
class Advice:
    """What is shown beside the questions, and the next ones.

    Args:
        version: Of the answers that it is made of.
        at: The pairs to ask about next, the first one first, (n,) int64.
        probability: Of every pair after the answers, (n_pairs,) float32.
        added: How many pairs are links after the answers that were none before.
        removed: How many were links before and are none.
        outlook: What more answers would tell, None where no pair is left.
        estimate: Precision and recall of the links as they were, by the random questions alone; None where
            these are too few.
    """

    version: tuple[int, int]
    at: Integers
    probability: Floats
    added: int
    removed: int
    outlook: Outlook | None
    estimate: Estimate | None


def advise(pool: Pool, judged: Judged, ordered: Ordered, seed: int) -> Advice:
    """Refit the decision and choose the next questions; of these none has an answer, be it "unsure"."""
    now = refit(pool, judged.clear)
    others = np.setdiff1d(np.flatnonzero(judged.answered), judged.clear.at)
    asked = next_pairs(pool, judged.clear, AHEAD + len(others), seed, now).at
    asked = asked[~judged.answered[asked]][:AHEAD]
    return Advice(
        judged.version,
        asked,
        now.probability,
        int((now.linked & ~pool.without_answers).sum()),
        int((pool.without_answers & ~now.linked).sum()),
        outlook(pool, judged.clear, now, asked) if len(asked) else None,
        _estimate(pool, judged, ordered),
    )


def _estimate(pool: Pool, judged: Judged, ordered: Ordered) -> Estimate | None:
    """By the first pairs of the random order, as far as all of them have an answer."""
    missing = ~judged.answered[ordered.at]
    n = int(missing.argmax()) if missing.any() else len(missing)
    score = (1 / (1 + np.exp(-pool.log_odds.astype(np.float64)))).astype(np.float32)
    sample: Sample = replace(first_of(ordered, score, pool.linked, n), spread=pool.prior.level)
    match = np.full(len(pool), np.nan)
    match[judged.clear.at] = judged.clear.match
    known = match[sample.at]
    seen = np.bincount(sample.stratum[~np.isnan(known)], minlength=len(sample.sizes))
    return estimate(sample, known) if len(seen) and seen.min() > 0 else None
